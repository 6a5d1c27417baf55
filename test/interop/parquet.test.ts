/** Parquet files of ours, read by Arrow and DuckDB; and Arrow's, read by us. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { EventBatch } from '../../src/core/event-batch.ts';
import { parquetSerializer } from '../../src/formats/parquet.ts';
import { readParquet } from '../../src/formats/parquet-reader.ts';
import { serializerContext } from '../../src/testing/component-context.ts';
import { configOf } from '../../src/testing/config-of.ts';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';
import { pythonMissing, runPython } from '../../testbed/python.ts';

const skip = pythonMissing();
const folder = mkdtempSync(join(tmpdir(), 'parquet-'));
after(() => rmSync(folder, { recursive: true }));

/** A value as text that says its type, the same in Python: `show`. */
function shown(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return `s${value}`;
  if (Buffer.isBuffer(value)) return `x${value.toString('hex')}`;
  if (typeof value === 'bigint') return `i${value}`;
  if (typeof value === 'boolean') return `b${value}`;
  assert(typeof value === 'number');
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return Number.isNaN(value) ? 'dnan' : `d${bytes.toString('hex')}`;
}

const show = `
import datetime, json, struct, sys
epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
def show(v):
    if v is None: return None
    if isinstance(v, bool): return 'b' + str(v).lower()
    if isinstance(v, int): return 'i' + str(v)
    if isinstance(v, float): return 'dnan' if v != v else 'd' + struct.pack('>d', v).hex()
    if isinstance(v, str): return 's' + v
    if isinstance(v, datetime.datetime):
        if v.tzinfo is None: v = v.replace(tzinfo=datetime.timezone.utc)
        return 'i' + str((v - epoch) // datetime.timedelta(milliseconds=1))
    return 'x' + bytes(v).hex()
`;

type Columns = Record<string, (string | null)[]>;

function readByArrow(path: string): Columns {
  const program = `${show}
import pyarrow.parquet as pq
t = pq.ParquetFile(sys.argv[1], page_checksum_verification=True).read()
print(json.dumps({n: [show(v) for v in t.column(n).to_pylist()] for n in t.column_names}))`;
  return JSON.parse(runPython(program, [path]));
}

function readByDuckDb(path: string): Columns {
  const program = `${show}
import duckdb
c = duckdb.connect()
c.execute("set timezone = 'UTC'")
r = c.execute('select * from read_parquet(?)', [sys.argv[1]])
names = [d[0] for d in r.description]
rows = r.fetchall()
print(json.dumps({n: [show(row[i]) for row in rows] for i, n in enumerate(names)}))`;
  return JSON.parse(runPython(program, [path]));
}

async function readByUs(path: string): Promise<Columns> {
  const bytes = readFileSync(path);
  const read = async (at: number, length: number) => bytes.subarray(at, at + length);
  const file = await readParquet({ size: bytes.length, read });
  const int32 = new Set(
    file.columns.filter(({ physicalType }) => physicalType === 'int32').map(({ name }) => name),
  );
  const columns: Columns = Object.fromEntries(file.columns.map(({ name }) => [name, []]));
  for await (const batch of file.batches()) {
    for (const [name, values] of batch.columns) {
      const all = int32.has(name)
        ? values.map((v) => (v === undefined ? v : BigInt(String(v))))
        : values;
      columns[name]?.push(...all.map(shown));
    }
  }
  return columns;
}

const options = {
  columns: 'time host n big ratio small ok doc all body',
  'columns.time.from': 'header:timestamp',
  'columns.n.type': 'int32',
  'columns.big.type': 'int64',
  'columns.ratio.type': 'double',
  'columns.small.type': 'float',
  'columns.ok.type': 'boolean',
  'columns.doc.type': 'json',
  'columns.all.from': 'headers',
};

/** Headers of every type, some of them absent, and values at their bounds. */
function randomEvents(prng: Prng, count: number) {
  const values: Readonly<Record<string, readonly string[]>> = {
    timestamp: ['0', '1325430245678', '-86400001', '253402300799999'],
    host: ['', 'web-1', 'ü😀', 'a\u0000b', 'x'.repeat(300)],
    n: ['0', '-2147483648', '2147483647', '200', '404'],
    big: ['9223372036854775807', '-9223372036854775808', '4294967296', '-1'],
    ratio: ['0', '-0', '1.5', '1e300', '-1e-300', 'Infinity'],
    small: ['0.5', '-3e38', '1e-40'],
    ok: ['true', 'false'],
    doc: ['{"a":[1,2]}', 'null', '"x"'],
  };
  return Array.from({ length: count }, () => {
    const headers: Record<string, string> = {};
    for (const [name, some] of Object.entries(values)) {
      if (prng.chance(0.8)) headers[name] = prng.pick(some);
      if (name === 'host' && prng.chance(0.1)) headers[name] = `h${prng.integer(1e9)}`;
    }
    return { headers, body: prng.bytes(prng.pick([0, 5, 300])) };
  });
}

