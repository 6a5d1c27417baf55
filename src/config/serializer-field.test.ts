import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EventBatch } from '../core/event-batch.ts';
import { resolver } from '../registry.ts';
import { serializerContext } from '../testing/component-context.ts';
import { loadConfiguration } from './load.ts';
import { planAgent } from './plan.ts';
import { ChosenSerializer } from './serializer-field.ts';

async function planned(sinkLines: readonly string[], folder = '/') {
  const lines = [
    'a.sources = r1',
    'a.channels = c1',
    'a.sinks = k1',
    'a.sources.r1.type = seq',
    'a.sources.r1.channels = c1',
    'a.channels.c1.type = memory',
    'a.sinks.k1.channel = c1',
    ...sinkLines.map((line) => `a.sinks.k1.${line}`),
  ];
  const files = [{ file: 'a.properties', bytes: Buffer.from(lines.join('\n')) }];
  const context = { environment: {}, systemProperties: new Map(), now: new Date(0) };
  const { plan, findings } = await planAgent(
    loadConfiguration(files, context),
    'a',
    resolver(folder),
  );
  const [sink] = plan.sinks;
  const said = findings
    .filter(({ severity }) => severity !== 'note')
    .map(({ severity, code, what }) => `${severity} ${code}: ${what}`);
  return { serializer: sink?.config['serializer'], said };
}

const toFiles = ['type = file_roll', 'sink.directory = /x'];

test('a serializer is found by its alias in any case, and by its class in Flume', async () => {
  const builder = 'org.apache.flume.serialization.BodyTextEventSerializer$Builder';
  for (const name of ['text', 'TEXT', builder]) {
    const { serializer, said } = await planned([...toFiles, `sink.serializer = ${name}`]);
    assert(serializer instanceof ChosenSerializer);
    assert.equal(serializer.definition.type, 'text');
    assert.deepEqual(said, []);
  }
});

test('its own options are read, and what is wrong with them is said', async () => {
  const lines = (...options: string[]) =>
    planned([...toFiles, 'sink.serializer = avro_event', ...options]);
  const { serializer } = await lines('sink.serializer.syncIntervalBytes = 4096');
  assert(serializer instanceof ChosenSerializer);
  assert.equal(serializer.config['syncIntervalBytes'], 4096);

  const bad = await lines('sink.serializer.syncIntervalBytes = 1');
  assert.equal(bad.serializer, undefined, 'the sink is left out');
  assert.match(bad.said.join('\n'), /^error bad-value: Expected an integer, at least 32/m);

  const unknown = await lines('sink.serializer.columns = x');
  assert(unknown.serializer instanceof ChosenSerializer);
  assert.match(
    unknown.said.join('\n'),
    /^warning unknown-key: .*avro_event.* no option "columns"/m,
  );
});

test('one that does not exist leaves the sink out', async () => {
  const { serializer, said } = await planned([...toFiles, 'sink.serializer = avro_evnt']);
  assert.equal(serializer, undefined);
  assert.match(said.join('\n'), /^error unknown-type: .*"avro_evnt"/m);
});

test('another option may decide it, and it is not looked at then', async () => {
  const hdfs = ['type = hdfs', 'hdfs.path = /x', 'hdfs.rollInterval = 600'];
  const rolls = ['hdfs.rollSize = 0', 'hdfs.rollCount = 0', 'serializer = com.acme.Mine'];
  for (const [fileType, type] of [
    ['SequenceFile', 'sequence_file'],
    ['Parquet', 'parquet'],
  ]) {
    const { serializer } = await planned([...hdfs, ...rolls, `hdfs.fileType = ${fileType}`]);
    assert(serializer instanceof ChosenSerializer);
    assert.equal(serializer.definition.type, type);
  }
});

test('a file of one’s own is one too', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-serializer-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const source = `import { defineSerializer, integer } from 'millrace';
    export default defineSerializer({
      type: 'lengths', summary: 'The lengths of bodies.',
      fields: { base: integer({ doc: 'The base.', default: 10 }) },
      create: ({ base }) => ({
        begin: () => [],
        write: (batch) => [...batch].map(({ body }) => Buffer.from(body.length.toString(base))),
        flush: () => [],
      }),
    });`;
  writeFileSync(join(folder, 'lengths.js'), source);
  const lines = ['sink.serializer = ./lengths.js', 'sink.serializer.base = 2'];
  const { serializer, said } = await planned([...toFiles, ...lines], folder);
  assert.deepEqual(said, []);
  assert(serializer instanceof ChosenSerializer);
  const made = serializer.create(serializerContext());
  const written = made.write(EventBatch.of([{ body: 'four' }, { body: 'five5' }]));
  assert.equal(Buffer.concat(written).toString(), '100101');
});
