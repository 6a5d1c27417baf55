import { FormatError } from '../../core/errors.ts';
import type { PageBytes } from './page-bytes.ts';

/**
 * Parquet's hybrid of runs and packed bits, for levels and for indices into a dictionary.
 * Source: parquet-format 2.11, "Run Length Encoding / Bit-Packing Hybrid".
 *
 *   hybrid => [run]
 *   run    => repeated | packed
 *     repeated => header value       header: varint, count × 2; value: the fewest whole bytes
 *     packed   => header bits        header: varint, groups × 2 + 1; eight values in each group,
 *                                    lowest bit first; what fills the last group means nothing
 *
 * @param width bits per value, 0 to 24
 */
export function writeHybrid(
  out: PageBytes,
  values: Uint8Array | Uint32Array,
  count: number,
  width: number,
): void {
  let packedFrom = 0;
  for (let at = 0; at < count; ) {
    const value = values[at] as number;
    let end = at + 1;
    while (end < count && values[end] === value) end++;
    // Packed values come by eights: the run gives as many as are missing.
    const missing = (packedFrom - at) & 7;
    if (end - at - missing >= shortestRun) {
      const from = at + missing;
      writePackedRun(out, values, packedFrom, from, width);
      out.varint((end - from) * 2);
      for (let bits = 0; bits < width; bits += 8) out.u8((value >>> bits) & 255);
      packedFrom = end;
    }
    at = end;
  }
  writePackedRun(out, values, packedFrom, count, width);
}

/** A shorter run is smaller packed. */
const shortestRun = 8;

function writePackedRun(
  out: PageBytes,
  values: Uint8Array | Uint32Array,
  from: number,
  to: number,
  width: number,
): void {
  if (from === to) return;
  const groups = Math.ceil((to - from) / 8);
  out.varint(groups * 2 + 1);
  packBits(out, values, from, from + groups * 8, width, to);
}

/**
 * Values one after the other, lowest bit first, in the fewest whole bytes; from `known` on they
 * are 0.
 */
export function packBits(
  out: PageBytes,
  values: Uint8Array | Uint32Array,
  from: number,
  to: number,
  width: number,
  known = to,
): void {
  let next = out.extend(Math.ceil(((to - from) * width) / 8));
  const { buffer } = out;
  let bits = 0;
  let bitCount = 0;
  for (let at = from; at < to; at++) {
    bits |= (at < known ? (values[at] as number) : 0) << bitCount;
    bitCount += width;
    for (; bitCount >= 8; bitCount -= 8) {
      buffer[next++] = bits;
      bits >>>= 8;
    }
  }
  if (bitCount > 0) buffer[next] = bits;
}

/** How many bits values below `count` take. */
export function widthFor(count: number): number {
  return count <= 1 ? 0 : 32 - Math.clz32(count - 1);
}

/** Reads what `writeHybrid` writes, of up to 32 bits per value, as it is asked for. */
export class HybridReader {
  readonly #bytes: Buffer;
  readonly #base: number;
  readonly #width: number;
  #at = 0;
  #repeated = 0;
  #value = 0;
  #packed = 0;
  /** Bits of the byte before `#at` that were not taken yet, and how many. */
  #bits = 0;
  #bitCount = 0;

  /** @param base the offset of the bytes, for errors */
  constructor(bytes: Buffer, width: number, base: number) {
    if (width > 32) throw new FormatError(`values of ${width} bits`, base);
    this.#bytes = bytes;
    this.#width = width;
    this.#base = base;
  }

  /** The next values, into the beginning of `out`. */
  read(out: Uint32Array, count: number): void {
    for (let done = 0; done < count; ) {
      if (this.#repeated === 0 && this.#packed === 0) this.#nextRun();
      if (this.#repeated > 0) {
        const some = Math.min(this.#repeated, count - done);
        out.fill(this.#value, done, done + some);
        this.#repeated -= some;
        done += some;
      } else {
        const some = Math.min(this.#packed, count - done);
        for (let index = 0; index < some; index++) out[done + index] = this.#unpack();
        this.#packed -= some;
        done += some;
      }
    }
  }

  #nextRun(): void {
    const from = this.#at;
    const header = this.#varint();
    this.#bits = 0;
    this.#bitCount = 0;
    if (header % 2 === 0) {
      this.#repeated = header / 2;
      let value = 0;
      let unit = 1;
      for (let bits = 0; bits < this.#width; bits += 8, unit *= 256) value += this.#byte() * unit;
      this.#value = value;
    } else {
      const groups = (header - 1) / 2;
      // The last group may lack the bytes that only fill it.
      if ((groups - 1) * this.#width > this.#bytes.length - this.#at) this.#fail('cut off');
      this.#packed = groups * 8;
    }
    if (this.#repeated === 0 && this.#packed === 0) {
      throw new FormatError('a run without values', this.#base + from);
    }
  }

  #unpack(): number {
    const width = this.#width;
    let value = 0;
    for (let got = 0; got < width; ) {
      if (this.#bitCount === 0) {
        this.#bits = this.#byte();
        this.#bitCount = 8;
      }
      const some = Math.min(width - got, this.#bitCount);
      value += (this.#bits & ((1 << some) - 1)) * 2 ** got;
      this.#bits >>>= some;
      this.#bitCount -= some;
      got += some;
    }
    return value;
  }

  #varint(): number {
    let value = 0;
    for (let unit = 1; unit <= 2 ** 28; unit *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
    return this.#fail('too long');
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) this.#fail('cut off');
    return this.#bytes[this.#at++] as number;
  }

  #fail(how: string): never {
    throw new FormatError(`a run of values is ${how}`, this.#base + this.#at);
  }
}
