import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { once } from '../codecs/codec.ts';
import { EventBatch } from '../core/event-batch.ts';
import { serializerContext } from '../testing/component-context.ts';
import { type ReadEvent, serializerContract } from '../testing/serializer-contract.ts';
import { csvSerializer } from './csv.ts';
import { readCsv } from './csv-reader.ts';

const defaults = {
  columns: 'body',
  delimiter: ',',
  quoting: 'minimal',
  quote: '"',
  escape: '\\',
  header: false,
  nullText: '',
  lineEnd: 'crlf',
};

type Options = Partial<Record<keyof typeof defaults, string | boolean>>;

const create = (options: Options = {}) =>
  csvSerializer.create({ ...defaults, ...options }, serializerContext());

/** Reads a column of quoted or plain values, byte for byte, as RFC 4180 says. */
function readColumn(file: Buffer): ReadEvent[] {
  const values = file.toString('latin1').matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]+))\r\n/gy);
  const events: ReadEvent[] = [];
  let end = 0;
  for (const match of values) {
    const [whole, quoted, plain = ''] = match;
    events.push({ body: Buffer.from(quoted?.replaceAll('""', '"') ?? plain, 'latin1') });
    end = match.index + whole.length;
  }
  assert.equal(end, file.length, 'all of it is records');
  return events;
}

for (const quoting of ['minimal', 'all']) {
  serializerContract(`csv (${quoting})`, {
    create: () => create({ quoting }),
    read: readColumn,
    bodies: 'any',
    headers: 'none',
  });
}

serializerContract('csv (none)', {
  create: () => create({ quoting: 'none', lineEnd: 'lf', delimiter: '\\001' }),
  read: (file) => {
    const lines = file.toString('latin1').split('\n').slice(0, -1);
    const letters: Record<string, string> = { n: '\n', r: '\r' };
    return lines.map((line) => {
      const body = line.replace(/\\(.)/gs, (_, letter: string) => letters[letter] ?? letter);
      return { body: Buffer.from(body, 'latin1') };
    });
  },
  bodies: 'any',
  headers: 'none',
});

function fileOf(options: Options, events: Parameters<typeof EventBatch.of>[0]): string {
  const serializer = create(options);
  const parts = [...serializer.begin(), ...serializer.write(EventBatch.of(events))];
  return Buffer.concat(parts).toString();
}

const columns = 'host body, file';
const events = [
  { headers: { host: 'h1', file: 'a,b' }, body: 'one' },
  { headers: { host: 'h1' }, body: 'say "two"' },
  { headers: { host: 'h1', file: '' }, body: '' },
];

test('lines are as RFC 4180 has them', () => {
  assert.equal(
    fileOf({ columns, header: true }, events),
    'host,body,file\r\nh1,one,"a,b"\r\nh1,"say ""two""",\r\nh1,"",""\r\n',
  );
});

test('quotes around all values leave out those that are not there', () => {
  assert.equal(
    fileOf({ columns, quoting: 'all', quote: "'", lineEnd: 'lf', header: true }, events),
    `'host','body','file'\n'h1','one','a,b'\n'h1','say "two"',\n'h1','',''\n`,
  );
});

test('a value like the one for nothing is quoted', () => {
  const written = fileOf({ columns: 'a body', nullText: '-' }, [
    { headers: { a: '-' }, body: '-' },
    { headers: { b: '' }, body: '' },
  ]);
  assert.equal(written, '"-","-"\r\n-,\r\n');
});

test('without quotes, delimiters and line ends are escaped as Hive reads them, or blanks', () => {
  const nasty = [{ headers: { a: 'x\ty\\\r\n' }, body: '1\t2\\\n\r' }];
  const options = { columns: 'a body gone', delimiter: '\\t', quoting: 'none', lineEnd: 'lf' };
  assert.equal(
    fileOf({ ...options, nullText: '\\N' }, nasty),
    'x\\\ty\\\\\\r\\n\t1\\\t2\\\\\\n\\r\t\\N\n',
  );
  assert.equal(fileOf({ ...options, escape: '' }, nasty), 'x y\\ \t1 2\\  \t\n');
});

test('a delimiter that begins in a value and ends behind it is escaped, too', () => {
  const options = { columns: 'body h', delimiter: '||', quoting: 'none' };
  const bodies = ['a|', 'a||b', '|||'].map((body) => ({ body }));
  assert.equal(fileOf(options, bodies), 'a\\|||\r\na\\||b||\r\n\\|\\|\\|||\r\n');
  assert.equal(fileOf({ ...options, escape: '' }, bodies), 'a ||\r\na b||\r\n  ||\r\n');
});

test('delimiters are given as in files of Flume, and by number', () => {
  const pairs = { ';': ';', '";"': ';', '","': ',', '\\t': '\t', '"\\t"': '\t' };
  const numbered = { '\\001': '\x01', '\\u0001': '\x01', '\\\\': '\\', '||': '||', '§': '§' };
  for (const [delimiter, expected] of Object.entries({ ...pairs, ...numbered })) {
    const written = fileOf({ columns: 'h body', delimiter }, [{ headers: { h: 'a' }, body: 'b' }]);
    assert.equal(written, `a${expected}b\r\n`);
  }
});

test('bodies that hold the delimiter are quoted, of whatever characters that is', async () => {
  for (const delimiter of [',', '||', '§', '\x01']) {
    const bodies = [
      `a${delimiter}b`,
      'a|b',
      'a|',
      '|',
      'ü§é',
      'plain',
      `"${delimiter}"`,
      '\n',
      'x\ry',
    ];
    const written = fileOf(
      { delimiter, columns: 'body h' },
      bodies.map((body) => ({ body })),
    );
    const records: string[][] = [];
    for await (const some of readCsv(once(Buffer.from(written)), { delimiter })) {
      records.push(...some);
    }
    assert.deepEqual(
      records,
      bodies.map((body) => [body, '']),
    );
  }
  assert.equal(fileOf({}, [{ body: 'ü' }]), 'ü\r\n');
});

test('options that can not work are refused, with their key', () => {
  const keys = (options: Options) =>
    csvSerializer.check?.({ ...defaults, ...options }).map(({ key }) => key);
  assert.deepEqual(keys({}), []);
  assert.deepEqual(keys({ columns: ' ,' }), ['columns']);
  assert.deepEqual(keys({ delimiter: '' }), ['delimiter']);
  assert.deepEqual(keys({ delimiter: '"' }), ['delimiter']);
  assert.deepEqual(keys({ delimiter: '\n' }), ['delimiter']);
  assert.deepEqual(keys({ quote: '""' }), ['quote']);
  assert.deepEqual(keys({ quoting: 'none', escape: '--' }), ['escape']);
  assert.deepEqual(keys({ quoting: 'none', delimiter: '\\\\' }), ['delimiter']);
  assert.deepEqual(keys({ quoting: 'none', quote: '', escape: '' }), []);
});
