import { FormatError } from '../core/errors.ts';

/**
 * Reads exactly as many bytes as are asked for from an input that comes piece by piece, and knows
 * where it is. Nothing is allocated before the input has as much: a length that lies costs no
 * memory.
 */
export class StreamReader {
  readonly #input: AsyncIterator<Buffer>;
  #chunks: Buffer[] = [];
  #buffered = 0;
  #position = 0;
  #ended = false;

  constructor(input: AsyncIterable<Buffer>) {
    this.#input = input[Symbol.asyncIterator]();
  }

  /** Bytes taken so far. */
  get position(): number {
    return this.#position;
  }

  /** Bytes that can be taken without waiting. */
  get buffered(): number {
    return this.#buffered;
  }

  /** Waits until so many bytes can be taken. False: the input ends before. */
  async fill(count: number): Promise<boolean> {
    while (this.#buffered < count && !this.#ended) {
      const { value, done } = await this.#input.next();
      if (done) this.#ended = true;
      else if (value.length > 0) {
        this.#chunks.push(value);
        this.#buffered += value.length;
      }
    }
    return this.#buffered >= count;
  }

  async atEnd(): Promise<boolean> {
    return !(await this.fill(1));
  }

  /**
   * The next bytes: a view, or a copy where they come in pieces.
   *
   * @param what for the message: `a record`
   * @throws FormatError when the input ends before
   */
  async read(count: number, what: string): Promise<Buffer> {
    if (this.#buffered < count && !(await this.fill(count))) {
      throw new FormatError(`${what} is cut off`, this.#position);
    }
    return this.take(count);
  }

  /** The next bytes, which are there already. */
  take(count: number): Buffer {
    const taken = this.peek(count);
    this.#position += count;
    this.#buffered -= count;
    let left = count;
    while (left > 0) {
      const first = this.#chunks[0] as Buffer;
      if (first.length > left) {
        this.#chunks[0] = first.subarray(left);
        break;
      }
      left -= first.length;
      this.#chunks.shift();
    }
    return taken;
  }

  /** The same, without going on. */
  peek(count: number): Buffer {
    const [first] = this.#chunks;
    if (first && first.length >= count) return first.subarray(0, count);
    // Joined once, so that what is read in many small steps is not copied at each of them.
    if (count > this.#buffered) throw new Error('more is taken than there is');
    const joined = Buffer.concat(this.#chunks, this.#buffered);
    this.#chunks = this.#buffered > 0 ? [joined] : [];
    return joined.subarray(0, count);
  }

  /** Lets go of the input. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#input.return?.();
  }
}
