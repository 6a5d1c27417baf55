import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HdfsClient } from '../../src/hdfs/index.ts';
import { FlowFolder } from '../../testbed/flow-folder.ts';
import { flumeMissing } from '../../testbed/flume.ts';
import { HdfsCluster, hdfsMissing } from '../../testbed/hdfs.ts';
import {
  inputFile,
  type Peer,
  type Peers,
  rootOf,
  send,
  startPeers,
  until,
} from './hdfs-sink-agent.ts';
import { type SinkCase, sinkCases } from './hdfs-sink-cases.ts';
import {
  contentOf,
  type Listing,
  listingOf,
  localListingOf,
  patternOf,
  textOf,
} from './hdfs-sink-listing.ts';

/*
 * The hdfs sink beside that of real Flume: one agent each, with the same configurations and the
 * same events, on one cluster. What they write is compared while it is open, and after a stop.
 */

// Both agents run there: local times must be those of a place with summer time.
process.env['TZ'] = 'America/New_York';

const peerNames = ['flume', 'millrace'] as const;
const pollMs = 250;
/** For what is closed and renamed when the events are there already. */
const settleMs = 8_000;

interface Bench {
  readonly cluster: HdfsCluster;
  readonly hdfs: HdfsClient;
  readonly peers: Peers;
}

/** Those of `MILLRACE_CASE` alone, when that is set. */
const only = process.env['MILLRACE_CASE'];
const cases = sinkCases.filter(
  ({ name }) => only === undefined || only.split(',').some((x) => name.startsWith(x)),
);
const timedCases = cases.filter(({ later }) => later);
const missing = flumeMissing() || hdfsMissing();

test('the hdfs sink beside that of Flume', { skip: missing }, async (t) => {
  const bench = await startAll(t);
  const others = cases.filter(({ later }) => !later);
  await everywhere(bench, others, ({ input }) => input);
  for (const each of others.filter(({ whileOpen }) => whileOpen !== 'nothing')) {
    await t.test(`${each.name}: ${each.holds}; while open`, () => agree(bench, each));
  }
  await everywhere(bench, timedCases, ({ input }) => input);
  await everywhere(bench, timedCases, ({ later = [] }) => later);
  await refuseForAWhile(bench);
  for (const each of cases.filter(({ later, refused }) => later || refused)) {
    await t.test(`${each.name}: ${each.holds}; while open`, () => agree(bench, each));
  }

  const { flume, millrace } = bench.peers;
  const exits = await Promise.all([flume.agent.stop(), millrace.agent.stop()]);
  assert.deepEqual(
    exits.map(({ code }) => code),
    [143, 0],
  );
  for (const each of cases) {
    await t.test(`${each.name}: ${each.holds}`, async () => {
      await agree(bench, each);
      const ours = await written(bench, millrace, each);
      const isOpen = ours.files.some(({ pattern }) => /\.(tmp|part)$|\/_/.test(pattern));
      assert(!isOpen, 'no file is left open');
      assert.equal(ours.files.length === 0, each.isPoison === true);
    });
  }
  await t.test('Hadoop lists and reads the same', () => hadoopAgrees(bench));
});

/** Sends lines of each case to both agents, and waits until they have written them. */
async function everywhere(
  bench: Bench,
  those: readonly SinkCase[],
  linesOf: (each: SinkCase) => readonly string[],
): Promise<void> {
  const peers = Object.values(bench.peers);
  for (const each of those) {
    for (const peer of peers) {
      if (each.source !== 'TAILDIR') await send(peer, each, linesOf(each));
    }
  }
  await Promise.all(
    peers.map(async (peer) => {
      for (const each of those) {
        if (each.whileOpen === 'nothing' || each.isPoison) continue;
        await until(`all of ${each.name} is written`, peer.agent, async () => {
          const listing = await written(bench, peer, each);
          const isClosed = listing.files.every(({ path }) => !/\.tmp$/.test(path));
          return (!each.later || isClosed) && hasAll(listing, linesOf(each));
        });
      }
    }),
  );
}

function hasAll(listing: Listing, lines: readonly string[]): boolean {
  const text = contentOf(listing).toString();
  const found = new Set(text.split('\n'));
  // Where they are not lines by themselves, they have to be looked for.
  return lines.map(bodyOf).every((body) => found.has(body) || text.includes(body));
}

/**
 * Takes the right to write, which renames need too, from the user of a case; sends more, waits
 * until it was refused, and gives the right back.
 */
async function refuseForAWhile(bench: Bench): Promise<void> {
  const those = cases.filter(({ refused }) => refused);
  for (const each of those) {
    for (const peer of Object.values(bench.peers)) {
      const folder = `${rootOf(peer, each)}/open`;
      await bench.hdfs.setPermission(folder, 0o555);
      await send(peer, each, each.refused ?? []);
      const refusal = new RegExp(`Permission denied: user=shop.*inode=\\\\?"${folder}`);
      await until('it is refused', peer.agent, async () => refusal.test(peer.agent.log()));
      await bench.hdfs.setPermission(folder, 0o777);
      await until('it is written after all', peer.agent, async () => {
        return hasAll(await written(bench, peer, each), each.refused ?? []);
      });
    }
  }
}

