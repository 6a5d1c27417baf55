import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { once } from '../codecs/codec.ts';
import { FormatError } from '../core/errors.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { type CompressionType, encodeHeader, syncEscapeOf } from './sequence-file/header.ts';
import { type ReadOptions, readSequenceFile } from './sequence-file-reader.ts';

const sync = Buffer.from('0123456789abcdef');
const syncEscape = syncEscapeOf(sync);

function headerOf(compressionType: CompressionType, metadata = new Map<string, string>()): Buffer {
  return encodeHeader({
    keyClass: 'org.apache.hadoop.io.NullWritable',
    valueClass: 'com.example.Anything',
    compressionType,
    ...(compressionType !== 'NONE' && { codecClass: 'org.apache.hadoop.io.compress.DefaultCodec' }),
    metadata,
    sync,
  });
}

function int32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeInt32BE(value, index * 4);
  return bytes;
}

function record(key: Buffer | string, value: Buffer | string): Buffer {
  const [keyBytes, valueBytes] = [Buffer.from(key), Buffer.from(value)];
  const lengths = int32(keyBytes.length + valueBytes.length, keyBytes.length);
  return Buffer.concat([lengths, keyBytes, valueBytes]);
}

/** All sizes below 128 bytes. */
function block(count: number, ...parts: readonly (readonly number[])[]): Buffer {
  const members = parts.map((part) => deflateSync(Buffer.from(part)));
  const sized = members.flatMap((member) => [Buffer.of(member.length), member]);
  return Buffer.concat([syncEscape, Buffer.of(count), ...sized]);
}

async function readAll(input: AsyncIterable<Buffer>, options: ReadOptions = {}) {
  const { header, records } = await readSequenceFile(input, options);
  const pairs: [string, string][] = [];
  for await (const run of records) {
    for (const { key, value } of run) pairs.push([key.toString(), value.toString()]);
  }
  return { header, pairs };
}

function refused(file: Buffer, offset: number, message: RegExp, options: ReadOptions = {}) {
  return assert.rejects(readAll(once(file), options), (error) => {
    assert(error instanceof FormatError, String(error));
    assert.match(error.message, message);
    assert.equal(error.offset, offset);
    return true;
  });
}

test('metadata and classes are given, whatever they are', async () => {
  const metadata = new Map([
    ['k', 'v'],
    ['', 'ünï'],
    ['long', 'x'.repeat(70_000)],
  ]);
  const { header, pairs } = await readAll(once(headerOf('NONE', metadata)));
  assert.deepEqual(header, {
    keyClass: 'org.apache.hadoop.io.NullWritable',
    valueClass: 'com.example.Anything',
    compressionType: 'NONE',
    metadata,
    sync,
  });
  assert.deepEqual(pairs, []);
});

test('sync escapes may stand anywhere between records, also several', async () => {
  const one = record('', 'one');
  const two = record('k', '');
  for (const parts of [
    [syncEscape, one, two],
    [one, syncEscape, syncEscape, two, syncEscape],
    [one, two, syncEscape],
  ]) {
    const { pairs } = await readAll(once(Buffer.concat([headerOf('NONE'), ...parts])));
    assert.deepEqual(pairs, [
      ['', 'one'],
      ['k', ''],
    ]);
  }
});

test('the input may come in pieces of any size', async () => {
  const random = new Prng(seedFromEnvironment());
  const values = Array.from({ length: 60 }, () => random.bytes(random.integer(900)));
  const plain = [headerOf('NONE'), ...values.map((value) => record('key', value))];
  const recordFile = [
    headerOf('RECORD'),
    ...values.map((value) => record('key', deflateSync(value))),
  ];
  const blockFile = [headerOf('BLOCK')];
  for (let count = 0; count < 30; count++) blockFile.push(block(2, [0, 1], [7], [1, 2], [7, 8, 9]));
  for (const parts of [plain, recordFile, blockFile]) {
    const file = Buffer.concat(parts);
    const { pairs } = await readAll(once(file));
    assert(pairs.length >= 60);
    for (const size of [1, 7, 4096]) {
      async function* pieces() {
        for (let start = 0; start < file.length; start += size) {
          yield file.subarray(start, start + size);
        }
      }
      assert.deepEqual((await readAll(pieces())).pairs, pairs);
    }
  }
});

