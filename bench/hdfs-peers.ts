/** What the benchmarks of the hdfs sink share: both agents on one cluster, and their table. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentProcess } from '../testbed/agent-process.ts';
import { startFlume } from '../testbed/flume.ts';
import { jarsOf } from '../testbed/jars.ts';
import { startMillrace } from '../testbed/millrace.ts';
import { median } from './report.ts';

export type Peer = 'millrace' | 'flume';

export interface PeerRun {
  readonly peer: Peer;
  readonly eventsPerSecond: number;
  /** Of the whole process, per event. */
  readonly cpuMicroseconds: number;
  readonly peakResidentBytes: number;
  /** Millrace's only. */
  readonly blockedMs: number | undefined;
}

/** Nothing new for so long means that the agent hangs. */
const stallMs = 60_000;

/** Starts agent a1, with its metrics on a port; `folder` gets its log and what it keeps. */
export function startPeer(
  peer: Peer,
  conf: string,
  folder: string,
  port: number,
  confDir: string,
  profiles?: string,
): AgentProcess {
  const common = { conf, agent: 'a1', cwd: folder, logPath: join(folder, 'agent.log') };
  const monitoring = ['-Dflume.monitoring.type=http', `-Dflume.monitoring.port=${port}`];
  if (peer === 'flume') {
    const javaOptions = ['-Xmx1g', ...monitoring];
    const moreClassPath = [confDir, `${jarsOf('hdfs')}/*`];
    return startFlume({ ...common, javaOptions, moreClassPath });
  }
  const profile = profiles ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : [];
  return startMillrace({
    ...common,
    args: monitoring,
    // The heap as bin/millrace sets it.
    nodeOptions: [
      '--max-semi-space-size=8',
      ...profile,
      '--import',
      join(import.meta.dirname, 'loop-watch.ts'),
    ],
    env: { HADOOP_CONF_DIR: confDir, MILLRACE_LOOP_FILE: blockedFile(folder) },
  });
}

/** Gives an agent one processor. */
export function pinToOne(agent: AgentProcess): void {
  execFileSync('taskset', ['-a', '-cp', '0', String(agent.pid)]);
}

/** How long the loop of a Millrace that has ended was blocked at most, in ms. */
export function blockedMs(folder: string): number {
  return Number(readFileSync(blockedFile(folder), 'utf8'));
}

function blockedFile(folder: string): string {
  return join(folder, 'blocked');
}

/**
 * Polls a counter of an agent, which both peers serve alike, until `isReached`.
 *
 * @param component such as `SINK.k1`
 * @returns its value, and when that was, in seconds
 */
export async function untilCounter(
  agent: AgentProcess,
  port: number,
  [component, counter]: readonly [component: string, counter: string],
  isReached: (value: number) => boolean,
  pollMs: number,
): Promise<{ value: number; at: number }> {
  let last: number | undefined;
  let movedAt = performance.now();
  for (;;) {
    const value = await counterOf(port, component, counter);
    const now = performance.now();
    if (value !== undefined && isReached(value)) return { value, at: now / 1000 };
    if (value !== last) movedAt = now;
    last = value;
    if (agent.hasExited || now - movedAt > stallMs) {
      throw new Error(`${component} ${counter} is ${value}: ${agent.log().slice(-3_000)}`);
    }
    await sleep(pollMs);
  }
}

async function counterOf(
  port: number,
  component: string,
  counter: string,
): Promise<number | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    const metrics = (await response.json()) as Record<string, Record<string, string>>;
    const value = metrics[component]?.[counter];
    return value === undefined ? undefined : Number(value);
  } catch {
    return undefined;
  }
}

/**
 * A row per kind of run and peer, with the ratio of each pair's values.
 *
 * @param keys titles of the first columns
 * @param keyOf a run's cells in them
 * @param more titles and cells of the last columns, by one run
 */
export function peerTable<R extends PeerRun>(
  runs: readonly R[],
  keys: readonly string[],
  keyOf: (run: R) => readonly string[],
  more: readonly (readonly [title: string, cell: (run: R) => string])[] = [],
): string {
  const head = [
    ...[...keys, ''],
    ...['k events/s', 'ratio', 'CPU µs/event', 'ratio', 'peak MB', 'blocked ms'],
    ...[...more.map(([title]) => title), 'runs'],
  ];
  const rows = [
    `| ${head.join(' | ')} |`,
    `|${'---|'.repeat(keys.length + 1)}${'---:|'.repeat(head.length - keys.length - 1)}`,
  ];
  const kinds = new Map<string, R[]>();
  for (const run of runs) {
    const key = keyOf(run).join(' | ');
    kinds.set(key, [...(kinds.get(key) ?? []), run]);
  }
  for (const [key, all] of kinds) {
    for (const peer of ['millrace', 'flume'] as const) {
      const own = all.filter((run) => run.peer === peer);
      const [first] = own;
      if (!first) continue;
      const others = peer === 'millrace' ? all.filter((run) => run.peer === 'flume') : [];
      const mid = (of: (run: R) => number) => median(own.map(of));
      const ratio = (of: (run: R) => number) => {
        const pairs = own.flatMap((run, turn) => {
          const other = others[turn];
          return other ? [of(run) / of(other)] : [];
        });
        return pairs.length === 0 ? '' : `${median(pairs).toPrecision(3)} ×`;
      };
      const cells = [
        key,
        peer === 'millrace' ? 'Millrace' : 'Flume',
        (mid((run) => run.eventsPerSecond) / 1000).toFixed(0),
        ratio((run) => run.eventsPerSecond),
        mid((run) => run.cpuMicroseconds).toFixed(2),
        ratio((run) => run.cpuMicroseconds),
        (mid((run) => run.peakResidentBytes) / 1e6).toFixed(0),
        peer === 'millrace' ? mid((run) => run.blockedMs ?? 0).toFixed(1) : '',
        ...more.map(([, cell]) => cell(first)),
        own.length,
      ];
      rows.push(`| ${cells.join(' | ')} |`);
    }
  }
  return rows.join('\n');
}
