import { FormatError } from '../../core/errors.ts';

/** Reads bit by bit, the highest bit of each byte first, from an input that grows at its end. */
export class BitReader {
  #bytes = new Uint8Array(0);
  #start = 0;
  #end = 0;
  /** Where the input's bytes at `#start` stand in the whole. */
  #offset = 0;
  /** Bits from `#start - 1` on downwards that were loaded and not read, at the lower end. */
  #loaded = 0;
  #loadedBits = 0;

  /** Bits that are there. */
  get left(): number {
    return (this.#end - this.#start) * 8 + this.#loadedBits;
  }

  /** The byte of the whole input in which the next bit is. */
  get offset(): number {
    return this.#offset + this.#start - Math.ceil(this.#loadedBits / 8);
  }

  add(bytes: Uint8Array): void {
    const held = this.#end - this.#start;
    const needed = held + bytes.length;
    const into = needed > this.#bytes.length ? new Uint8Array(needed * 2) : this.#bytes;
    // What was read makes room, once that is worth the copy.
    if (into !== this.#bytes || this.#end + bytes.length > into.length) {
      into.set(this.#bytes.subarray(this.#start, this.#end));
      this.#offset += this.#start;
      this.#start = 0;
      this.#end = held;
      this.#bytes = into;
    }
    into.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /**
   * @param count at most 24
   * @throws FormatError when the input ends before
   */
  read(count: number): number {
    const bits = this.peek(count);
    this.skip(count);
    return bits;
  }

  read32(): number {
    return (this.read(16) << 16) | this.read(16);
  }

  /** The next bits, at most 24; behind the end of the input are zeros. */
  peek(count: number): number {
    while (this.#loadedBits < count) {
      const byte = this.#start < this.#end ? (this.#bytes[this.#start] as number) : 0;
      this.#loaded = (this.#loaded << 8) | byte;
      this.#start++;
      this.#loadedBits += 8;
    }
    return (this.#loaded >>> (this.#loadedBits - count)) & ((1 << count) - 1);
  }

  /** Goes past bits that were peeked at. */
  skip(count: number): void {
    this.#loadedBits -= count;
    if (this.left < 0)
      throw new FormatError('bzip2: a stream is cut off', this.#offset + this.#end);
  }

  /** Goes to the next whole byte, and says whether all bits before it were 0. */
  align(): boolean {
    return this.read(this.#loadedBits % 8) === 0;
  }
}
