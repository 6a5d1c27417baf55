import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { DeliveryError } from '../core/errors.ts';
import { EventBatch } from '../core/event-batch.ts';
import type { SinkCounters } from '../core/metrics.ts';
import type { EventSerializer } from '../core/serializer.ts';
import { serializerContext } from '../testing/component-context.ts';
import { configOf } from '../testing/config-of.ts';
import { type ReadEvent, serializerContract } from '../testing/serializer-contract.ts';
import { parquetSerializer } from './parquet.ts';
import { type ParquetFile, readParquet } from './parquet-reader.ts';

const { fields } = parquetSerializer;

function create(properties: Readonly<Record<string, string>> = {}): EventSerializer {
  return parquetSerializer.create(configOf(fields, properties), serializerContext());
}

function problemsOf(properties: Readonly<Record<string, string>>): string[] {
  const problems = parquetSerializer.check?.(configOf(fields, properties)) ?? [];
  return problems.map(({ key, problem }) => `${key}: ${problem}`);
}

function open(bytes: Buffer): Promise<ParquetFile> {
  const read = async (position: number, length: number) =>
    bytes.subarray(position, position + length);
  return readParquet({ size: bytes.length, read });
}

type Columns = Record<string, unknown[]>;

async function columnsOf(bytes: Buffer): Promise<Columns> {
  const file = await open(bytes);
  const columns: Columns = Object.fromEntries(file.columns.map(({ name }) => [name, []]));
  for await (const batch of file.batches()) {
    for (const [name, values] of batch.columns) columns[name]?.push(...values);
  }
  return columns;
}

/** A file of these batches, each of them a row group of its own. */
async function fileOf(serializer: EventSerializer, batches: readonly EventBatch[]) {
  const parts = [...serializer.begin()];
  for (const batch of batches) {
    parts.push(...serializer.write(batch), ...(await serializer.flush()));
  }
  parts.push(...((await serializer.end?.()) ?? []));
  return Buffer.concat(parts);
}

function texts(...bodies: (string | Buffer)[]): EventBatch {
  return EventBatch.of(bodies.map((body) => ({ body })));
}

async function readEvents(bytes: Buffer): Promise<ReadEvent[]> {
  const { headers = [], body = [] } = await columnsOf(bytes);
  return body.map((each, row) => ({
    headers: JSON.parse(headers[row] as string),
    body: each as Buffer,
  }));
}

for (const codec of ['none', 'snappy', 'gzip', 'zstd', 'lz4_raw']) {
  serializerContract(`parquet, ${codec}`, {
    create: () => create({ codec, pageBytes: '1024' }),
    read: readEvents,
    bodies: 'any',
    headers: 'any',
  });
}

test('without options a row has the timestamp, all headers and the bytes of the body', async () => {
  const events = [
    {
      headers: { timestamp: '1325430245678', host: 'h"1\\\n\u0000ü\ud800' },
      body: Buffer.from([0, 255]),
    },
    { headers: {}, body: Buffer.alloc(0) },
  ];
  const bytes = await fileOf(create(), [EventBatch.of(events)]);
  assert.deepEqual(await columnsOf(bytes), {
    timestamp: [1325430245678n, undefined],
    headers: [JSON.stringify(events[0]?.headers), '{}'],
    body: [Buffer.from([0, 255]), Buffer.alloc(0)],
  });
  const { columns } = await open(bytes);
  assert.deepEqual(
    columns.map(({ logicalType, isRequired }) => [logicalType, isRequired]),
    [
      ['timestamp-ms', false],
      ['json', true],
      [undefined, true],
    ],
  );
});

/** One column of each type, all from the header `v`. */
async function typed(type: string, values: readonly string[], more = {}) {
  const context = serializerContext();
  const options = { columns: 'v', 'columns.v.type': type, ...more };
  const serializer = parquetSerializer.create(configOf(fields, options), context);
  const events = values.map((v) => ({ headers: { v }, body: '' }));
  const { v } = await columnsOf(await fileOf(serializer, [EventBatch.of(events)]));
  return { values: v, misfits: (context.counters as SinkCounters).EventMisfitCount };
}

