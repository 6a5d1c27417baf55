/**
 * The kill loop: an agent under load is killed (SIGKILL) again and again at random moments, also
 * while it starts, and now and then stopped; in the end every line must have arrived once.
 *
 *   node test/crash/kill-loop.ts --kills 200 --rotation rename --topology two-channels [--seed N]
 *
 * Without --rotation and --topology it runs every pair of them. The seed repeats the schedule; what
 * the machine makes of it differs from run to run.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';
import type { AgentProcess } from '../../testbed/agent-process.ts';
import { startFlume } from '../../testbed/flume.ts';
import { startMillrace } from '../../testbed/millrace.ts';
import { type Expectation, type Verdict, verifyDelivered } from './delivered-lines.ts';
import { NumberedLog, type Rotation, rotations } from './numbered-log.ts';
import {
  killLoopConf,
  outputsOf,
  suppressesThirds,
  type Topology,
  topologies,
} from './topology.ts';

export interface KillLoopOptions {
  readonly seed: number;
  readonly kills: number;
  readonly rotation: Rotation;
  readonly topology: Topology;
  /** Flume shows what the loop finds where exactly once is not promised. */
  readonly peer?: 'millrace' | 'flume';
  /** Keeps everything that the run wrote. */
  readonly keep?: boolean;
}

export interface KillLoopResult {
  readonly lines: number;
  readonly generations: number;
  readonly kills: number;
  readonly stops: number;
  /** Per output that must hold every line: what was found there. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly folder: string;
}

/** The share of the rounds that end with SIGTERM instead of SIGKILL. */
const stopShare = 0.1;
const writeEveryMs = 10;
const drainMs = 240_000;
const logNames = ['left', 'right'];
/** How each ends after SIGTERM: a JVM with 128 + 15, however well it stopped. */
const stopCodes = { millrace: 0, flume: 143 };

/** @throws when the agent ends by itself, or does not drain at the end */
export async function runKillLoop(options: KillLoopOptions): Promise<KillLoopResult> {
  const random = new Prng(options.seed);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-loop-'));
  const outputs = outputsOf(options.topology);
  mkdirSync(join(folder, 'in'));
  for (const name of outputs.flat()) mkdirSync(join(folder, name));
  const conf = join(folder, 'flow.properties');
  writeFileSync(conf, killLoopConf(folder, options.topology, random.fork()));
  const logs = logNames.map((name) => numberedLog(name, folder, options.rotation, random));
  const peer = options.peer ?? 'millrace';
  const start = () => startAgent(peer, folder, conf);

  const writing = new AbortController();
  const written = Promise.all([
    keepWriting(logs, random.fork(), writing.signal),
    ...(options.topology === 'durable-outage'
      ? [takeAway(join(folder, 'out1'), random.fork(), writing.signal)]
      : []),
  ]);
  let stops = 0;
  try {
    for (let round = 0; round < options.kills; round++) {
      const stopped = await liveAndDie(start(), random, stopCodes[peer]);
      if (stopped) stops++;
    }
    writing.abort();
    await written;
    for (const log of logs) log.finish();
    await drain(start(), logs, stopCodes[peer]);
  } finally {
    writing.abort();
    await written;
    for (const log of logs) log.close();
  }

  const expected: Expectation = {
    logs,
    // What a spillable channel had in its log comes before what is read again.
    ordered: !options.topology.endsWith('two-sinks') && options.topology !== 'spillable',
    ...(options.topology === 'suppress' ? { suppressed: suppressesThirds } : {}),
  };
  const verdicts = new Map<string, Verdict>();
  for (const names of outputs) {
    const paths = names.map((name) => join(folder, name));
    verdicts.set(names.join(' and '), verifyDelivered(paths, expected));
  }
  const clean = [...verdicts.values()].every((verdict) => verdict.isClean);
  if (clean && !options.keep) rmSync(folder, { recursive: true });
  return {
    lines: logs.reduce((sum, log) => sum + log.lines, 0),
    generations: logs.reduce((sum, log) => sum + log.firstOfGeneration.length, 0),
    kills: options.kills - stops,
    stops,
    verdicts,
    folder,
  };
}

function numberedLog(name: string, folder: string, rotation: Rotation, random: Prng): NumberedLog {
  return new NumberedLog({
    name,
    folder: join(folder, 'in'),
    rotation,
    linesPerFile: 500 + random.integer(3_000),
    positionFile: join(folder, 'positions.json'),
    random: random.fork(),
  });
}

function startAgent(peer: 'millrace' | 'flume', folder: string, conf: string): AgentProcess {
  const common = { conf, agent: 'a1', cwd: folder, logPath: join(folder, 'agent.log') };
  return peer === 'flume' ? startFlume(common) : startMillrace(common);
}

async function keepWriting(
  logs: readonly NumberedLog[],
  random: Prng,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const log of logs) log.write(1 + random.integer(80));
    await sleep(writeEveryMs);
  }
}

