import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Event } from '../../src/core/event-batch.ts';
import { HdfsClient } from '../../src/hdfs/index.ts';
import { seedFromEnvironment } from '../../src/testing/prng.ts';
import { FlowFolder } from '../../testbed/flow-folder.ts';
import { HdfsCluster, hdfsMissing } from '../../testbed/hdfs.ts';
import { pythonMissing } from '../../testbed/python.ts';
import { nameOf, type Output, outputs } from './hdfs-formats-outputs.ts';
import { readByPython, type Told } from './hdfs-formats-python.ts';
import { HadoopReader, type Question, shown } from './hdfs-formats-reader.ts';
import { batchesOf, type Kind } from './hdfs-formats-source.ts';

/*
 * Whole agents with random events, to HDFS and to local files, in every format and codec: read by
 * Hadoop's classes, by `hadoop fs -text`, and by libraries of Python, they are the events again.
 */

const seed = seedFromEnvironment();
const kinds: readonly Kind[] = ['events', 'texts', 'datums'];
const eventsOf = new Map(kinds.map((kind) => [kind, batchesOf(kind, seed).flat()]));

test('random events in every format, read by others', {
  skip: hdfsMissing() || pythonMissing(),
}, async (t) => {
  t.diagnostic(`MILLRACE_SEED=${seed}`);
  const flow = new FlowFolder(t);
  const cluster = await HdfsCluster.start({ folder: flow.folder('cluster'), dataNodes: 1 });
  flow.beforeRemoval(() => cluster.stop());
  const startedAtMs = Date.now();
  await runAgent(flow, cluster);
  const local = flow.folder('fetched');
  await cluster.dfs('-get', '/out', local);
  const reader = HadoopReader.start(cluster);
  flow.beforeRemoval(() => reader.stop());
  const python = readByPython(
    outputs.flatMap((output) =>
      output.readers.flatMap((reader) =>
        reader === 'hadoop' || reader === 'fs -text'
          ? []
          : [{ reader, output: nameOf(output), paths: localFiles(flow, output) }],
      ),
    ),
  );
  const times = { from: startedAtMs, to: Date.now() };
  for (const output of outputs) await checkOutput(t, { flow, reader, python, times }, output);
});

/** Writes all outputs by one agent, and stops it when it has come to rest. */
async function runAgent(flow: FlowFolder, cluster: HdfsCluster): Promise<void> {
  process.env['HADOOP_CONF_DIR'] = cluster.confDir;
  const hdfs = await HdfsClient.open({ confDir: cluster.confDir });
  flow.beforeRemoval(() => hdfs.close());
  const agent = flow.startMillrace(flow.file('random.properties', configuration(flow)));
  const deadline = performance.now() + 120_000;
  let bytes = -1;
  for (let stillFor = 0; stillFor < 4; ) {
    await sleep(1000);
    assert(!agent.hasExited, agent.log().slice(-3000));
    const now = await bytesWritten(flow, cluster, hdfs);
    stillFor = now === bytes && now > 0 ? stillFor + 1 : 0;
    bytes = now;
    assert(performance.now() < deadline, 'the agent does not come to rest');
  }
  const { code } = await agent.stop();
  assert.equal(code, 0, agent.log().slice(-3000));
}

/** 0 while an output has no file yet. */
async function bytesWritten(flow: FlowFolder, cluster: HdfsCluster, hdfs: HdfsClient) {
  const isBegun = await Promise.all(
    outputs.map(async (output) => {
      const folder = folderOf(flow, output);
      return output.place === 'hdfs' ? hdfs.stat(folder) : readdirSync(folder).length > 0;
    }),
  );
  if (!isBegun.every(Boolean)) return 0;
  const blocks = filesBelow(cluster.folder).filter((path) => /\/blk_/.test(path));
  const local = (['local', 'file_roll'] as const).flatMap((each) => filesBelow(flow.folder(each)));
  return [...blocks, ...local].reduce(
    (sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name));
}

function folderOf(flow: FlowFolder, { place, name }: Output): string {
  return place === 'hdfs' ? `/out/${name}` : flow.folder(`${place}/${name}`);
}

