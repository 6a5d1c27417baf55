import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { type ByteTest, hasNonAscii, hasSpecial, WordScan } from './word-scan.ts';

test('what is found in any stretch is what is there', () => {
  const seed = seedFromEnvironment();
  const prng = new Prng(seed);
  const sets: readonly (readonly ByteTest[])[] = [
    [
      [2, 33],
      [92, 1],
    ],
    [
      [34, 1],
      [44, 1],
      [13, 1],
      [10, 1],
    ],
    [[0, 1]],
    [[0, 127]],
  ];
  for (let round = 0; round < 20_000; round++) {
    const special = prng.pick(sets);
    const isSpecial = (byte: number) =>
      byte < 128 && special.some(([xor, below]) => (byte ^ xor) < below);
    const scan = new WordScan(special);
    const memory = Buffer.alloc(64, prng.pick([64, 127, 35, 93, 128, 255]));
    for (let left = prng.integer(3); left > 0; left--) {
      memory[prng.integer(64)] = prng.chance(0.5) ? prng.pick(special)[0] : prng.integer(256);
    }
    const begin = prng.integer(8);
    const slab = memory.subarray(begin, begin + prng.integer(64 - begin + 1));
    const from = prng.integer(slab.length + 1);
    const to = from + prng.integer(slab.length - from + 1);
    const bytes = [...slab.subarray(from, to)];
    const expected =
      (bytes.some((byte) => byte > 127) ? hasNonAscii : 0) +
      (bytes.some(isSpecial) ? hasSpecial : 0);
    scan.over(slab);
    assert.equal(scan.find(from, to), expected, `MILLRACE_SEED=${seed}, round ${round}`);
  }
});

test('another slab takes the place of the one before', () => {
  const scan = new WordScan([[34, 1]]);
  for (const text of ['abcdefgh"', 'abcdefghi', '"']) {
    scan.over(Buffer.from(text));
    assert.equal(scan.find(0, text.length), text.includes('"') ? hasSpecial : 0);
  }
});
