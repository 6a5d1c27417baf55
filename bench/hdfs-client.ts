/**
 * The HDFS client beside Hadoop's own: a file is put, got and read in turns by both, to and from one real
 * DataNode on this machine, and every copy is compared. Of `hdfs dfs -put` and `-get` what the same
 * command takes for an empty file is taken off: the start of Java. What Millrace takes is measured
 * in its own process, from the first call to the last. Whole commands, with the start of Java and
 * that of Node, are compared beside it.
 *
 *   node bench/hdfs-client.ts --megabytes 1024 --pairs 3 --scratch /tmp
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HdfsClient, type HdfsFileWriter } from '../src/hdfs/index.ts';
import { Prng } from '../src/testing/prng.ts';
import { HdfsCluster, hdfsMissing } from '../testbed/hdfs.ts';
import { median, saveNote, writeReport } from './report.ts';

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '1024' },
    pairs: { type: 'string', default: '3' },
    scratch: { type: 'string', default: tmpdir() },
    save: { type: 'boolean', default: false },
    /** In a process of its own: `put` or `get`, with the folder of the configuration. */
    work: { type: 'string' },
    conf: { type: 'string' },
    local: { type: 'string' },
  },
});
const remote = '/bench/file';
const emptyRemote = '/bench/empty';
const pieceBytes = 1 << 20;
const slabCount = 16;

interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of the whole process, from its start to its end. */
  readonly commandCpuSeconds: number;
  /**
   * The longest that the main thread computed without a turn of the loop, in ms: its CPU time, so
   * that what else runs on the machine does not count.
   */
  readonly blockedMs?: number;
}

if (values.work) console.log(JSON.stringify(await work(values.work)));
else await compare();

