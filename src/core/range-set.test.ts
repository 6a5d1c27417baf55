import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { RangeSet } from './range-set.ts';

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