/** What a syslog source leaves of a line; another one leaves all of it. */
function bodyOf(line: string): string {
  return line.replace(/^<\d+>\S+ \S+ /, '');
}

/** Files that are being closed may take a moment, and tries that are made again. */
async function agree(bench: Bench, each: SinkCase): Promise<void> {
  const { flume, millrace } = bench.peers;
  const view = (listing: Listing) => {
    if (each.sharesEvents) return shared(listing);
    const { files, folders } = listing;
    const kept = files.filter(({ content }) => !each.emptyFiles || content.length > 0);
    return textOf({ files: kept, folders });
  };
  const theirs = view(await written(bench, flume, each));
  const deadline = performance.now() + settleMs;
  for (;;) {
    const ours = view(await written(bench, millrace, each));
    try {
      assert.deepEqual(ours, theirs);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(pollMs);
  }
}

/** What is left to compare when several sinks share the events. */
function shared(listing: Listing): unknown {
  const lines = contentOf(listing).toString().split('\n').toSorted();
  const patterns = new Set(listing.files.map(({ pattern }) => pattern));
  return { lines, patterns: [...patterns].toSorted() };
}

async function written({ hdfs }: Bench, peer: Peer, each: SinkCase): Promise<Listing> {
  const root = rootOf(peer, each);
  return each.place === 'local' ? localListingOf(root) : listingOf(hdfs, root);
}

async function hadoopAgrees(bench: Bench): Promise<void> {
  const { cluster, peers } = bench;
  const onHdfs = cases.filter(({ place, isPoison }) => place !== 'local' && !isPoison);
  const paths: string[] = [];
  const expected: Buffer[] = [];
  for (const peer of Object.values(peers)) {
    for (const each of onHdfs) {
      const listing = await written(bench, peer, each);
      // The command takes a path for a pattern.
      const readable = listing.files.filter(({ path }) => !/[?*[\]{}\\%#]/.test(path));
      paths.push(...readable.map(({ path }) => path));
      expected.push(...readable.map(({ content }) => content));
    }
  }
  const [listing, contents, report] = await Promise.all([
    cluster.dfs('-ls', '-R', ...peerNames.map((name) => `/${name}`)),
    cluster.dfs('-cat', ...paths),
    cluster.fsck('/', '-files', '-openforwrite'),
  ]);
  assert(contents.equals(Buffer.concat(expected)), 'Hadoop reads what our client reads');
  assert.match(report, /Status: HEALTHY/);
  const open = report.split('\n').filter((line) => line.includes('OPENFORWRITE'));
  assert.deepEqual(open, [], 'no file is open');
  const [theirs, ours] = peerNames.map((name) => linesOf(listing.toString(), name));
  assert(theirs && theirs.length > cases.length);
  assert.deepEqual(ours, theirs);
}

/** What `-ls -R` says of an agent's files, without times. */
function linesOf(listing: string, peer: string): string[] {
  const others = cases.filter(({ sharesEvents, emptyFiles }) => sharesEvents || emptyFiles);
  const chance = others.map(({ name }) => `/${name}/`);
  return listing
    .split('\n')
    .filter((line) => line.includes(` /${peer}/`) && !chance.some((part) => line.includes(part)))
    .map((line) => patternOf(line).replace(/ \d{4}-\d\d-\d\d \d\d:\d\d \/\w+/, ' '))
    .toSorted();
}

async function startAll(t: TestContext): Promise<Bench> {
  const flow = new FlowFolder(t);
  const cluster = await HdfsCluster.start({ folder: flow.folder('cluster') });
  flow.beforeRemoval(() => cluster.stop());
  const hdfs = await HdfsClient.open({ confDir: cluster.confDir });
  flow.beforeRemoval(() => hdfs.close());
  process.env['HADOOP_CONF_DIR'] = cluster.confDir;
  const peers = await startPeers(
    cluster,
    flow,
    () => cases,
    (peer) => prepare(peer, hdfs),
  );
  return { cluster, hdfs, peers };
}

/** What has to be there before the agents start. */
async function prepare(peer: Peer, hdfs: HdfsClient): Promise<void> {
  for (const each of cases) {
    const root = rootOf(peer, each);
    if (each.place === 'local') mkdirSync(root, { recursive: true });
    if (each.sink?.['hdfs.proxyUser']) {
      await hdfs.mkdirs(`${root}/open`);
      await hdfs.setPermission(`${root}/open`, 0o777);
    }
    const path = inputFile(peer, each);
    if (each.source !== 'TAILDIR' || existsSync(path)) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, each.input.map((line) => `${line}\n`).join(''));
  }
}