async function writeFile(path: string, batches: readonly EventBatch[], properties: object) {
  const config = configOf(parquetSerializer.fields, { ...properties });
  const serializer = parquetSerializer.create(config, serializerContext());
  const parts = [...serializer.begin()];
  for (const batch of batches) {
    parts.push(...serializer.write(batch), ...(await serializer.flush()));
  }
  parts.push(...((await serializer.end?.()) ?? []));
  writeFileSync(path, Buffer.concat(parts));
}

for (const codec of ['none', 'snappy', 'gzip', 'zstd', 'lz4_raw']) {
  test(`Arrow and DuckDB read what is written with ${codec}`, { skip }, async () => {
    const seed = seedFromEnvironment();
    const prng = new Prng(seed);
    const path = join(folder, `${codec}.parquet`);
    const batches = [3000, 1, 800].map((count) => EventBatch.of(randomEvents(prng, count)));
    await writeFile(path, batches, { ...options, codec, pageBytes: '4096' });
    const ours = await readByUs(path);
    assert.equal(ours['body']?.length, 3801);
    assert.deepEqual(
      ours['body'],
      batches.flatMap((each) => [...each].map(({ body }) => shown(body))),
    );
    assert.deepEqual(
      ours['host'],
      batches.flatMap((each) => [...each].map(({ headers }) => shown(headers['host']))),
    );
    assert.deepEqual(readByArrow(path), ours, `with MILLRACE_SEED=${seed}`);
    assert.deepEqual(readByDuckDb(path), ours, `with MILLRACE_SEED=${seed}`);
  });
}

test('a file without events has its columns', { skip }, async () => {
  const path = join(folder, 'empty.parquet');
  await writeFile(path, [], {});
  const none = { timestamp: [], headers: [], body: [] };
  assert.deepEqual(readByArrow(path), none);
  assert.deepEqual(readByDuckDb(path), none);
  assert.deepEqual(await readByUs(path), none);
});

test('Arrow and DuckDB see the types and the bounds', { skip }, async () => {
  const path = join(folder, 'types.parquet');
  const headers = (n: string, host: string) => ({
    timestamp: `${n}000`,
    host,
    n,
    ratio: n,
    ok: 'true',
  });
  const events = [
    { headers: headers('-5', 'b'), body: 'x' },
    { headers: headers('7', `a${'é'.repeat(100)}`), body: 'y' },
    { headers: {}, body: '' },
  ];
  await writeFile(path, [EventBatch.of(events)], { ...options, 'columns.body.type': 'string' });
  const program = `${show}
import pyarrow.parquet as pq
f = pq.ParquetFile(sys.argv[1])
g = f.metadata.row_group(0)
out = {}
for i in range(g.num_columns):
    c = g.column(i); s = c.statistics
    bounds = [show(s.min), show(s.max)] if s.has_min_max else [None, None]
    field = f.schema_arrow.field(i)
    out[c.path_in_schema] = [str(field.type), field.nullable, s.null_count] + bounds
print(json.dumps(out))`;
  const i64 = 'int64';
  const all = Buffer.from('{"timestamp":"-5000","host":"b","n":"-5","ratio":"-5","ok":"true"}');
  const [minRatio, maxRatio] = [shown(-5), shown(7)];
  assert.deepEqual(JSON.parse(runPython(program, [path])), {
    time: ['timestamp[ms, tz=UTC]', true, 1, 'i-5000', 'i7000'],
    host: ['string', true, 1, `sa${'é'.repeat(31)}`, 'sb'],
    n: ['int32', true, 1, 'i-5', 'i7'],
    big: [i64, true, 3, null, null],
    ratio: ['double', true, 1, minRatio, maxRatio],
    small: ['float', true, 3, null, null],
    ok: ['bool', true, 1, 'btrue', 'btrue'],
    doc: ['extension<arrow.json>', true, 3, null, null],
    all: ['extension<arrow.json>', false, 0, shown(all.subarray(0, 64)), shown(Buffer.from('{}'))],
    body: ['string', false, 0, 's', 'sy'],
  });
  const sql = `
import duckdb, json, sys
query = lambda sql: print(json.dumps(duckdb.execute(sql, [sys.argv[1]]).fetchall()))
query("""select n from read_parquet(?) where host >= 'b' or n > 6 or ratio < -4 order by n""")
query('describe select * from read_parquet(?)')`;
  const [rows, types] = runPython(sql, [path])
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(rows, [[-5], [7]]);
  assert.deepEqual(
    types.map(([, type]: string[]) => type),
    [
      ...['TIMESTAMP WITH TIME ZONE', 'VARCHAR', 'INTEGER', 'BIGINT', 'DOUBLE', 'FLOAT', 'BOOLEAN'],
      ...['JSON', 'JSON', 'VARCHAR'],
    ],
  );
});

