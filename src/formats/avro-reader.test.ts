import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import avsc from 'avsc';
import { once } from '../codecs/codec.ts';
import { FormatError } from '../core/errors.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { type AvroReaderOptions, readAvroFile } from './avro-reader.ts';

const sync = Buffer.from('0123456789abcdef');

interface Block {
  readonly count: number | bigint;
  readonly data: Buffer;
}

/** Written by hand, so that it can be wrong. */
function fileOf(schema: unknown, blocks: readonly Block[], codec?: string): Buffer {
  return fileOfText(JSON.stringify(schema), blocks, codec);
}

function fileOfText(text: string, blocks: readonly Block[], codec?: string): Buffer {
  const metadata = ['avro.schema', text, ...(codec === undefined ? [] : ['avro.codec', codec])];
  return Buffer.concat([
    Buffer.from('Obj\x01'),
    zigzag(metadata.length / 2),
    ...metadata.flatMap((each) => [zigzag(Buffer.byteLength(each)), Buffer.from(each)]),
    zigzag(0),
    sync,
    ...blocks.flatMap(({ count, data }) => [zigzag(count), zigzag(data.length), data, sync]),
  ]);
}

function zigzag(value: number | bigint): Buffer {
  const long = BigInt(value);
  let rest = BigInt.asUintN(64, (long << 1n) ^ (long >> 63n));
  const bytes: number[] = [];
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

async function gathered<T>(input: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of input) all.push(each);
  return all;
}

async function valuesOf(file: Buffer, options?: AvroReaderOptions): Promise<unknown[]> {
  const { records } = await readAvroFile(once(file), options);
  return (await gathered(records)).flat();
}

async function linesOf(file: Buffer, options?: AvroReaderOptions): Promise<string[]> {
  const { jsonLines } = await readAvroFile(once(file), options);
  return (await gathered(jsonLines)).flat();
}

const node = {
  type: 'record',
  name: 'a.Node',
  fields: [
    { name: 'value', type: 'long' },
    { name: 'next', type: ['null', 'Node'] },
  ],
};
const two = {
  type: 'record',
  name: 'Two',
  namespace: 'b',
  fields: [
    { name: 'color', type: { type: 'enum', name: 'Color', symbols: ['RED', 'BLUE'] } },
    { name: 'again', type: { type: 'array', items: 'b.Color' } },
    { name: '__proto__', type: 'int' },
  ],
};

/** Schema, bytes by the specification ("Binary Encoding"), value, JSON. */
const datums: readonly (readonly [unknown, string, unknown, string])[] = [
  ['null', '', null, 'null'],
  ['boolean', '01', true, 'true'],
  ['int', '00', 0, '0'],
  ['int', '01', -1, '-1'],
  ['int', 'fe ff ff ff 0f', 2_147_483_647, '2147483647'],
  ['int', 'ff ff ff ff 0f', -2_147_483_648, '-2147483648'],
  ['long', '80 01', 64, '64'],
  ['long', 'fe ff ff ff ff ff ff 1f', 9007199254740991, '9007199254740991'],
  ['long', '80 80 80 80 80 80 80 20', 9007199254740992n, '9007199254740992'],
  ['long', 'fe ff ff ff ff ff ff ff ff 01', 2n ** 63n - 1n, '9223372036854775807'],
  ['long', 'ff ff ff ff ff ff ff ff ff 01', -(2n ** 63n), '-9223372036854775808'],
  ['float', '00 00 c0 3f', 1.5, '1.5'],
  ['float', 'cd cc cc 3d', Math.fround(0.1), '0.1'],
  ['float', '00 00 c0 7f', Number.NaN, '"NaN"'],
  ['double', '00 00 00 00 00 00 f0 3f', 1, '1.0'],
  ['double', '00 00 00 00 00 00 00 80', -0, '-0.0'],
  ['double', '00 00 00 00 00 00 f0 ff', Number.NEGATIVE_INFINITY, '"-Infinity"'],
  ['bytes', '06 00 ff 41', Buffer.from([0, 255, 65]), '"\\u0000ÿA"'],
  ['string', '06 c3 bc 22', 'ü"', '"ü\\""'],
  ['string', '04 1b 5c', '\x1b\\', '"\\u001B\\\\"'],
  [{ type: 'fixed', name: 'F', size: 2 }, '01 80', Buffer.from([1, 128]), '"\\u0001\u0080"'],
  [{ type: 'fixed', name: 'F', size: 0 }, '', Buffer.alloc(0), '""'],
  [{ type: 'enum', name: 'E', symbols: ['A', 'B'] }, '02', 'B', '"B"'],
  [{ type: 'array', items: 'int' }, '04 02 04 02 06 00', [1, 2, 3], '[1,2,3]'],
  [{ type: 'array', items: 'int' }, '03 04 02 04 00', [1, 2], '[1,2]'],
  [{ type: 'map', values: 'int' }, '02 02 6b 02 00', { k: 1 }, '{"k":1}'],
  [['null', 'string'], '00', null, 'null'],
  [['null', 'string'], '02 02 61', 'a', '{"string":"a"}'],
  [['null', { type: 'array', items: 'int' }], '02 00', [], '{"array":[]}'],
  [{ type: 'long', logicalType: 'timestamp-millis' }, '02', 1, '1'],
  [{ type: { type: 'string' } }, '02 61', 'a', '"a"'],
  [
    node,
    '02 02 04 00',
    { value: 1, next: { value: 2, next: null } },
    '{"value":1,"next":{"a.Node":{"value":2,"next":null}}}',
  ],
  [
    two,
    '02 02 00 00 06',
    JSON.parse('{"color":"BLUE","again":["RED"],"__proto__":3}'),
    '{"color":"BLUE","again":["RED"],"__proto__":3}',
  ],
  [
    { type: 'map', values: 'int' },
    '02 12 5f5f70726f746f5f5f 02 00',
    JSON.parse('{"__proto__":1}'),
    '{"__proto__":1}',
  ],
];