test('headers become typed values, and what does not fit is counted', async () => {
  const none = undefined;
  const cases: [type: string, texts: string[], values: unknown[], misfits: number][] = [
    ['string', ['', 'a\u0000b', 'ü😀'], ['', 'a\u0000b', 'ü😀'], 0],
    ['binary', ['ü'], [Buffer.from('ü')], 0],
    ['json', ['{"a":1}', ' 1', 'x', ''], ['{"a":1}', ' 1', none, none], 2],
    [
      'int32',
      ['0', '-2147483648', '2147483647', '2147483648', '1.5', '', ' +7 ', '-0', '0x10'],
      [0, -2147483648, 2147483647, none, none, none, 7, 0, none],
      4,
    ],
    [
      'int64',
      ['9223372036854775807', '-9223372036854775808', '9223372036854775808', '-5', 'e'],
      [9223372036854775807n, -9223372036854775808n, none, -5n, none],
      2,
    ],
    [
      'int64',
      ['9007199254740993', '-4294967296', '4294967295'],
      [9007199254740993n, -4294967296n, 4294967295n],
      0,
    ],
    [
      'float',
      ['1.1', '1e39', 'NaN', '-Infinity'],
      [Math.fround(1.1), none, Number.NaN, Number.NEGATIVE_INFINITY],
      1,
    ],
    [
      'double',
      ['1.1', '-0', '.5', '1e400', 'abc', '1_0'],
      [1.1, -0, 0.5, Number.POSITIVE_INFINITY, none, none],
      2,
    ],
    ['boolean', ['true', 'FALSE', 'yes', '1'], [true, false, none, none], 2],
    [
      'timestamp',
      ['0', '-1', '1325430245678.9', '2012-01-01T15:04:05.678Z', '2012-01-01 15:04:05,678+01:00'],
      [0n, -1n, 1325430245678n, 1325430245678n, 1325426645678n],
      0,
    ],
    [
      'timestamp',
      ['2012-02-29', '2013-02-29', '2012-13-01', '2012-01-01T25:00:00Z', 'now'],
      [1330473600000n, none, none, none, none],
      4,
    ],
  ];
  for (const [type, given, values, misfits] of cases) {
    assert.deepEqual(await typed(type, given), { values, misfits }, type);
  }
});

test('a timestamp that is a number has the unit of its column', async () => {
  const found = async (unit: string, value: string) =>
    (await typed('timestamp', [value], { 'columns.v.unit': unit })).values;
  assert.deepEqual(await found('s', '1325430245.678'), [1325430245678n]);
  assert.deepEqual(await found('ms', '1325430245678'), [1325430245678n]);
  assert.deepEqual(await found('us', '1325430245678901'), [1325430245678n]);
  assert.deepEqual(await found('ns', '1325430245678901234'), [1325430245678n]);
});

test('a default stands for what is absent or does not fit', async () => {
  const context = serializerContext();
  const config = configOf(fields, {
    columns: 'status',
    'columns.status.type': 'int32',
    'columns.status.default': '-1',
    'columns.status.required': 'true',
  });
  const serializer = parquetSerializer.create(config, context);
  const batch = EventBatch.of([
    { headers: { status: '200' }, body: '' },
    { headers: { status: 'OK' }, body: '' },
    { headers: {}, body: '' },
  ]);
  const one = batch.slice(2).withHeaders(new Map([['status', 'every']]));
  const bytes = await fileOf(serializer, [batch, batch.withHeaders(new Map()), one]);
  assert.deepEqual(await columnsOf(bytes), { status: [200, -1, -1, -1, -1, -1, -1] });
  assert.equal(context.counters.EventMisfitCount, 2);
  assert.equal((await open(bytes)).columns[0]?.isRequired, true);
});

