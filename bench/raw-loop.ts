/**
 * What durability costs beyond the disk: taildir → file channel → file_roll beside a raw loop,
 * which writes as many bytes in calls of the same sizes to two files (the log and the output), and
 * syncs each after the same calls. The agent's calls are noted while it runs (trace-writes.ts), and
 * the loop follows in its own process, so that each pair does the same. The loop's log goes round
 * in a file that is filled before the clock starts, as the agent uses its segments again; what else
 * the agent writes (segments when they are made, snapshots, positions) is not in the loop.
 *
 *   node bench/raw-loop.ts --pairs 5 --lines 5000000 --scratch /tmp --before COMMAND
 *
 * The command runs before the agent and before each loop, to leave the machine in the same state. A
 * virtual machine that gives free memory back to its host takes longer for the first touch of a
 * page than for all the rest: there something that takes and frees some of it evens that out, like
 * `node -e 'for (let i = 0, a = []; i < 3; i++) a.push(Buffer.alloc(2 ** 30, 1))'`.
 */
import { execFileSync, execSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cpuPerEventAfterStart, type Measurement, measureFlow } from './flow.ts';
import { generateLog } from './generate-log.ts';
import { median, saveNote, writeReport } from './report.ts';
import type { Trace } from './trace-writes.ts';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '5' },
    lines: { type: 'string', default: '5000000' },
    scratch: { type: 'string', default: tmpdir() },
    before: { type: 'string', default: 'true' },
    /** The loop itself, in a process of its own: follows this trace. */
    follow: { type: 'string' },
    'at-once': { type: 'boolean', default: false },
  },
});
const scratch = join(values.scratch, 'millrace-bench');
/** The loop's log. */
const logBytes = 256 << 20;
const pieceBytes = 1 << 20;