test('records are given some at a time', async () => {
  const records = Buffer.concat(Array.from({ length: 300 }, () => record('', 'v'.repeat(992))));
  const file = await readSequenceFile(once(Buffer.concat([headerOf('NONE'), records])));
  const counts: number[] = [];
  for await (const run of file.records) counts.push(run.length);
  assert.deepEqual(counts, [66, 66, 66, 66, 36]);
});

test('values that become large are given a few at a time', async () => {
  const value = deflateSync(Buffer.alloc(600_000));
  const records = Buffer.concat(Array.from({ length: 10 }, () => record('', value)));
  const file = await readSequenceFile(once(Buffer.concat([headerOf('RECORD'), records])));
  const counts: number[] = [];
  for await (const run of file.records) counts.push(run.length);
  assert.deepEqual(counts, [2, 2, 2, 2, 2]);
});

test('other versions and other files are refused by name', async () => {
  const file = headerOf('NONE');
  for (const version of [0, 4, 5, 7, 255]) {
    const other = Buffer.from(file);
    other[3] = version;
    await refused(other, 3, new RegExp(`of version ${version}; only version 6 is read`));
  }
  await refused(Buffer.from('Obj\u0001 and more'), 0, /not a SequenceFile/);
  await refused(Buffer.alloc(0), 0, /cut off/);
});

test('a codec that is not known is refused by name', async () => {
  const { header } = await readAll(once(headerOf('RECORD')));
  const file = encodeHeader({ ...header, codecClass: 'com.example.MagicCodec' });
  await refused(file, 0, /com\.example\.MagicCodec, which is not known/);
});

