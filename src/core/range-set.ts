import type { Range } from './channel.ts';

/**
 * A set of whole numbers as sorted ranges `[from, to)` that neither overlap nor touch: the offsets
 * of a stream that are committed, the sequences that are lent. Nearly always one range or none;
 * many where the events of a batch go to many files.
 */
export class RangeSet implements Iterable<Range> {
  /** from, to, from, to, … rising. */
  #bounds: number[] = [];

  static of(ranges: Iterable<Range>): RangeSet {
    const set = new RangeSet();
    let last = 0;
    for (const [from, to] of ranges) {
      if (from < last) return RangeSet.#sorted(ranges);
      set.add(from, to);
      last = from;
    }
    return set;
  }

  /** In order each is added at the end: else the set would be moved over and over. */
  static #sorted(ranges: Iterable<Range>): RangeSet {
    const set = new RangeSet();
    for (const [from, to] of [...ranges].sort(([one], [other]) => one - other)) set.add(from, to);
    return set;
  }

  get empty(): boolean {
    return this.#bounds.length === 0;
  }

  /** The lowest number in the set; only of a set that is not empty. */
  get first(): number {
    return this.#bounds[0] as number;
  }

  add(from: number, to: number): void {
    if (from >= to) return;
    const bounds = this.#bounds;
    const last = bounds.length - 1;
    if (last < 0 || from > (bounds[last] as number)) {
      bounds.push(from, to);
      return;
    }
    if (from === bounds[last]) {
      bounds[last] = to;
      return;
    }
    // Every range that overlaps or touches the new one melts into it.
    const low = this.#firstEndingAt(from);
    let high = low;
    while (high < bounds.length && (bounds[high] as number) <= to) high += 2;
    const start = high > low ? Math.min(from, bounds[low] as number) : from;
    const end = high > low ? Math.max(to, bounds[high - 1] as number) : to;
    bounds.splice(low, high - low, start, end);
  }

  delete(from: number, to: number): void {
    if (from >= to) return;
    const bounds = this.#bounds;
    const low = this.#firstEndingAt(from + 1);
    let high = low;
    while (high < bounds.length && (bounds[high] as number) < to) high += 2;
    if (high === low) return;
    const start = bounds[low] as number;
    const end = bounds[high - 1] as number;
    const kept: number[] = [];
    if (start < from) kept.push(start, from);
    if (end > to) kept.push(to, end);
    bounds.splice(low, high - low, ...kept);
  }

  /** The same for many ranges, which rise and don't overlap: at once, in one go through the set. */
  addAll(ranges: readonly Range[]): void {
    if (ranges.length <= fewRanges) {
      for (const [from, to] of ranges) this.add(from, to);
      return;
    }
    const merged = new RangeSet();
    let index = 0;
    for (const [from, to] of ranges) {
      for (; index < this.#bounds.length && (this.#bounds[index] as number) <= from; index += 2) {
        merged.add(this.#bounds[index] as number, this.#bounds[index + 1] as number);
      }
      merged.add(from, to);
    }
    for (; index < this.#bounds.length; index += 2) {
      merged.add(this.#bounds[index] as number, this.#bounds[index + 1] as number);
    }
    this.#bounds = merged.#bounds;
  }

  deleteAll(ranges: readonly Range[]): void {
    if (ranges.length <= fewRanges) {
      for (const [from, to] of ranges) this.delete(from, to);
      return;
    }
    const kept: number[] = [];
    let at = 0;
    for (let index = 0; index < this.#bounds.length; index += 2) {
      let start = this.#bounds[index] as number;
      const end = this.#bounds[index + 1] as number;
      for (; at < ranges.length && (ranges[at] as Range)[0] < end; at++) {
        const [from, to] = ranges[at] as Range;
        if (from > start) kept.push(start, from);
        start = Math.max(start, to);
        // It may reach into the next range of the set.
        if (to > end) break;
      }
      if (start < end) kept.push(start, end);
    }
    this.#bounds = kept;
  }

  has(number: number): boolean {
    return this.covers(number, number + 1);
  }

  /** Are all of `[from, to)` in the set? */
  covers(from: number, to: number): boolean {
    if (from >= to) return true;
    const bounds = this.#bounds;
    const index = this.#firstEndingAt(from + 1);
    if (index === bounds.length) return false;
    return (bounds[index] as number) <= from && to <= (bounds[index + 1] as number);
  }

  /** The end of the range that begins at or before `from` and reaches it; else `from` itself. */
  reach(from: number): number {
    const index = this.#firstEndingAt(from);
    const start = this.#bounds[index];
    return start !== undefined && start <= from ? (this.#bounds[index + 1] as number) : from;
  }

  clear(): void {
    this.#bounds.length = 0;
  }

  *[Symbol.iterator](): Iterator<Range> {
    for (let index = 0; index < this.#bounds.length; index += 2) {
      yield [this.#bounds[index] as number, this.#bounds[index + 1] as number];
    }
  }

  /** Where the first range stands that ends at `number` or behind it. */
  #firstEndingAt(number: number): number {
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length / 2;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((bounds[2 * middle + 1] as number) < number) low = middle + 1;
      else high = middle;
    }
    return 2 * low;
  }
}

/** So few are cheaper one by one. */
const fewRanges = 8;
