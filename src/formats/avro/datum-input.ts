import { FormatError } from '../../core/errors.ts';

/** What datums may cost beyond their bytes. */
export interface DatumLimits {
  /** Values that take no bytes, such as null, that may still be read: of the whole file. */
  emptyValues: number;
  /** Types inside types of one datum. */
  readonly depth: number;
  /** Characters of one datum's JSON. */
  readonly textLength: number;
}

/**
 * The plain bytes of a block, read value by value. All that follows a length or a count costs
 * either bytes of the block or one of `emptyValues`, so a count that lies ends by itself.
 *
 * @throws FormatError from every method, with the offset in the file; of a block that was
 *   compressed, that is where it begins
 */
export class DatumInput {
  readonly #bytes: Buffer;
  readonly #offset: number;
  readonly #packed: boolean;
  readonly #limits: DatumLimits;
  #at = 0;
  #depth = 0;
  #textLeft = 0;

  /** @param offset where the block's data is in the file */
  constructor(bytes: Buffer, offset: number, packed: boolean, limits: DatumLimits) {
    this.#bytes = bytes;
    this.#offset = offset;
    this.#packed = packed;
    this.#limits = limits;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  beginDatum(): void {
    this.#textLeft = this.#limits.textLength;
  }

  boolean(): boolean {
    const byte = this.#byte();
    if (byte > 1) this.fail(`a boolean is ${byte}`);
    return byte === 1;
  }

  int(): number {
    const value = this.long();
    if (typeof value === 'bigint' || value !== (value | 0)) this.fail(`an int is ${value}`);
    return value;
  }

  /** A number where that is exact, else a bigint. */
  long(): number | bigint {
    let value = 0;
    let scale = 1;
    // Seven bytes have 49 bits, which a number holds.
    for (let count = 0; count < 7; count++) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
    let bits = BigInt(value);
    for (let shift = 49n; shift < 64n; shift += 7n) {
      const byte = this.#byte();
      if (shift === 63n && byte > 1) break;
      bits += BigInt(byte & 127) << shift;
      if (byte > 127) continue;
      const long = (bits >> 1n) ^ -(bits & 1n);
      const number = Number(long);
      return Number.isSafeInteger(number) ? number : long;
    }
    return this.fail('a long has more than 64 bits');
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#advance(4));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#advance(8));
  }

  /** How many items follow until the next count; 0: no more. */
  count(): number {
    const count = this.#number('a count');
    if (count >= 0) return count;
    // The size in bytes, for those who skip.
    this.#number('the size of items');
    return -count;
  }

  /** Which of so many. */
  index(count: number, what: string): number {
    const index = this.#number(what);
    if (index < 0 || index >= count) this.fail(`${what} is ${index} of ${count}`);
    return index;
  }

  /** Bytes behind their length: a view. */
  bytes(): Buffer {
    return this.fixed(this.#length());
  }

  string(): string {
    const length = this.#length();
    const from = this.#advance(length);
    return this.#bytes.toString('utf8', from, from + length);
  }

  /** So many bytes: a view. */
  fixed(length: number): Buffer {
    const from = this.#advance(length);
    return this.#bytes.subarray(from, from + length);
  }

  /** A value was read that took no bytes. */
  empty(): void {
    if (--this.#limits.emptyValues < 0) this.fail('there are too many values without bytes');
  }

  /** Goes into a type that may hold itself. `leave` follows. */
  enter(): void {
    if (++this.#depth > this.#limits.depth) {
      this.fail(`a datum is nested deeper than ${this.#limits.depth}`);
    }
  }

  leave(): void {
    this.#depth--;
  }

  /** So many characters of JSON were made. */
  text(length: number): void {
    this.#textLeft -= length;
    if (this.#textLeft < 0) {
      this.fail(`a datum has more than ${this.#limits.textLength} characters as JSON`);
    }
  }

  fail(what: string): never {
    if (!this.#packed) throw new FormatError(what, this.#offset + this.#at);
    throw new FormatError(
      `${what}, behind ${this.#at} plain bytes of the compressed block`,
      this.#offset,
    );
  }

  #length(): number {
    const length = this.#number('a length');
    if (length < 0) this.fail(`a length is ${length}`);
    return length;
  }

  #number(what: string): number {
    const value = this.long();
    if (typeof value === 'bigint') this.fail(`${what} is ${value}`);
    return value;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) this.fail('a datum is cut off');
    this.#at++;
    return byte;
  }

  #advance(bytes: number): number {
    const from = this.#at;
    if (bytes > this.#bytes.length - from) this.fail('a datum is cut off');
    this.#at += bytes;
    return from;
  }
}
