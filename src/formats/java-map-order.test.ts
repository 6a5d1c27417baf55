import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { javaMapOrder } from './java-map-order.ts';

test('up to 12 names lie in 16 buckets, 13 in 32', () => {
  // The hash of a letter is its code: 0x61 to 0x6d lie in the buckets 1 to 13; 0x50 is in 0 of 16,
  // 16 of 32.
  const letters = ['l', 'k', 'j', 'i', 'h', 'g', 'f', 'e', 'd', 'c', 'a'];
  const rising = [...letters].reverse();
  assert.deepEqual(javaMapOrder([...letters, 'P']), ['P', ...rising]);
  assert.deepEqual(javaMapOrder([...letters, 'b', 'P']), [
    ...[...rising.slice(0, 1), 'b', ...rising.slice(1)],
    'P',
  ]);
});

test('the upper half of a hash counts too', () => {
  // "timestamp" hashes to 0x3492916: without the upper half, bucket 6; with it, 15.
  assert.deepEqual(javaMapOrder(['timestamp', 'g']), ['g', 'timestamp']);
});
