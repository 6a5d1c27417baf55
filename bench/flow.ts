/**
 * One run of taildir → memory → file_roll by one agent, measured from outside: the clock and /proc,
 * the same way for Millrace and for Flume. It is done when the output is as long as the input.
 */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentProcess } from '../testbed/agent-process.ts';
import { startFlume } from '../testbed/flume.ts';
import { startMillrace } from '../testbed/millrace.ts';
import { cpuSeconds, cpuSecondsByThread, peakResidentBytes } from '../testbed/process-usage.ts';
import { differenceOf } from './same-lines.ts';

export type Peer = 'millrace' | 'flume';

export interface FlowSettings {
  /** Events per batch: the source's and the sink's; absent: the agent's defaults (100). */
  readonly batchSize?: number;
  /** Events that the channel holds; absent: its default (100). */
  readonly capacity?: number;
  /** Through a file channel. */
  readonly durable?: boolean;
  /** Encrypts what the file channel keeps, with the key in this file. */
  readonly keyFile?: string;
  /** Options of Flume's JVM. */
  readonly javaOptions?: readonly string[];
  /** Options of Millrace's Node. */
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface FlowInput {
  /** The folder whose `*.log` files are read. */
  readonly folder: string;
  readonly lines: number;
  readonly bytes: number;
}

export interface Measurement {
  readonly peer: Peer;
  readonly lines: number;
  readonly bytes: number;
  /** From the command to the first byte of output. */
  readonly startSeconds: number;
  /** From the first byte of output to the last. */
  readonly flowSeconds: number;
  /** Of the whole process, from the command until everything is delivered. */
  readonly cpuSeconds: number;
  /** The part of it before the first byte of output. */
  readonly startCpuSeconds: number;
  /** `cpuSeconds` by the names of the threads that lived at the end. */
  readonly cpuSecondsByThread: readonly (readonly [name: string, seconds: number])[];
  readonly peakResidentBytes: number;
}

/** No new output for this long means that the agent hangs. */
const stallMs = 60_000;

export function eventsPerSecond(run: Measurement): number {
  return run.lines / run.flowSeconds;
}

/** CPU time per event in microseconds, start-up included. */
export function cpuPerEvent(run: Measurement): number {
  return (run.cpuSeconds / run.lines) * 1e6;
}

/** CPU time per event in microseconds, without what was used before the first output. */
export function cpuPerEventAfterStart(run: Measurement): number {
  return ((run.cpuSeconds - run.startCpuSeconds) / run.lines) * 1e6;
}

/** @throws when the output is not the input: then nothing was measured */
export async function measureFlow(
  peer: Peer,
  settings: FlowSettings,
  input: FlowInput,
  scratch: string,
): Promise<Measurement> {
  const folder = join(scratch, `run-${peer}`);
  const output = join(folder, 'out');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const conf = join(folder, 'flow.properties');
  writeFileSync(conf, flowConf(settings, input.folder, folder));

  const beganAt = performance.now();
  const agent = startPeer(peer, settings, conf, folder);
  try {
    await waitForOutput(agent, output, 1, 2);
    const firstAt = performance.now();
    const startCpuSeconds = cpuSeconds(agent.pid);
    await waitForOutput(agent, output, input.bytes, 20);
    const doneAt = performance.now();
    const usage = {
      cpuSeconds: cpuSeconds(agent.pid),
      cpuSecondsByThread: [...cpuSecondsByThread(agent.pid)].filter(([, seconds]) => seconds > 0),
      peakResidentBytes: peakResidentBytes(agent.pid),
    };
    await agent.stop();
    const difference = await differenceOf(input.folder, output);
    if (difference) throw new Error(`${peer}: ${difference}`);
    return {
      peer,
      lines: input.lines,
      bytes: input.bytes,
      startSeconds: (firstAt - beganAt) / 1000,
      flowSeconds: (doneAt - firstAt) / 1000,
      startCpuSeconds,
      ...usage,
    };
  } finally {
    if (!agent.hasExited) await agent.kill();
    for (const part of ['out', 'data'])
      rmSync(join(folder, part), { recursive: true, force: true });
  }
}

/** The configuration that both agents read. */
export function flowConf(settings: FlowSettings, inputFolder: string, folder: string): string {
  const { batchSize, capacity } = settings;
  const lines = [
    'a1.sources = r1',
    'a1.channels = c1',
    'a1.sinks = k1',
    'a1.sources.r1.type = TAILDIR',
    'a1.sources.r1.channels = c1',
    'a1.sources.r1.filegroups = g',
    `a1.sources.r1.filegroups.g = ${inputFolder}/.*log`,
    `a1.sources.r1.positionFile = ${folder}/positions.json`,
    `a1.channels.c1.type = ${settings.durable ? 'file' : 'memory'}`,
    'a1.sinks.k1.type = file_roll',
    'a1.sinks.k1.channel = c1',
    `a1.sinks.k1.sink.directory = ${folder}/out`,
    'a1.sinks.k1.sink.rollInterval = 0',
  ];
  if (batchSize !== undefined) {
    lines.push(`a1.sources.r1.batchSize = ${batchSize}`);
    lines.push(`a1.sinks.k1.sink.batchSize = ${batchSize}`);
    lines.push(`a1.channels.c1.transactionCapacity = ${batchSize}`);
  }
  if (settings.durable) {
    lines.push(`a1.channels.c1.checkpointDir = ${folder}/checkpoint`);
    lines.push(`a1.channels.c1.dataDirs = ${folder}/data`);
    if (settings.keyFile) lines.push(`a1.channels.c1.encryption.keyFile = ${settings.keyFile}`);
  }
  if (capacity !== undefined) lines.push(`a1.channels.c1.capacity = ${capacity}`);
  return `${lines.join('\n')}\n`;
}

function startPeer(peer: Peer, settings: FlowSettings, conf: string, folder: string): AgentProcess {
  const common = { conf, agent: 'a1', cwd: folder, logPath: join(folder, 'agent.out') };
  if (peer === 'millrace') {
    const { nodeOptions = [], env = {} } = settings;
    return startMillrace({ ...common, nodeOptions, env });
  }
  return startFlume({ ...common, javaOptions: settings.javaOptions ?? ['-Xmx1g'] });
}

async function waitForOutput(
  agent: AgentProcess,
  folder: string,
  bytes: number,
  pollMs: number,
): Promise<void> {
  let last = 0;
  let movedAt = performance.now();
  for (;;) {
    const size = folderBytes(folder);
    if (size >= bytes) return;
    if (size !== last) movedAt = performance.now();
    last = size;
    if (agent.hasExited) throw new Error(`the agent ended early: ${tail(agent)}`);
    if (performance.now() - movedAt > stallMs) {
      throw new Error(`no output for ${stallMs} ms, ${size} of ${bytes} bytes: ${tail(agent)}`);
    }
    await sleep(pollMs);
  }
}

/** The sum of the sizes of the files in a folder. */
export function folderBytes(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder)) bytes += statSync(join(folder, name)).size;
  return bytes;
}

function tail(agent: AgentProcess): string {
  return agent.log().slice(-2_000);
}
