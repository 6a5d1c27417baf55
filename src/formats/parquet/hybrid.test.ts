import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { FormatError } from '../../core/errors.ts';
import { Prng, seedFromEnvironment } from '../../testing/prng.ts';
import { HybridReader, packBits, widthFor, writeHybrid } from './hybrid.ts';
import { PageBytes } from './page-bytes.ts';

function written(values: readonly number[], width: number): Buffer {
  const out = new PageBytes();
  writeHybrid(out, Uint32Array.from(values), values.length, width);
  return out.take();
}

test('the bytes are those of the specification', () => {
  // Its example of packed bits: 0 to 7 in three bits each.
  const packed = [0x88, 0xc6, 0xfa];
  assert.deepEqual([...written([0, 1, 2, 3, 4, 5, 6, 7], 3)], [3, ...packed]);
  assert.deepEqual([...written(Array(100).fill(5), 3)], [0xc8, 0x01, 5]);
  assert.deepEqual([...written(Array(8).fill(0x1234), 13)], [16, 0x34, 0x12]);
  assert.deepEqual([...written(Array(9).fill(0), 0)], [18]);
  const bits = new PageBytes();
  packBits(bits, Uint8Array.from([1, 0, 1, 1, 0, 0, 0, 0, 1]), 0, 9, 1);
  assert.deepEqual([...bits.take()], [0b1101, 1]);
});

test('widths are those of the largest index', () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 256, 257].map(widthFor), [0, 0, 1, 2, 2, 3, 8, 9]);
});

test('what is written is read, however it repeats and however it is asked for', () => {
  const seed = seedFromEnvironment();
  const prng = new Prng(seed);
  for (let round = 0; round < 300; round++) {
    const width = prng.integer(25);
    const values: number[] = [];
    while (values.length < 400) {
      const value = prng.integer(2 ** width);
      const repeats = prng.pick([1, 1, 2, 7, 8, 9, 15, 30, 64]);
      for (let count = 0; count < repeats; count++) values.push(value);
    }
    values.length = prng.integer(401);
    const bytes = written(values, width);
    const reader = new HybridReader(bytes, width, 0);
    const read: number[] = [];
    while (read.length < values.length) {
      const count = Math.min(1 + prng.integer(40), values.length - read.length);
      const some = new Uint32Array(count);
      reader.read(some, count);
      read.push(...some);
    }
    assert.deepEqual(read, values, `with MILLRACE_SEED=${seed}, width ${width}`);
    // No worse than packing all of it, but for the headers of runs.
    assert(bytes.length <= Math.ceil((values.length * width) / 8) + values.length / 4 + width + 3);
  }
});

test('runs that are cut off, empty or endless are refused', () => {
  const read = (bytes: readonly number[], width: number, count = 1) =>
    new HybridReader(Buffer.from(bytes), width, 7).read(new Uint32Array(count), count);
  const refused = { name: 'FormatError' };
  for (const bytes of [[], [0x80], [2], [3], [0, 1], [1, 1], [0xff, 0xff, 0xff, 0xff, 0xff, 1]]) {
    assert.throws(() => read(bytes, 8), refused, String(bytes));
  }
  assert.throws(() => read([2, 5], 8, 2), new FormatError('a run of values is cut off', 9));
  assert.throws(() => read([2, 5], 33), refused);
  const wide = new Uint32Array(1);
  new HybridReader(Buffer.from([2, 255, 255, 255, 255]), 32, 0).read(wide, 1);
  assert.equal(wide[0], 2 ** 32 - 1);
});