function configuration(flow: FlowFolder): string {
  const lines = [
    `a1.sources = ${kinds.join(' ')}`,
    `a1.channels = ${outputs.map((_, index) => `c${index}`).join(' ')}`,
    `a1.sinks = ${outputs.map((_, index) => `k${index}`).join(' ')}`,
  ];
  for (const kind of kinds) {
    const channels = outputs.flatMap(({ from = 'events' }, index) =>
      from === kind ? [`c${index}`] : [],
    );
    lines.push(
      `a1.sources.${kind}.type = ${join(import.meta.dirname, 'hdfs-formats-source.ts')}`,
      `a1.sources.${kind}.channels = ${channels.join(' ')}`,
      `a1.sources.${kind}.seed = ${seed}`,
      `a1.sources.${kind}.kind = ${kind}`,
    );
  }
  for (const [index, output] of outputs.entries()) {
    const folder = folderOf(flow, output);
    const keys: Record<string, string> =
      output.place === 'file_roll'
        ? { type: 'file_roll', 'sink.directory': folder, 'sink.rollInterval': '0' }
        : {
            type: 'hdfs',
            'hdfs.path': output.place === 'local' ? `file://${folder}` : folder,
            'hdfs.rollCount': '150',
            'hdfs.rollSize': '0',
            'hdfs.rollInterval': '0',
          };
    for (const [key, value] of Object.entries({ ...keys, ...output.keys, channel: `c${index}` })) {
      lines.push(`a1.sinks.k${index}.${key} = ${value.replace('<folder>', folder)}`);
    }
    lines.push(
      `a1.channels.c${index}.type = memory`,
      `a1.channels.c${index}.capacity = 10000`,
      `a1.channels.c${index}.transactionCapacity = 1000`,
      `a1.channels.c${index}.byteCapacity = 0`,
    );
  }
  return `${lines.join('\n')}\n`;
}

interface Bench {
  readonly flow: FlowFolder;
  readonly reader: HadoopReader;
  /** What Python reads, by reader and output. */
  readonly python: ReadonlyMap<string, readonly Told[]>;
  readonly times: { readonly from: number; readonly to: number };
}

async function checkOutput(t: TestContext, bench: Bench, output: Output): Promise<void> {
  const events = eventsOf.get(output.from ?? 'events') ?? [];
  const paths = localFiles(bench.flow, output);
  for (const reader of output.readers) {
    await t.test(`${nameOf(output)}, read by ${reader}`, async () => {
      assert(paths.length > (output.place === 'file_roll' ? 0 : 1), `${paths.length} files`);
      const about = `MILLRACE_SEED=${seed}`;
      if (reader === 'hadoop') await checkByHadoop(bench, output, paths, events);
      else if (reader === 'fs -text') await checkShownText(bench, output, paths, events);
      else {
        const found = bench.python.get(`${reader} ${nameOf(output)}`);
        assert.deepEqual(found, toldOf(output, events), about);
      }
    });
  }
}

/** In the order in which they were begun; those of HDFS as they were fetched. */
function localFiles(flow: FlowFolder, output: Output): string[] {
  const folder =
    output.place === 'hdfs' ? join(flow.path, 'fetched/out', output.name) : folderOf(flow, output);
  const numberOf = (path: string) => Number(/FlumeData\.(\d{13})/.exec(path)?.[1] ?? 0);
  return filesBelow(folder).toSorted((left, right) => numberOf(left) - numberOf(right));
}

/** As the agent wrote it, for Hadoop. */
function uriOf(flow: FlowFolder, path: string): string {
  const fetched = join(flow.path, 'fetched');
  return path.startsWith(fetched) ? path.slice(fetched.length) : `file://${path}`;
}

