/**
 * The kill loop of the journal source: entries are written to real journal files, one after the
 * other, while an agent that reads them is killed again and again, also while it starts, and now
 * and then stopped; in the end every line must have arrived once.
 *
 *   node test/crash/journal-loop.ts --kills 100 --channel memory [--seed N]
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';
import type { AgentProcess } from '../../testbed/agent-process.ts';
import { outputFiles } from '../../testbed/flow-folder.ts';
import { JournalDirectory } from '../../testbed/journal.ts';
import { startMillrace } from '../../testbed/millrace.ts';
import { type Verdict, verifyDelivered } from './delivered-lines.ts';
import { numberedLine } from './numbered-log.ts';

export const journalChannels = {
  memory: 'a memory channel, one sink',
  'memory-two-sinks': 'a memory channel, two sinks that share it',
  file: 'a file channel, one sink',
} as const;
export type JournalChannel = keyof typeof journalChannels;

export interface JournalLoopOptions {
  readonly seed: number;
  readonly kills: number;
  readonly channel: JournalChannel;
}

export interface JournalLoopResult {
  readonly lines: number;
  readonly files: number;
  readonly kills: number;
  readonly stops: number;
  readonly verdict: Verdict;
  readonly folder: string;
}

/** The share of the rounds that end with SIGTERM instead of SIGKILL. */
const stopShare = 0.1;
const writeEveryMs = 10;
const drainMs = 60_000;
const linesPerFile = 2_000;

/** @throws when the agent ends by itself */
export async function runJournalLoop(options: JournalLoopOptions): Promise<JournalLoopResult> {
  const random = new Prng(options.seed);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-journal-loop-'));
  const outputs = options.channel === 'memory-two-sinks' ? ['out1', 'out2'] : ['out1'];
  for (const name of outputs) mkdirSync(join(folder, name));
  const journal = new JournalDirectory(join(folder, 'journal'));
  const conf = join(folder, 'flow.properties');
  writeFileSync(conf, confOf(folder, outputs, options.channel, random.fork()));
  const start = () =>
    startMillrace({ conf, agent: 'a1', cwd: folder, logPath: join(folder, 'agent.log') });

  const written = { lines: 0, files: 1 };
  const writing = new AbortController();
  const writer = keepWriting(journal, written, random.fork(), writing.signal);
  let stops = 0;
  try {
    for (let round = 0; round < options.kills; round++) {
      if (await liveAndDie(start(), random)) stops++;
    }
    writing.abort();
    await writer;
    await journal.close();
    await drain(start(), () => deliveredLines(folder, outputs) >= written.lines);
  } finally {
    writing.abort();
    await writer;
    await journal.close();
  }
  const verdict = verifyDelivered(
    outputs.map((name) => join(folder, name)),
    {
      logs: [{ name: 'journal', lines: written.lines, firstOfGeneration: [0] }],
      ordered: outputs.length === 1,
    },
  );
  if (verdict.isClean) rmSync(folder, { recursive: true });
  return { ...written, kills: options.kills - stops, stops, verdict, folder };
}

