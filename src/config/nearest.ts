/**
 * The known word that was probably meant: the one with the fewest changed, missing, added or
 * swapped characters, as long as that is less than about a third of the word. Case does not count.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const each of known) {
    if (Math.abs(each.length - word.length) > limit) continue;
    const distance = editDistance(word.toLowerCase(), each.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [each, distance];
  }
  return best;
}

/**
 * The known key that was probably meant: the nearest one, or one that is the same but for what
 * stands before its last dot: `rollSize` for `hdfs.rollSize`, `hdfs.serializer` for `serializer`.
 */
export function nearestKey(key: string, known: readonly string[]): string | undefined {
  const whole = nearest(key, known);
  if (whole !== undefined) return whole;
  const last = (each: string) => each.slice(each.lastIndexOf('.') + 1).toLowerCase();
  const same = known.filter((each) => last(each) === last(key) && last(key) !== '');
  if (same.length > 0) return same.length === 1 ? same[0] : undefined;
  const meant = nearest(last(key), known.map(last));
  const near = known.filter((each) => meant !== undefined && last(each) === meant);
  return near.length === 1 ? near[0] : undefined;
}

/** Longer words are not compared: the work grows with the product of the lengths. */
const maxCompared = 200;

/** Changes, removals, additions and swaps of neighbours that lead from one word to the other. */
export function editDistance(a: string, b: string): number {
  if (a.length > maxCompared || b.length > maxCompared) return a === b ? 0 : Infinity;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, at(beforeLast, j - 2) + 1);
      }
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
