import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { readVint, readVlong, vintBytes, vintBytesAfter, writeVint } from './vint.ts';

/** As Hadoop 3.4.1 writes them. */
const table: readonly (readonly [value: bigint, hex: string])[] = [
  [0n, '00'],
  [127n, '7f'],
  [-112n, '90'],
  [-1n, 'ff'],
  [128n, '8f80'],
  [255n, '8fff'],
  [256n, '8e0100'],
  [1000n, '8e03e8'],
  [65_536n, '8d010000'],
  [0x7fff_ffffn, '8c7fffffff'],
  [0x1_0000_0000n, '8b0100000000'],
  [-113n, '8770'],
  [-1000n, '8603e7'],
  [0x7fff_ffff_ffff_ffffn, '887fffffffffffffff'],
  [-0x8000_0000_0000_0000n, '807fffffffffffffff'],
];

for (const [value, hex] of table) {
  test(`the vint ${hex} is ${value}`, () => {
    const bytes = Buffer.from(`aa${hex}`, 'hex');
    assert.equal(vintBytesAfter(bytes[1] ?? 0), bytes.length - 1);
    assert.equal(readVlong(bytes, 1), value);
    const fits = BigInt.asIntN(32, value) === value;
    assert.equal(readVint(bytes, 1), fits ? Number(value) : Number.NaN);
    if (value < 0n || !fits) return;
    const written = Buffer.alloc(vintBytes(Number(value)));
    assert.equal(writeVint(written, 0, Number(value)), written.length);
    assert.equal(written.toString('hex'), hex);
  });
}

test('what is written is read, at every power of two', () => {
  const target = Buffer.alloc(6);
  for (let power = 0; power < 31; power++) {
    for (const value of [2 ** power - 1, 2 ** power, 2 ** power + 1]) {
      assert.equal(writeVint(target, 1, value), 1 + vintBytes(value));
      assert.equal(vintBytesAfter(target[1] ?? 0), vintBytes(value));
      assert.equal(readVint(target, 1), value);
    }
  }
});
