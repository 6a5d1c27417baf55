import { FormatError } from '../../core/errors.ts';

/** A value as it is read: whole numbers of 64 bits are bigints, bytes are views of the page. */
export type Value = string | number | bigint | boolean | Buffer;

/** How a column's values are to be read. */
export interface ValueType {
  readonly physical: 'boolean' | 'int32' | 'int64' | 'float' | 'double' | 'bytes' | 'fixed';
  /** Of `fixed`: how many bytes each has. */
  readonly length: number;
  /** Are bytes UTF-8? */
  readonly isText: boolean;
}

/** Reads the PLAIN encoding; see `PageBytes`. Booleans are bits, the lowest of a byte first. */
export class PlainReader {
  readonly #bytes: Buffer;
  readonly #type: ValueType;
  readonly #base: number;
  #at = 0;
  /** Of booleans: bits read so far. */
  #bit = 0;

  /** @param base the offset of the bytes, for errors */
  constructor(bytes: Buffer, type: ValueType, base: number) {
    this.#bytes = bytes;
    this.#type = type;
    this.#base = base;
  }

  read(out: (Value | undefined)[], from: number, count: number): void {
    for (let index = from; index < from + count; index++) out[index] = this.#next();
  }

  #next(): Value {
    switch (this.#type.physical) {
      case 'boolean':
        return this.#boolean();
      case 'int32':
        return this.#bytes.readInt32LE(this.#advance(4));
      case 'int64':
        return this.#bytes.readBigInt64LE(this.#advance(8));
      case 'float':
        return this.#bytes.readFloatLE(this.#advance(4));
      case 'double':
        return this.#bytes.readDoubleLE(this.#advance(8));
      case 'fixed':
        return this.#part(this.#type.length);
      case 'bytes':
        return this.#part(this.#bytes.readUInt32LE(this.#advance(4)));
    }
  }

  #part(length: number): Value {
    const from = this.#advance(length);
    return this.#type.isText
      ? this.#bytes.toString('utf8', from, from + length)
      : this.#bytes.subarray(from, from + length);
  }

  #boolean(): boolean {
    const byte = this.#bytes[this.#bit >>> 3];
    if (byte === undefined) return this.#fail();
    return ((byte >>> (this.#bit++ & 7)) & 1) === 1;
  }

  #advance(length: number): number {
    const from = this.#at;
    if (length > this.#bytes.length - from) this.#fail();
    this.#at += length;
    return from;
  }

  #fail(): never {
    throw new FormatError('a page has fewer values than it says', this.#base + this.#at);
  }
}
