/**
 * Bytes that grow at their end. `take` gives them away and begins anew, so what was taken is never
 * written to again.
 */
export class Writer {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 1024) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  /** How many bytes were written since the last `take`. */
  get length(): number {
    return this.#length;
  }

  /**
   * A signed integer as Avro and protocol buffers write it: zigzag, then 7 bits per byte, lowest
   * first. Between -2^52 and 2^52.
   */
  zigzag(value: number): void {
    this.#reserve(10);
    // Not with shifts: those know 32 bits only.
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    while (rest > 127) {
      this.#buffer[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** `source` between two offsets, as it is. */
  bytes(source: Buffer, from = 0, to = source.length): void {
    this.#reserve(to - from);
    this.#length += source.copy(this.#buffer, this.#length, from, to);
  }

  /** In UTF-8, without its length. */
  text(value: string): void {
    // One UTF-16 unit takes at most three bytes.
    this.#reserve(value.length * 3);
    this.#length += this.#buffer.write(value, this.#length);
  }

  /** Everything written since the last `take`; the caller's from now on. */
  take(): Buffer {
    const written = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    // Little in a large buffer is copied out, so that it does not keep the large one alive.
    if (written.length < this.#buffer.length / 2) return Buffer.from(written);
    this.#buffer = Buffer.allocUnsafe(this.#buffer.length);
    return written;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
