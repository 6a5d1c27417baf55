import { posix } from 'node:path';
import type { Range } from '../../core/channel.ts';
import type { EventBatch } from '../../core/event-batch.ts';
import type { EscapedText } from '../../formats/escaped-text.ts';
import { bucketKey, type Share } from '../../outputs/bucket.ts';

export interface Division {
  readonly shares: readonly Share[];
  /** What is wrong with the first event that has no place, and how many there are. */
  readonly problem: string | undefined;
  readonly misfits: number;
}

/** Divides a batch by where its events go. */
export function divide(
  batch: EventBatch,
  first: number,
  pathText: EscapedText,
  prefixText: EscapedText,
): Division {
  const paths = pathText.expand(batch);
  const prefixes = prefixText.expand(batch);
  const problem = [...paths.problems.values(), ...prefixes.problems.values()][0];
  const all: Range = [first, first + batch.length];
  if (typeof paths.values === 'string' && typeof prefixes.values === 'string') {
    const share = { path: directory(paths.values), prefix: prefixes.values };
    return { shares: [{ ...share, events: batch, ranges: [all] }], problem, misfits: 0 };
  }
  const groups = group(batch.length, valueAt(paths.values), valueAt(prefixes.values));
  let count = 0;
  const shares = groups.map(({ path, prefix, rows }): Share => {
    count += rows.length;
    const whole = rows.length === batch.length;
    const events = whole ? batch : pickRows(batch, rows);
    return { path, prefix, events, ranges: rangesOf(rows, first) };
  });
  return { shares, problem, misfits: batch.length - count };
}

interface Group {
  readonly path: string;
  readonly prefix: string;
  readonly rows: number[];
}

type ValueAt = (row: number) => string | undefined;

function valueAt(values: string | readonly (string | undefined)[]): ValueAt {
  return typeof values === 'string' ? () => values : (row) => values[row];
}

/** In the order in which they are used last. */
function group(length: number, pathAt: ValueAt, prefixAt: ValueAt): Group[] {
  const groups = new Map<string, Group>();
  /** By prefix and path as they are written: few are new, and only those are normalized. */
  const known = new Map<string, Map<string, Group>>();
  let ofPrefix = new Map<string, Group>();
  let lastPath: string | undefined;
  let lastPrefix: string | undefined;
  let last: Group | undefined;
  for (let row = 0; row < length; row++) {
    const path = pathAt(row);
    const prefix = prefixAt(row);
    if (path === undefined || prefix === undefined) continue;
    if (prefix !== lastPrefix) ofPrefix = entryOf(known, prefix, () => new Map());
    if (prefix !== lastPrefix || path !== lastPath) {
      last = entryOf(ofPrefix, path, () => {
        const normal = directory(path);
        const made = (): Group => ({ path: normal, prefix, rows: [] });
        return entryOf(groups, bucketKey(normal, prefix), made);
      });
      lastPath = path;
      lastPrefix = prefix;
    }
    last?.rows.push(row);
  }
  return [...groups.values()].sort((one, other) => lastRow(one) - lastRow(other));
}

function lastRow({ rows }: Group): number {
  return rows[rows.length - 1] as number;
}

function entryOf<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function pickRows(batch: EventBatch, rows: readonly number[]): EventBatch {
  const from = rows[0] as number;
  const to = (rows[rows.length - 1] as number) + 1;
  return to - from === rows.length ? batch.slice(from, to) : batch.pick(rows);
}

function rangesOf(rows: readonly number[], first: number): Range[] {
  const ranges: Range[] = [];
  let from = rows[0] as number;
  for (let index = 1; index <= rows.length; index++) {
    const end = (rows[index - 1] as number) + 1;
    if (rows[index] === end) continue;
    ranges.push([first + from, first + end]);
    from = rows[index] ?? 0;
  }
  return ranges;
}

/** Without the doubled and trailing slashes, and the dots, that headers bring into paths. */
function directory(path: string): string {
  const normal = posix.normalize(`/${path}`).replace(/\/$/, '');
  return normal === '' ? '/' : normal;
}
