/**
 * The kill loop of spooldir: files are moved into a directory while an agent is killed (SIGKILL)
 * again and again, and now and then stopped; in the end every line must have arrived once, and no
 * file may have got its final name, or be gone, before its lines were in the output.
 *
 *   node test/crash/spool-loop.ts --kills 100 --topology two-channels --policy rename [--seed N]
 *
 * Without --topology and --policy it runs every pair of them.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';
import type { AgentProcess } from '../../testbed/agent-process.ts';
import { outputFiles } from '../../testbed/flow-folder.ts';
import { startMillrace } from '../../testbed/millrace.ts';
import { type Verdict, verifyDelivered } from './delivered-lines.ts';
import { liveAndDie } from './kill-loop.ts';
import { numberedLine } from './numbered-log.ts';

export const spoolTopologies = {
  'one-channel': 'one channel, one sink',
  'two-channels': 'two channels, each with a sink: both get everything',
  'two-sinks': 'two sinks on one channel: together they get everything',
  durable: 'a file channel',
} as const;
export type SpoolTopology = keyof typeof spoolTopologies;

/** What becomes of a file, and how its configuration says so. */
export const spoolPolicies = {
  rename: [],
  delete: ['deletePolicy = immediate'],
  mark: ['trackingPolicy = tracker_dir'],
} as const;
export type SpoolPolicy = keyof typeof spoolPolicies;

export interface SpoolLoopOptions {
  readonly seed: number;
  readonly kills: number;
  readonly topology: SpoolTopology;
  readonly policy: SpoolPolicy;
}

export interface SpoolLoopResult {
  readonly lines: number;
  readonly files: number;
  readonly kills: number;
  readonly stops: number;
  /** Per output that must hold every line: what was found there. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** Lines that were not in the output when their file had its final name. */
  readonly early: number;
  readonly folder: string;
}

const name = 'spool';
const drainMs = 240_000;
/** Files that wait at once: an agent with small batches and a slow disk must be able to end. */
const mostWaiting = 50;
/** More than an agent writes and does not commit. */
const overlapBytes = 8 << 20;

/** Moves files into the directory; each holds the lines of one generation. */
class Spooler {
  lines = 0;
  readonly firstOfGeneration: number[] = [];
  readonly #folder: string;
  readonly #random: Prng;
  readonly #policy: SpoolPolicy;
  /** Files whose final name was not seen yet. */
  readonly #open = new Set<number>();
  /** Per output, the lines seen there, and how much of each file was looked at. */
  readonly #seen = new Map<string, { lines: Set<number>; ends: Map<string, number> }>();

  constructor(folder: string, policy: SpoolPolicy, random: Prng) {
    this.#folder = folder;
    this.#policy = policy;
    this.#random = random;
  }