test('parts of a JSON body become columns; a body that is none is one misfit', async () => {
  const context = serializerContext();
  const config = configOf(fields, {
    columns: 'id ok text all first body',
    'columns.id.from': 'json:$.user.id',
    'columns.id.type': 'int64',
    'columns.ok.from': 'json:ok',
    'columns.ok.type': 'boolean',
    'columns.text.from': 'json:user.name',
    'columns.all.from': 'json:$',
    'columns.all.type': 'json',
    'columns.first.from': 'json:list[0]',
    'columns.first.type': 'double',
    'columns.body.type': 'string',
  });
  const serializer = parquetSerializer.create(config, context);
  const bodies = [
    '{"user":{"id":7,"name":"é"},"ok":true,"list":[0.5]}',
    '{"user":{"id":"12","name":null},"ok":"false","list":[]}',
    '{"user":{"id":9007199254740993,"name":[1]},"ok":1,"list":["x"]}',
    'none at all',
    '[]',
  ];
  const none = undefined;
  assert.deepEqual(await columnsOf(await fileOf(serializer, [texts(...bodies)])), {
    id: [7n, 12n, none, none, none],
    ok: [true, false, none, none, none],
    text: ['é', none, '[1]', none, none],
    all: [bodies[0], bodies[1], bodies[2]?.replace('993', '992'), none, '[]'],
    first: [0.5, none, none, none, none],
    body: bodies,
  });
  assert.equal(context.counters.EventMisfitCount, 2, 'one event counts once');
});

test('a body as text: what is not UTF-8 is replaced and counted', async () => {
  const context = serializerContext();
  const options = { columns: 'body', 'columns.body.type': 'string' };
  const serializer = parquetSerializer.create(configOf(fields, options), context);
  // The middle of an ü is a bound of the last two: together they are UTF-8, neither of them is.
  const batches = [
    texts('fine', 'ü'),
    texts(Buffer.from([97, 0xe4, 98]), 'ü', Buffer.from([0xc3]), Buffer.from([0xbc])),
  ];
  assert.deepEqual(await columnsOf(await fileOf(serializer, batches)), {
    body: ['fine', 'ü', 'a\ufffdb', 'ü', '\ufffd', '\ufffd'],
  });
  assert.equal(context.counters.EventMisfitCount, 3);
});

test('refused misfits name column and events, and nothing of the batch is kept', async () => {
  const options = { columns: 'body n', 'columns.n.type': 'int32', misfits: 'refuse' };
  const context = serializerContext();
  const serializer = parquetSerializer.create(configOf(fields, options), context);
  const events = ['1', 'x', '3', 'y'].map((n) => ({ headers: { n }, body: n }));
  const parts = [...serializer.begin()];
  assert.throws(
    () => serializer.write(EventBatch.of(events)),
    (error) => {
      assert(error instanceof DeliveryError);
      assert.match(error.message, /event 1 .*column n .*int32/);
      assert.deepEqual(error.rejected, [1, 3]);
      return true;
    },
  );
  assert.equal(serializer.heldBytes, 0);
  serializer.write(EventBatch.of(events).pick([0, 2]));
  parts.push(...(await serializer.flush()), ...((await serializer.end?.()) ?? []));
  const { n } = await columnsOf(Buffer.concat(parts));
  assert.deepEqual(n, [1, 3]);
  assert.equal(context.counters.EventMisfitCount, 0);
});

test('a required column without a value is refused', () => {
  const options = { columns: 'n', 'columns.n.required': 'true', misfits: 'refuse' };
  const all = create(options);
  assert.throws(() => all.write(texts('a', 'b')), { rejected: [0, 1] });
  const some = [{ headers: { n: '' }, body: '' }, { body: '' }];
  assert.throws(() => create(options).write(EventBatch.of(some)), { rejected: [1] });
});

async function statisticsOf(type: string, values: readonly (string | undefined)[]) {
  const options = { columns: 'v', 'columns.v.type': type };
  const events = values.map((v) => ({ headers: v === undefined ? {} : { v }, body: '' }));
  const file = await open(await fileOf(create(options), [EventBatch.of(events)]));
  return file.rowGroups[0]?.statistics.get('v');
}

