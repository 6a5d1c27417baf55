import assert from 'node:assert/strict';
import { FormatError } from '../../../src/core/errors.ts';
import { EventBatch } from '../../../src/core/event-batch.ts';
import { parquetSerializer } from '../../../src/formats/parquet.ts';
import { readParquet } from '../../../src/formats/parquet-reader.ts';
import { serializerContext } from '../../../src/testing/component-context.ts';
import { configOf } from '../../../src/testing/config-of.ts';
import { type FuzzTarget, kindOf } from '../target.ts';

const columns = {
  columns: 'host n ratio ok body',
  'columns.n.type': 'int64',
  'columns.ratio.type': 'double',
  'columns.ok.type': 'boolean',
};
const events = Array.from({ length: 40 }, (_, index) => ({
  headers: index % 5 ? { host: `h${index % 3}`, n: `${index}`, ratio: '0.5', ok: 'true' } : {},
  body: `line ${index}`,
}));

/** Two row groups of several pages each. */
async function fileOf(codec: string): Promise<Buffer> {
  const config = configOf(parquetSerializer.fields, { ...columns, codec });
  const serializer = parquetSerializer.create(config, serializerContext());
  const parts = [...serializer.begin()];
  for (const batch of [EventBatch.of(events), EventBatch.of(events.slice(0, 3))]) {
    parts.push(...serializer.write(batch), ...(await serializer.flush()));
  }
  return Buffer.concat([...parts, ...((await serializer.end?.()) ?? [])]);
}

const files = await Promise.all(['none', 'snappy', 'gzip', 'zstd', 'lz4_raw'].map(fileOf));
const [plain = Buffer.alloc(0)] = files;
const tailBytes = 8;
const footerBytes = plain.readUInt32LE(plain.length - tailBytes);
const pages = plain.subarray(0, plain.length - tailBytes - footerBytes);

const maxRows = 20_000;

async function readAll(bytes: Buffer): Promise<string> {
  const read = async (position: number, length: number) => {
    assert(position >= 0 && position + length <= bytes.length, 'reads within the file');
    return bytes.subarray(position, position + length);
  };
  try {
    const file = await readParquet({ size: bytes.length, read }, { ignoreChecksums: true });
    let rowCount = 0;
    for await (const batch of file.batches()) {
      for (const values of batch.columns.values()) assert.equal(values.length, batch.rowCount);
      rowCount += batch.rowCount;
      // A few bytes can stand for very many rows.
      if (rowCount > maxRows) break;
    }
    return `${file.columns.length} ${file.rowGroups.length} ${Math.min(9, rowCount)}`;
  } catch (error) {
    if (error instanceof FormatError) return kindOf(error);
    throw error;
  }
}

const tokens = ['PAR1', '\x15', '\x19', '\x1c', '\x00', '\xff\xff\xff\xff\x0f', 'host', 'list'];

export const parquetTarget: FuzzTarget = {
  name: 'parquet',
  tokens,
  seeds: () => files,
  run: readAll,
  // Else nearly every input is refused for its end alone.
  repair: (input) => {
    const repaired = Buffer.from(input);
    repaired.write('PAR1', Math.max(0, repaired.length - 4));
    return repaired;
  },
};

/** The input is a footer, of pages that are sound. */
export const parquetFooterTarget: FuzzTarget = {
  name: 'parquet-footer',
  tokens,
  seeds: () => [plain.subarray(pages.length, -tailBytes)],
  run: (input) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(input.length);
    return readAll(Buffer.concat([pages, input, length, Buffer.from('PAR1')]));
  },
};
