import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Event, EventBatch } from '../../src/core/event-batch.ts';
import type { EventSerializer } from '../../src/core/serializer.ts';
import { avroBodySerializer } from '../../src/formats/avro-body.ts';
import { avroEventSerializer } from '../../src/formats/avro-event.ts';
import { readAvroFile } from '../../src/formats/avro-reader.ts';
import { serializerContext } from '../../src/testing/component-context.ts';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';
import { flumeMissing, testbedFolder } from '../../testbed/flume.ts';
import { javaCommand } from '../../testbed/jars.ts';
import { pythonMissing, runPython } from '../../testbed/python.ts';

/*
 * Avro files: ours, read by the Java library that Flume and Hadoop use and by two of Python; and
 * those of Java, read here.
 */

const codecs = ['null', 'deflate', 'snappy', 'zstandard', 'bzip2'];
const folder = mkdtempSync(join(tmpdir(), 'millrace-avro-'));
after(() => rmSync(folder, { recursive: true }));

/** Runs AvroFiles.java, and gives the lines it prints by the name of the file. */
function runJava(args: readonly string[]): Map<string, string[]> {
  const jars = readdirSync(testbedFolder())
    .filter((name) => /^flume-1\.11\.0-\w+$/.test(name))
    .map((name) => join(testbedFolder(), name, '*'));
  const program = join(import.meta.dirname, 'AvroFiles.java');
  const options = ['-Xmx256m', '-cp', jars.join(':'), program, ...args];
  const { stdout, stderr, status } = spawnSync(javaCommand(), options, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    timeout: 120_000,
  });
  assert.equal(status, 0, stderr);
  const files = new Map<string, string[]>();
  for (const section of stdout.split(/^# /m).slice(1)) {
    const [name = '', ...lines] = section.split('\n');
    files.set(name, lines.slice(0, -1));
  }
  return files;
}

async function linesOf(path: string): Promise<string[]> {
  const { jsonLines } = await readAvroFile(createReadStream(path));
  const lines: string[] = [];
  for await (const some of jsonLines) lines.push(...some);
  return lines;
}

function randomEvents(prng: Prng, count: number): Event[] {
  return Array.from({ length: count }, (_, index) => ({
    headers: {
      ...(prng.chance(0.9) && { host: prng.pick(['h1', 'ü', '', '😀"\\\n']) }),
      ...(prng.chance(0.5) && { timestamp: String(1_700_000_000_000 + index) }),
    },
    body: prng.bytes(prng.pick([0, 1, 10, prng.integer(300)])),
  }));
}

/** Several blocks, made at the same time. */
async function writeFile(name: string, serializer: EventSerializer, events: readonly Event[]) {
  const parts: (readonly Buffer[] | Promise<readonly Buffer[]>)[] = [serializer.begin()];
  for (let from = 0; from < events.length; from += 100) {
    parts.push(serializer.write(EventBatch.of(events.slice(from, from + 100))));
    parts.push(serializer.flush());
  }
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat((await Promise.all(parts)).flat()));
  return path;
}

/** A file of events per codec, and one of bodies that are datums of another schema. */
async function writeOurs(events: readonly Event[]): Promise<string[]> {
  const options = { syncIntervalBytes: 2_048_000, compressionLevel: 0 };
  const paths: string[] = [];
  for (const compressionCodec of codecs) {
    const config = { ...options, compressionCodec };
    const serializer = avroEventSerializer.create(config, serializerContext());
    paths.push(await writeFile(`ours-${compressionCodec}.avro`, serializer, events));
  }
  const schemaLiteral = '{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]}';
  const config = { ...options, compressionCodec: 'deflate', schemaLiteral };
  const bodies = events.map((_, index) => ({ headers: {}, body: Buffer.from([index % 128]) }));
  const serializer = avroBodySerializer.create(config, serializerContext());
  paths.push(await writeFile('ours-bodies.avro', serializer, bodies));
  return paths;
}

test('Java reads what is written here, and as JSON it is what we make of it', {
  skip: flumeMissing(),
}, async () => {
  const seed = seedFromEnvironment();
  const paths = await writeOurs(randomEvents(new Prng(seed), 500));
  const found = runJava(['json', ...paths]);
  assert.equal(found.size, codecs.length + 1);
  for (const path of paths) {
    const lines = found.get(path.slice(folder.length + 1)) ?? [];
    assert.equal(lines.length, 500, path);
    // Java's maps have an order of their own.
    const parsed = (texts: readonly string[]) => texts.map((line) => JSON.parse(line));
    assert.deepEqual(parsed(await linesOf(path)), parsed(lines), `MILLRACE_SEED=${seed}, ${path}`);
  }
});

test('what Java writes is read here, and printed as Java does', {
  skip: flumeMissing(),
}, async () => {
  const found = runJava(['write', folder, ...codecs]);
  for (const codec of codecs) {
    const lines = found.get(`${codec}.avro`) ?? [];
    assert.equal(lines.length, 300);
    const file = await readAvroFile(createReadStream(join(folder, `${codec}.avro`)));
    assert.equal(file.codec, codec);
    assert.equal(file.metadata.get('written.by')?.toString(), 'AvroFiles');
    let blocks = 0;
    const records: unknown[] = [];
    for await (const block of file.records) {
      blocks++;
      records.push(...block);
    }
    assert.ok(blocks > 5, `${blocks} blocks`);
    assert.equal(records.length, 300);
    const ours = await linesOf(join(folder, `${codec}.avro`));
    for (const [index, line] of lines.entries()) {
      assert.equal(ours[index], asWritten(line));
    }
  }
});

/** What Java writes in another way: exponents, and characters beyond U+FFFF. */
function asWritten(line: string): string {
  return line
    .replaceAll('1.0E300', '1e+300')
    .replaceAll(/(?:\\uD[89A-F][0-9A-F]{2}){2}/g, (pair) => JSON.parse(`"${pair}"`));
}

const pythonProgram = `
import base64, json, sys
import avro.datafile, avro.io, fastavro
def told(record):
    if "x" in record: return record
    return {"headers": record["headers"], "body": base64.b64encode(record["body"]).decode()}
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        # It wants another library for zstandard.
        one = None if "zstandard" in path else [told(each) for each in fastavro.reader(file)]
    with open(path, "rb") as file:
        other = [told(each) for each in avro.datafile.DataFileReader(file, avro.io.DatumReader())]
    print(json.dumps([one, other]))
`;

test('Python reads what is written here, with both of its libraries', {
  skip: pythonMissing(),
}, async () => {
  const seed = seedFromEnvironment();
  const events = randomEvents(new Prng(seed), 300);
  const paths = await writeOurs(events);
  const expected = events.map(({ headers, body }) => ({ headers, body: body.toString('base64') }));
  const answers = runPython(pythonProgram, paths).trimEnd().split('\n');
  assert.equal(answers.length, paths.length);
  for (const [index, answer] of answers.entries()) {
    const path = paths[index] ?? '';
    const wanted = path.includes('bodies')
      ? events.map((_, each) => ({ x: unzigzagged(each % 128) }))
      : expected;
    const about = `MILLRACE_SEED=${seed}, ${path}`;
    const fast = path.includes('zstandard') ? null : wanted;
    assert.deepEqual(JSON.parse(answer), [fast, wanted], about);
  }
});

function unzigzagged(byte: number): number {
  return byte % 2 === 0 ? byte / 2 : -(byte + 1) / 2;
}
