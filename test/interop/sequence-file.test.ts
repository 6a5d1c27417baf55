import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { EventBatch } from '../../src/core/event-batch.ts';
import { SinkCounters } from '../../src/core/metrics.ts';
import { decodeWritable, writableBytes } from '../../src/formats/sequence-file/writables.ts';
import { SequenceFileSerializer } from '../../src/formats/sequence-file.ts';
import { readSequenceFile } from '../../src/formats/sequence-file-reader.ts';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';
import { jarsMissing, jarsOf, javaCommand } from '../../testbed/jars.ts';

/* SequenceFiles written here and read by Hadoop, and the other way around. */

const sync = Buffer.from('0123456789abcdef');
const syncInterval = 100 * 1024;
/** Some 2 MB: several blocks. */
const recordCount = 1000;
const opened = ['lang', 'nio', 'util', 'net'].map(
  (name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`,
);

interface Kind {
  readonly type: 'NONE' | 'RECORD' | 'BLOCK';
  /** Hadoop's class, without its package. */
  readonly codec?: string;
  readonly format: 'Writable' | 'Text';
}

/** Hadoop has no Zstandard without its native library. */
const codecs = ['DefaultCodec', 'DeflateCodec', 'BZip2Codec', 'SnappyCodec', 'Lz4Codec'];
const formats = ['Writable', 'Text'] as const;
const compressed = ['RECORD', 'BLOCK'] as const;
const kinds: readonly Kind[] = formats.flatMap((format) => [
  { type: 'NONE' as const, format },
  ...compressed.flatMap((type) => codecs.map((codec) => ({ type, codec, format }))),
]);
/** Hadoop writes gzip with its native library only, and reads it without. */
const ourKinds = [
  ...kinds,
  ...compressed.map((type) => ({ type, codec: 'GzipCodec', format: 'Text' as const })),
];

function nameOf({ type, codec, format }: Kind): string {
  return [type, codec, format].filter(Boolean).join('-');
}

interface Answer {
  /** Key, size and digest of each record's value. */
  readonly lines: readonly string[];
  readonly result: string;
}

/** Has SequenceFiles.java do what the lines tell it. */
function hadoop(commands: readonly string[]): Answer[] {
  const program = join(import.meta.dirname, 'SequenceFiles.java');
  const { stdout, status, stderr } = spawnSync(
    javaCommand(),
    ['-Xmx256m', ...opened, '-cp', classPath(), program],
    { input: commands.join('\n'), encoding: 'utf8', maxBuffer: 1 << 28, timeout: 300_000 },
  );
  assert.equal(status, 0, stderr);
  const answers: Answer[] = [];
  let lines: string[] = [];
  for (const line of stdout.trimEnd().split('\n')) {
    if (/^-?\d/.test(line)) lines.push(line);
    else {
      answers.push({ lines, result: line });
      lines = [];
    }
  }
  assert.equal(answers.length, commands.length, stderr);
  return answers;
}

function classPath(): string {
  return join(jarsOf('hdfs'), '*');
}

function lineOf(key: bigint | string, body: Buffer): string {
  return `${key} ${body.length} ${createHash('sha256').update(body).digest('hex')}`;
}

function serializerOf(kind: Kind, marker: Buffer): SequenceFileSerializer {
  const config = {
    writeFormat: kind.format,
    codec: kind.codec ?? 'none',
    compressionType: kind.type === 'NONE' ? 'BLOCK' : kind.type,
    level: 0,
    blockBytes: 1_000_000,
  } as const;
  return new SequenceFileSerializer(config, { counters: new SinkCounters() }, marker, () => 0);
}

async function readOurs(path: string) {
  const { header, records } = await readSequenceFile(createReadStream(path));
  const lines: string[] = [];
  const bodies: Buffer[] = [];
  const keys: string[] = [];
  const runs: number[] = [];
  for await (const run of records) {
    runs.push(run.length);
    for (const { key, value } of run) {
      const body = writableBytes(header.valueClass, value) ?? assert.fail(header.valueClass);
      const long = decodeWritable(header.keyClass, key) as bigint;
      lines.push(lineOf(long, body));
      keys.push(String(long));
      bodies.push(body);
    }
  }
  return { header, lines, keys, bodies, runs };
}

describe('SequenceFiles and Hadoop', { skip: jarsMissing('hdfs') }, () => {
  const seed = seedFromEnvironment();
  const random = new Prng(seed);
  let folder: string;
  let read: ReadonlyMap<string, Answer>;
  let written: ReadonlyMap<string, Answer>;
  const expected = new Map<string, string[]>();
  const pathOf = (kind: Kind, by: 'ours' | 'hadoop') => join(folder, `${by}-${nameOf(kind)}.seq`);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-sequence-files-'));
    for (const kind of ourKinds) await writeOurs(kind);
    const answers = hadoop([
      ...ourKinds.map((kind) => `read ${pathOf(kind, 'ours')}`),
      ...kinds.map((kind) =>
        [
          ...['write', pathOf(kind, 'hadoop'), kind.type, kind.codec ?? '-', kind.format],
          ...[seed, recordCount, syncInterval],
        ].join(' '),
      ),
    ]);
    read = new Map(ourKinds.map((kind, index) => [nameOf(kind), answers[index] as Answer]));
    written = new Map(
      kinds.map((kind, index) => [nameOf(kind), answers[ourKinds.length + index] as Answer]),
    );
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  async function writeOurs(kind: Kind): Promise<void> {
    const serializer = serializerOf(kind, sync);
    const parts = [...serializer.begin()];
    const lines: string[] = [];
    for (const count of [1, 40, 500]) {
      const events = Array.from({ length: count }, () => {
        const size = random.chance(0.05) ? random.integer(60_000) : random.integer(200);
        const body = random.chance(0.5) ? random.bytes(size) : Buffer.alloc(size, 'text ');
        return { headers: { timestamp: String(random.integer(2 ** 50)) }, body };
      });
      if (count === 40)
        events.push({ headers: { timestamp: '-1' }, body: Buffer.alloc(1_000_000) });
      for (const { headers, body } of events) lines.push(lineOf(headers.timestamp, body));
      parts.push(...serializer.write(EventBatch.of(events)), ...(await serializer.flush()));
    }
    expected.set(nameOf(kind), lines);
    writeFileSync(pathOf(kind, 'ours'), Buffer.concat(parts));
  }

  for (const kind of ourKinds) {
    const name = nameOf(kind);
    test(`Hadoop reads ours: ${name}`, () => {
      const { lines, result } = read.get(name) as Answer;
      const codec = kind.codec ? `org.apache.hadoop.io.compress.${kind.codec}` : '-';
      assert.equal(result, `ok ${kind.type} ${codec}`);
      assert.deepEqual(lines, expected.get(name), `MILLRACE_SEED=${seed}`);
    });
  }

  for (const kind of kinds) {
    const name = nameOf(kind);
    test(`we read Hadoop's: ${name}`, async () => {
      const { lines, result } = written.get(name) as Answer;
      assert.equal(result, `ok ${kind.type}`);
      assert.equal(lines.length, recordCount);
      const found = await readOurs(pathOf(kind, 'hadoop'));
      assert.deepEqual(found.lines, lines, `MILLRACE_SEED=${seed}`);
      assert.equal(found.header.compressionType, kind.type);
      assert.deepEqual(
        [...found.header.metadata],
        kind.format === 'Text' ? [['seed', String(seed)]] : [],
      );
    });
  }

  /** What Hadoop wrote, written by us. */
  async function rewritten(kind: Kind) {
    const theirs = await readOurs(pathOf(kind, 'hadoop'));
    const events = theirs.keys.map((timestamp, index) => ({
      headers: { timestamp },
      body: theirs.bodies[index] as Buffer,
    }));
    const serializer = serializerOf(kind, theirs.header.sync);
    const parts = [...serializer.begin(), ...serializer.write(EventBatch.of(events))];
    return { file: Buffer.concat([...parts, ...(await serializer.flush())]), runs: theirs.runs };
  }

  test('the same records make the same bytes, with sync escapes at the same places', async () => {
    const kind: Kind = { type: 'NONE', format: 'Writable' };
    const { file } = await rewritten(kind);
    const theirs = readFileSync(pathOf(kind, 'hadoop'));
    assert(theirs.length > 10 * syncInterval);
    assert(file.equals(theirs));
  });

  test('blocks end with the same records', async () => {
    for (const format of formats) {
      const kind: Kind = { type: 'BLOCK', codec: 'SnappyCodec', format };
      const { file, runs } = await rewritten(kind);
      assert(runs.length > 1);
      const path = join(folder, 'again.seq');
      writeFileSync(path, file);
      assert.deepEqual((await readOurs(path)).runs, runs);
    }
  });

  test('hadoop fs -text shows our records', async () => {
    const bodies = ['one', '', 'grüße', 'a b'];
    const batch = EventBatch.of(
      bodies.map((body, index) => ({ headers: { timestamp: String(index) }, body })),
    );
    const asText = bodies.map((body, index) => `${index}\t${body}`);
    const asHex = bodies.map((body, index) => {
      const bytes = Buffer.from(body)
        .toString('hex')
        .replace(/..(?=.)/g, '$& ');
      return `${index}\t${bytes}`;
    });
    const paths: string[] = [];
    const shown: string[] = [];
    for (const kind of ourKinds) {
      const serializer = serializerOf(kind, sync);
      const parts = [...serializer.begin(), ...serializer.write(batch)];
      const path = join(folder, `text-${nameOf(kind)}`);
      writeFileSync(path, Buffer.concat([...parts, ...(await serializer.flush())]));
      paths.push(`file://${path}`);
      shown.push(...(kind.format === 'Text' ? asText : asHex));
    }
    // It wants one, whatever is in it.
    writeFileSync(join(folder, 'core-site.xml'), '<configuration/>');
    const { stdout, stderr, status } = spawnSync(
      javaCommand(),
      [
        ...['-Xmx256m', '-Dfile.encoding=UTF-8', ...opened, '-cp', `${classPath()}:${folder}`],
        ...['org.apache.hadoop.fs.FsShell', '-text', ...paths],
      ],
      { encoding: 'utf8', timeout: 120_000 },
    );
    assert.equal(status, 0, stderr);
    assert.deepEqual(stdout.trimEnd().split('\n'), shown);
  });
});
