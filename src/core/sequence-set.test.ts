import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Range } from './channel.ts';
import { RangeSet } from './range-set.ts';
import { SequenceSet } from './sequence-set.ts';

test('a sequence set holds what a range set holds, after any additions and removals', () => {
  // Around the edges of words and chunks.
  const near = fc.oneof(
    fc.integer({ min: 0, max: 100 }),
    fc.integer({ min: 1000, max: 1100 }),
    fc.integer({ min: 3000, max: 3200 }),
  );
  const base = fc.constantFrom(0, 2 ** 32 - 500, 2 ** 40);
  const length = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 2500 }));
  const step = fc.record({ add: fc.boolean(), from: near, length });
  fc.assert(
    fc.property(base, fc.array(step, { maxLength: 25 }), fc.array(near), (base, steps, some) => {
      const set = new SequenceSet();
      const model = new RangeSet();
      for (const { add, from, length: count } of steps) {
        const range: Range = [base + from, base + from + count];
        for (const each of [set, model]) {
          if (add) each.addAll([range]);
          else each.deleteAll([range]);
        }
        assert.deepEqual([...set], [...model]);
        assert.equal(set.empty, model.empty);
        if (!model.empty) assert.equal(set.first, model.first);
      }
      const asked = some.map((each) => base + each);
      for (const from of asked) {
        assert.equal(set.reach(from), model.reach(from));
        for (const to of asked) {
          assert.equal(set.covers(from, to), model.covers(from, to));
          const within = clipped([...model], from, to);
          assert.deepEqual(set.within(from, to), within);
          assert.equal(set.count(from, to), sum(within));
          assert.equal(set.meets(from, to), within.length > 0);
        }
      }
      set.clear();
      assert.deepEqual([...set], []);
      set.add(5, 7);
      assert.deepEqual([...set], [[5, 7]]);
    }),
    { numRuns: 500 },
  );
});

function clipped(ranges: readonly Range[], low: number, high: number): Range[] {
  return ranges
    .map(([from, to]): Range => [Math.max(from, low), Math.min(to, high)])
    .filter(([from, to]) => from < to);
}

function sum(ranges: readonly Range[]): number {
  return ranges.reduce((total, [from, to]) => total + to - from, 0);
}
