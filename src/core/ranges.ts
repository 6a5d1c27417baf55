import { strict as assert } from 'node:assert';
import type { Range } from './channel.ts';

/** Appends a range to a list, joined to the last one where it follows that. */
export function addRange(ranges: Range[], [from, to]: Range): void {
  const last = ranges.at(-1);
  if (last && last[1] === from) ranges[ranges.length - 1] = [last[0], to];
  else ranges.push([from, to]);
}

/** The first `count` sequences of some ranges, and the others. */
export function splitRanges(
  ranges: readonly Range[],
  count: number,
): [first: Range[], rest: Range[]] {
  const first: Range[] = [];
  const rest: Range[] = [];
  let left = count;
  for (const [from, to] of ranges) {
    const end = Math.min(to, from + left);
    if (end > from) first.push([from, end]);
    if (to > end) rest.push([end, to]);
    left -= end - from;
  }
  return [first, rest];
}

/** The same ranges, rising. They must not overlap. */
export function inOrder(ranges: readonly Range[]): readonly Range[] {
  const isRising = ranges.every(([from], index) => index === 0 || from >= endOf(ranges, index - 1));
  if (isRising) return ranges;
  const sorted = [...ranges].sort(([one], [other]) => one - other);
  for (let index = 1; index < sorted.length; index++) {
    assert((sorted[index] as Range)[0] >= endOf(sorted, index - 1), 'ranges do not overlap');
  }
  return sorted;
}

function endOf(ranges: readonly Range[], index: number): number {
  return (ranges[index] as Range)[1];
}
