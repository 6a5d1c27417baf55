import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { EventBatch } from '../core/event-batch.ts';
import type { EventSerializer } from '../core/serializer.ts';
import { serializerContext } from '../testing/component-context.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { serializerContract } from '../testing/serializer-contract.ts';
import { jsonLinesSerializer } from './json-lines.ts';

const defaults = { body: 'text', bodyKey: 'body', headers: 'nested', headersKey: 'headers' };

type Options = Partial<typeof defaults>;

const create = (options: Options = {}, context = serializerContext()) =>
  jsonLinesSerializer.create({ ...defaults, ...options }, context);

/** Any bytes come through as text when each is a character. */
function ofCharacters(serializer: EventSerializer): EventSerializer {
  return {
    begin: () => serializer.begin(),
    flush: () => serializer.flush(),
    write: (batch) =>
      serializer.write(
        EventBatch.of(
          [...batch].map(({ headers, body }) => ({ headers, body: body.toString('latin1') })),
        ),
      ),
  };
}

interface Line {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function linesOf(file: Buffer): unknown[] {
  const lines = file.toString().split('\n');
  assert.equal(lines.pop(), '', 'every line ends');
  return lines.map((line) => JSON.parse(line));
}

serializerContract('json', {
  create: () => ofCharacters(create()),
  read: (file) =>
    (linesOf(file) as Line[]).map(({ headers, body }) => ({
      headers,
      body: Buffer.from(body, 'latin1'),
    })),
  bodies: 'any',
  headers: 'any',
});

serializerContract('json, headers merged,', {
  create: () => ofCharacters(create({ headers: 'merged', bodyKey: '@body' })),
  read: (file) =>
    (linesOf(file) as Record<string, string>[]).map(({ '@body': body = '', ...headers }) => ({
      headers,
      body: Buffer.from(body, 'latin1'),
    })),
  bodies: 'any',
  headers: 'any',
});

function fileOf(
  options: Options,
  events: Parameters<typeof EventBatch.of>[0],
  context = serializerContext(),
): string {
  return Buffer.concat(create(options, context).write(EventBatch.of(events))).toString();
}

const host = { host: 'h1' };

/** Options, body, line; the event has the header `host=h1`. */
const lines: readonly (readonly [Options, string, string])[] = [
  [{}, 'a', '{"headers":{"host":"h1"},"body":"a"}'],
  [{}, 'ü"\t\\', '{"headers":{"host":"h1"},"body":"ü\\"\\t\\\\"}'],
  [{ headersKey: 'h', bodyKey: 'b"' }, '', '{"h":{"host":"h1"},"b\\"":""}'],
  [{ headers: 'merged' }, 'a', '{"host":"h1","body":"a"}'],
  [{ headers: 'merged', bodyKey: 'host' }, 'a', '{"host":"a"}'],
  [{ headers: 'none' }, 'a', '{"body":"a"}'],
  [{ body: 'parsed' }, '{"a": 1}', '{"headers":{"host":"h1"},"body":{"a": 1}}'],
  [{ body: 'parsed' }, ' [1,\r\n2] ', '{"headers":{"host":"h1"},"body": [1,  2] }'],
  [{ body: 'parsed' }, '{"a"', '{"headers":{"host":"h1"},"body":"{\\"a\\""}'],
  [{ body: 'parsed', headers: 'merged' }, '{"a":1}', '{"host":"h1","a":1}'],
  [{ body: 'parsed', headers: 'merged' }, '\n{"a":1}\n', '{"host":"h1","a":1} '],
  [{ body: 'parsed', headers: 'merged' }, '{ }', '{"host":"h1" }'],
  [{ body: 'parsed', headers: 'merged' }, '{"host":"b"}', '{"host":"b"}'],
  [{ body: 'parsed', headers: 'merged' }, '7', '{"host":"h1","body":7}'],
  [{ body: 'parsed', headers: 'merged' }, 'null', '{"host":"h1","body":null}'],
  [{ body: 'parsed', headers: 'merged' }, '', '{"host":"h1","body":""}'],
  [
    { body: 'parsed', headers: 'merged' },
    '{"n":12345678901234567890,"f":1.10}',
    '{"host":"h1","n":12345678901234567890,"f":1.10}',
  ],
  [{ body: 'parsed', headers: 'none' }, '{"a":1}', '{"a":1}'],
  [{ body: 'parsed', headers: 'none' }, '[1]', '{"body":[1]}'],
];

for (const [options, body, line] of lines) {
  test(`${JSON.stringify(options)}: ${JSON.stringify(body)} gives ${line}`, () => {
    assert.equal(fileOf(options, [{ headers: host, body }]), `${line}\n`);
    // And where headers differ within a batch.
    const both = fileOf(options, [
      { headers: { ...host, other: 'x' }, body: '1' },
      { headers: host, body },
    ]);
    assert.equal(both.slice(both.indexOf('\n') + 1), `${line}\n`);
  });
}

test('a header that a parsed body has is left out of that line alone', () => {
  const written = fileOf({ body: 'parsed', headers: 'merged' }, [
    { headers: { a: '1', b: '2' }, body: '{"b":0}' },
    { headers: { a: '1', b: '2' }, body: '{"c":0}' },
    { headers: { __proto__x: '1' }, body: '{"__proto__":0}' },
  ]);
  assert.equal(
    written,
    '{"a":"1","b":0}\n{"a":"1","b":"2","c":0}\n{"__proto__x":"1","__proto__":0}\n',
  );
});

test('bytes that are no UTF-8 are replaced, counted, and warned of once', () => {
  const context = serializerContext();
  const bodies = ['ok', 'ü', Buffer.from([97, 0xff]), Buffer.from([0xc3]), 'é'];
  const written = fileOf(
    { headers: 'none' },
    bodies.map((body) => ({ body })),
    context,
  );
  const texts = ['ok', 'ü', 'a\ufffd', '\ufffd', 'é'].map((body) => JSON.stringify({ body }));
  assert.equal(written, `${texts.join('\n')}\n`);
  assert.equal(context.counters.EventMisfitCount, 2);
  assert.deepEqual(
    context.log.lines.map(({ sentence }) => sentence),
    ['Bodies have bytes that are no UTF-8, which are replaced.'],
  );
});

test('a body that is cut within a character is not sound because its neighbour goes on', () => {
  const context = serializerContext();
  const slab = Buffer.from('aüb');
  const batch = new EventBatch(slab, Uint32Array.of(0, 2), Uint32Array.of(2, 4));
  const [line] = create({ headers: 'none' }, context).write(batch);
  assert.equal(String(line), '{"body":"a\ufffd"}\n{"body":"\ufffdb"}\n');
  assert.equal(context.counters.EventMisfitCount, 2);
});

test('a body that is no JSON is counted once, also if it is no UTF-8 either', () => {
  const context = serializerContext();
  const bodies = ['{', Buffer.from([0xff]), Buffer.from('"\xff"', 'latin1')];
  const written = fileOf(
    { body: 'parsed' },
    bodies.map((body) => ({ body })),
    context,
  );
  assert.equal(context.counters.EventMisfitCount, 3);
  assert.equal(linesOf(Buffer.from(written)).length, 3);
});

test('texts of any characters are JSON, wherever they lie in the slab', () => {
  const seed = seedFromEnvironment();
  const prng = new Prng(seed);
  const characters = ['a', ' ', '"', '\\', '\x00', '\x1f', '\x7f', 'ü', '😀', '\u2028', '{', '\n'];
  for (let round = 0; round < 500; round++) {
    const bodies = Array.from({ length: 1 + prng.integer(5) }, () => {
      const usual = prng.pick(['a', 'ü', 'xyz']).repeat(prng.integer(30));
      return prng.chance(0.5) ? usual + prng.pick(characters) + usual : usual;
    });
    const parts = bodies.map((body) => Buffer.from(body));
    const gap = Buffer.alloc(prng.integer(3), '\n');
    const slab = Buffer.concat(parts.flatMap((part) => [gap, part]));
    const starts = new Uint32Array(parts.length);
    const ends = new Uint32Array(parts.length);
    let end = 0;
    for (const [index, part] of parts.entries()) {
      starts[index] = end + gap.length;
      ends[index] = end = end + gap.length + part.length;
    }
    const written = create({ headers: 'none' }).write(new EventBatch(slab, starts, ends));
    const found = linesOf(Buffer.concat(written)).map((line) => (line as Line).body);
    assert.deepEqual(found, bodies, `MILLRACE_SEED=${seed}, round ${round}`);
  }
});

test('two things of one name are refused', () => {
  const keys = (options: Options) =>
    jsonLinesSerializer.check?.({ ...defaults, ...options }).map(({ key }) => key);
  assert.deepEqual(keys({ headersKey: 'body' }), ['headersKey']);
  assert.deepEqual(keys({ headersKey: 'body', headers: 'merged' }), []);
});
