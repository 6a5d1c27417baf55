/**
 * taildir → channel → HDFS, as text in batches of 1,000: Millrace and real Flume in turns on one
 * real cluster of this machine (one DataNode, replication 1). What came to HDFS is compared with the
 * input by its length, and by Hadoop's own checksum-verified reading of its lines.
 *
 *   node bench/hdfs-sink.ts [--channels file,memory] [--pin both] [--pairs 3] [--lines 4000000]
 *        [--flume-lines 400000] [--peers millrace,flume] [--scratch /tmp] [--profiles FOLDER] [--save]
 *
 * Pinned, an agent has one processor: what a wake-up across processors costs falls away. The cluster
 * is not pinned.
 */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HdfsClient } from '../src/hdfs/index.ts';
import { flumeMissing } from '../testbed/flume.ts';
import { HdfsCluster, hdfsMissing } from '../testbed/hdfs.ts';
import { freePorts } from '../testbed/ports.ts';
import { cpuSeconds, peakResidentBytes } from '../testbed/process-usage.ts';
import { generateLog } from './generate-log.ts';
import {
  blockedMs,
  type Peer,
  type PeerRun,
  peerTable,
  pinToOne,
  startPeer,
  untilCounter,
} from './hdfs-peers.ts';
import { saveNote, writeReport } from './report.ts';

const { values } = parseArgs({
  options: {
    channels: { type: 'string', default: 'file,memory' },
    /** `no`, `yes`, or `both` in turns. */
    pin: { type: 'string', default: 'both' },
    peers: { type: 'string', default: 'millrace,flume' },
    pairs: { type: 'string', default: '3' },
    lines: { type: 'string', default: '4000000' },
    'flume-lines': { type: 'string', default: '400000' },
    scratch: { type: 'string', default: tmpdir() },
    profiles: { type: 'string' },
    save: { type: 'boolean', default: false },
  },
});

interface Run extends PeerRun {
  readonly channel: string;
  readonly pinned: boolean;
}

const folder = join(values.scratch, 'millrace-bench-hdfs-sink');
const drained = ['SINK.k1', 'EventDrainSuccessCount'] as const;

function confOf(channel: string, port: number, input: string, run: string, url: string): string {
  const log = [
    `a1.channels.c1.checkpointDir = ${run}/checkpoint`,
    `a1.channels.c1.dataDirs = ${run}/data`,
  ];
  return [
    `# metrics on port ${port}`,
    'a1.sources = r1',
    'a1.channels = c1',
    'a1.sinks = k1',
    'a1.sources.r1.type = TAILDIR',
    'a1.sources.r1.channels = c1',
    'a1.sources.r1.filegroups = g',
    `a1.sources.r1.filegroups.g = ${input}`,
    `a1.sources.r1.positionFile = ${run}/positions.json`,
    'a1.sources.r1.batchSize = 1000',
    `a1.channels.c1.type = ${channel}`,
    'a1.channels.c1.capacity = 100000',
    'a1.channels.c1.transactionCapacity = 1000',
    ...(channel === 'file' ? log : []),
    'a1.sinks.k1.type = hdfs',
    'a1.sinks.k1.channel = c1',
    `a1.sinks.k1.hdfs.path = ${url}/bench`,
    'a1.sinks.k1.hdfs.fileType = DataStream',
    'a1.sinks.k1.hdfs.batchSize = 1000',
    'a1.sinks.k1.hdfs.rollInterval = 0',
    'a1.sinks.k1.hdfs.rollSize = 0',
    'a1.sinks.k1.hdfs.rollCount = 0',
    '',
  ].join('\n');
}

async function measure(
  cluster: HdfsCluster,
  peer: Peer,
  channel: string,
  pinned: boolean,
): Promise<Run> {
  const run = join(folder, 'run');
  rmSync(run, { recursive: true, force: true });
  mkdirSync(run, { recursive: true });
  const lines = Number(peer === 'flume' ? values['flume-lines'] : values.lines);
  const input = join(folder, `input-${lines}.log`);
  const [port = 0] = await freePorts(1);
  const hdfs = await HdfsClient.open({ confDir: cluster.confDir });
  const conf = join(run, 'flow.properties');
  writeFileSync(conf, confOf(channel, port, input, run, cluster.url));
  const agent = startPeer(peer, conf, run, port, cluster.confDir, values.profiles);
  try {
    if (pinned) pinToOne(agent);
    const first = await untilCounter(agent, port, drained, (count) => count > 0, 10);
    const cpuBefore = cpuSeconds(agent.pid);
    const last = await untilCounter(agent, port, drained, (count) => count >= lines, 100);
    const cpu = cpuSeconds(agent.pid) - cpuBefore;
    const peak = peakResidentBytes(agent.pid);
    await agent.stop();
    const events = last.value - first.value;
    await verify(hdfs, statSync(input).size);
    return {
      peer,
      channel,
      pinned,
      eventsPerSecond: events / (last.at - first.at),
      cpuMicroseconds: (cpu / events) * 1e6,
      peakResidentBytes: peak,
      blockedMs: peer === 'millrace' ? blockedMs(run) : undefined,
    };
  } finally {
    if (!agent.hasExited) await agent.kill();
    await hdfs.delete('/bench', { recursive: true });
    hdfs.close();
  }
}

async function verify(hdfs: HdfsClient, bytes: number): Promise<void> {
  let found = 0;
  for await (const { path, length } of hdfs.list('/bench')) {
    if (path.endsWith('.tmp')) throw new Error(`${path} is left`);
    found += length;
  }
  if (found !== bytes) throw new Error(`${found} bytes on HDFS, ${bytes} in the log`);
}

const why = hdfsMissing();
if (why) throw new Error(`HDFS: ${why}`);
const peers = values.peers.split(',').filter((peer) => peer === 'millrace' || !flumeMissing());
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const lines of new Set([Number(values.lines), Number(values['flume-lines'])])) {
  generateLog(join(folder, `input-${lines}.log`), { lines });
}
const settings = { 'dfs.blocksize': '128m', 'dfs.replication': '1' };
const cluster = await HdfsCluster.start({
  folder: join(folder, 'cluster'),
  dataNodes: 1,
  settings,
  heap: '512m',
});
const runs: Run[] = [];
try {
  const pins = { no: [false], yes: [true] }[values.pin] ?? [false, true];
  for (let pair = 0; pair < Number(values.pairs); pair++) {
    for (const channel of values.channels.split(',')) {
      for (const pinned of pins) {
        for (const peer of peers as Peer[]) {
          const run = await measure(cluster, peer, channel, pinned);
          runs.push(run);
          console.log(JSON.stringify(run));
        }
      }
    }
  }
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}
const introduction = `An access log of ${values.lines} lines (Flume: ${values['flume-lines']}) is read by taildir and goes
through the channel (capacity 100,000) to HDFS as text, in batches of 1,000; one DataNode,
replication 1. From the first event on HDFS to the last; CPU is that of the agent alone, all threads.
Blocked: the longest that Millrace’s main thread computed without a turn of its loop.`;
const table = peerTable(runs, ['channel', 'processors'], ({ channel, pinned }) => [
  channel,
  pinned ? 'one' : 'two',
]);
console.log(table);
if (values.save) {
  saveNote('hdfs-sink', 'Into HDFS as text', `${introduction}\n\n${table}`, runs);
  writeReport();
}