test('statistics are bounds in the order of the type', async () => {
  const i64 = (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  };
  const f64 = (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return bytes;
  };
  const exact = { isMinExact: true, isMaxExact: true };
  assert.deepEqual(await statisticsOf('int64', ['-1', '5', undefined, '-9223372036854775808']), {
    nullCount: 1,
    min: i64(-(2n ** 63n)),
    max: i64(5n),
    ...exact,
  });
  assert.deepEqual(await statisticsOf('double', ['NaN', '0', 'NaN']), {
    nullCount: 0,
    min: f64(-0),
    max: f64(0),
    ...exact,
  });
  assert.deepEqual(await statisticsOf('double', ['NaN']), { nullCount: 0 });
  assert.deepEqual(await statisticsOf('boolean', ['true', 'true']), {
    nullCount: 0,
    min: Buffer.from([1]),
    max: Buffer.from([1]),
    ...exact,
  });
  assert.deepEqual(await statisticsOf('string', ['b', 'ab', 'a', '😀', '\uffff']), {
    nullCount: 0,
    min: Buffer.from('a'),
    max: Buffer.from('😀'),
    ...exact,
  });
  assert.deepEqual(await statisticsOf('string', [undefined]), { nullCount: 1 });
});

test('long least and greatest values are cut, and remain bounds', async () => {
  const text = (end: string) => `${'m'.repeat(63)}${end}`;
  assert.deepEqual(await statisticsOf('string', [text('ü'), text('ü1')]), {
    nullCount: 0,
    min: Buffer.from('m'.repeat(63)),
    max: Buffer.from(`${'m'.repeat(62)}n`),
    isMinExact: false,
    isMaxExact: false,
  });
  assert.deepEqual(await statisticsOf('string', [text('a'), text('ab')]), {
    nullCount: 0,
    min: Buffer.from(text('a')),
    max: Buffer.from(text('b')),
    isMinExact: true,
    isMaxExact: false,
  });
  const high = await statisticsOf('string', ['😀'.repeat(20)]);
  assert.equal(high?.max, undefined, 'there is no simple one above');
  assert.deepEqual(high?.min, Buffer.from('😀'.repeat(16)));
  const file = await open(await fileOf(create(), [texts(Buffer.alloc(70, 255), Buffer.alloc(3))]));
  assert.deepEqual(file.rowGroups[0]?.statistics.get('body'), {
    nullCount: 0,
    min: Buffer.alloc(3),
    isMinExact: true,
  });
});

test('a column that does not repeat falls back to plain, and its values come through', async () => {
  const events = Array.from({ length: 50_000 }, (_, index) => ({
    headers: {
      rare: `host-${index % 7}`,
      own: `id-${index}`,
      n: String(index),
      some: index % 3 ? '' : 'x',
    },
    body: '',
  }));
  for (const event of events)
    if (event.headers.some === '') Reflect.deleteProperty(event.headers, 'some');
  const options = { columns: 'rare own n some', 'columns.n.type': 'int64', pageBytes: '65536' };
  const serializer = create({ ...options, codec: 'none' });
  const bytes = await fileOf(serializer, [EventBatch.of(events)]);
  const columns = await columnsOf(bytes);
  assert.deepEqual(
    columns['rare'],
    events.map(({ headers }) => headers.rare),
  );
  assert.deepEqual(
    columns['own'],
    events.map(({ headers }) => headers.own),
  );
  assert.deepEqual(
    columns['n'],
    events.map((_, index) => BigInt(index)),
  );
  assert.deepEqual(
    columns['some'],
    events.map((_, index) => (index % 3 ? undefined : 'x')),
  );
  const plain = events.reduce((sum, { headers }) => sum + 4 + headers.own.length + 8, 0);
  assert(bytes.length < plain + 50_000, `${bytes.length} bytes: 3 bits each for rare, 1 for some`);
});

