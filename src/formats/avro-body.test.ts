import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { once } from '../codecs/codec.ts';
import { EventBatch } from '../core/event-batch.ts';
import { serializerContext } from '../testing/component-context.ts';
import { type ReadEvent, serializerContract } from '../testing/serializer-contract.ts';
import { SchemaCache } from './avro/schema-cache.ts';
import { AvroBodySerializer, avroBodySerializer } from './avro-body.ts';
import { readAvroFile } from './avro-reader.ts';

const sync = Buffer.from('0123456789abcdef');
const schema = '{"type":"record","name":"Click","fields":[{"name":"x","type":"int"}]}';
const other = '{"type":"record","name":"Other","fields":[{"name":"y","type":"int"}]}';

function create(
  options: Partial<Record<'schemaURL' | 'schemaLiteral' | 'compressionCodec', string>> = {},
  context = serializerContext(),
): AvroBodySerializer {
  const config = {
    schemaURL: undefined,
    schemaLiteral: undefined,
    compressionCodec: 'null',
    compressionLevel: 0,
    syncIntervalBytes: 4096,
    ...options,
  };
  return new AvroBodySerializer(config, context, sync);
}

/** Any body is a datum of this schema when its length goes before it. */
const anything = '"bytes"';

function datum(body: Buffer): Buffer {
  const bytes = [];
  let length = body.length * 2;
  for (; length > 127; length = Math.floor(length / 128)) bytes.push((length % 128) | 128);
  return Buffer.concat([Buffer.from([...bytes, length]), body]);
}

async function readDatums(file: Buffer): Promise<unknown[]> {
  if (file.length === 0) return [];
  const datums: unknown[] = [];
  for await (const some of (await readAvroFile(once(file))).records) datums.push(...some);
  return datums;
}

for (const compressionCodec of ['null', 'zstandard']) {
  serializerContract(`avro_body (${compressionCodec})`, {
    create: () => {
      const serializer = create({ schemaLiteral: anything, compressionCodec });
      const write = serializer.write.bind(serializer);
      serializer.write = (batch) =>
        write(
          EventBatch.of([...batch].map(({ headers, body }) => ({ headers, body: datum(body) }))),
        );
      return serializer;
    },
    read: async (file): Promise<ReadEvent[]> =>
      (await readDatums(file)).map((body) => ({ body: body as Buffer })),
    bodies: 'any',
    headers: 'none',
  });
}

async function fileOf(
  serializer: AvroBodySerializer,
  events: Parameters<typeof EventBatch.of>[0],
): Promise<Buffer> {
  const parts = [...serializer.begin(), ...serializer.write(EventBatch.of(events))];
  return Buffer.concat([...parts, ...(await serializer.flush())]);
}

const byUrl = { 'flume.avro.schema.url': 'hdfs://nn/click.avsc' };
const byLiteral = { 'flume.avro.schema.literal': schema };
const body = Buffer.from([14]);

test('the first event decides: its URL, else its literal, else the options', async () => {
  const context = serializerContext({ 'hdfs://nn/click.avsc': schema, 'file:///o': other });
  const cases = [
    [{ ...byUrl, 'flume.avro.schema.literal': other }, { schemaURL: 'file:///o' }, { x: 7 }],
    [byLiteral, { schemaURL: 'file:///o' }, { x: 7 }],
    [{}, { schemaURL: 'file:///o' }, { y: 7 }],
    [{}, { schemaLiteral: schema }, { x: 7 }],
  ] as const;
  for (const [headers, options, expected] of cases) {
    const file = await fileOf(create(options, context), [{ headers, body }]);
    assert.deepEqual(await readDatums(file), [expected]);
  }
  assert.equal(context.counters.EventMisfitCount, 0);
});

test('the header stands before the first block alone, and as the schema is written', async () => {
  const spaced = schema.replaceAll(',', ' ,\n');
  const serializer = create({ schemaLiteral: spaced });
  const blocks = [body, body].map((each) => {
    serializer.write(EventBatch.of([{ body: each }]));
    return serializer.flush();
  });
  const [first = [], second = []] = await Promise.all(blocks);
  const { schemaText } = await readAvroFile(once(Buffer.concat(first)));
  assert.equal(schemaText, spaced);
  assert.equal(Buffer.concat(second).toString('hex'), `02020e${sync.toString('hex')}`);
});

