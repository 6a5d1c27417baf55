import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { once } from '../codecs/codec.ts';
import { FormatError } from '../core/errors.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { type CsvReaderOptions, readCsv } from './csv-reader.ts';

async function recordsOf(
  input: AsyncIterable<Buffer>,
  options?: CsvReaderOptions,
): Promise<string[][]> {
  const records: string[][] = [];
  for await (const some of readCsv(input, options)) records.push(...some);
  return records;
}

const read = (text: string, options?: CsvReaderOptions) =>
  recordsOf(once(Buffer.from(text)), options);

/* The rules of RFC 4180, section 2, by their numbers; then what it leaves open. */
const cases: readonly (readonly [string, string, string[][], CsvReaderOptions?])[] = [
  [
    '1: a line is a record',
    'a,b\r\nc,d\r\n',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  [
    '2: the last line may lack its end',
    'a,b\r\nc,d',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  ['4: blanks are part of a field', ' a , b \r\n', [[' a ', ' b ']]],
  ['5: quotes are no part of a field', '"a","b"\r\n', [['a', 'b']]],
  ['6: quoted line ends and commas', '"a\r\n,b",c\r\n', [['a\r\n,b', 'c']]],
  ['7: doubled quotes', '"a""b""",""""\r\n', [['a"b"', '"']]],
  ['newlines alone', 'a\nb\n', [['a'], ['b']]],
  [
    'empty fields',
    ',\n"",\n,""',
    [
      ['', ''],
      ['', ''],
      ['', ''],
    ],
  ],
  ['an empty line', 'a\n\nb', [['a'], [''], ['b']]],
  ['nothing', '', []],
  ['a quote within a field', 'a"b,c"\n', [['a"b', 'c"']]],
  ['a carriage return within a field', 'a\rb\n\r\n', [['a\rb'], ['']]],
  ['UTF-8', 'ü,"😀"\n', [['ü', '😀']]],
  [
    'a delimiter of several characters',
    'a||b|c||"d||"\n',
    [['a', 'b|c', 'd||']],
    { delimiter: '||' },
  ],
  ['a delimiter that is no ASCII', 'a§b§"§"\n', [['a', 'b', '§']], { delimiter: '§' }],
  ['another quote', "'a''','\"'\n", [["a'", '"']], { quote: "'" }],
];

for (const [title, text, expected, options] of cases) {
  test(title, async () => assert.deepEqual(await read(text, options), expected));
}

const broken: readonly (readonly [RegExp, string, number, CsvReaderOptions?])[] = [
  [/quoted field is cut off/, 'a\nb,"c\n', 2],
  [/something else than a delimiter/, 'a\n"b"c\n', 2],
  [/larger than 10 bytes/, 'a\nb,"45678901"\n', 2, { maxRecordBytes: 10 }],
  [/larger than 10 bytes/, `a\n${'b'.repeat(100)}`, 2, { maxRecordBytes: 10 }],
];

for (const [message, text, offset, options] of broken) {
  test(`broken: ${message.source}, ${JSON.stringify(text).slice(0, 20)}`, async () => {
    await assert.rejects(read(text, options), (error) => {
      assert(error instanceof FormatError);
      assert.match(error.message, message);
      assert.equal(error.offset, offset);
      return true;
    });
  });
}

test('a record that never ends is refused before it is all in memory', async () => {
  let given = 0;
  async function* endless() {
    for (;;) {
      given += 1000;
      yield Buffer.alloc(1000, given === 1000 ? '"' : 'x');
    }
  }
  await assert.rejects(recordsOf(endless(), { maxRecordBytes: 10_000 }), FormatError);
  assert(given < 50_000, `${given} bytes`);
});

test('a long record in small pieces takes no more than a moment', async () => {
  async function* pieces() {
    yield Buffer.from('"');
    for (let count = 0; count < 100_000; count++) yield Buffer.from('0123456789');
    yield Buffer.from('"');
  }
  const before = process.cpuUsage();
  const [[field = ''] = []] = await recordsOf(pieces());
  assert.equal(field.length, 1_000_000);
  // Looked at again for each piece, it would be 100 billion bytes.
  assert(process.cpuUsage(before).user < 5_000_000);
});

test('records are the same however the input comes', async () => {
  const seed = seedFromEnvironment();
  const prng = new Prng(seed);
  for (let round = 0; round < 500; round++) {
    const delimiter = prng.pick([',', '||', '\t', '§']);
    const records = Array.from({ length: 1 + prng.integer(5) }, () =>
      Array.from({ length: 1 + prng.integer(4) }, () =>
        prng.pick(['', 'a', '"', '\r\n', '\n', delimiter, 'ü😀', `x${delimiter}"y"`, '|']),
      ),
    );
    const text = records
      .map((fields) => fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(delimiter))
      .join(prng.pick(['\n', '\r\n']));
    const bytes = Buffer.from(text);
    async function* pieces() {
      for (let from = 0; from < bytes.length; ) {
        const to = from + 1 + prng.integer(6);
        yield bytes.subarray(from, to);
        from = to;
      }
    }
    const about = `MILLRACE_SEED=${seed}, round ${round}`;
    assert.deepEqual(await recordsOf(pieces(), { delimiter }), records, about);
  }
});
