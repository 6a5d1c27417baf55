import type { Socket } from 'node:net';
import { ConnectionError, FormatError } from '../core/errors.ts';

/** More than this is not read ahead. */
const maxAheadBytes = 1 << 20;
/** A length of more bytes than this is none. */
const maxLengthBytes = 5;

interface Waiter {
  readonly bytes: number;
  resolve(): void;
  reject(error: Error): void;
}

/** Reads from a socket as many bytes as are asked for; one reader at a time. */
export class ByteReader {
  readonly #socket: Socket;
  readonly #peer: string;
  #chunks: Buffer[] = [];
  #length = 0;
  #waiter: Waiter | undefined;
  #ended: Error | undefined;

  /** @param peer who sends, for messages */
  constructor(socket: Socket, peer: string) {
    this.#socket = socket;
    this.#peer = peer;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.fail(new ConnectionError(`${peer}: ${error.message}`)));
    socket.on('close', () => this.fail(new ConnectionError(`${peer} closed the connection`)));
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
   * The next bytes: a view of what was received, or a copy where they came in parts.
   *
   * @throws ConnectionError when the connection ends before
   */
  async bytes(count: number): Promise<Buffer> {
    const views = await this.views(count);
    const [only] = views;
    return views.length === 1 && only ? only : Buffer.concat(views, count);
  }

  /** The next bytes, as views of what was received. */
  async views(count: number): Promise<Buffer[]> {
    if (this.#length < count) await this.#until(count);
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
    this.#length -= count;
    if (this.#length < maxAheadBytes && this.#socket.isPaused()) this.#socket.resume();
    return views;
  }

  /** A message behind its length, a varint. */
  async delimited(maxBytes: number): Promise<Buffer> {
    let length = 0;
    for (let index = 0; index < maxLengthBytes; index++) {
      const [byte = 0] = await this.bytes(1);
      length += (byte & 127) * 2 ** (7 * index);
      if (byte > 127) continue;
      if (length > maxBytes) break;
      return this.bytes(length);
    }
    throw new FormatError(`${this.#peer} sent a message that is too long`, 0);
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const waiter = this.#waiter;
    if (waiter && this.#length >= waiter.bytes) {
      this.#waiter = undefined;
      waiter.resolve();
    } else if (!waiter && this.#length >= maxAheadBytes) {
      this.#socket.pause();
    }
  }

  async #until(bytes: number): Promise<void> {
    const ended = this.#ended;
    if (ended) throw ended;
    this.#socket.resume();
    await new Promise<void>((resolve, reject) => {
      this.#waiter = { bytes, resolve, reject };
    });
  }
}