test('a sync marker of another file is refused where it stands', async () => {
  const other = Buffer.from(syncEscape);
  other[19] = 0;
  const plain = Buffer.concat([headerOf('NONE'), record('', 'v'), other, record('', 'v')]);
  await refused(plain, headerOf('NONE').length + 9 + 4, /not the file's/);
  const blocks = Buffer.concat([headerOf('BLOCK'), other]);
  await refused(blocks, headerOf('BLOCK').length + 4, /not the file's/);
});

test('lengths that cannot be are refused', async () => {
  const start = headerOf('NONE').length;
  const file = (...values: number[]) =>
    Buffer.concat([headerOf('NONE'), int32(...values), Buffer.alloc(100)]);
  await refused(file(-2, 0), start, /a record of -2 bytes/);
  await refused(file(10, 11), start + 4, /a key of 11 bytes/);
  await refused(file(10, -1), start + 4, /a key of -1 bytes/);
  await refused(file(0x7fff_ffff, 8), start, /a record of 2147483647 bytes; at most 67108864/);
  await refused(file(101, 8), start, /at most 100 /, { maxBytes: 100 });
  const pairs = [['\0'.repeat(8), '\0'.repeat(92)]];
  const fits = Buffer.concat([headerOf('NONE'), int32(100, 8), Buffer.alloc(100)]);
  assert.deepEqual((await readAll(once(fits), { maxBytes: 100 })).pairs, pairs);
});

test('a header that is too long, or whose lengths cannot be, is refused', async () => {
  const long = headerOf('NONE', new Map([['k', 'x'.repeat(1000)]]));
  await refused(long, 67, /has 1000 bytes; at most 933 are read/, { maxBytes: 1000 });
  const start = Buffer.from('SEQ\x06');
  // -1, 2^32 and a length whose own bytes are missing.
  await refused(Buffer.concat([start, Buffer.of(0xff)]), 4, /below 0 or above/);
  const tooLarge = Buffer.from('8b0100000000', 'hex');
  await refused(Buffer.concat([start, tooLarge]), 4, /below 0 or above/);
  await refused(Buffer.concat([start, Buffer.of(0x8c, 1)]), 4, /cut off/);
  const blocks = Buffer.concat([start, Buffer.of(0, 0, 0, 1)]);
  await refused(blocks, 6, /blocks without compression/);
  await refused(Buffer.concat([start, Buffer.of(0, 0, 2)]), 6, /2 is not true or false/);
});

test('a block whose parts do not fit each other is refused', async () => {
  const good = block(2, [1, 1], [7, 8], [1, 2], [97, 98, 99]);
  const header = headerOf('BLOCK');
  const { pairs } = await readAll(once(Buffer.concat([header, good])));
  assert.deepEqual(pairs, [
    ['\x07', 'a'],
    ['\x08', 'bc'],
  ]);
  for (const bad of [
    block(3, [1, 1], [7, 8], [1, 2], [97, 98, 99]),
    block(1, [1, 1], [7, 8], [1, 2], [97, 98, 99]),
    block(2, [1, 2], [7, 8], [1, 2], [97, 98, 99]),
    block(2, [1, 0], [7, 8], [1, 2], [97, 98, 99]),
    block(2, [1, 1], [7, 8], [1, 1], [97, 98, 99]),
    block(2, [1, 1], [7, 8], [1, 3], [97, 98, 99]),
    block(2, [1, 1], [7, 8], [4, 0xff], [97, 98, 99]),
    block(2, [1, 1], [7, 8], [1, 0x8f], [97, 98, 99]),
    block(2, [1, 1], [7, 8], [], [97, 98, 99]),
    block(0, [], [7, 8], [], []),
  ]) {
    await assert.rejects(readAll(once(Buffer.concat([header, bad]))), /lengths of a block's/);
  }
  const record = Buffer.concat([header, int32(20), good]);
  await refused(record, header.length, /a block without sync marker/);
});

test('what is compressed may not become larger than is allowed', async () => {
  const bomb = deflateSync(Buffer.alloc(2_000_000));
  const recordFile = Buffer.concat([headerOf('RECORD'), record('k', 'x'), record('k', bomb)]);
  const good = record('k', deflateSync(Buffer.from('x')));
  const start = headerOf('RECORD').length;
  await refused(recordFile, start + 9, /a value can't be decompressed/);
  const second = Buffer.concat([headerOf('RECORD'), good, record('k', bomb)]);
  const options = { maxBytes: 1_000_000 };
  await refused(second, start + good.length + 9, /is larger than 1000000 bytes/, options);
  const { pairs } = await readAll(once(second));
  assert.deepEqual(
    pairs.map(([, value]) => value.length),
    [1, 2_000_000],
  );
});

test('what stands before something broken is given first', async () => {
  const plain = deflateSync(Buffer.from('v'));
  const files = [
    [headerOf('NONE'), record('k', 'v'), record('k', 'v'), int32(-5)],
    [headerOf('NONE'), record('k', 'v'), syncEscape, record('k', 'v'), int32(5, 6)],
    [headerOf('RECORD'), record('k', plain), record('k', plain), record('k', 'not zlib')],
    [headerOf('BLOCK'), block(2, [1, 1], [107, 107], [1, 1], [118, 118]), block(1, [], [], [], [])],
  ];
  for (const parts of files) {
    const { records } = await readSequenceFile(once(Buffer.concat(parts)));
    const found: string[] = [];
    await assert.rejects(async () => {
      for await (const run of records) for (const { value } of run) found.push(value.toString());
    }, FormatError);
    assert.deepEqual(found, ['v', 'v']);
  }
});

test('the input is let go of at the end, on failure and when no more is asked for', async () => {
  let open = 0;
  async function* opened(...parts: Buffer[]) {
    open++;
    try {
      yield* parts;
      yield Buffer.alloc(0);
    } finally {
      open--;
    }
  }
  await readAll(opened(headerOf('NONE'), record('', 'v')));
  assert.equal(open, 0);
  await assert.rejects(readAll(opened(Buffer.from('nothing'))));
  assert.equal(open, 0);
  await assert.rejects(readAll(opened(headerOf('NONE'), int32(-5))));
  assert.equal(open, 0);
  const { records } = await readSequenceFile(
    opened(headerOf('NONE'), record('', 'v'), record('', 'w')),
  );
  for await (const run of records) {
    assert.equal(run.length, 1);
    break;
  }
  assert.equal(open, 0);
});