function confOf(
  folder: string,
  outputs: readonly string[],
  channel: JournalChannel,
  random: Prng,
): string {
  const batchSize = random.pick([20, 100, 1_000]);
  const lines = [
    'a1.sources = r1',
    'a1.channels = c1',
    `a1.sinks = ${outputs.map((_, index) => `k${index + 1}`).join(' ')}`,
    'a1.sources.r1.type = journal',
    'a1.sources.r1.channels = c1',
    `a1.sources.r1.directory = ${join(folder, 'journal')}`,
    `a1.sources.r1.batchSize = ${batchSize}`,
    `a1.channels.c1.type = ${channel === 'file' ? 'file' : 'memory'}`,
    `a1.channels.c1.capacity = ${random.pick([1, 10, 100]) * batchSize}`,
    `a1.channels.c1.transactionCapacity = ${batchSize}`,
  ];
  if (channel === 'file') {
    lines.push(
      `a1.channels.c1.checkpointDir = ${join(folder, 'checkpoint')}`,
      `a1.channels.c1.dataDirs = ${join(folder, 'data')}`,
      'a1.channels.c1.minimumRequiredSpace = 1048576',
    );
  }
  for (const [index, name] of outputs.entries()) {
    lines.push(
      `a1.sinks.k${index + 1}.type = file_roll`,
      `a1.sinks.k${index + 1}.channel = c1`,
      `a1.sinks.k${index + 1}.sink.directory = ${join(folder, name)}`,
      `a1.sinks.k${index + 1}.sink.rollInterval = ${random.pick([0, 1, 2])}`,
      `a1.sinks.k${index + 1}.sink.batchSize = ${batchSize}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** Writes lines, and begins another file now and then. */
async function keepWriting(
  journal: JournalDirectory,
  written: { lines: number; files: number },
  random: Prng,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const count = 1 + random.integer(60);
    const entries = Array.from({ length: count }, () => {
      return { MESSAGE: numberedLine('journal', 0, written.lines++), _HOSTNAME: 'h' };
    });
    journal.append(...entries);
    if (written.lines > written.files * linesPerFile) {
      await journal.beginFile(`file${written.files++}`);
    }
    await sleep(writeEveryMs);
  }
}

/** True when it was stopped, not killed. */
async function liveAndDie(agent: AgentProcess, random: Prng): Promise<boolean> {
  // A third dies while it starts.
  const lifeMs = random.next() < 0.33 ? random.next() * 500 : 500 + random.next() * 2_000;
  const exit = await Promise.race([agent.exited, sleep(lifeMs, undefined)]);
  if (exit) throw new Error(`the agent ended by itself: ${agent.log().slice(-3_000)}`);
  if (!random.chance(stopShare)) {
    await agent.kill();
    return false;
  }
  const { code, signal } = await agent.stop();
  // A SIGTERM that comes before the agent listens for it ends it at once, as it does any program.
  if (code !== 0 && signal !== 'SIGTERM') {
    throw new Error(`the agent stopped with ${code}: ${agent.log().slice(-3_000)}`);
  }
  return true;
}

/** What is missing after that is told by the verdict, line by line. */
async function drain(agent: AgentProcess, isDone: () => boolean): Promise<void> {
  const deadline = performance.now() + drainMs;
  while (!isDone() && performance.now() < deadline) {
    if (agent.hasExited) throw new Error(`the agent ended by itself: ${agent.log().slice(-3_000)}`);
    await sleep(100);
  }
  // What would come twice comes now.
  await sleep(500);
  await agent.stop();
}

function deliveredLines(folder: string, outputs: readonly string[]): number {
  let lines = 0;
  for (const path of outputs.flatMap((name) => outputFiles(join(folder, name)))) {
    for (const byte of readFileSync(path)) if (byte === 10) lines++;
  }
  return lines;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '100' },
      channel: { type: 'string' },
      seed: { type: 'string' },
    },
  });
  const seed = values.seed === undefined ? seedFromEnvironment() : Number(values.seed);
  console.log(`MILLRACE_SEED=${seed}`);
  const names = Object.keys(journalChannels) as JournalChannel[];
  for (const channel of names.filter((name) => name === (values.channel ?? name))) {
    const result = await runJournalLoop({ seed, kills: Number(values.kills), channel });
    const { lines, files, kills, stops, verdict } = result;
    console.log(`${channel}: ${kills} kills, ${stops} stops, ${lines} lines, ${files} files`);
    console.log(`  ${verdict.isClean ? 'exactly once' : 'NOT exactly once'}: ${verdict}`);
    if (verdict.isClean) continue;
    console.log(`  kept: ${result.folder}`);
    process.exitCode = 1;
  }
}

if (import.meta.main) await main();
