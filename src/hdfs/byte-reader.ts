import type { OnReadOpts, Socket } from 'node:net';
import { ConnectionError, FormatError } from '../core/errors.ts';

/** A length of more bytes than this is none. */
const maxLengthBytes = 5;
/** A slab that has less room left is not read into any more. */
const minReadBytes = 2_048;

interface Waiter {
  readonly bytes: number;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Reads from a socket as many bytes as are asked for; one reader at a time. What comes is read into
 * slabs of its own, one behind the other: what is taken are views of them, which may be kept, or
 * are good until `release` where the memory is reused. Memory that a processor has just had in its
 * caches is read into at half the cost.
 */
export class ByteReader {
  readonly #peer: string;
  readonly #slabBytes: number;
  /** Slabs that may hold what was taken or has come, the oldest first; and those that don't. */
  readonly #filled: Buffer[] | undefined;
  readonly #spare: Buffer[] = [];
  #socket: Socket | undefined;
  #slab: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  #length = 0;
  #paused = false;
  #waiter: Waiter | undefined;
  #ended: Error | undefined;

  /**
   * @param peer who sends, for messages
   * @param slabBytes of a slab; so much is also read ahead, at most
   * @param reuses read into the same memory again once it is released?
   */
  constructor(peer: string, slabBytes: number, reuses = false) {
    this.#peer = peer;
    this.#slabBytes = slabBytes;
    if (reuses) this.#filled = [];
  }

  /** What the socket is opened with. */
  get onRead(): OnReadOpts {
    return {
      buffer: () => this.#nextRoom(),
      callback: (length) => this.#receive(length),
    };
  }

  attach(socket: Socket): void {
    this.#socket = socket;
    const lost = (why: string) => this.fail(new ConnectionError(`${this.#peer}${why}`));
    socket.on('error', (error) => lost(`: ${error.message}`));
    socket.on('close', () => lost(' closed the connection'));
    socket.resume();
  }

  /** Ends the wait of whoever reads; what has come already can still be read. */
  fail(error: Error): void {
    this.#ended ??= error;
    this.#waiter?.reject(this.#ended);
    this.#waiter = undefined;
  }

  /** Somebody waits for more than has come. */
  get waiting(): boolean {
    return this.#waiter !== undefined;
  }

  /**
   * Resolves when so many bytes can be taken.
   *
   * @throws ConnectionError when the connection ends before
   */
  async need(count: number): Promise<void> {
    if (this.#length >= count) return;
    if (this.#ended) throw this.#ended;
    if (this.#paused) setImmediate(() => this.#resume());
    await new Promise<void>((resolve, reject) => {
      this.#waiter = { bytes: count, resolve, reject };
    });
  }

  /** The next bytes, which are there: a view, or a copy where they lie in two slabs. */
  take(count: number): Buffer {
    const views = this.takeViews(count);
    const [only] = views;
    return views.length === 1 && only ? only : Buffer.concat(views, count);
  }

  /** The next bytes, which are there, as views. */
  takeViews(count: number): Buffer[] {
    const views: Buffer[] = [];
    let left = count;
    let used = 0;
    for (const chunk of this.#chunks) {
      if (left === 0) break;
      if (chunk.length > left) {
        views.push(chunk.subarray(0, left));
        this.#chunks[used] = chunk.subarray(left);
        left = 0;
      } else {
        views.push(chunk);
        left -= chunk.length;
        used++;
      }
    }
    if (used > 0) this.#chunks.splice(0, used);
    this.#length -= count - left;
    return views;
  }

  /** Nobody needs what was taken until now. */
  release(): void {
    const filled = this.#filled;
    if (!filled) return;
    const { buffer: needed } = this.#chunks[0] ?? this.#slab;
    while (filled[0] && filled[0].buffer !== needed) this.#spare.push(...filled.splice(0, 1));
  }

  /** A message behind its length, a varint. */
  async delimited(maxBytes: number): Promise<Buffer> {
    let length = 0;
    for (let index = 0; index < maxLengthBytes; index++) {
      await this.need(1);
      const [byte = 0] = this.take(1);
      length += (byte & 127) * 2 ** (7 * index);
      if (byte > 127) continue;
      if (length > maxBytes) break;
      await this.need(length);
      return this.take(length);
    }
    throw new FormatError(`${this.#peer} sent a message that is too long`, 0);
  }

  #nextRoom(): Buffer {
    if (this.#slab.length < minReadBytes) {
      this.#slab = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#slabBytes);
      this.#filled?.push(this.#slab);
    }
    return this.#slab;
  }

  /** False: read no more until somebody needs it. */
  #receive(length: number): boolean {
    const chunk = this.#slab.subarray(0, length);
    this.#slab = this.#slab.subarray(length);
    const last = this.#chunks.at(-1);
    // Joined with what came just before it, where both lie in one slab.
    if (last && last.buffer === chunk.buffer) {
      const joined = Buffer.from(chunk.buffer, last.byteOffset, last.length + length);
      this.#chunks[this.#chunks.length - 1] = joined;
    } else {
      this.#chunks.push(chunk);
    }
    this.#length += length;
    const waiter = this.#waiter;
    if (waiter && this.#length >= waiter.bytes) {
      this.#waiter = undefined;
      waiter.resolve();
    }
    this.#paused = this.#waiter === undefined && this.#length >= this.#slabBytes;
    return !this.#paused;
  }

  /** In a later turn of the loop: a fast peer would keep it from everything else. */
  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket?.resume();
  }
}
