import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { FormatError } from '../core/errors.ts';
import { EventBatch } from '../core/event-batch.ts';
import { serializerContext } from '../testing/component-context.ts';
import { configOf } from '../testing/config-of.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { encodeFooter, magic, type SchemaElement } from './parquet/metadata.ts';
import { encodePageHeader } from './parquet/page-header.ts';
import { parquetSerializer } from './parquet.ts';
import { type ParquetOptions, readParquet } from './parquet-reader.ts';

async function sample(codec: string): Promise<Buffer> {
  const options = {
    columns: 'host n ok body',
    'columns.n.type': 'int64',
    'columns.ok.type': 'boolean',
  };
  const config = configOf(parquetSerializer.fields, { ...options, codec });
  const serializer = parquetSerializer.create(config, serializerContext());
  const events = Array.from({ length: 50 }, (_, index) => ({
    headers: index % 4 ? { host: `h${index % 3}`, n: `${index}`, ok: 'true' } : {},
    body: `line ${index}`,
  }));
  const parts = [...serializer.begin()];
  for (const batch of [EventBatch.of(events), EventBatch.of(events.slice(0, 5))]) {
    parts.push(...serializer.write(batch), ...(await serializer.flush()));
  }
  return Buffer.concat([...parts, ...((await serializer.end?.()) ?? [])]);
}

async function readAll(bytes: Buffer, options: ParquetOptions = {}) {
  const read = async (position: number, length: number) =>
    bytes.subarray(position, position + length);
  const file = await readParquet({ size: bytes.length, read }, options);
  const rows: unknown[][] = [];
  const batchSizes: number[] = [];
  for await (const { rowCount, columns } of file.batches()) {
    batchSizes.push(rowCount);
    for (let row = 0; row < rowCount; row++) {
      rows.push([...columns.values()].map((values) => values[row]));
    }
  }
  return { file, rows, batchSizes };
}

const isFormatError = (error: unknown) => {
  assert(error instanceof FormatError, String(error));
  return true;
};

test('batches have as many rows as are asked for, and end with a row group', async () => {
  const bytes = await sample('snappy');
  const { rows, batchSizes, file } = await readAll(bytes, { batchRows: 20 });
  assert.deepEqual(batchSizes, [20, 20, 10, 5]);
  assert.equal(file.rowCount, 55);
  assert.deepEqual(rows[1], ['h1', 1n, true, Buffer.from('line 1')]);
  assert.deepEqual(rows[54], [undefined, undefined, undefined, Buffer.from('line 4')]);
  assert.match(file.createdBy ?? '', /^millrace version \d/);
});

test('some of the columns are read alone, in the order they are named', async () => {
  const { rows } = await readAll(await sample('none'), { columns: ['body', 'n'] });
  assert.deepEqual(rows[3], [Buffer.from('line 3'), 3n]);
  const missing = readAll(await sample('none'), { columns: ['nobody'] });
  await assert.rejects(missing, /column nobody is not there/);
});

test('a file that is cut off anywhere is refused', async () => {
  const bytes = await sample('snappy');
  for (let length = 0; length < bytes.length; length++) {
    await assert.rejects(readAll(bytes.subarray(0, length)), isFormatError, `at ${length}`);
  }
});

test('a flipped bit is found, or changes nothing but the metadata', async () => {
  for (const codec of ['none', 'snappy', 'zstd']) {
    const bytes = await sample(codec);
    const { rows } = await readAll(bytes);
    const pagesEnd = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
    for (let bit = 32; bit < bytes.length * 8; bit += 31) {
      const broken = Buffer.from(bytes);
      broken[bit >> 3] = (broken[bit >> 3] as number) ^ (1 << (bit & 7));
      try {
        const found = await readAll(broken);
        if (bit < pagesEnd * 8) assert.deepEqual(found.rows, rows, `bit ${bit} of ${codec}`);
      } catch (error) {
        isFormatError(error);
      }
    }
  }
});

