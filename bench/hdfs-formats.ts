/**
 * file channel → HDFS, in several formats: Millrace and real Flume in turns on one real cluster of
 * this machine (one DataNode, replication 1). A file channel is filled once for each, by taildir,
 * in batches of 1,000, with the headers timestamp and host; every run begins with a copy of that
 * and has no source, so that the sink side alone is measured: from the first commit in the channel
 * to the last. What came to HDFS is read and counted.
 *
 *   node bench/hdfs-formats.ts [--formats gzip,parquet] [--pin both] [--pairs 3]
 *        [--lines 2000000] [--flume-lines 400000] [--peers millrace,flume] [--scratch /tmp]
 *        [--profiles FOLDER] [--save]
 *
 * Hadoop writes zstd with its native library only, which is seldom there, and Flume knows no
 * Parquet: they are compared with what Flume has in their place, deflate and its SequenceFile.
 */
import { cpSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HdfsClient } from '../src/hdfs/index.ts';
import { flumeMissing } from '../testbed/flume.ts';
import { HdfsCluster, hdfsMissing } from '../testbed/hdfs.ts';
import { freePorts } from '../testbed/ports.ts';
import { cpuSeconds, peakResidentBytes } from '../testbed/process-usage.ts';
import { countEvents } from './format-count.ts';
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
    formats: { type: 'string', default: 'sequence,snappy,gzip,zstd,parquet' },
    /** `no`, `yes`, or `both` in turns. */
    pin: { type: 'string', default: 'both' },
    peers: { type: 'string', default: 'millrace,flume' },
    pairs: { type: 'string', default: '3' },
    lines: { type: 'string', default: '2000000' },
    'flume-lines': { type: 'string', default: '400000' },
    scratch: { type: 'string', default: tmpdir() },
    profiles: { type: 'string' },
    save: { type: 'boolean', default: false },
  },
});

interface Format {
  readonly title: string;
  /** What a file that is committed as a whole needs of Millrace's channel. */
  readonly channel?: readonly string[];
  readonly millrace: readonly string[];
  readonly flume: readonly string[];
}

/** A Parquet file is committed when it is closed: a tenth of the lines each. */
const filesOfWhole = 10;
const sequenceFile = ['hdfs.fileType = SequenceFile'];
const stream = (codec: string, ...more: readonly string[]) => [
  'hdfs.fileType = CompressedStream',
  `hdfs.codeC = ${codec}`,
  ...more,
];
const formats: Readonly<Record<string, Format>> = {
  sequence: { title: 'SequenceFile', millrace: sequenceFile, flume: sequenceFile },
  snappy: {
    title: 'SequenceFile, blocks of snappy',
    millrace: [...sequenceFile, 'hdfs.codeC = snappy'],
    flume: [...sequenceFile, 'hdfs.codeC = snappy'],
  },
  gzip: {
    title: 'gzip, level 6',
    millrace: stream('gzip', 'hdfs.compression.level = 6'),
    flume: stream('gzip'),
  },
  zstd: {
    title: 'zstd (Flume: deflate)',
    millrace: stream('zstd'),
    flume: stream('default'),
  },
  parquet: {
    title: 'Parquet, snappy (Flume: SequenceFile)',
    millrace: [
      'hdfs.fileType = Parquet',
      'hdfs.codeC = snappy',
      `hdfs.rollCount = ${Math.ceil(Number(values.lines) / filesOfWhole)}`,
    ],
    channel: ['a1.channels.c1.memoryBytes = 268435456'],
    flume: sequenceFile,
  },
};

interface Run extends PeerRun {
  readonly format: string;
  readonly pinned: boolean;
  /** Bytes on HDFS by bytes of the log. */
  readonly size: number;
}

const folder = join(values.scratch, 'millrace-bench-hdfs-formats');
const run = join(folder, 'run');
const channelSize = ['CHANNEL.c1', 'ChannelSize'] as const;

/** One more than are measured: a full file is closed with the event that comes after it. */
function linesOf(peer: Peer): number {
  return Number(peer === 'flume' ? values['flume-lines'] : values.lines) + 1;
}

function inputOf(peer: Peer): string {
  return join(folder, `input-${linesOf(peer)}.log`);
}

function channelLines(peer: Peer): string[] {
  return [
    'a1.channels = c1',
    'a1.channels.c1.type = file',
    `a1.channels.c1.capacity = ${linesOf(peer) + 1_000}`,
    'a1.channels.c1.transactionCapacity = 1000',
    `a1.channels.c1.checkpointDir = ${run}/checkpoint`,
    `a1.channels.c1.dataDirs = ${run}/data`,
  ];
}

function sourceLines(peer: Peer): string[] {
  return [
    'a1.sources = r1',
    'a1.sources.r1.type = TAILDIR',
    'a1.sources.r1.channels = c1',
    'a1.sources.r1.filegroups = g',
    `a1.sources.r1.filegroups.g = ${inputOf(peer)}`,
    `a1.sources.r1.positionFile = ${run}/positions.json`,
    'a1.sources.r1.batchSize = 1000',
    'a1.sources.r1.interceptors = i1 i2',
    'a1.sources.r1.interceptors.i1.type = timestamp',
    'a1.sources.r1.interceptors.i2.type = host',
  ];
}