for (const [schema, hex, value, json] of datums) {
  test(`of ${JSON.stringify(schema)}, ${hex || 'nothing'} is ${json}`, async () => {
    const file = fileOf(schema, [{ count: 1, data: bytesOf(hex) }]);
    assert.deepEqual(await valuesOf(file), [value]);
    assert.deepEqual(await linesOf(file), [json]);
  });
}

test('header, schema and codec are given, and a file of many blocks one array each', async () => {
  const blocks = [3, 1].map((count) => ({
    count,
    data: deflateRawSync(Buffer.alloc(count, 2)),
  }));
  const file = await readAvroFile(once(fileOf('int', blocks, 'deflate')));
  assert.deepEqual(file.schema, { kind: 'int' });
  assert.equal(file.schemaText, '"int"');
  assert.equal(file.codec, 'deflate');
  assert.deepEqual([...file.metadata.keys()], ['avro.schema', 'avro.codec']);
  assert.deepEqual(await gathered(file.records), [[1, 1, 1], [1]]);
});

test('a block of very many datums comes in parts', async () => {
  const data = Buffer.alloc(25_000, 4);
  const { records } = await readAvroFile(once(fileOf('int', [{ count: 25_000, data }])));
  const parts = await gathered(records);
  assert.deepEqual(
    parts.map(({ length }) => length),
    [10_000, 10_000, 5_000],
  );
});

test('the input may come byte by byte, and is let go of at the end', async () => {
  const bytes = fileOf('string', [{ count: 2, data: bytesOf('02 61 02 62') }]);
  let closed = false;
  async function* slow() {
    try {
      for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1);
    } finally {
      closed = true;
    }
  }
  const { records } = await readAvroFile(slow());
  assert.deepEqual(await gathered(records), [['a', 'b']]);
  assert(closed);
});

const whole = fileOf('string', [
  { count: 2, data: bytesOf('02 61 02 62') },
  { count: 1, data: bytesOf('02 63') },
]);
const headerBytes = whole.length - 42;

/** What is wrong, the file, the offset of the error. */
const broken: readonly (readonly [RegExp, Buffer, number, AvroReaderOptions?])[] = [
  [/header is cut off/, Buffer.from('Ob'), 0],
  [/no Avro container/, Buffer.from('SEQ\x06....'), 0],
  [/metadata is cut off/, whole.subarray(0, 9), 6],
  [/has no schema/, Buffer.from('Obj\x01\x000123456789abcdef'), 4],
  [/schema is broken: it is no JSON/, fileOfText('{', []), 4],
  [/nothing in it is called strin/, fileOf('strin', []), 4],
  [/two types in it are called/, fileOf([two, two], []), 4],
  [/codec lzma is unknown/, fileOf('int', [], 'lzma'), 4],
  [/a block is cut off/, whole.subarray(0, headerBytes + 4), headerBytes + 2],
  [/end of a block is cut off/, whole.subarray(0, -1), whole.length - 16],
  [/sync marker/, Buffer.concat([whole.subarray(0, -1), Buffer.from('x')]), whole.length - 16],
  [/may have 3/, whole, headerBytes, { maxBlockBytes: 3 }],
  [/a block has -1 datums/, fileOf('string', [{ count: -1, data: sync }]), headerBytes],
  [/datum is cut off/, fileOf('string', [{ count: 1, data: bytesOf('08 61') }]), headerBytes + 3],
  [/length is -1/, fileOf('string', [{ count: 1, data: bytesOf('01') }]), headerBytes + 3],
  [/1 bytes too many/, fileOf('string', [{ count: 1, data: bytesOf('0000') }]), headerBytes + 3],
];

