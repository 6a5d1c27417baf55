import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HdfsClient } from '../../src/hdfs/index.ts';
import { FlowFolder } from '../../testbed/flow-folder.ts';
import { flumeMissing } from '../../testbed/flume.ts';
import { HdfsCluster, hdfsMissing } from '../../testbed/hdfs.ts';
import { repositoryRoot } from '../../testbed/millrace.ts';
import { lineSchema, otherSchema } from './hdfs-formats-avro-cases.ts';
import { formatCases, refusedCases } from './hdfs-formats-cases.ts';
import type { FormatCase } from './hdfs-formats-input.ts';
import { HadoopReader } from './hdfs-formats-reader.ts';
import {
  configurationOf,
  inputFile,
  type Peer,
  type Peers,
  type RunningPeer,
  rootOf,
  send,
  startPeers,
  until,
} from './hdfs-sink-agent.ts';
import { listingOf } from './hdfs-sink-listing.ts';

/*
 * Formats, serializers and codecs of the hdfs sink beside those of real Flume: one agent each, with
 * the same configurations and the same events, on one cluster. The files of both are read by
 * Hadoop's own classes, and compared record by record, while they are open and after a stop.
 */

// Both agents run there: local times must be those of a place with summer time.
process.env['TZ'] = 'America/New_York';

/** For what is closed and renamed when the events are there already. */
const settleMs = 8_000;
const pollMs = 250;

interface Bench {
  readonly hdfs: HdfsClient;
  readonly reader: HadoopReader;
  readonly startedAtMs: number;
  readonly peers: Peers;
}

/** A file as Hadoop reads it. */
interface ReadFile {
  readonly path: string;
  readonly name: string;
  /** For SequenceFiles and Avro files, after a line of what their header says. */
  readonly records: readonly string[];
}

/** Those of `MILLRACE_CASE` alone, when that is set. */
const only = process.env['MILLRACE_CASE'];
const cases = formatCases.filter(
  ({ name }) => only === undefined || only.split(',').some((x) => name.startsWith(x)),
);
const timedCases = cases.filter(({ later }) => later);
const missing = flumeMissing() || hdfsMissing();

test('formats and codecs of the hdfs sink beside those of Flume', { skip: missing }, async (t) => {
  const bench = await startAll(t);
  await everywhere(bench, cases, ({ input }) => input);
  const { flume, millrace } = bench.peers;
  for (const each of cases) {
    if (each.later) continue;
    await t.test(`${each.name}: ${each.holds}; while open`, () => agree(bench, each));
  }
  await closedByAge(bench);
  await everywhere(bench, timedCases, ({ later = [] }) => later);
  // A file whose age ends it while Flume stops may keep its name.
  await closedByAge(bench);

  const exits = await Promise.all([flume.agent.stop(), millrace.agent.stop()]);
  assert.deepEqual(
    exits.map(({ code }) => code),
    [143, 0],
  );
  for (const each of cases) {
    await t.test(`${each.name}: ${each.holds}`, async () => {
      await agree(bench, each);
      const ours = await filesOf(bench, millrace, each);
      assert(ours.length > 0);
      assert(!ours.some(({ name }) => /\.(tmp|part) /.test(name)), 'no file is left open');
      const theirs = await filesOf(bench, flume, each);
      assert.deepEqual(await shownText(bench, each, ours), await shownText(bench, each, theirs));
    });
  }
  for (const { name, holds, theirs } of refusedCases) {
    await t.test(`${name}: ${holds}; so Flume says`, () => assert.match(flume.agent.log(), theirs));
  }
});

test('what Flume refuses is refused before the start', (t) => {
  const flow = new FlowFolder(t);
  const peer: Peer = {
    name: 'millrace',
    folder: flow.path,
    ports: new Map(refusedCases.map((each, index) => [each, 40_000 + index])),
    clusterUrl: 'hdfs://127.0.0.1:8020',
    home: '/',
  };
  const conf = flow.file('refused.properties', configurationOf(peer, refusedCases));
  const main = join(repositoryRoot, 'src/cli/main.ts');
  const { stdout, stderr, status } = spawnSync(process.execPath, [main, 'check', conf], {
    encoding: 'utf8',
  });
  assert.equal(status, 0);
  for (const { ours } of refusedCases) assert.match(stdout + stderr, ours);
});

/** Resolves when the files of the cases that have an age are closed. */
async function closedByAge(bench: Bench): Promise<void> {
  await until('files are closed by their age', bench.peers.millrace.agent, async () => {
    const listings = await Promise.all(
      peers(bench).flatMap((peer) =>
        timedCases.map((each) => listingOf(bench.hdfs, rootOf(peer, each))),
      ),
    );
    return listings.every(({ files }) => files.every(({ path }) => !path.endsWith('.tmp')));
  });
}

function peers(bench: Bench): RunningPeer[] {
  return Object.values(bench.peers);
}

/** Sends lines of each case to both agents, and waits until they have written them. */
async function everywhere(
  bench: Bench,
  those: readonly FormatCase[],
  linesOf: (each: FormatCase) => readonly string[],
): Promise<void> {
  const listening = those.filter(({ source }) => source !== 'TAILDIR');
  for (const peer of peers(bench)) {
    await Promise.all(listening.map((each) => send(peer, each, linesOf(each))));
  }
  const { flume, millrace } = bench.peers;
  for (const peer of [millrace, flume]) {
    for (const each of those) {
      await until(`all of ${each.name} is written by ${peer.name}`, peer.agent, async () => {
        const files = await filesOf(bench, peer, each);
        return hasAll(each, files, linesOf(each));
      });
    }
  }
}

