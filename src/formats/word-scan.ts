/** What `find` may find; added up. */
export const hasNonAscii = 1;
export const hasSpecial = 2;

/** The bytes for which `(byte ^ xor) < below`; of one byte: itself, and 1. */
export type ByteTest = readonly [xor: number, below: number];

const nothing = Buffer.alloc(0);
const ones = 0x01010101;
const highBits = 0x80808080 | 0;

/**
 * Tells whether a stretch of bytes has some that are special to a format, four at a time: most
 * bodies have none, and finding that out byte by byte costs more than all the rest of writing them
 * (0.25 of 0.37 µs for 200 bytes; this way 0.05).
 *
 * Where a byte of a word is less than `below`, subtracting that from each borrows into the highest
 * bit. What is found falsely lies above something that is not.
 */
export class WordScan {
  /** Two tests each: all that is asked of a word at once. */
  readonly #pairs: readonly (readonly [ByteTest, ByteTest])[];
  /** What `find` says of a single byte. */
  readonly #table = new Uint8Array(256);
  #slab: Buffer = nothing;
  /** Signed: half of the unsigned ones are no small integers to V8. */
  #words: Int32Array = new Int32Array(0);
  /** How many bytes of the slab stand before its first whole word. */
  #skip = 0;

  /** @param special of ASCII characters only */
  constructor(special: readonly ByteTest[]) {
    const pairs: [ByteTest, ByteTest][] = [];
    for (let at = 0; at < special.length; at += 2) {
      const first = special[at] as ByteTest;
      pairs.push([first, special[at + 1] ?? first]);
    }
    this.#pairs = pairs;
    this.#table.fill(hasNonAscii, 128);
    for (let byte = 0; byte < 128; byte++) {
      if (special.some(([xor, below]) => (byte ^ xor) < below)) this.#table[byte] = hasSpecial;
    }
  }

  /** Looks into this slab from now on, until `letGo`. */
  over(slab: Buffer): void {
    const skip = Math.min(slab.length, -slab.byteOffset & 3);
    const count = (slab.length - skip) >>> 2;
    this.#words =
      count > 0 ? new Int32Array(slab.buffer, slab.byteOffset + skip, count) : new Int32Array(0);
    this.#slab = slab;
    this.#skip = skip;
  }

  /** There may be thousands of files, and each would keep a slab alive. */
  letGo(): void {
    this.over(nothing);
  }

  /** What there is in `[from, to)`. */
  find(from: number, to: number): number {
    const firstWord = Math.max(0, (from - this.#skip + 3) >> 2);
    const lastWord = (to - this.#skip) >> 2;
    if (firstWord >= lastWord) return this.#findInBytes(from, to);
    const wordsFrom = this.#skip + firstWord * 4;
    const wordsTo = this.#skip + lastWord * 4;
    let found = this.#findInBytes(from, wordsFrom) | this.#findInBytes(wordsTo, to);
    for (const [one, other] of this.#pairs) {
      found |= this.#findInWords(firstWord, lastWord, one, other);
    }
    return found;
  }

  #findInBytes(from: number, to: number): number {
    const slab = this.#slab;
    const table = this.#table;
    let found = 0;
    for (let at = from; at < to; at++) found |= table[slab[at] as number] as number;
    return found;
  }

  #findInWords(from: number, to: number, one: ByteTest, other: ByteTest): number {
    const words = this.#words;
    const xor1 = (one[0] * ones) | 0;
    const below1 = (one[1] * ones) | 0;
    const xor2 = (other[0] * ones) | 0;
    const below2 = (other[1] * ones) | 0;
    let high = 0;
    let special = 0;
    for (let at = from; at < to; at++) {
      const word = words[at] as number;
      const first = word ^ xor1;
      const second = word ^ xor2;
      high |= word;
      special |= (((first - below1) | 0) & ~first) | (((second - below2) | 0) & ~second);
    }
    const nonAscii = (high & highBits) === 0 ? 0 : hasNonAscii;
    return nonAscii | ((special & highBits) === 0 ? 0 : hasSpecial);
  }
}