for (const [message, file, offset, options] of broken) {
  test(`broken: ${message.source}`, async () => {
    await assert.rejects(valuesOf(file, options), (error) => {
      assert(error instanceof FormatError);
      assert.match(error.message, message);
      assert.equal(error.offset, offset);
      return true;
    });
  });
}

async function refused(file: Buffer, message: RegExp, options?: AvroReaderOptions): Promise<void> {
  for (const read of [valuesOf, linesOf]) {
    await assert.rejects(read(file, options), (error) => {
      assert(error instanceof FormatError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
}

test('what takes no bytes can not be had without end', async () => {
  const nulls = { type: 'array', items: 'null' };
  const empty = { type: 'record', name: 'R', fields: [] };
  const many = Buffer.concat([zigzag(2 ** 50), zigzag(0)]);
  await refused(fileOf('null', [{ count: 2 ** 50, data: Buffer.alloc(0) }]), /without bytes/);
  await refused(fileOf(empty, [{ count: 2 ** 50, data: Buffer.alloc(0) }]), /without bytes/);
  await refused(fileOf(nulls, [{ count: 1, data: many }]), /without bytes/);
});

test('a datum that holds itself too often is refused, and often enough is not', async () => {
  const chain = (length: number) =>
    fileOf(node, [
      { count: 1, data: Buffer.concat([Buffer.alloc(length * 2, 2), zigzag(0), zigzag(0)]) },
    ]);
  assert.equal((await valuesOf(chain(900))).length, 1);
  await refused(chain(2000), /nested deeper than 1000/);
  const endless = { type: 'record', name: 'R', fields: [{ name: 'r', type: 'R' }] };
  await refused(fileOf(endless, [{ count: 1, data: Buffer.alloc(0) }]), /nested deeper/);
});

test('schemas nested too deep are refused', async () => {
  const nested = (depth: number) =>
    `${'{"type":"array","items":'.repeat(depth)}"int"${'}'.repeat(depth)}`;
  assert.deepEqual(await valuesOf(fileOfText(nested(90), [])), []);
  await refused(fileOfText(nested(5_000), []), /nested deeper than 100/);
});

test('a block that holds more than the limit is refused, whatever it says of itself', async () => {
  for (const [codec, data] of [
    ['deflate', deflateRawSync(Buffer.alloc(2_000_000))],
    ['snappy', bytesOf('ff ff ff ff 0f 00 00 00 00 00')],
  ] as const) {
    const file = fileOf('int', [{ count: 2_000_000, data }], codec);
    await refused(file, /can not be uncompressed: .*more than 1000000 bytes/, {
      maxBlockBytes: 1_000_000,
    });
  }
});

test('of a compressed block, the message says how far it was read', async () => {
  const file = fileOf('int', [{ count: 2, data: deflateRawSync(bytesOf('02 80')) }], 'deflate');
  await refused(file, /cut off, behind 2 plain bytes of the compressed block/);
});

test('a wrong checksum behind snappy is found', async () => {
  await refused(
    fileOf('int', [{ count: 1, data: bytesOf('01 00 02 00 00 00 00') }], 'snappy'),
    /checksum of a snappy block is wrong/,
  );
});

test('long names do not make much JSON of few bytes', async () => {
  const schema = { type: 'record', name: 'R', fields: [{ name: 'n'.repeat(10_000), type: 'int' }] };
  const data = Buffer.concat([zigzag(1000), Buffer.alloc(1000), zigzag(0)]);
  const file = fileOf({ type: 'array', items: schema }, [{ count: 1, data }]);
  await assert.rejects(linesOf(file, { maxBlockBytes: 100_000 }), /more than 400000 characters/);
  assert.equal((await linesOf(file)).length, 1);
});

test('random data of random schemas is what another library wrote', async () => {
  const seed = seedFromEnvironment();
  const prng = new Prng(seed);
  for (let round = 0; round < 200; round++) {
    const schema = randomSchema(prng, 3, { next: 0 });
    const type = avsc.Type.forSchema(schema.json as avsc.Schema, { wrapUnions: true });
    const values = Array.from({ length: prng.integer(8) }, () => schema.value(prng));
    const data = Buffer.concat(values.map(({ wrapped }) => type.toBuffer(wrapped)));
    const file = fileOf(schema.json, [{ count: values.length, data }]);
    const about = `MILLRACE_SEED=${seed}, round ${round}`;
    assert.deepEqual(
      await valuesOf(file),
      values.map(({ plain }) => plain),
      about,
    );
    const lines = (await linesOf(file)).map((line) => JSON.parse(line));
    assert.deepEqual(
      lines,
      values.map(({ wrapped }) => JSON.parse(type.toString(wrapped))),
      about,
    );
  }
});

interface RandomSchema {
  readonly json: unknown;
  /** As it is read, and as the other library has it: under its branch, in a union. */
  readonly value: (prng: Prng) => { readonly plain: unknown; readonly wrapped: unknown };
}

function randomSchema(prng: Prng, depth: number, names: { next: number }): RandomSchema {
  const of = (json: unknown, value: (prng: Prng) => unknown): RandomSchema => ({
    json,
    value: (random) => {
      const plain = value(random);
      return { plain, wrapped: plain };
    },
  });
  const leaves = [
    () => of('null', () => null),
    () => of('boolean', (random) => random.chance(0.5)),
    () => of('int', (random) => random.integer(2 ** 32) - 2 ** 31),
    () => of('long', (random) => random.integer(2 ** 50) * (random.chance(0.5) ? -1 : 1)),
    // Of few digits: the other library has those of the double.
    () => of('float', (random) => random.integer(2000) / 8),
    () => of('double', (random) => random.next() * 1e9),
    () => of('bytes', (random) => random.bytes(random.integer(20))),
    () => of('string', (random) => random.pick(['', 'a', 'ü"\n', '😀', 'x'.repeat(200)])),
    () => of({ type: 'fixed', name: `N${names.next++}`, size: 3 }, (random) => random.bytes(3)),
    () =>
      of({ type: 'enum', name: `N${names.next++}`, symbols: ['A', 'B', 'C'] }, (random) =>
        random.pick(['A', 'B', 'C']),
      ),
  ];
  if (depth === 0 || prng.chance(0.2)) return prng.pick(leaves)();
  const inner = () => randomSchema(prng, depth - 1, names);
  return prng.pick([
    () => arraySchema(inner()),
    () => mapSchema(inner()),
    () => recordSchema(Array.from({ length: prng.integer(5) }, inner), `N${names.next++}`),
    () => unionSchema(leaves.filter(() => prng.chance(0.5)).map((leaf) => leaf())),
  ])();
}

function arraySchema(items: RandomSchema): RandomSchema {
  return {
    json: { type: 'array', items: items.json },
    value: (prng) => {
      const values = Array.from({ length: prng.integer(4) }, () => items.value(prng));
      return {
        plain: values.map(({ plain }) => plain),
        wrapped: values.map(({ wrapped }) => wrapped),
      };
    },
  };
}

function recordSchema(types: readonly RandomSchema[], name: string): RandomSchema {
  return {
    json: {
      type: 'record',
      name,
      fields: types.map(({ json }, index) => ({ name: `f${index}`, type: json })),
    },
    value: (prng) => membersOf(types.map((type, index) => [`f${index}`, type.value(prng)])),
  };
}

function mapSchema(values: RandomSchema): RandomSchema {
  return {
    json: { type: 'map', values: values.json },
    value: (prng) => {
      const keys = prng.shuffle(['a', 'ü', '"', '']).slice(0, prng.integer(5));
      return membersOf(keys.map((key) => [key, values.value(prng)]));
    },
  };
}

function membersOf(entries: [string, { plain: unknown; wrapped: unknown }][]) {
  return {
    plain: Object.fromEntries(entries.map(([name, { plain }]) => [name, plain])),
    wrapped: Object.fromEntries(entries.map(([name, { wrapped }]) => [name, wrapped])),
  };
}

function unionSchema(branches: readonly RandomSchema[]): RandomSchema {
  const types =
    branches.length > 0
      ? branches
      : [{ json: 'null', value: () => ({ plain: null, wrapped: null }) }];
  return {
    json: types.map(({ json }) => json),
    value: (prng) => {
      const { json, value } = prng.pick(types);
      const { plain, wrapped } = value(prng);
      const name = typeof json === 'string' ? json : (json as { name: string }).name;
      return { plain, wrapped: json === 'null' ? null : { [name]: wrapped } };
    },
  };
}
