import { FormatError } from '../core/errors.ts';

/** One value of DER: its tag, and what it holds. Both buffers are views. */
export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
  /** With tag and length, as it stands in the file. */
  readonly whole: Buffer;
}

/** Tags as they stand in the byte: class, constructed bit and number. */
export const derTags = {
  integer: 0x02,
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
  set: 0x31,
  /** `[0]`, as a wrapper around another value. */
  explicit0: 0xa0,
  /** `[0]`, in place of the tag of a primitive value. */
  implicit0: 0x80,
} as const;

const maxLengthBytes = 4;

/**
 * Reads values one after the other. Source: ITU-T X.690, section 10 (definite lengths only).
 * Every length is checked against what is there; what breaks the rules is a FormatError.
 */
export class DerReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** The tag of the next value; `undefined` at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#offset];
  }

  /** @param tag what it must be; absent: anything */
  next(what: string, tag?: number): DerValue {
    const from = this.#offset;
    const found = this.#byte(what);
    if ((found & 0x1f) === 0x1f) throw new FormatError(`${what}: a tag of several bytes`, from);
    if (tag !== undefined && found !== tag) {
      throw new FormatError(`${what}: tag ${found} in place of ${tag}`, from);
    }
    const length = this.#length(what);
    const begin = this.#offset;
    if (length > this.#bytes.length - begin) {
      throw new FormatError(`${what}: ${length} bytes do not fit`, from);
    }
    this.#offset = begin + length;
    return {
      tag: found,
      content: this.#bytes.subarray(begin, this.#offset),
      whole: this.#bytes.subarray(from, this.#offset),
    };
  }

  /** A reader of what the next value holds. */
  enter(what: string, tag: number): DerReader {
    return new DerReader(this.next(what, tag).content);
  }

  /** A whole number of at most 4 bytes. */
  integer(what: string): number {
    const from = this.#offset;
    const { content } = this.next(what, derTags.integer);
    if (content.length === 0 || content.length > 4) {
      throw new FormatError(`${what}: a number of ${content.length} bytes`, from);
    }
    return content.readIntBE(0, content.length);
  }

  octets(what: string): Buffer {
    return this.next(what, derTags.octetString).content;
  }

  /** As `1.2.840.113549`. */
  objectIdentifier(what: string): string {
    const { content } = this.next(what, derTags.objectIdentifier);
    const numbers: number[] = [];
    let number = 0;
    for (const byte of content) {
      number = number * 128 + (byte & 0x7f);
      if (byte >= 0x80) continue;
      if (numbers.length > 0) numbers.push(number);
      else {
        const first = Math.min(2, Math.floor(number / 40));
        numbers.push(first, number - first * 40);
      }
      number = 0;
    }
    return numbers.join('.');
  }

  #length(what: string): number {
    const at = this.#offset;
    const first = this.#byte(what);
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > maxLengthBytes) {
      throw new FormatError(`${what}: a length of a kind that is not read`, at);
    }
    let length = 0;
    for (let index = 0; index < count; index++) length = length * 256 + this.#byte(what);
    return length;
  }

  #byte(what: string): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw new FormatError(`${what}: it ends too early`, this.#offset);
    this.#offset++;
    return byte;
  }
}