test('what is no Parquet file is refused with the place', async () => {
  await assert.rejects(readAll(Buffer.from('PAR1')), /too short.*at byte 0/);
  await assert.rejects(readAll(Buffer.alloc(100)), /no Parquet file, or one cut off, at byte 96/);
  await assert.rejects(readAll(Buffer.from(`PAR1${'\0'.repeat(20)}PARE`)), /encrypted/);
  const huge = Buffer.from('PAR1....\xff\xff\xff\x7fPAR1', 'latin1');
  await assert.rejects(readAll(huge), /a footer of 2147483647 bytes, at byte 8/);
});

/** A file of one column and one page, with what a test says of them. */
function fileOf(
  values: Buffer,
  page: { valueCount: number; encoding?: number; plainBytes?: number; codec?: number },
  rowCount = page.valueCount,
  column: Partial<SchemaElement> = {},
): Buffer {
  const { valueCount, encoding = 0, plainBytes = values.length, codec = 0 } = page;
  const storedBytes = values.length;
  const header = encodePageHeader({ type: 0, plainBytes, storedBytes, valueCount, encoding });
  const element = { name: 'c', type: 1, repetition: 0, ...column };
  const chunk = {
    ...{ type: 1, encodings: [0], path: ['c'], codec, valueCount, plainBytes },
    ...{ storedBytes: header.length + storedBytes, dataOffset: 4 },
  };
  const footer = encodeFooter({
    schema: [{ name: 'schema', childCount: 1 }, element],
    rowCount,
    rowGroups: [{ chunks: [chunk], rowCount, plainBytes }],
  });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([magic, header, values, footer, length, magic]);
}

test('a page that says it is huge costs nothing', async () => {
  const empty = Buffer.alloc(0);
  const large = fileOf(empty, { valueCount: 1, plainBytes: 2 ** 31 - 1 });
  await assert.rejects(readAll(large), /column c has a page of 2147483647 bytes/);
  const bomb = fileOf(Buffer.alloc(8), { valueCount: 1, plainBytes: 2 ** 26, codec: 6 });
  await assert.rejects(readAll(bomb), isFormatError);
  const small = fileOf(Buffer.alloc(8), { valueCount: 2 });
  assert.deepEqual((await readAll(small)).rows, [[0], [0]]);
  await assert.rejects(readAll(small, { maxPageBytes: 7 }), /has a page of 8 bytes/);
  await assert.rejects(readAll(small, { maxFooterBytes: 10 }), /a footer of \d+ bytes/);
});

test('pages that hold fewer values than they say are refused', async () => {
  await assert.rejects(readAll(fileOf(Buffer.alloc(7), { valueCount: 2 })), /fewer values/);
  await assert.rejects(readAll(fileOf(Buffer.alloc(8), { valueCount: 2 }, 3)), /fewer values/);
  const indices = Buffer.from([1, 4, 0]);
  const noDictionary = fileOf(indices, { valueCount: 2, encoding: 8 });
  await assert.rejects(readAll(noDictionary), /index beyond its dictionary/);
});

test('a codec, an encoding or a type that is not read is named', async () => {
  const page = { valueCount: 1 };
  const bytes = Buffer.alloc(4);
  for (const [codec, name] of [
    [3, 'lzo'],
    [4, 'brotli'],
    [5, 'lz4'],
    [9, 'number 9'],
  ] as const) {
    const file = fileOf(bytes, { ...page, codec });
    await assert.rejects(readAll(file), new RegExp(`column c is compressed with ${name},`));
  }
  const delta = fileOf(bytes, { ...page, encoding: 5 });
  await assert.rejects(readAll(delta), /column c is encoded in DELTA_BINARY_PACKED/);
  await assert.rejects(readAll(fileOf(bytes, page, 1, { type: 3 })), /column c is of type int96/);
  await assert.rejects(readAll(fileOf(bytes, page, 1, { repetition: 2 })), /column c is repeated/);
});

test('random bytes for a footer give an error and no more', async () => {
  const seed = seedFromEnvironment();
  const prng = new Prng(seed);
  for (let round = 0; round < 2000; round++) {
    const footer = prng.bytes(prng.integer(60));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(footer.length);
    const file = Buffer.concat([magic, footer, length, magic]);
    try {
      await readAll(file);
    } catch (error) {
      assert(error instanceof FormatError, `with MILLRACE_SEED=${seed}: ${error}`);
    }
  }
});
