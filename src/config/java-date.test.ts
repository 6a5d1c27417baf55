import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatJavaDate } from './java-date.ts';

const morning = new Date(2026, 1, 3, 0, 5, 7, 89);

const cases: readonly [pattern: string, expected: string][] = [
  ['yyyy-MM-dd HH:mm:ss.SSS', '2026-02-03 00:05:07.089'],
  ['yy y', '26 2026'],
  ['M MM MMM MMMM', '2 02 Feb February'],
  ['E EEEE u', 'Tue Tuesday 2'],
  ['H k K h a', '0 24 0 12 AM'],
  ['D DDD', '34 034'],
  ["'at' yyyy''MM", "at 2026'02"],
  ['[]_/', '[]_/'],
];

for (const [pattern, expected] of cases) {
  test(`the pattern ${pattern} gives ${expected}`, () => {
    assert.equal(formatJavaDate(pattern, morning), expected);
  });
}

test('a letter without meaning is refused', () => {
  assert.throws(() => formatJavaDate('yyyy-bb', morning), /letter b/);
});
