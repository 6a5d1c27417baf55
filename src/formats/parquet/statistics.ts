import type { Statistics } from './metadata.ts';
import { PageBytes } from './page-bytes.ts';
import type { Scalar } from './types.ts';

/** Longer least and greatest values are cut: they need only be bounds. */
const maxBoundBytes = 64;

/**
 * The least and the greatest of byte arrays, in the order of unsigned bytes. Of each, the first
 * bytes are kept and whether more follow.
 */
export class BinaryBounds {
  readonly #min = Buffer.alloc(maxBoundBytes);
  readonly #max = Buffer.alloc(maxBoundBytes);
  #minLength = -1;
  #maxLength = -1;
  #isMinCut = false;
  #isMaxCut = false;
  readonly #isText: boolean;

  /** @param isText the bounds must be UTF-8, too */
  constructor(isText: boolean) {
    this.#isText = isText;
  }

  add(bytes: Buffer, from: number, to: number): void {
    const end = Math.min(to, from + maxBoundBytes);
    const isCut = end < to;
    if (this.#minLength < 0) {
      this.#setMin(bytes, from, end, isCut);
      this.#setMax(bytes, from, end, isCut);
      return;
    }
    const toMin = compareBytes(bytes, from, end, this.#min, 0, this.#minLength);
    if (toMin < 0 || (toMin === 0 && this.#isMinCut && !isCut)) {
      this.#setMin(bytes, from, end, isCut);
    }
    const toMax = compareBytes(bytes, from, end, this.#max, 0, this.#maxLength);
    if (toMax > 0 || (toMax === 0 && isCut)) this.#setMax(bytes, from, end, isCut);
  }

  /** The same for many at once: bounds are copied only once. */
  addAll(slab: Buffer, starts: Uint32Array, ends: Uint32Array): void {
    if (starts.length === 0) return;
    let min = 0;
    let max = 0;
    for (let index = 1; index < starts.length; index++) {
      const from = starts[index] as number;
      const to = ends[index] as number;
      const toMax = compareBytes(slab, from, to, slab, starts[max] as number, ends[max] as number);
      if (toMax > 0) max = index;
      else if (toMax < 0) {
        const toMin = compareBytes(
          slab,
          from,
          to,
          slab,
          starts[min] as number,
          ends[min] as number,
        );
        if (toMin < 0) min = index;
      }
    }
    this.add(slab, starts[min] as number, ends[min] as number);
    this.add(slab, starts[max] as number, ends[max] as number);
  }

  /** What was added since the last time. */
  take(nullCount: number): Statistics {
    if (this.#minLength < 0) return { nullCount };
    const min = Buffer.from(this.#min.subarray(0, this.#minLength));
    const max = Buffer.from(this.#max.subarray(0, this.#maxLength));
    const upper = this.#isMaxCut ? roundUp(max, this.#isText) : max;
    const statistics = {
      nullCount,
      min: this.#isMinCut && this.#isText ? wholeCharacters(min) : min,
      isMinExact: !this.#isMinCut,
      isMaxExact: !this.#isMaxCut,
    };
    this.#minLength = -1;
    return upper ? { ...statistics, max: upper } : statistics;
  }

  #setMin(bytes: Buffer, from: number, end: number, isCut: boolean): void {
    this.#minLength = bytes.copy(this.#min, 0, from, end);
    this.#isMinCut = isCut;
  }

  #setMax(bytes: Buffer, from: number, end: number, isCut: boolean): void {
    this.#maxLength = bytes.copy(this.#max, 0, from, end);
    this.#isMaxCut = isCut;
  }
}

/** A shorter one that is a prefix comes first. */
function compareBytes(
  one: Buffer,
  oneFrom: number,
  oneTo: number,
  other: Buffer,
  otherFrom: number,
  otherTo: number,
): number {
  const oneLength = oneTo - oneFrom;
  const otherLength = otherTo - otherFrom;
  const common = Math.min(oneLength, otherLength);
  for (let index = 0; index < common; index++) {
    const difference = (one[oneFrom + index] as number) - (other[otherFrom + index] as number);
    if (difference !== 0) return difference;
  }
  return oneLength - otherLength;
}

/**
 * A short value above everything that begins with these bytes. Undefined: there is none (of bytes),
 * or none that is found simply (of text).
 */
function roundUp(bytes: Buffer, isText: boolean): Buffer | undefined {
  // In text only an ASCII character can be raised without a look at what it would become.
  const highest = isText ? 126 : 254;
  for (let length = bytes.length; length > 0; length--) {
    const last = bytes[length - 1] as number;
    if (last > highest) continue;
    const raised = Buffer.from(bytes.subarray(0, length));
    raised[length - 1] = last + 1;
    return raised;
  }
  return undefined;
}

/** Without the beginning of a character that ends the bytes. */
function wholeCharacters(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && ((bytes[end - 1] as number) & 0xc0) === 0x80) end--;
  const lead = bytes[end - 1] ?? 0;
  if (lead < 0xc0) return bytes;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  return end - 1 + length === bytes.length ? bytes : bytes.subarray(0, end - 1);
}

/** The least and the greatest of numbers or booleans. NaN counts for neither. */
export class NumberBounds {
  #min: Scalar | undefined;
  #max: Scalar | undefined;
  readonly #write: (out: PageBytes, value: Scalar) => void;

  /** @param write a value in PLAIN, as bounds are written, too */
  constructor(write: (out: PageBytes, value: Scalar) => void) {
    this.#write = write;
  }

  add(value: Scalar): void {
    // Neither is less or greater than anything when it is NaN.
    if (this.#min === undefined) {
      if (Number.isNaN(value)) return;
      this.#min = value;
      this.#max = value;
    } else if (value < this.#min) this.#min = value;
    else if (value > (this.#max as Scalar)) this.#max = value;
  }

  take(nullCount: number): Statistics {
    const { min, max } = { min: this.#min, max: this.#max };
    this.#min = undefined;
    this.#max = undefined;
    if (min === undefined || max === undefined) return { nullCount };
    // Both zeros are equal, so each bound is the one that lets in the other.
    return {
      nullCount,
      min: this.#encode(min === 0 ? -0 : min),
      max: this.#encode(max === 0 ? 0 : max),
    };
  }

  #encode(value: Scalar): Buffer {
    const out = new PageBytes();
    this.#write(out, value);
    return out.take();
  }
}