test('a datum without bytes is held, too', async () => {
  const serializer = create({ schemaLiteral: '"null"' });
  serializer.write(EventBatch.of([{ body: '' }, { body: '' }]));
  assert(serializer.heldBytes > 0);
  assert.deepEqual(await readDatums(Buffer.concat(await serializer.flush())), [null, null]);
});

test('without a schema no file is begun, and the error says what an event needs', async () => {
  const serializer = create();
  serializer.write(EventBatch.of([{ body }]));
  await assert.rejects(serializer.flush(), /needs the header flume\.avro\.schema\.url/);
});

test('a URL that has no schema is named', async () => {
  const context = serializerContext({ 'http://a/html': '<html>', 'http://a/json': '{"a":1}' });
  const problem = async (url: string) => {
    const serializer = create({ schemaURL: url }, context);
    serializer.write(EventBatch.of([{ body }]));
    return serializer.flush().then(
      () => 'none',
      (error) => error.message,
    );
  };
  assert.equal(
    await problem('http://a/html'),
    'there is no Avro schema at http://a/html: it is no JSON',
  );
  assert.match(await problem('http://a/json'), /^there is no Avro schema at http:\/\/a\/json: /);
  assert.equal(await problem('http://a/gone'), 'read the Avro schema from http://a/gone');
});

test('an event of another schema is counted, and warned of once a file', async () => {
  const context = serializerContext({ 'hdfs://nn/click.avsc': schema });
  const serializer = create({}, context);
  serializer.write(EventBatch.of([{ headers: byUrl, body }]));
  serializer.write(
    EventBatch.of([
      { headers: byUrl, body },
      { headers: byLiteral, body },
      { headers: {}, body },
    ]),
  );
  assert.equal(context.counters.EventMisfitCount, 2);
  serializer.write(
    EventBatch.of([
      { headers: byLiteral, body },
      { headers: byLiteral, body },
    ]),
  );
  assert.equal(context.counters.EventMisfitCount, 4);
  const warnings = context.log.lines.filter(({ level }) => level === 'warn');
  assert.equal(warnings.length, 1);
  assert.equal(warnings[0]?.fields['fileSchema'], 'hdfs://nn/click.avsc');
  assert.equal(warnings[0]?.fields['eventSchema'], schema);
});

test('a schema is read once for many files, and again after a failure', async () => {
  const cache = new SchemaCache();
  let reads = 0;
  const readUrl = async () => {
    reads++;
    if (reads === 1) throw new Error('down');
    return Buffer.from(schema);
  };
  await assert.rejects(cache.read('http://a/s', readUrl), /http:\/\/a\/s/);
  const texts = await Promise.all([
    cache.read('http://a/s', readUrl),
    cache.read('http://a/s', readUrl),
  ]);
  assert.deepEqual(texts, [schema, schema]);
  assert.equal(reads, 2);
});

test('the cache keeps a limited number of schemas', async () => {
  const cache = new SchemaCache();
  let reads = 0;
  const readUrl = async () => {
    reads++;
    return Buffer.from(schema);
  };
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 150; index++) await cache.read(`http://a/${index}`, readUrl);
  }
  assert.equal(reads, 300);
  await cache.read('http://a/149', readUrl);
  assert.equal(reads, 300);
});

test('options that can not work are refused', () => {
  const problems = (options: object) =>
    avroBodySerializer
      .check?.({ compressionCodec: 'null', compressionLevel: 0, syncIntervalBytes: 32, ...options })
      .map(({ key }) => key);
  assert.deepEqual(problems({ schemaURL: 'http://a', schemaLiteral: schema }), ['schemaLiteral']);
  assert.deepEqual(problems({ schemaLiteral: '{' }), ['schemaLiteral']);
  assert.deepEqual(problems({ schemaLiteral: schema }), []);
});