  drop(): void {
    const generation = this.firstOfGeneration.length;
    const count = this.#random.chance(0.7)
      ? 1 + this.#random.integer(60)
      : this.#random.integer(8_000);
    const first = this.lines;
    this.firstOfGeneration.push(first);
    this.lines += count;
    const text = Array.from({ length: count }, (_, row) => {
      return numberedLine(name, generation, first + row);
    }).join('\n');
    const making = join(this.#folder, 'making');
    // An empty file would be an event: the verdict knows none.
    if (count === 0) return;
    writeFileSync(making, text + (this.#random.chance(0.8) ? '\n' : ''));
    renameSync(making, this.#pathOf(generation));
    this.#open.add(generation);
  }

  async keepDropping(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waiting = [...this.#open].filter((generation) => !this.#isFinal(generation)).length;
      if (waiting < mostWaiting) this.drop();
      await sleep(this.#random.integer(60));
    }
  }

  get isDone(): boolean {
    return [...this.#open].every((generation) => this.#isFinal(generation));
  }

  /** Lines of files that got their final name, and that are not in the output. */
  countEarly(outputs: readonly (readonly string[])[]): number {
    const final = [...this.#open].filter((generation) => this.#isFinal(generation));
    for (const generation of final) this.#open.delete(generation);
    let early = 0;
    for (const folders of outputs) {
      const seen = this.#seenIn(folders);
      for (const generation of final) {
        const begin = this.firstOfGeneration[generation] ?? 0;
        const end = this.firstOfGeneration[generation + 1] ?? this.lines;
        for (let line = begin; line < end; line++) if (!seen.has(line)) early++;
      }
    }
    return early;
  }

  /** The numbers of the lines that these folders have or had: what is new since the last time. */
  #seenIn(folders: readonly string[]): ReadonlySet<number> {
    const key = folders.join(' ');
    const known = this.#seen.get(key) ?? { lines: new Set<number>(), ends: new Map() };
    this.#seen.set(key, known);
    for (const path of folders.flatMap((folder) => outputFiles(join(this.#folder, folder)))) {
      const { size } = statSync(path);
      // A restart may have cut the file, and what follows is other lines.
      const from = Math.max(0, Math.min(known.ends.get(path) ?? 0, size) - overlapBytes);
      known.ends.set(path, size);
      for (const line of textOf(path, from, size).split('\n')) {
        const [, , sequence] = line.split(' ', 3);
        if (line.endsWith('.')) known.lines.add(Number(sequence));
      }
    }
    return known.lines;
  }

  #pathOf(generation: number): string {
    return join(this.#folder, 'in', `app-${String(generation).padStart(6, '0')}.log`);
  }

  #isFinal(generation: number): boolean {
    const path = this.#pathOf(generation);
    if (this.#policy === 'mark') {
      return existsSync(path.replace('/in/', '/in/.flumespool/').concat('.COMPLETED'));
    }
    return !existsSync(path);
  }
}

function textOf(path: string, from: number, to: number): string {
  const bytes = Buffer.alloc(to - from);
  const file = openSync(path, 'r');
  try {
    return bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, from));
  } finally {
    closeSync(file);
  }
}

/** @throws when the agent ends by itself */
export async function runSpoolLoop(options: SpoolLoopOptions): Promise<SpoolLoopResult> {
  const random = new Prng(options.seed);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-spool-loop-'));
  const outputs = outputsOf(options.topology);
  for (const each of ['in', ...outputs.flat()]) mkdirSync(join(folder, each));
  const conf = join(folder, 'flow.properties');
  writeFileSync(conf, spoolLoopConf(folder, options, random.fork()));
  const spooler = new Spooler(folder, options.policy, random.fork());
  const start = () => {
    return startMillrace({ conf, agent: 'a1', cwd: folder, logPath: join(folder, 'agent.log') });
  };
  const dropping = new AbortController();
  const dropped = spooler.keepDropping(dropping.signal);
  let stops = 0;
  let early = 0;
  try {
    for (let round = 0; round < options.kills; round++) {
      if (await liveAndDie(start(), random, 0)) stops++;
      // What a file channel has is safe, though the output has not got it yet.
      if (options.topology !== 'durable') early += spooler.countEarly(outputs);
    }
    dropping.abort();
    await dropped;
    await drain(start(), spooler);
  } finally {
    dropping.abort();
    await dropped;
  }
  const verdicts = new Map<string, Verdict>();
  const { lines, firstOfGeneration } = spooler;
  const expected = {
    logs: [{ name, lines, firstOfGeneration }],
    ordered: options.topology !== 'two-sinks',
  };
  for (const names of outputs) {
    const paths = names.map((each) => join(folder, each));
    verdicts.set(names.join(' and '), verifyDelivered(paths, expected));
  }
  const clean = early === 0 && [...verdicts.values()].every((verdict) => verdict.isClean);
  if (clean) rmSync(folder, { recursive: true });
  const { kills } = options;
  return {
    lines,
    files: firstOfGeneration.length,
    kills: kills - stops,
    stops,
    verdicts,
    early,
    folder,
  };
}

function outputsOf(topology: SpoolTopology): readonly (readonly string[])[] {
  if (topology === 'two-channels') return [['out1'], ['out2']];
  return topology === 'two-sinks' ? [['out1', 'out2']] : [['out1']];
}

function spoolLoopConf(folder: string, options: SpoolLoopOptions, random: Prng): string {
  const { topology, policy } = options;
  const batchSize = random.pick([20, 100, 1_000]);
  const channels = topology === 'two-channels' ? ['c1', 'c2'] : ['c1'];
  const sinks = outputsOf(topology).flat();
  const lines = [
    'a1.sources = r1',
    `a1.channels = ${channels.join(' ')}`,
    `a1.sinks = ${sinks.map((_, index) => `k${index + 1}`).join(' ')}`,
    'a1.sources.r1.type = spooldir',
    `a1.sources.r1.channels = ${channels.join(' ')}`,
    `a1.sources.r1.spoolDir = ${join(folder, 'in')}`,
    `a1.sources.r1.batchSize = ${batchSize}`,
    'a1.sources.r1.pollDelay = 50',
    ...spoolPolicies[policy].map((line) => `a1.sources.r1.${line}`),
  ];
  for (const channel of channels) {
    lines.push(
      `a1.channels.${channel}.type = ${topology === 'durable' ? 'file' : 'memory'}`,
      `a1.channels.${channel}.capacity = ${random.pick([1, 10, 100]) * batchSize}`,
      `a1.channels.${channel}.transactionCapacity = ${batchSize}`,
    );
  }
  if (topology === 'durable') {
    lines.push(
      `a1.channels.c1.checkpointDir = ${join(folder, 'checkpoint')}`,
      `a1.channels.c1.dataDirs = ${join(folder, 'data')}`,
      'a1.channels.c1.minimumRequiredSpace = 1048576',
    );
  }
  for (const [index, output] of sinks.entries()) {
    const sink = `a1.sinks.k${index + 1}`;
    lines.push(
      `${sink}.type = file_roll`,
      `${sink}.channel = ${channels[index] ?? 'c1'}`,
      `${sink}.sink.directory = ${join(folder, output)}`,
      `${sink}.sink.rollInterval = ${random.pick([0, 1, 2])}`,
      `${sink}.sink.batchSize = ${batchSize}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

async function drain(agent: AgentProcess, spooler: Spooler): Promise<void> {
  const deadline = performance.now() + drainMs;
  while (!spooler.isDone) {
    if (agent.hasExited) throw new Error(`the agent ended by itself: ${agent.log().slice(-3_000)}`);
    // What is missing then is told by the verdict, line by line.
    if (performance.now() > deadline) break;
    await sleep(50);
  }
  const { code } = await agent.stop();
  if (code !== 0) throw new Error(`the agent stopped with ${code}: ${agent.log().slice(-3_000)}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '100' },
      topology: { type: 'string' },
      policy: { type: 'string' },
      seed: { type: 'string' },
    },
  });
  const seed = values.seed === undefined ? seedFromEnvironment() : Number(values.seed);
  console.log(`MILLRACE_SEED=${seed}`);
  const chosen = <K extends string>(all: Readonly<Record<K, unknown>>, word?: string) =>
    (Object.keys(all) as K[]).filter((each) => word === undefined || each === word);
  for (const topology of chosen(spoolTopologies, values.topology)) {
    for (const policy of chosen(spoolPolicies, values.policy)) {
      const began = performance.now();
      const result = await runSpoolLoop({ seed, kills: Number(values.kills), topology, policy });
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      const { lines, files, kills, stops, early } = result;
      const loads = `${kills} kills, ${stops} stops, ${lines} lines, ${files} files`;
      console.log(`${topology}, ${policy}: ${loads}, ${seconds} s, ${early} lines too early`);
      for (const [output, verdict] of result.verdicts) {
        const said = verdict.isClean ? 'exactly once' : 'NOT exactly once';
        console.log(`  ${said}: ${output}: ${verdict}`);
        if (verdict.isClean && early === 0) continue;
        console.log(`  kept: ${result.folder}`);
        process.exitCode = 1;
      }
    }
  }
}

if (import.meta.main) await main();
