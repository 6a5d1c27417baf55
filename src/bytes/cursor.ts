import { FormatError } from '../core/errors.ts';

/**
 * Reads binary fields one after the other, little-endian. Every read is bounded: what lies beyond
 * the end, and every length above its limit, is a FormatError with the offset, before anything is
 * allocated.
 */
export class Cursor {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#offset;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(what: string): number {
    return this.#bytes.readUInt8(this.#advance(1, what));
  }

  u16(what: string): number {
    return this.#bytes.readUInt16LE(this.#advance(2, what));
  }

  u32(what: string): number {
    return this.#bytes.readUInt32LE(this.#advance(4, what));
  }

  f64(what: string): number {
    return this.#bytes.readDoubleLE(this.#advance(8, what));
  }

  /** A u32 that counts things of `size` bytes each that must follow. */
  count(size: number, what: string): number {
    const at = this.#offset;
    const count = this.u32(what);
    if (count * size > this.left) throw new FormatError(`${what}: ${count} do not fit`, at);
    return count;
  }

  /** The next bytes: a view. */
  view(length: number, what: string): Buffer {
    const from = this.#advance(length, what);
    return this.#bytes.subarray(from, from + length);
  }

  /** UTF-8 text behind its u32 length. */
  text(what: string): string {
    return this.view(this.count(1, what), what).toString('utf8');
  }

  end(what: string): void {
    if (this.left > 0) throw new FormatError(`${what}: ${this.left} bytes too many`, this.#offset);
  }

  fail(what: string): never {
    throw new FormatError(what, this.#offset);
  }

  #advance(bytes: number, what: string): number {
    const from = this.#offset;
    if (bytes > this.left) throw new FormatError(`${what} is cut off`, from);
    this.#offset += bytes;
    return from;
  }
}