/** A table of every type, with and without nulls, as Arrow writes it. */
const table = `${show}
import pyarrow as pa, pyarrow.parquet as pq, random
random.seed(1)
n = 5000
doubles = [float('nan'), -0.0, 1e300, 0.1, 0.2]
some = lambda make: [None if random.random() < 0.2 else make() for _ in range(n)]
columns = {
  'i32': pa.array(some(lambda: random.randint(-2**31, 2**31 - 1)), pa.int32()),
  'i64': pa.array(some(lambda: random.randint(-2**63, 2**63 - 1)), pa.int64()),
  'f32': pa.array(some(lambda: random.random()), pa.float32()),
  'f64': pa.array(some(lambda: random.choice(doubles)), pa.float64()),
  'flag': pa.array(some(lambda: random.random() < 0.5), pa.bool_()),
  'text': pa.array(some(lambda: random.choice(['a', '', 'ü😀'])), pa.string()),
  'own': pa.array(some(lambda: str(random.random())), pa.string()),
  'raw': pa.array(some(lambda: random.randbytes(5)), pa.binary()),
  'fix': pa.array(some(lambda: random.randbytes(3)), pa.binary(3)),
  'when': pa.array(some(lambda: random.randint(0, 2**41)), pa.timestamp('ms', tz='UTC')),
  'must': pa.array(range(n), pa.int64()),
  'same': pa.array(['one'] * n, pa.string()),
  'null': pa.array([None] * n, pa.string()),
}
optional = lambda k: k not in ('must', 'same')
fields = [pa.field(k, v.type, nullable=optional(k)) for k, v in columns.items()]
t = pa.table(columns, schema=pa.schema(fields))
`;

const layouts = {
  'snappy, dictionaries': "compression='snappy'",
  'no compression, plain': "compression='none', use_dictionary=False",
  'gzip, version 1.0': "compression='gzip', version='1.0'",
  'zstd, small row groups': "compression='zstd', row_group_size=700",
  'zstd, pages of version 2': "compression='zstd', data_page_version='2.0', data_page_size=2000",
  'snappy, plain pages of version 2':
    "compression='snappy', data_page_version='2.0', use_dictionary=False",
  'lz4, with checksums': "compression='lz4', write_page_checksum=True, data_page_size=1000",
  'no compression, version 2, checksums':
    "compression='none', data_page_version='2.0', write_page_checksum=True",
};

for (const [title, layout] of Object.entries(layouts)) {
  test(`a file of Arrow is read: ${title}`, { skip }, async () => {
    const path = join(folder, 'arrow.parquet');
    const program = `${table}
pq.write_table(t, sys.argv[1], ${layout})
print(json.dumps({k: [show(v) for v in t.column(k).to_pylist()] for k in t.column_names}))`;
    const expected = JSON.parse(runPython(program, [path]));
    assert.deepEqual(await readByUs(path), expected);
  });
}

test('a file of DuckDB is read', { skip }, async () => {
  const path = join(folder, 'duck.parquet');
  const program = `${show}
import duckdb
c = duckdb.connect()
c.execute("""create table t as select i::int as i, 'v' || (i % 10) as s, i * 0.5::double as d,
  i % 3 = 0 as b, case when i % 7 = 0 then null else i::bigint * 10000000000 end as l
  from range(130000) r(i)""")
c.execute("copy t to '" + sys.argv[1] + "' (format parquet, codec 'zstd')")
column = lambda n: [show(v[0]) for v in c.execute('select ' + n + ' from t').fetchall()]
print(json.dumps({n: column(n) for n in ['i', 's', 'd', 'b', 'l']}))`;
  const expected = JSON.parse(runPython(program, [path]));
  assert.deepEqual(await readByUs(path), expected);
});

test('what is not read is refused by its name, and the rest of the file can be read', {
  skip,
}, async () => {
  const path = join(folder, 'nested.parquet');
  const program = `
import pyarrow as pa, pyarrow.parquet as pq, sys
pair = pa.struct([('x', pa.int64()), ('y', pa.string())])
structs = pa.array([{'x': 1, 'y': None}, None], pair)
t = pa.table({'a': pa.array([1, None]), 's': structs, 'l': pa.array([[1], []])})
pq.write_table(t, sys.argv[1])
a = t.select(['a'])
delta = {'a': 'DELTA_BINARY_PACKED'}
pq.write_table(a, sys.argv[1] + '.delta', use_dictionary=False, column_encoding=delta)
pq.write_table(a, sys.argv[1] + '.brotli', compression='brotli')`;
  runPython(program, [path]);
  await assert.rejects(readByUs(path), /column l\.list\.\w+ is repeated, which is not read/);
  await assert.rejects(readByUs(`${path}.delta`), /column a is encoded in DELTA_BINARY_PACKED/);
  await assert.rejects(readByUs(`${path}.brotli`), /column a is compressed with brotli/);
  const bytes = readFileSync(path);
  const read = async (at: number, length: number) => bytes.subarray(at, at + length);
  const columns = ['a', 's.x', 's.y'];
  const file = await readParquet({ size: bytes.length, read }, { columns });
  for await (const batch of file.batches()) {
    assert.deepEqual(Object.fromEntries(batch.columns), {
      a: [1n, undefined],
      's.x': [1n, undefined],
      's.y': [undefined, undefined],
    });
  }
});