/** What the work took, without the start of the process. */
async function work(what: string): Promise<Omit<Cost, 'commandCpuSeconds'>> {
  const local = values.local ?? '';
  const hdfs = await HdfsClient.open({ confDir: values.conf });
  const cpu = process.cpuUsage();
  const began = performance.now();
  let blockedMs = 0;
  let last = threadCpuMs();
  const timer = setInterval(() => {
    const now = threadCpuMs();
    blockedMs = Math.max(blockedMs, now - last);
    last = now;
  }, 1);
  if (what === 'put') {
    await put(await hdfs.create(remote, { overwrite: true }), local);
  } else if (what === 'cat') {
    let bytes = 0;
    for await (const piece of hdfs.read(remote)) bytes += piece.length;
    if (bytes !== statSync(local).size) throw new Error(`${bytes} bytes were read`);
  } else {
    await get(hdfs.read(remote), local);
  }
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(timer);
  hdfs.close();
  return { seconds, cpuSeconds: (user + system) / 1e6, blockedMs };
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** As an agent does it: from buffers that are used again once they are flushed. */
async function put(file: HdfsFileWriter, local: string): Promise<void> {
  const input = openSync(local, 'r');
  const slabs = Array.from({ length: slabCount }, () => Buffer.alloc(pieceBytes));
  const flushes: Promise<void>[] = [];
  for (let index = 0; ; index = (index + 1) % slabCount) {
    const slab = slabs[index] ?? Buffer.alloc(pieceBytes);
    await flushes[index];
    const length = readSync(input, slab);
    if (length === 0) break;
    await file.write(slab.subarray(0, length));
    flushes[index] = file.hflush();
  }
  await Promise.all(flushes);
  await file.close();
  closeSync(input);
}

async function get(pieces: AsyncIterable<Buffer>, local: string): Promise<void> {
  const output = openSync(local, 'w');
  for await (const piece of pieces) writeSync(output, piece);
  closeSync(output);
}

async function compare(): Promise<void> {
  const why = hdfsMissing();
  if (why) throw new Error(`HDFS ${why}`);
  const folder = join(values.scratch, 'millrace-bench-hdfs');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const local = join(folder, 'input');
  generate(local, Number(values.megabytes));
  const empty = join(folder, 'empty');
  writeFileSync(empty, '');
  const settings = { 'dfs.blocksize': '128m', 'dfs.replication': '1' };
  const cluster = await HdfsCluster.start({
    folder: join(folder, 'cluster'),
    dataNodes: 1,
    settings,
    heap: '512m',
  });
  try {
    const costs = { put: pairsOf(), get: pairsOf(), cat: pairsOf() };
    for (let pair = 0; pair < Number(values.pairs); pair++) {
      for (const what of ['put', 'get', 'cat'] as const) {
        measurePair(cluster, what, folder, costs[what]);
      }
    }
    const markdown = report(costs);
    console.log(markdown);
    if (!values.save) return;
    saveNote('hdfs-client', 'The HDFS client beside `hdfs dfs`', markdown, costs);
    writeReport();
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Pairs {
  readonly millrace: Cost[];
  readonly hadoop: Cost[];
}

function pairsOf(): Pairs {
  return { millrace: [], hadoop: [] };
}

function measurePair(
  cluster: HdfsCluster,
  what: 'put' | 'get' | 'cat',
  folder: string,
  { millrace, hadoop }: Pairs,
): void {
  const input = join(folder, 'input');
  const output = join(folder, 'output');
  const empty = join(folder, 'empty');
  const commands = {
    put: ['-put', '-f', input, remote],
    get: ['-get', '-f', remote, output],
    cat: ['-cat', remote],
  };
  // The start of Java, which is left out.
  const empties = {
    put: ['-put', '-f', empty, emptyRemote],
    get: ['-get', '-f', emptyRemote, empty],
    cat: ['-cat', emptyRemote],
  };
  putOldFile(input, output);
  millrace.push(ours(cluster, what, what === 'get' ? output : input));
  if (what === 'get') mustBeEqual(input, output);
  const start = hadoopCost(cluster, ...empties[what]);
  putOldFile(input, output);
  const whole = hadoopCost(cluster, ...commands[what]);
  if (what === 'get') mustBeEqual(input, output);
  hadoop.push({
    seconds: whole.seconds - start.seconds,
    cpuSeconds: whole.cpuSeconds - start.cpuSeconds,
    commandCpuSeconds: whole.cpuSeconds,
  });
  console.log(what, JSON.stringify({ millrace: millrace.at(-1), hadoop: hadoop.at(-1) }));
}

/**
 * Both replace a file that is there. A virtual machine pays dearly for memory that it has not had
 * for a while (2 s a GB here); that of the old file, which goes first, it has.
 */
function putOldFile(input: string, output: string): void {
  copyFileSync(input, output);
}

function ours(cluster: HdfsCluster, what: string, local: string): Cost {
  const args = ['--work', what, '--conf', cluster.confDir, '--local', local];
  // As `bin/millrace` has it: what was compiled once is kept.
  const env = [
    'env',
    `NODE_COMPILE_CACHE=${join(values.scratch, 'millrace-bench-hdfs', 'compiled')}`,
  ];
  const { stdout, cpuSeconds } = timed([...env, process.execPath, import.meta.filename, ...args]);
  return { ...JSON.parse(stdout), commandCpuSeconds: cpuSeconds };
}

function hadoopCost(cluster: HdfsCluster, ...args: string[]) {
  return timed(cluster.command('org.apache.hadoop.fs.FsShell', args), 'ignore');
}

/** With the time of a child and of all its threads, as the shell measures it. */
function timed(command: readonly string[], output: 'pipe' | 'ignore' = 'pipe') {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@"';
  const { stdout, stderr, status } = spawnSync('bash', ['-c', script, 'bash', ...command], {
    encoding: 'utf8',
    stdio: ['ignore', output, 'pipe'],
  });
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  const [seconds = 0, user = 0, system = 0] = (stderr.trim().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  return { stdout, seconds, cpuSeconds: user + system };
}

function report({ put, get, cat }: Readonly<Record<'put' | 'get' | 'cat', Pairs>>): string {
  const lines = [
    '| | client | MB/s | ratio | CPU s/GB | ratio | of the command | ratio | loop blocked ms | runs |',
    '|---|---|---:|---:|---:|---:|---:|---:|---:|---:|',
  ];
  for (const [what, pairs] of [
    ['put', put],
    ['get', get],
    ['cat', cat],
  ] as const) {
    const gigabytes = (Number(values.megabytes) * 2 ** 20) / 1e9;
    const rate = ratioOf(pairs, (cost) => gigabytes / cost.seconds);
    const cpu = ratioOf(pairs, (cost) => cost.cpuSeconds / gigabytes);
    const command = ratioOf(pairs, (cost) => cost.commandCpuSeconds / gigabytes);
    const blocked = Math.max(...pairs.millrace.map(({ blockedMs = 0 }) => blockedMs));
    const runs = pairs.millrace.length;
    lines.push(
      `| ${what} | Millrace | ${(rate.ours * 1000).toFixed(0)} | ${rate.ratio.toFixed(2)} × | ` +
        `${cpu.ours.toFixed(2)} | ${cpu.ratio.toFixed(2)} × | ` +
        `${command.ours.toFixed(2)} | ${command.ratio.toFixed(2)} × | ${blocked.toFixed(1)} | ${runs} |`,
      `| ${what} | hdfs dfs | ${(rate.theirs * 1000).toFixed(0)} | | ` +
        `${cpu.theirs.toFixed(2)} | | ${command.theirs.toFixed(2)} | | | ${runs} |`,
    );
  }
  const text = `A file of ${values.megabytes} MiB, one DataNode, replication 1. \`cat\` reads and writes nowhere; what the kernel
makes of the written file is what \`get\` has more. Throughput and CPU are without the start of Java
and of Node; “of the command” is the CPU of the whole process, from its start to its end.`;
  return `${text}\n\n${lines.join('\n')}\n`;
}

function ratioOf({ millrace, hadoop }: Pairs, of: (cost: Cost) => number) {
  const ours = millrace.map(of);
  const theirs = hadoop.map(of);
  const ratio = median(ours.map((value, index) => value / (theirs[index] ?? Number.NaN)));
  return { ours: median(ours), theirs: median(theirs), ratio };
}

/** Random bytes, so that nothing on the way can save work. */
function generate(path: string, megabytes: number): void {
  const piece = new Prng(1).bytes(pieceBytes);
  for (let index = 0; index < megabytes; index++) {
    piece.writeUInt32LE(index, 0);
    writeFileSync(path, piece, { flag: 'a' });
  }
}

function mustBeEqual(left: string, right: string): void {
  if (spawnSync('cmp', ['-s', left, right]).status !== 0) {
    throw new Error(`${right} is not what ${left} is`);
  }
}