/** Renames a folder, and after a while gives it its name again. */
async function takeAway(path: string, random: Prng, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(random.integer(3_000));
    renameSync(path, `${path}-away`);
    await sleep(random.integer(2_000));
    renameSync(`${path}-away`, path);
  }
}

/** True when it was stopped, not killed. */
export async function liveAndDie(
  agent: AgentProcess,
  random: Prng,
  stopCode: number,
): Promise<boolean> {
  const exit = await Promise.race([agent.exited, sleep(lifeMs(random), undefined)]);
  if (exit) throw new Error(`the agent ended by itself: ${agent.log().slice(-3_000)}`);
  if (!random.chance(stopShare)) {
    await agent.kill();
    return false;
  }
  const { code, signal } = await agent.stop();
  // A SIGTERM that comes before the agent listens for it ends it at once, as it does any program.
  if (code !== stopCode && signal !== 'SIGTERM') {
    throw new Error(`the agent stopped with ${code}: ${agent.log().slice(-3_000)}`);
  }
  return true;
}

/** A third dies while it starts, some live long enough for a rotation or two. */
function lifeMs(random: Prng): number {
  const kind = random.next();
  if (kind < 0.33) return random.next() * 500;
  if (kind < 0.85) return 500 + random.next() * 1_000;
  return 1_500 + random.next() * 2_500;
}

async function drain(
  agent: AgentProcess,
  logs: readonly NumberedLog[],
  stopCode: number,
): Promise<void> {
  const deadline = performance.now() + drainMs;
  while (!logs.every((log) => log.isSettled())) {
    if (agent.hasExited) throw new Error(`the agent ended by itself: ${agent.log().slice(-3_000)}`);
    // What is missing then is told by the verdict, line by line.
    if (performance.now() > deadline) break;
    await sleep(50);
  }
  const { code } = await agent.stop();
  if (code !== stopCode) {
    throw new Error(`the agent stopped with ${code}: ${agent.log().slice(-3_000)}`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '200' },
      rotation: { type: 'string' },
      topology: { type: 'string' },
      seed: { type: 'string' },
      peer: { type: 'string', default: 'millrace' },
      keep: { type: 'boolean', default: false },
    },
  });
  const peer = values.peer === 'flume' ? 'flume' : 'millrace';
  const seed = values.seed === undefined ? seedFromEnvironment() : Number(values.seed);
  console.log(`MILLRACE_SEED=${seed}`);
  for (const topology of chosen(topologies, values.topology)) {
    for (const rotation of chosen(rotations, values.rotation)) {
      const began = performance.now();
      const options = { seed, kills: Number(values.kills), rotation, topology, peer } as const;
      const result = await runKillLoop({ ...options, keep: values.keep });
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      const { lines, generations, kills, stops } = result;
      const loads = `${kills} kills, ${stops} stops, ${lines} lines, ${generations} files`;
      console.log(`${topology}, ${rotation}: ${loads}, ${seconds} s`);
      for (const [output, verdict] of result.verdicts) {
        console.log(
          `  ${verdict.isClean ? 'exactly once' : 'NOT exactly once'}: ${output}: ${verdict}`,
        );
        if (verdict.isClean) continue;
        console.log(`  kept: ${result.folder}`);
        process.exitCode = 1;
      }
    }
  }
}

function chosen<K extends string>(all: Readonly<Record<K, string>>, word: string | undefined): K[] {
  const names = Object.keys(all) as K[];
  const found = names.filter((name) => word === undefined || name === word);
  if (found.length === 0) throw new Error(`${word}: expected one of ${names.join(', ')}`);
  return found;
}

if (import.meta.main) await main();
