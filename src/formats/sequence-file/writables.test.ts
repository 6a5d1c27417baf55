import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { FormatError } from '../../core/errors.ts';
import { decodeWritable, type WritableContent, writableBytes } from './writables.ts';

const table: readonly (readonly [className: string, hex: string, content: WritableContent])[] = [
  ['LongWritable', '0000000000000102', 258n],
  ['IntWritable', 'fffffffe', -2],
  ['ShortWritable', '0102', 258],
  ['ByteWritable', 'ff', -1],
  ['BooleanWritable', '01', true],
  ['DoubleWritable', '3ff8000000000000', 1.5],
  ['FloatWritable', '3fc00000', 1.5],
  ['VIntWritable', '8603e7', -1000],
  ['VLongWritable', '8b0100000000', 0x1_0000_0000n],
  ['Text', '0668c3a96c6c6f', 'héllo'],
  ['BytesWritable', '00000003010203', Buffer.of(1, 2, 3)],
  ['NullWritable', '', null],
];

for (const [name, hex, content] of table) {
  const className = `org.apache.hadoop.io.${name}`;
  const bytes = Buffer.from(hex, 'hex');

  test(`${name} ${hex} is read`, () => {
    assert.deepEqual(decodeWritable(className, bytes), content);
  });

  test(`${name} that is too short or too long is a FormatError`, () => {
    const wrong = [Buffer.concat([bytes, Buffer.of(0)])];
    for (let length = 0; length < bytes.length; length++) wrong.push(bytes.subarray(0, length));
    for (const each of wrong) {
      assert.throws(() => decodeWritable(className, each), FormatError, each.toString('hex'));
    }
  });
}

test('a class that is not known is left to the caller', () => {
  assert.equal(decodeWritable('org.apache.hadoop.io.MapWritable', Buffer.alloc(0)), undefined);
  assert.equal(decodeWritable('com.example.Text', Buffer.of(0)), undefined);
  assert.equal(writableBytes('org.apache.hadoop.io.LongWritable', Buffer.alloc(8)), undefined);
});

test('the bytes of a Text are given as they are', () => {
  const bytes = Buffer.of(2, 0xff, 0);
  assert.deepEqual(writableBytes('org.apache.hadoop.io.Text', bytes), Buffer.of(0xff, 0));
});

test('a length below 0 or beyond 32 bits is a FormatError', () => {
  for (const hex of ['ff', '8b0100000000']) {
    const bytes = Buffer.from(hex, 'hex');
    assert.throws(() => decodeWritable('org.apache.hadoop.io.Text', bytes), FormatError);
  }
  const bytes = Buffer.from('ffffffff', 'hex');
  assert.throws(() => decodeWritable('org.apache.hadoop.io.BytesWritable', bytes), FormatError);
});