function sinkLines(format: readonly string[], url: string): string[] {
  const own = [
    'type = hdfs',
    'channel = c1',
    `hdfs.path = ${url}/bench`,
    'hdfs.batchSize = 1000',
    'hdfs.rollInterval = 0',
    'hdfs.rollSize = 0',
    ...(format.some((line) => line.startsWith('hdfs.rollCount')) ? [] : ['hdfs.rollCount = 0']),
    ...format,
  ];
  return ['a1.sinks = k1', ...own.map((line) => `a1.sinks.k1.${line}`)];
}

/** Fills a channel with the whole log, and keeps it for the runs. */
async function fill(peer: Peer, cluster: HdfsCluster): Promise<void> {
  generateLog(inputOf(peer), { lines: linesOf(peer) });
  const [agent, port] = await start(peer, [...sourceLines(peer), ...channelLines(peer)], cluster);
  try {
    await untilCounter(agent, port, channelSize, (size) => size >= linesOf(peer), 100);
    await agent.stop();
  } finally {
    if (!agent.hasExited) await agent.kill();
  }
  cpSync(run, join(folder, peer), { recursive: true });
}

async function start(peer: Peer, lines: readonly string[], cluster: HdfsCluster) {
  mkdirSync(run, { recursive: true });
  const conf = join(run, 'flow.properties');
  writeFileSync(conf, `${lines.join('\n')}\n`);
  const [port = 0] = await freePorts(1);
  const agent = startPeer(peer, conf, run, port, cluster.confDir, values.profiles);
  return [agent, port] as const;
}

async function measure(
  cluster: HdfsCluster,
  peer: Peer,
  format: Format,
  pinned: boolean,
): Promise<Run> {
  rmSync(run, { recursive: true, force: true });
  cpSync(join(folder, peer), run, { recursive: true });
  const all = linesOf(peer);
  const hdfs = await HdfsClient.open({ confDir: cluster.confDir });
  const channel = peer === 'millrace' ? (format.channel ?? []) : [];
  const sink = sinkLines(format[peer], cluster.url);
  const lines = [...channelLines(peer), ...channel, ...sink];
  const [agent, port] = await start(peer, lines, cluster);
  try {
    if (pinned) pinToOne(agent);
    const isBegun = (size: number) => size > 0 && size < all;
    const first = await untilCounter(agent, port, channelSize, isBegun, 10);
    const cpuBefore = cpuSeconds(agent.pid);
    const last = await untilCounter(agent, port, channelSize, (size) => size <= 1, 50);
    const cpu = cpuSeconds(agent.pid) - cpuBefore;
    const peak = peakResidentBytes(agent.pid);
    await agent.stop();
    const events = first.value - last.value;
    const found = await countEvents(hdfs, '/bench');
    if (found.events !== all) throw new Error(`${found.events} of ${all} events are on HDFS`);
    return {
      peer,
      format: format.title,
      pinned,
      eventsPerSecond: events / (last.at - first.at),
      cpuMicroseconds: (cpu / events) * 1e6,
      peakResidentBytes: peak,
      blockedMs: peer === 'millrace' ? blockedMs(run) : undefined,
      size: found.bytes / statSync(inputOf(peer)).size,
    };
  } finally {
    if (!agent.hasExited) await agent.kill();
    await hdfs.delete('/bench', { recursive: true });
    hdfs.close();
  }
}

const why = hdfsMissing();
if (why) throw new Error(`HDFS: ${why}`);
const peers = values.peers.split(',').filter((peer) => peer === 'millrace' || !flumeMissing());
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const cluster = await HdfsCluster.start({
  folder: join(folder, 'cluster'),
  dataNodes: 1,
  settings: { 'dfs.blocksize': '128m', 'dfs.replication': '1' },
  heap: '512m',
});
const runs: Run[] = [];
try {
  for (const peer of peers as Peer[]) {
    rmSync(run, { recursive: true, force: true });
    await fill(peer, cluster);
  }
  const pins = { no: [false], yes: [true] }[values.pin] ?? [false, true];
  for (let pair = 0; pair < Number(values.pairs); pair++) {
    for (const name of values.formats.split(',')) {
      const format = formats[name];
      if (!format) throw new Error(`no format ${name}; there are ${Object.keys(formats)}`);
      for (const pinned of pins) {
        for (const peer of peers as Peer[]) {
          const measured = await measure(cluster, peer, format, pinned);
          runs.push(measured);
          console.log(JSON.stringify(measured));
        }
      }
    }
  }
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}
const { lines: ours, 'flume-lines': theirs } = values;
const introduction = `A file channel that holds an access log of ${ours} lines (Flume: ${theirs}),
with the headers timestamp and host, is emptied into HDFS in batches of 1,000; there is no source.
One DataNode, replication 1. From the first commit in the channel to the last; CPU is that of the
agent alone, all threads. Blocked: the longest that Millrace’s main thread computed without a turn
of its loop. Size: bytes on HDFS for one byte of the log. Flume writes zstd only with Hadoop’s native
library, and no Parquet: it writes deflate and an uncompressed SequenceFile instead.`;
const table = peerTable(
  runs,
  ['format', 'processors'],
  ({ format, pinned }) => [format, pinned ? 'one' : 'two'],
  [['size', ({ size }) => size.toFixed(3)]],
);
console.log(table);
if (values.save) {
  saveNote('hdfs-formats', 'Into HDFS in other formats', `${introduction}\n\n${table}`, runs);
  writeReport();
}