interface LoopResult {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

interface Pair {
  readonly agent: Measurement;
  readonly trace: Omit<Trace, 'calls'> & { writes: number; bytes: number; syncs: number };
  /** One call after the other; and both files at once, each with its own calls in order. */
  readonly inTurn: LoopResult;
  readonly atOnce: LoopResult;
}

if (values.follow) {
  const trace: Trace = JSON.parse(readFileSync(values.follow, 'utf8'));
  console.log(JSON.stringify(await follow(trace, values['at-once'])));
} else {
  const lines = Number(values.lines);
  const folder = join(scratch, `input-main-${lines}`);
  mkdirSync(folder, { recursive: true });
  const bytes = generateLog(join(folder, 'access.log'), { lines });
  const pairs: Pair[] = [];
  for (let pair = 0; pair < Number(values.pairs); pair++) {
    pairs.push(await measurePair({ folder, lines, bytes }));
    console.log(JSON.stringify(pairs.at(-1)));
  }
  const markdown = report(pairs);
  console.log(markdown);
  saveNote('durable-raw-loop', 'The file channel beside a raw loop', markdown, pairs);
  writeReport();
}

async function measurePair(input: { folder: string; lines: number; bytes: number }): Promise<Pair> {
  const tracePath = join(scratch, 'trace.json');
  const settings = {
    batchSize: 5_000,
    capacity: 1_000_000,
    durable: true,
    nodeOptions: ['--import', join(import.meta.dirname, 'trace-writes.ts')],
    env: { MILLRACE_BENCH_TRACE: tracePath },
  };
  execSync(values.before);
  const agent = await measureFlow('millrace', settings, input, scratch);
  const { calls, ...other }: Trace = JSON.parse(readFileSync(tracePath, 'utf8'));
  const writes = calls.filter((call) => call.bytes > 0);
  const bytes = writes.reduce((sum, call) => sum + call.bytes, 0);
  const counts = { writes: writes.length, bytes, syncs: calls.length - writes.length };
  const inTurn = startLoop(tracePath);
  const atOnce = startLoop(tracePath, '--at-once');
  return { agent, trace: { ...other, ...counts }, inTurn, atOnce };
}

function startLoop(tracePath: string, ...options: string[]): LoopResult {
  execSync(values.before);
  const args = [import.meta.filename, '--follow', tracePath, '--scratch', values.scratch];
  return JSON.parse(execFileSync(process.execPath, [...args, ...options], { encoding: 'utf8' }));
}

async function follow({ calls }: Trace, atOnce: boolean): Promise<LoopResult> {
  const folder = join(scratch, 'raw-loop');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const largest = calls.reduce((most, { bytes }) => Math.max(most, bytes), pieceBytes);
  const data = Buffer.alloc(largest, 'a line of a log, over and over\n');
  const log = await open(join(folder, 'log'), 'w');
  const output = await open(join(folder, 'output'), 'w');
  for (let at = 0; at < logBytes; at += pieceBytes) writeSync(log.fd, data, 0, pieceBytes, at);
  await log.datasync();
  const began = performance.now();
  const cpuBefore = process.cpuUsage();
  if (atOnce) {
    const of = (file: 'log' | 'output') => calls.filter((call) => call.file === file);
    await Promise.all([
      run(of('log'), { log, output }, data),
      run(of('output'), { log, output }, data),
    ]);
  } else await run(calls, { log, output }, data);
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  await log.close();
  await output.close();
  rmSync(folder, { recursive: true });
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}

async function run(
  calls: Trace['calls'],
  files: Readonly<Record<'log' | 'output', FileHandle>>,
  data: Buffer,
): Promise<void> {
  const at = { log: 0, output: 0 };
  for (const { file, bytes } of calls) {
    if (bytes === 0) await files[file].datasync();
    else {
      if (file === 'log' && at.log + bytes > logBytes) at.log = 0;
      at[file] += writeSync(files[file].fd, data, 0, bytes, at[file]);
    }
  }
}

function report(pairs: readonly Pair[]): string {
  const middle = (value: (pair: Pair) => number) => median(pairs.map(value));
  const whole = (value: (pair: Pair) => number) => middle(value).toFixed(0);
  const row = (name: string, seconds: (pair: Pair) => number, cpu: (pair: Pair) => number) => {
    const rate = middle((pair) => pair.agent.lines / seconds(pair) / 1e6).toFixed(2);
    const ratio = middle((pair) => seconds(pair) / pair.agent.flowSeconds).toFixed(2);
    return `| ${name} | ${rate} | ${ratio} × | ${middle(cpu).toFixed(3)} | ${pairs.length} |`;
  };
  const perEvent = ({ agent }: Pair, cpuSeconds: number) => (cpuSeconds / agent.lines) * 1e6;
  return [
    'taildir → file channel → file_roll (batches of 5,000) beside a loop that only writes: the',
    'same bytes, in calls of the same sizes, to two files, each synced after the same calls. Per',
    `run ${whole(({ trace }) => trace.writes)} writes,`,
    `${whole(({ trace }) => trace.bytes / 1e6)} MB and ${whole(({ trace }) => trace.syncs)} syncs.`,
    `Beyond that the agent wrote ${whole(({ trace }) => trace.otherBytes / 1e6)} MB (segments when`,
    'they are made, snapshots, positions), synced, with its directories,',
    `${whole(({ trace }) => trace.otherSyncs)} times; at most`,
    `${whole(({ agent }) => agent.peakResidentBytes / 1e6)} MB were resident.`,
    '',
    '| | M events/s | the agent’s rate to it | CPU µs/event | runs |',
    '|---|---:|---:|---:|---:|',
    row(
      'agent',
      ({ agent }) => agent.flowSeconds,
      ({ agent }) => cpuPerEventAfterStart(agent),
    ),
    row(
      'loop, one call after the other',
      ({ inTurn }) => inTurn.seconds,
      (pair) => perEvent(pair, pair.inTurn.cpuSeconds),
    ),
    row(
      'loop, each file on its own, at once',
      ({ atOnce }) => atOnce.seconds,
      (pair) => perEvent(pair, pair.atOnce.cpuSeconds),
    ),
  ].join('\n');
}