function hasAll(each: FormatCase, files: readonly ReadFile[], lines: readonly string[]): boolean {
  if (each.read !== 'bytes') {
    const headers = files.filter(({ records }) => records.length > 0).length;
    return files.flatMap(({ records }) => records).length - headers >= lines.length;
  }
  const text = files.map(({ records }) => records.join('\n')).join('\n');
  const found = new Set(text.split('\n'));
  return lines.map((line) => bodyOf(each, line)).every((x) => found.has(x) || text.includes(x));
}

/** What the source makes of a line, its bytes as in latin1. */
function bodyOf({ source }: FormatCase, line: string): string {
  if (source === 'TAILDIR') return line;
  return Buffer.from(line.replace(/^<\d+>\S+ \S+ /, '')).toString('latin1');
}

/** Files that are being closed may take a moment. */
async function agree(bench: Bench, each: FormatCase): Promise<void> {
  const { flume, millrace } = bench.peers;
  const viewOf = async (peer: RunningPeer) =>
    (await filesOf(bench, peer, each)).map(({ name, records }) => [name, ...records]);
  const theirs = await viewOf(flume);
  const deadline = performance.now() + settleMs;
  for (;;) {
    const ours = await viewOf(millrace);
    try {
      assert.deepEqual(ours, theirs);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(pollMs);
  }
}

async function filesOf(bench: Bench, peer: Peer, each: FormatCase): Promise<ReadFile[]> {
  const { files } = await listingOf(bench.hdfs, rootOf(peer, each));
  return Promise.all(
    files.map(async ({ path, pattern, attributes, content }) => {
      const name = `${pattern} ${attributes}`;
      if (content.length === 0) return { path, name, records: [] };
      return { path, name, records: await recordsOf(bench, each, path) };
    }),
  );
}

/** Of a file that gets its final name meanwhile, nothing. */
async function recordsOf(bench: Bench, each: FormatCase, path: string): Promise<string[]> {
  const question = { kind: each.read, path, ...(each.codec && { codec: each.codec }) };
  try {
    if (each.read !== 'bytes') {
      const lines = await bench.reader.read(question);
      return lines.map((line) => (each.hasClockKeys ? withoutTime(bench, line) : line));
    }
    return (await bench.reader.readAll(question)).toString('latin1').split('\n');
  } catch (error) {
    if (/FileNotFoundException/.test(String(error))) return [];
    throw error;
  }
}

/** A record of a SequenceFile whose key is a time of this test. */
function withoutTime({ startedAtMs }: Bench, line: string): string {
  const [key = '', value] = line.split(' ', 2);
  if (!/^\d+$/.test(key)) return line;
  assert(Number(key) >= startedAtMs && Number(key) <= Date.now(), `${key} is no time of this run`);
  return `<now> ${value}`;
}

/** What `hadoop fs -text` makes of them. */
async function shownText(bench: Bench, each: FormatCase, files: readonly ReadFile[]) {
  // It would show the bytes of the Avro file, which has random ones.
  if (each.read === 'avro' && each.codec) return [];
  const texts: string[] = [];
  for (const { path } of files) {
    const text = (await bench.reader.readAll({ kind: 'text', path })).toString('latin1');
    texts.push(each.hasClockKeys ? text.replaceAll(/^\d+\t/gm, '<now>\t') : text);
  }
  return texts;
}

async function startAll(t: TestContext): Promise<Bench> {
  const startedAtMs = Date.now();
  const flow = new FlowFolder(t);
  const cluster = await HdfsCluster.start({ folder: flow.folder('cluster'), dataNodes: 1 });
  flow.beforeRemoval(() => cluster.stop());
  const hdfs = await HdfsClient.open({ confDir: cluster.confDir });
  flow.beforeRemoval(() => hdfs.close());
  const reader = HadoopReader.start(cluster);
  flow.beforeRemoval(() => reader.stop());
  process.env['HADOOP_CONF_DIR'] = cluster.confDir;
  await hdfs.mkdirs('/schemas');
  for (const [name, schema] of Object.entries({ line: lineSchema, other: otherSchema })) {
    const file = await hdfs.create(`/schemas/${name}.avsc`);
    await file.write(Buffer.from(schema));
    await file.close();
  }
  const peers = await startPeers(
    cluster,
    flow,
    // A sink that Flume refuses leaves the others alone.
    (name) => (name === 'flume' ? [...cases, ...refusedCases] : cases),
    (peer) => prepare(peer, hdfs),
  );
  return { hdfs, reader, startedAtMs, peers };
}

/** What has to be there before the agents start. */
async function prepare(peer: Peer, hdfs: HdfsClient): Promise<void> {
  writeFileSync(join(peer.folder, 'line.avsc'), lineSchema);
  writeFileSync(join(peer.folder, 'other.avsc'), otherSchema);
  for (const each of cases) {
    if (each.sink?.['hdfs.proxyUser']) {
      await hdfs.mkdirs(`${rootOf(peer, each)}/open`);
      await hdfs.setPermission(`${rootOf(peer, each)}/open`, 0o777);
    }
    if (each.source !== 'TAILDIR') continue;
    const path = inputFile(peer, each);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, each.input.map((line) => `${line}\n`).join(''), 'latin1');
  }
}
