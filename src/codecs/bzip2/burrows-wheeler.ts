import { sortSuffixes } from './suffix-sort.ts';

/** The Burrows–Wheeler transform of blocks of up to so many bytes, forth and back. */
export class BurrowsWheeler {
  readonly #suffixes: Int32Array;
  readonly #twice: Uint8Array;

  constructor(maxBytes: number) {
    this.#suffixes = new Int32Array(maxBytes);
    this.#twice = new Uint8Array(maxBytes * 2);
  }

  /**
   * Writes the last column of the sorted rotations of a block.
   *
   * The suffixes of a rotation that no other one is smaller than (a power of a Lyndon word) have
   * the order of the rotations that begin with them: where one suffix begins another, the rest of
   * its rotation is the smallest there is. So one linear sort of suffixes does, with no end mark.
   *
   * @returns the row in which the block itself stands
   */
  transform(block: Uint8Array, lastColumn: Uint8Array): number {
    const { length } = block;
    this.#twice.set(block);
    this.#twice.set(block, length);
    const shift = leastRotation(this.#twice, length);
    const rotation = this.#twice.subarray(shift, shift + length);
    const suffixes = this.#suffixes;
    sortSuffixes(rotation, suffixes.subarray(0, length), 256);
    const origin = shift === 0 ? 0 : length - shift;
    let row = 0;
    for (let index = 0; index < length; index++) {
      const start = suffixes[index] as number;
      if (start === origin) row = index;
      lastColumn[index] = rotation[start === 0 ? length - 1 : start - 1] as number;
    }
    return row;
  }
}

/** Where the smallest rotation begins. Linear: each comparison rules out a start or goes on. */
function leastRotation(twice: Uint8Array, length: number): number {
  let best = 0;
  let other = 1;
  let equal = 0;
  while (other < length && equal < length) {
    const difference = (twice[other + equal] as number) - (twice[best + equal] as number);
    if (difference === 0) equal++;
    else {
      // The starts behind the one that loses lose against those behind the other one.
      if (difference > 0) other += equal + 1;
      else {
        best = Math.max(other, best + equal + 1);
        other = best + 1;
      }
      equal = 0;
      const first = twice[best] as number;
      while (other < length && (twice[other] as number) > first) other++;
    }
  }
  return best;
}

/**
 * Prepares to read a block back: each entry is the next row << 8, and its lowest byte is the
 * block's next one. What is no transform of anything gives other bytes, no error.
 *
 * @param rows the last column in its lowest bytes, the rest 0
 * @param counts how often each byte is in it
 */
export function invert(rows: Int32Array, length: number, counts: Int32Array): void {
  const next = new Int32Array(256);
  let sum = 0;
  for (let byte = 0; byte < 256; byte++) {
    next[byte] = sum;
    sum += counts[byte] as number;
  }
  for (let row = 0; row < length; row++) {
    const byte = (rows[row] as number) & 255;
    const place = next[byte] as number;
    next[byte] = place + 1;
    rows[place] = (rows[place] as number) | (row << 8);
  }
}
