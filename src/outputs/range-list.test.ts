import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Range } from '../core/channel.ts';
import { addRange } from '../core/ranges.ts';
import { RangeList } from './range-list.ts';

test('ranges come out as they were added, joined where one follows the other', () => {
  const from = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2 ** 50 }));
  const range = fc.tuple(from, fc.integer({ min: 1, max: 500 }), fc.boolean());
  fc.assert(
    fc.property(fc.array(fc.array(range), { maxLength: 8 }), (lists) => {
      const list = new RangeList();
      const expected: Range[] = [];
      let end = 0;
      for (const ranges of lists) {
        const added = ranges.map(([some, length, follows]): Range => {
          const start = follows ? end : some;
          end = start + length;
          return [start, end];
        });
        list.add(added);
        for (const each of added) addRange(expected, each);
      }
      assert.deepEqual(list.take(), expected);
      assert.deepEqual(list.take(), []);
    }),
  );
});