async function checkByHadoop(
  { flow, reader, times }: Bench,
  output: Output,
  paths: readonly string[],
  events: readonly Event[],
): Promise<void> {
  const question = (kind: Question['kind'], path: string): Question => {
    const { codec } = output;
    return { kind, path: uriOf(flow, path), ...(codec && { codec }) };
  };
  if (output.is === 'text') {
    const parts = await Promise.all(paths.map((path) => reader.readAll(question('bytes', path))));
    assert(Buffer.concat(parts).equals(linesOf(events)), `MILLRACE_SEED=${seed}`);
    return;
  }
  const kind = output.is === 'sequence' ? 'sequence' : 'avro';
  const records: string[] = [];
  for (const path of paths) records.push(...(await reader.read(question(kind, path))).slice(1));
  if (output.is === 'sequence') {
    const found = records.map((line) => line.split(/ (.*)/, 2));
    checkKeys(
      found.map(([key = '']) => key),
      events,
      times,
    );
    assert.deepEqual(
      found.map(([, value]) => value),
      events.map(({ body }) => shown(body)),
    );
  } else checkAvroJson(records, output, events);
}

/** Without a time of its own an event has that of writing. */
function checkKeys(
  keys: readonly string[],
  events: readonly Event[],
  { from, to }: Bench['times'],
): void {
  assert.equal(keys.length, events.length);
  for (const [index, key] of keys.entries()) {
    const own = events[index]?.headers['timestamp'];
    if (own !== undefined && own !== 'soon') assert.equal(key, own);
    else assert(Number(key) >= from && Number(key) <= to, `${key} is no time of this run`);
  }
}

function checkAvroJson(lines: readonly string[], output: Output, events: readonly Event[]): void {
  const found = lines.map((line) => JSON.parse(line));
  if (output.is === 'avro') {
    const told = found.map(({ headers, body }) => ({ headers, body: shown(latin1(body)) }));
    assert.deepEqual(told, toldOf(output, events), `MILLRACE_SEED=${seed}`);
    return;
  }
  // Two folders: each in its order.
  const datums = events.map(({ headers }) => headers);
  for (const type of ['click', 'view']) {
    const wanted = datums.flatMap((headers) =>
      headers['type'] === type ? [headers['datum'] ?? ''] : [],
    );
    const texts = new Set(wanted);
    assert.deepEqual(
      lines.flatMap((_, index) => {
        const datum = JSON.stringify(found[index]);
        return texts.has(datum) ? [datum] : [];
      }),
      wanted,
    );
  }
  assert.equal(found.length, datums.length);
}

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

async function checkShownText(
  { flow, reader, times }: Bench,
  output: Output,
  paths: readonly string[],
  events: readonly Event[],
): Promise<void> {
  const parts: Buffer[] = [];
  for (const path of paths) {
    parts.push(await reader.readAll({ kind: 'text', path: uriOf(flow, path) }));
  }
  const text = Buffer.concat(parts);
  if (output.is === 'text') {
    assert(text.equals(linesOf(events)), `MILLRACE_SEED=${seed}`);
  } else if (output.is === 'sequence') {
    // Of bytes that are no UTF-8 Java may show another number of U+FFFD.
    const plain = (shownText: string) => shownText.replaceAll(/\ufffd+/g, '\ufffd');
    const keys: string[] = [];
    let rest = plain(text.toString());
    for (const { body } of events) {
      const key = /^-?\d+(?=\t)/.exec(rest)?.[0] ?? '';
      const value = output.isText ? plain(body.toString()) : hexOf(body);
      assert.equal(rest.slice(key.length, key.length + value.length + 2), `\t${value}\n`);
      rest = rest.slice(key.length + value.length + 2);
      keys.push(key);
    }
    assert.equal(rest, '');
    checkKeys(keys, events, times);
  } else checkAvroJson(text.toString().trimEnd().split('\n'), output, events);
}

function linesOf(events: readonly Event[]): Buffer {
  return Buffer.concat(events.flatMap(({ body }) => [body, Buffer.from('\n')]));
}

function hexOf(bytes: Buffer): string {
  return bytes.toString('hex').replaceAll(/..(?=.)/g, '$& ');
}

function toldOf({ is }: Output, events: readonly Event[]): Told[] {
  if (is === 'text') return [{ body: shown(linesOf(events)) }];
  return events.map(({ headers, body }) => {
    if (is === 'sequence') return { body: shown(body) };
    if (is === 'json') return { headers, body: shown(Buffer.from(body.toString())) };
    if (is !== 'parquet') return { headers, body: shown(body) };
    const time = headers['timestamp'] ?? null;
    return { headers, body: shown(body), time: time === 'soon' ? null : time };
  });
}
