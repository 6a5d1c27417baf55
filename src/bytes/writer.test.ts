import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Writer } from './writer.ts';

const written = (value: number) => {
  const writer = new Writer(1);
  writer.zigzag(value);
  return writer.take().toString('hex');
};

test('zigzag numbers are written as the Avro specification lists them', () => {
  assert.deepEqual([0, -1, 1, -2, 2, -64, 64].map(written), [
    '00',
    '01',
    '02',
    '03',
    '04',
    '7f',
    '8001',
  ]);
});

test('numbers beyond 31 bits keep all their bits', () => {
  for (const value of [2 ** 31, -(2 ** 31) - 1, 2 ** 40 + 3, 2 ** 52, -(2 ** 52)]) {
    const bytes = Buffer.from(written(value), 'hex');
    let rest = 0n;
    for (const [index, byte] of bytes.entries()) rest |= BigInt(byte & 127) << BigInt(7 * index);
    assert.equal(Number(rest & 1n ? -(rest >> 1n) - 1n : rest >> 1n), value);
  }
});

test('what was taken is not written to again', () => {
  const writer = new Writer(8);
  writer.text('abcdefg');
  const first = writer.take();
  writer.text('ü');
  writer.bytes(Buffer.from('-xyz-'), 1, 4);
  assert.equal(first.toString(), 'abcdefg');
  assert.equal(writer.length, 5);
  assert.equal(writer.take().toString(), 'üxyz');
});
