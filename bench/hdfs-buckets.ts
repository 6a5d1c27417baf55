/**
 * Many buckets: a message from each of 10,000 hosts, every one into a directory of its own on HDFS,
 * round after round, by an agent that may have 200 files open. Shown is whether descriptors or memory
 * grow.
 *
 *   node bench/hdfs-buckets.ts [--buckets 10000] [--rounds 3] [--scratch /tmp] [--save]
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { HdfsClient } from '../src/hdfs/index.ts';
import { HdfsCluster, hdfsMissing } from '../testbed/hdfs.ts';
import { startMillrace } from '../testbed/millrace.ts';
import { freePorts, isListening, sendOverTcp } from '../testbed/ports.ts';
import { cpuSeconds, peakResidentBytes } from '../testbed/process-usage.ts';
import { saveNote, writeReport } from './report.ts';

const { values } = parseArgs({
  options: {
    buckets: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    scratch: { type: 'string', default: tmpdir() },
    save: { type: 'boolean', default: false },
  },
});
const buckets = Number(values.buckets);
const folder = join(values.scratch, 'millrace-bench-hdfs-buckets');
const waitMs = 600_000;

interface Round {
  readonly seconds: number;
  readonly cpuMilliseconds: number;
  readonly residentMegabytes: number;
  readonly descriptors: number;
}

const [port = 0] = await freePorts(1);
const conf = [
  'a1.sources = r1',
  'a1.channels = c1',
  'a1.sinks = k1',
  'a1.sources.r1.type = syslogtcp',
  'a1.sources.r1.channels = c1',
  'a1.sources.r1.host = 127.0.0.1',
  `a1.sources.r1.port = ${port}`,
  'a1.channels.c1.type = file',
  'a1.channels.c1.capacity = 100000',
  'a1.channels.c1.transactionCapacity = 1000',
  `a1.channels.c1.checkpointDir = ${folder}/checkpoint`,
  `a1.channels.c1.dataDirs = ${folder}/data`,
  'a1.sinks.k1.type = hdfs',
  'a1.sinks.k1.channel = c1',
  'a1.sinks.k1.hdfs.path = /hosts/%{host}',
  'a1.sinks.k1.hdfs.fileType = DataStream',
  'a1.sinks.k1.hdfs.batchSize = 1000',
  'a1.sinks.k1.hdfs.maxOpenFiles = 200',
  'a1.sinks.k1.hdfs.idleTimeout = 1',
  'a1.sinks.k1.hdfs.rollInterval = 0',
  '',
].join('\n');

const why = hdfsMissing();
if (why) throw new Error(`HDFS: ${why}`);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'flow.properties'), conf);
const settings = { 'dfs.replication': '1' };
const cluster = await HdfsCluster.start({
  folder: join(folder, 'cluster'),
  dataNodes: 1,
  settings,
  heap: '1g',
});
const hdfs = await HdfsClient.open({ confDir: cluster.confDir });
const agent = startMillrace({
  conf: join(folder, 'flow.properties'),
  agent: 'a1',
  cwd: folder,
  logPath: join(folder, 'agent.log'),
  env: { HADOOP_CONF_DIR: cluster.confDir },
  // As bin/millrace sets it.
  nodeOptions: ['--max-semi-space-size=8'],
});
while (!agent.hasExited && !(await isListening(port))) await sleep(50);
const rounds: Round[] = [];
let peak = 0;
try {
  for (let round = 1; round <= Number(values.rounds); round++) {
    const began = performance.now();
    const cpuBefore = cpuSeconds(agent.pid);
    const messages = Array.from({ length: buckets }, (_, bucket) => {
      return `<13>Nov 24 10:11:12 host-${bucket} round ${round}\n`;
    });
    await sendOverTcp(port, [Buffer.from(messages.join(''))]);
    while ((await closedFiles()) < round * buckets) {
      if (agent.hasExited || performance.now() - began > waitMs) {
        throw new Error(`${await closedFiles()} files: ${agent.log().slice(-3_000)}`);
      }
      await sleep(1_000);
    }
    rounds.push({
      seconds: (performance.now() - began) / 1000,
      cpuMilliseconds: (cpuSeconds(agent.pid) - cpuBefore) * 1000,
      residentMegabytes: residentMegabytes(agent.pid),
      descriptors: readdirSync(`/proc/${agent.pid}/fd`).length,
    });
    console.log(JSON.stringify(rounds.at(-1)));
  }
  peak = peakResidentBytes(agent.pid) / 1e6;
  await agent.stop();
} finally {
  if (!agent.hasExited) await agent.kill();
  hdfs.close();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Files under a final name, below all directories. */
async function closedFiles(): Promise<number> {
  const parent = '/hosts';
  let count = 0;
  if (!(await hdfs.stat(parent))) return 0;
  for await (const directory of hdfs.list(parent)) {
    for await (const { path } of hdfs.list(directory.path)) if (!path.endsWith('.tmp')) count++;
  }
  return count;
}

function residentMegabytes(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1000;
}

const rows = rounds.map((each, index) => {
  const perFile = (each.cpuMilliseconds / buckets).toFixed(2);
  const { seconds, residentMegabytes: resident, descriptors } = each;
  return `| ${index + 1} | ${seconds.toFixed(0)} | ${perFile} | ${resident.toFixed(0)} | ${descriptors} |`;
});
const markdown = [
  `A message from each of ${values.buckets} hosts goes to a directory of the host, in ${values.rounds} rounds, by an agent`,
  'with `hdfs.maxOpenFiles = 200` and a file channel: a file is made, flushed, closed and renamed for',
  `every message. At the end of each round; at most ${peak.toFixed(0)} MB were resident.`,
  '',
  '| round | s | CPU ms/file | resident MB | descriptors |',
  '|---:|---:|---:|---:|---:|',
  ...rows,
].join('\n');
console.log(markdown);
if (values.save) {
  saveNote('hdfs-buckets', 'HDFS: many directories', markdown, rounds);
  writeReport();
}
