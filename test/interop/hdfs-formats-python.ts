/** Local files of many formats, as libraries of Python read them. */
import { runPython } from '../../testbed/python.ts';

/** `blocks`: a SequenceFile of blocks that are compressed with zstd. */
export type PythonReader =
  | 'zstandard'
  | 'blocks'
  | 'json'
  | 'avro'
  | 'fastavro'
  | 'arrow'
  | 'duckdb';

export interface PythonQuestion {
  readonly reader: PythonReader;
  readonly output: string;
  /** In their order. */
  readonly paths: readonly string[];
}

/** An event as it was read; what a format leaves out is absent. A file of text is one. */
export interface Told {
  readonly headers?: Readonly<Record<string, string>>;
  /** As `shown` has it, or why it can't be read. */
  readonly body: string;
  readonly time?: string | null;
}

const program = `
import base64, hashlib, io, json, sys
import avro.datafile, avro.io, duckdb, fastavro, pyarrow as pa, pyarrow.parquet, zstandard

def shown(b):
    if len(b) <= 1000: return base64.b64encode(b).decode()
    return '#%d %s' % (len(b), hashlib.sha256(b).hexdigest())

def event(r): return {'headers': r['headers'], 'body': shown(r['body'])}

def row(time, headers, body):
    time = None if time is None else str(time)
    return {'headers': json.loads(headers), 'body': shown(body), 'time': time}

def zstd(f):
    return zstandard.ZstdDecompressor().stream_reader(f, read_across_frames=True).read()

def vint(b, at):
    first = int.from_bytes(b[at:at + 1], 'big', signed=True)
    if first >= -112: return first, at + 1
    end = at + 1 - 112 - first
    return int.from_bytes(b[at + 1:end], 'big'), end

def sized(b, at):
    size, at = vint(b, at)
    return b[at:at + size], at + size

def sizes(b, count):
    at = 0
    for _ in range(count):
        size, at = vint(b, at)
        yield size
    assert at == len(b)

def of_blocks(path):
    b = open(path, 'rb').read()
    assert b[:4] == b'SEQ\\x06'
    key, at = sized(b, 4)
    value, at = sized(b, at)
    codec, flags = sized(b, at + 2)[0], b[at:at + 2]
    names = b' '.join(each.split(b'.')[-1] for each in (key, value, codec))
    assert names == b'LongWritable BytesWritable ZStandardCodec', names
    assert flags == b'\\1\\1'
    at = sized(b, at + 2)[1]
    assert b[at:at + 4] == bytes(4)
    sync, at = b[at + 4:at + 20], at + 20
    while at < len(b):
        assert b[at:at + 20] == b'\\xff' * 4 + sync
        count, at = vint(b, at + 20)
        parts = []
        for _ in range(4):
            part, at = sized(b, at)
            parts.append(zstd(io.BytesIO(part)))
        assert list(sizes(parts[0], count)) == [8] * count and len(parts[1]) == 8 * count
        rest = parts[3]
        for size in sizes(parts[2], count):
            assert int.from_bytes(rest[:4], 'big') == size - 4
            yield {'body': shown(rest[4:size])}
            rest = rest[size:]
        assert rest == b''

def of_json(path):
    for line in open(path, 'rb').read().decode().split('\\n')[:-1]:
        r = json.loads(line)
        yield {'headers': r['headers'], 'body': shown(r['body'].encode())}

def of_avro(path):
    with open(path, 'rb') as f:
        yield from map(event, avro.datafile.DataFileReader(f, avro.io.DatumReader()))

def of_fastavro(path):
    with open(path, 'rb') as f:
        yield from map(event, fastavro.reader(f))

def of_arrow(path):
    t = pa.parquet.ParquetFile(path, page_checksum_verification=True).read()
    times = t.column('timestamp').cast(pa.int64()).to_pylist()
    yield from map(row, times, t.column('headers').to_pylist(), t.column('body').to_pylist())

def of_duckdb(path):
    q = 'select epoch_ms("timestamp"), headers::varchar, body from read_parquet(?)'
    for r in duckdb.execute(q, [path]).fetchall(): yield row(*r)

readers = {
    'blocks': of_blocks, 'json': of_json, 'avro': of_avro, 'fastavro': of_fastavro,
    'arrow': of_arrow, 'duckdb': of_duckdb,
}
found = {}
for reader, output, paths in json.load(sys.stdin):
    try:
        if reader == 'zstandard':
            records = [{'body': shown(b''.join(zstd(open(path, 'rb')) for path in paths))}]
        else:
            records = [record for path in paths for record in readers[reader](path)]
    except Exception as problem:
        records = [{'body': repr(problem)}]
    found[reader + ' ' + output] = records
print(json.dumps(found))
`;

/** All at once, by reader and output: its libraries take long to start. */
export function readByPython(questions: readonly PythonQuestion[]): Map<string, readonly Told[]> {
  const input = questions.map(({ reader, output, paths }) => [reader, output, paths]);
  return new Map(Object.entries(JSON.parse(runPython(program, [], JSON.stringify(input)))));
}
