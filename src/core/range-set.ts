import type { Range } from './channel.ts';

/**
 * A set of whole numbers as sorted ranges `[from, to)` that neither overlap nor touch: the offsets
 * of a stream that are committed, the sequences that are lent. Nearly always one range or none, so
 * that arrays are the right shape.
 */
export class RangeSet implements Iterable<Range> {
  /** from, to, from, to, … rising. */
  #bounds: number[] = [];

  static of(ranges: Iterable<Range>): RangeSet {
    const set = new RangeSet();
    for (const [from, to] of ranges) set.add(from, to);
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
    let low = 0;
    while ((bounds[low + 1] as number) < from) low += 2;
    let high = low;
    while (high < bounds.length && (bounds[high] as number) <= to) high += 2;
    const start = high > low ? Math.min(from, bounds[low] as number) : from;
    const end = high > low ? Math.max(to, bounds[high - 1] as number) : to;
    bounds.splice(low, high - low, start, end);
  }

  delete(from: number, to: number): void {
    if (from >= to) return;
    const bounds = this.#bounds;
    if (bounds.length === 2 && from === bounds[0] && to === bounds[1]) {
      bounds.length = 0;
      return;
    }
    const kept: number[] = [];
    for (let index = 0; index < bounds.length; index += 2) {
      const start = bounds[index] as number;
      const end = bounds[index + 1] as number;
      if (end <= from || start >= to) kept.push(start, end);
      else {
        if (start < from) kept.push(start, from);
        if (end > to) kept.push(to, end);
      }
    }
    this.#bounds = kept;
  }

  has(number: number): boolean {
    return this.#rangeAt(number) !== undefined;
  }

  /** Are all of `[from, to)` in the set? */
  covers(from: number, to: number): boolean {
    const range = this.#rangeAt(from);
    return from >= to || (range !== undefined && to <= range[1]);
  }

  /** The end of the range that begins at or before `from` and reaches it; else `from` itself. */
  reach(from: number): number {
    const bounds = this.#bounds;
    for (let index = 0; index < bounds.length && (bounds[index] as number) <= from; index += 2) {
      if ((bounds[index + 1] as number) >= from) return bounds[index + 1] as number;
    }
    return from;
  }

  clear(): void {
    this.#bounds.length = 0;
  }

  *[Symbol.iterator](): Iterator<Range> {
    for (let index = 0; index < this.#bounds.length; index += 2) {
      yield [this.#bounds[index] as number, this.#bounds[index + 1] as number];
    }
  }

  #rangeAt(number: number): Range | undefined {
    const bounds = this.#bounds;
    for (let index = 0; index < bounds.length; index += 2) {
      const from = bounds[index] as number;
      const to = bounds[index + 1] as number;
      if (number < from) return undefined;
      if (number < to) return [from, to];
    }
    return undefined;
  }
}
