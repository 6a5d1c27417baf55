import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { RangeSet } from './range-set.ts';

test('many ranges at once do what they do one by one', () => {
  const ranges = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 9 })),
    {
      maxLength: 30,
    },
  );
  // Gaps and lengths: rising ranges that may touch.
  const rising = ranges.map((steps) => {
    let at = 0;
    return steps.map(([gap, length]): [number, number] => {
      const from = at + gap;
      at = from + length;
      return [from, at];
    });
  });
  fc.assert(
    fc.property(rising, rising, rising, (first, added, deleted) => {
      const atOnce = RangeSet.of(first);
      atOnce.addAll(added);
      atOnce.deleteAll(deleted);
      const single = RangeSet.of(first);
      for (const [from, to] of added) single.add(from, to);
      for (const [from, to] of deleted) single.delete(from, to);
      assert.deepEqual([...atOnce], [...single]);
    }),
    { numRuns: 2000 },
  );
});

test('a range set holds what a set of numbers holds, after any additions and removals', () => {
  const step = fc.record({
    add: fc.boolean(),
    from: fc.integer({ min: 0, max: 40 }),
    length: fc.integer({ min: 0, max: 12 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const set = new RangeSet();
      const model = new Set<number>();
      for (const { add, from, length } of steps) {
        if (add) set.add(from, from + length);
        else set.delete(from, from + length);
        for (let n = from; n < from + length; n++) add ? model.add(n) : model.delete(n);
      }
      const ranges = [...set];
      const flat = ranges.flat();
      assert.deepEqual(
        flat,
        [...new Set(flat)].sort((a, b) => a - b),
        'sorted, none touching',
      );
      for (let n = 0; n < 60; n++) assert.equal(set.has(n), model.has(n), `number ${n}`);
      let end = 7;
      while (model.has(end)) end++;
      // What ends exactly at the start reaches it, too.
      assert.equal(set.reach(7), end);
      assert.equal(set.covers(7, end), true);
      assert.equal(set.covers(7, end + 1), false);
    }),
  );
});
