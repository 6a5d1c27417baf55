import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { releaseSlab, retainSlab } from '../../core/slab-pool.ts';
import type { LineRun } from '../../framing/line-run.ts';
import { PendingLines } from './pending-lines.ts';

/** Lines as they lie in a command's output. */
function runOf(lines: readonly string[], cut: readonly number[] = []): LineRun {
  const bytes = Buffer.from(lines.map((line) => `${line}\r\n`).join(''));
  const starts = new Uint32Array(lines.length);
  const ends = new Uint32Array(lines.length);
  let at = 0;
  for (const [row, line] of lines.entries()) {
    starts[row] = at;
    ends[row] = at + line.length;
    at += line.length + 2;
  }
  const cutRows = Uint8Array.from(lines, (_, row) => (cut.includes(row) ? 1 : 0));
  return { bytes, count: lines.length, starts, ends, cut: cutRows };
}

/** Everything that waits, taken in batches. */
function drain(pending: PendingLines, max: number): string[][] {
  const batches: string[][] = [];
  while (pending.count > 0) {
    batches.push([...pending.next(max)].map(({ body }) => body.toString()));
    pending.taken();
  }
  return batches;
}

test('lines are given in order, at most so many, until they are taken', () => {
  const pending = new PendingLines();
  pending.add(runOf(['a', '', 'ccc']));
  pending.add(runOf(['d']));
  assert.equal(pending.count, 4);
  const [first, again] = [pending.next(3), pending.next(3)];
  assert.deepEqual([...first], [...again]);
  assert.deepEqual(drain(pending, 3), [['a', '', 'ccc'], ['d']]);
  assert.equal(pending.next(3).length, 0);
});

test('what comes while a batch is on its way follows it', () => {
  const pending = new PendingLines();
  pending.add(runOf(['a']));
  const batch = pending.next(10);
  pending.add(runOf(Array.from({ length: 200 }, (_, index) => `${index}`)));
  assert.deepEqual(
    [...batch].map(({ body }) => body.toString()),
    ['a'],
  );
  pending.taken();
  assert.equal(drain(pending, 1_000).flat().join(), [...Array(200).keys()].join());
});

test('many lines go through several pieces of memory, and none is used while it is kept', () => {
  const pending = new PendingLines();
  const written: string[] = [];
  const kept: { readonly batch: ReturnType<PendingLines['next']>; readonly lines: string[] }[] = [];
  for (let round = 0; round < 100; round++) {
    const lines = Array.from({ length: 200 }, (_, index) => `${round}-${index}-`.repeat(5));
    written.push(...lines);
    pending.add(runOf(lines));
    const batch = pending.next(150);
    retainSlab(batch.slab);
    kept.push({ batch, lines: [...batch].map(({ body }) => body.toString()) });
    pending.taken();
  }
  for (const { batch, lines } of kept) {
    assert.deepEqual(
      [...batch].map(({ body }) => body.toString()),
      lines,
    );
    releaseSlab(batch.slab);
  }
  const rest = drain(pending, 1_000).flat();
  assert.deepEqual([...kept.flatMap(({ lines }) => lines), ...rest], written);
});

test('a line of several megabytes has memory of its own', () => {
  const pending = new PendingLines();
  const long = 'x'.repeat(3_000_000);
  pending.add(runOf(['a', long, 'b']));
  assert(pending.isFull);
  assert.deepEqual(drain(pending, 10), [['a'], [long], ['b']]);
  assert(!pending.isFull);
});

test('it is full after a megabyte, empty lines counted, until they are taken', () => {
  const pending = new PendingLines();
  const lines = Array.from({ length: 1_000 }, () => '');
  let count = 0;
  while (!pending.isFull) {
    pending.add(runOf(lines));
    count += lines.length;
  }
  assert(count > 40_000 && count < 70_000, `${count}`);
  drain(pending, 16_384);
  assert(!pending.isFull);
  pending.add(runOf(['a']));
  assert.equal(pending.clear(), 1);
  assert.equal(pending.count, 0);
});

test('pieces of a line have a header that says so', () => {
  const pending = new PendingLines();
  pending.add(runOf(['a', 'piece', 'rest'], [1]));
  const headers = [...pending.next(10)].map((event) => event.headers['millrace.line']);
  assert.deepEqual(headers, [undefined, 'cut', undefined]);
});