test('many row groups, of which several are written at once, follow each other', async () => {
  const serializer = create({ codec: 'gzip', rowGroupBytes: '65536' });
  const parts: (readonly Buffer[] | Promise<readonly Buffer[]>)[] = [serializer.begin()];
  for (let index = 0; index < 40; index++) {
    parts.push(serializer.write(texts(`${index}`, 'x'.repeat(index * 1000))));
    assert((serializer.heldBytes ?? 0) > index * 1000);
    parts.push(serializer.flush());
    assert.equal(serializer.heldBytes, 0);
  }
  parts.push((await serializer.end?.()) ?? []);
  const bytes = Buffer.concat((await Promise.all(parts)).flat());
  const file = await open(bytes);
  assert.equal(file.rowCount, 80);
  assert.deepEqual(
    file.rowGroups.map(({ rowCount }) => rowCount),
    Array(40).fill(2),
  );
  const { body } = await columnsOf(bytes);
  assert.deepEqual(body?.map((each) => (each as Buffer).length).slice(-2), [2, 39_000]);
});

test('a file is the same whatever the sizes of batches, and read as well in pages', async () => {
  const bodies = Array.from({ length: 30_000 }, (_, index) => `line ${index}`);
  const batch = texts(...bodies).withHeader('timestamp', '5');
  const pieces = Array.from({ length: 30 }, (_, index) =>
    batch.slice(index * 1000, index * 1000 + 1000),
  );
  const written = async (batches: readonly EventBatch[], properties = {}) => {
    const serializer = create(properties);
    const begin = serializer.begin();
    const data = batches.flatMap((each) => [...serializer.write(each)]);
    const end = [...(await serializer.flush()), ...((await serializer.end?.()) ?? [])];
    return Buffer.concat([...begin, ...data, ...end]);
  };
  const whole = await written([batch]);
  assert.deepEqual(await written(pieces), whole);
  const small = await columnsOf(await written(pieces, { pageBytes: '1024' }));
  assert.deepEqual(small, await columnsOf(whole));
  assert.deepEqual(small['body']?.map(String), bodies);
});

test('options that cannot be are found', () => {
  assert.deepEqual(problemsOf({}), []);
  assert.deepEqual(problemsOf({ columns: 'a.b', 'columns.a.b.from': 'header:x' }), []);
  assert.deepEqual(
    problemsOf({
      columns: 'a b b',
      'columns.a.type': 'text',
      'columns.a.frm': 'body',
      'columns.c.type': 'string',
      'columns.b.from': 'head:x',
      level: '3',
    }),
    [
      'columns.a.frm: there is no such option; a column has from, type, unit, default, required',
      'columns.c.type: no column is called c; there are a, b, b',
      'columns.a.type: expected one of string, json, binary, int32, int64, float, double, ' +
        'boolean, timestamp, found text',
      'columns.b.from: expected body, headers, header:<name> or json:<path>, found head:x',
      'columns: b stands there twice',
      'columns.b.from: expected body, headers, header:<name> or json:<path>, found head:x',
      'level: snappy has no levels',
    ],
  );
  assert.deepEqual(
    problemsOf({
      columns: 'n',
      'columns.n.type': 'int32',
      'columns.n.default': 'x',
      'columns.n.unit': 's',
      'columns.n.from': 'json:$..a',
      codec: 'gzip',
      level: '10',
    }),
    [
      'columns.n.from: expected .name or [0] at "..a"',
      'columns.n.unit: only a column of type timestamp has a unit',
      'columns.n.default: x is no int32',
      'level: gzip has levels up to 9',
    ],
  );
  assert.deepEqual(problemsOf({ 'columns.headers.type': 'int32' }), [
    'columns.headers.type: all headers together are json, string or binary',
  ]);
  assert.deepEqual(problemsOf({ columns: 'n', 'columns.n.required': 'true' }), [
    'columns.n.required: a required column needs a default, unless misfits are refused',
  ]);
});
