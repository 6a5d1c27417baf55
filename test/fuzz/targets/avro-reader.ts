import assert from 'node:assert/strict';
import avsc from 'avsc';
import { once } from '../../../src/codecs/codec.ts';
import { FormatError } from '../../../src/core/errors.ts';
import { ContainerWriter } from '../../../src/formats/avro/container.ts';
import { readAvroFile } from '../../../src/formats/avro-reader.ts';
import { type FuzzTarget, kindOf } from '../target.ts';

const sync = Buffer.from('0123456789abcdef');
const maxBlockBytes = 2 ** 20;

const node = {
  type: 'record',
  name: 'a.Node',
  fields: [
    { name: 'value', type: ['null', 'long', 'string'] },
    { name: 'next', type: ['null', 'Node'] },
    { name: 'nothing', type: 'null' },
  ],
} as const;
const wide = {
  type: 'record',
  name: 'Wide',
  fields: [
    { name: 'map', type: { type: 'map', values: 'bytes' } },
    { name: 'list', type: { type: 'array', items: { type: 'array', items: 'null' } } },
    { name: 'color', type: { type: 'enum', name: 'Color', symbols: ['RED', 'BLUE'] } },
    { name: 'sum', type: { type: 'fixed', name: 'Sum', size: 4 } },
    { name: 'numbers', type: { type: 'array', items: ['boolean', 'int', 'float', 'double'] } },
  ],
} as const;

async function fileOf(schema: avsc.Schema, values: readonly unknown[], codec: string) {
  const type = avsc.Type.forSchema(schema, { wrapUnions: true });
  const options = { compressionCodec: codec, compressionLevel: 0, syncIntervalBytes: 4096 };
  const writer = new ContainerWriter(options, sync);
  const parts = [writer.header(JSON.stringify(schema))];
  for (const value of values) {
    writer.block.bytes(type.toBuffer(value));
    writer.add(1);
    parts.push(...(await writer.flush()));
  }
  return Buffer.concat(parts);
}

const last = { value: { string: 'ü' }, next: null, nothing: null };
const nodes = [last, { value: { long: -3 }, next: { 'a.Node': last }, nothing: null }];
const wides = [
  {
    map: { a: Buffer.from([0, 255]), ü: Buffer.alloc(0) },
    list: [[], [null, null]],
    color: 'BLUE',
    sum: Buffer.from([1, 2, 3, 4]),
    numbers: [{ boolean: true }, { int: 7 }, { float: 1.5 }, { double: 0.1 }],
  },
];
const seeds = await Promise.all(
  ['null', 'deflate', 'snappy', 'zstandard'].flatMap((codec) => [
    fileOf(node as unknown as avsc.Schema, nodes, codec),
    fileOf(wide as unknown as avsc.Schema, wides, codec),
    fileOf('null', [null, null], codec),
  ]),
);

/** Whatever is in a file is read as values and as JSON, or is a FormatError both times. */
export const avroReaderTarget: FuzzTarget = {
  name: 'avro-reader',
  tokens: [
    ...['Obj\x01', 'avro.schema', 'avro.codec', 'deflate', 'snappy', '"null"', '"a.Node"', '"int"'],
    ...['{"type":"array","items":', '{"type":"map","values":', '}', '[', ',', '"fields":[]'],
    ...['\x00', '\x01', '\x02', '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01', '\xfe\xff\xff\xff\x0f'],
    sync.toString('latin1'),
  ],
  seeds: () => seeds,
  run: async (input) => {
    const values = await outcomeOf(async () => (await read(input)).records);
    const lines = await outcomeOf(async () => (await read(input)).jsonLines);
    for (const line of lines.all) JSON.parse(line as string);
    // Names can be much text: that alone makes a difference.
    if (!lines.error?.includes('characters as JSON')) {
      assert.equal(lines.error, values.error);
      assert.equal(lines.all.length, values.all.length);
    }
    return `${Math.min(9, values.all.length)} ${values.error ?? ''}`;
  },
};

function read(input: Buffer) {
  return readAvroFile(once(input), { maxBlockBytes });
}

async function outcomeOf(
  open: () => Promise<AsyncIterable<unknown[]>>,
): Promise<{ readonly all: readonly unknown[]; readonly error: string | undefined }> {
  const all: unknown[] = [];
  try {
    for await (const some of await open()) for (const each of some) all.push(each);
    return { all, error: undefined };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { all, error: kindOf(error) };
  }
}
