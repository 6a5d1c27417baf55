import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { crc32 } from '@node-rs/crc32';
import avro from 'avsc';
import { uncompress } from 'snappy';
import { accessLines } from '../../bench/generate-log.ts';
import {
  FlowFolder,
  outputFiles,
  outputOf,
  waitUntil,
  waitUntilStill,
} from '../../testbed/flow-folder.ts';
import { flumeMissing } from '../../testbed/flume.ts';
import { type TailOptions, tailToFiles } from '../flows/tail-to-files.ts';

/** What taildir and the serializers treat specially, between ordinary lines. */
const line = accessLines(7);
const input = Buffer.concat([
  Buffer.from(Array.from({ length: 250 }, () => `${line()}\n`).join('')),
  Buffer.from('\n\nafter two empty lines\r\n\r\n\ra CR inside\r and two at the end\r\r\n'),
  Buffer.from([0, 1, 0xff, 0xfe, 0xc3, 0x28, 10]),
  Buffer.from('{curly=braces} and Grüße, 漢字 😀\n'),
  Buffer.from(`${'long '.repeat(40_000)}\n`),
  Buffer.from('the last line has no newline'),
]);

const headers = [
  'fileHeader = true',
  'fileHeaderKey = path',
  'byteOffsetHeader = true',
  'headers.g.service = shop',
  'headers.g.dotted.name = yes',
  'interceptors = i1 i2 i3',
  'interceptors.i1.type = static',
  'interceptors.i1.key = datacenter',
  'interceptors.i1.value = north',
  'interceptors.i2.type = static',
  'interceptors.i2.key = service',
  'interceptors.i2.value = not-this',
  'interceptors.i3.type = static',
  'interceptors.i3.key = dotted.name',
  'interceptors.i3.value = replaced',
  'interceptors.i3.preserveExisting = false',
];

/** One path through the agent for each of these. */
const variants: Readonly<Record<string, TailOptions>> = {
  text: {},
  noNewlines: { batchSize: 7, sink: ['sink.serializer.appendNewline = false'] },
  headerAndText: { source: headers, sink: ['sink.serializer = header_and_text'] },
  avroNull: { source: headers, sink: ['sink.serializer = avro_event'] },
  avroDeflate: { source: headers, sink: avroSink('deflate') },
  avroSnappy: { source: headers, sink: avroSink('snappy') },
};

/**
 * What moves last in Flume: its sink may sleep 5 s when it found little, its channel 1 s. Millrace
 * is idle at once, but what it still does must be seen too.
 */
const stillMs = { flume: 6_500, millrace: 1_000 };

test('the same configuration in Flume and in Millrace', { skip: flumeMissing() }, async (t) => {
  const flow = new FlowFolder(t);
  const folder = flow.folder('in');
  flow.file('in/app.log', input);
  for (const peer of ['flume', 'millrace'] as const) {
    const paths = Object.entries(variants).map(([name, options]) => {
      return { ...options, folder, output: flow.folder(`${peer}-${name}`) };
    });
    const text = tailToFiles(paths, { idleTimeout: 300, channel: ['keep-alive = 1'] });
    const conf = flow.file(`${peer}.properties`, text);
    const agent = peer === 'flume' ? flow.startFlume(conf) : flow.startMillrace(conf);
    const outputs = paths.map(({ output }) => output);
    await waitUntil('all is read', agent, () => outputs.every(isRead));
    await waitUntilStill(agent, stillMs[peer], () => totalBytes(outputs));
    const { code } = await agent.stop();
    assert.equal(code, peer === 'flume' ? 143 : 0);
  }

  const outputsOf = (variant: string) =>
    [flow.folder(`millrace-${variant}`), flow.folder(`flume-${variant}`)] as const;
  const sameBytes = (variant: string) => () => {
    const [millrace, flume] = outputsOf(variant);
    assert(outputOf(flume).length > input.length / 2, 'Flume wrote too little to compare');
    assertSame(outputOf(millrace), outputOf(flume));
  };
  await t.test('text: the same bytes', sameBytes('text'));
  await t.test('text without newlines: the same bytes', sameBytes('noNewlines'));
  await t.test('header_and_text: the same bytes, order of headers too', sameBytes('headerAndText'));

  for (const variant of ['avroNull', 'avroDeflate', 'avroSnappy']) {
    await t.test(`${variant}: the same schema, codec and records`, async () => {
      const [millrace, flume] = outputsOf(variant);
      assert.deepEqual(headerOf(millrace), headerOf(flume));
      const theirs = await recordsOf(flume);
      for (const [index, record] of (await recordsOf(millrace)).entries()) {
        assert.deepEqual(record, theirs[index]);
      }
      assert.equal((await recordsOf(millrace)).length, theirs.length);
    });
  }
});

function avroSink(codec: string): string[] {
  return ['sink.serializer = avro_event', `sink.serializer.compressionCodec = ${codec}`];
}

/** Is the position file at the end of the input, the fragment at its end included? */
function isRead(output: string): boolean {
  const path = `${output}.positions.json`;
  return existsSync(path) && readFileSync(path, 'utf8').includes(`"pos":${input.length},`);
}

function totalBytes(outputs: readonly string[]): number {
  return outputs.flatMap(outputFiles).reduce((sum, path) => sum + statSync(path).size, 0);
}

/** Shows the first line that differs: all of them would be too much to read. */
function assertSame(ours: Buffer, theirs: Buffer): void {
  if (ours.equals(theirs)) return;
  const linesOf = (bytes: Buffer) => bytes.toString('latin1').split('\n');
  const flume = linesOf(theirs);
  for (const [index, line] of linesOf(ours).entries()) assert.equal(line, flume[index]);
  assert.equal(ours.length, theirs.length);
}

/** The container's metadata; the sync marker behind it is random. */
function headerOf(output: string): Readonly<Record<string, string>> {
  const [path = ''] = outputFiles(output);
  const container = avro.extractFileHeader(path);
  assert(container, `${path} is no Avro container`);
  const { meta } = container as unknown as { meta: Record<string, Buffer> };
  return Object.fromEntries(Object.entries(meta).map(([key, value]) => [key, value.toString()]));
}

interface EventRecord {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

async function recordsOf(output: string): Promise<EventRecord[]> {
  const codecs = { ...avro.streams.BlockDecoder.defaultCodecs(), snappy };
  const records: EventRecord[] = [];
  for (const path of outputFiles(output)) {
    for await (const value of avro.createFileDecoder(path, { codecs })) {
      const { headers, body } = value as { headers: Record<string, string>; body: Buffer };
      records.push({ headers: { ...headers }, body: body.toString('latin1') });
    }
  }
  assert(records.length > 250, `only ${records.length} records`);
  return records;
}

/** A block of the snappy codec: the compressed data, then the checksum of the plain data. */
function snappy(block: Buffer, done: (error: Error | null, plain?: Buffer) => void): void {
  uncompress(block.subarray(0, -4)).then(
    (plain) => {
      const bytes = Buffer.from(plain);
      const sum = block.readUInt32BE(block.length - 4);
      if (crc32(bytes) !== sum) done(new Error('the checksum of a snappy block does not match'));
      else done(null, bytes);
    },
    (error: Error) => done(error),
  );
}
