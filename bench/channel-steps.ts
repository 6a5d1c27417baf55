/**
 * A file channel in a process of its own: opens it, does the steps that are named, one after the
 * other, and prints what each took, a line of JSON each. For channel.ts; also by hand, under
 * Node's profiler:
 *
 *   node --cpu-prof bench/channel-steps.ts --folder /tmp/c --events 1000000 fill drain stop
 *
 *   first     takes the first event, which it puts if there is none; when, since `--since`
 *   fill      puts all events
 *   drain     takes and commits as many
 *   pass      both at once
 *   warm      the same with 500,000 events, so that all code is compiled
 *   callers   many who put one event each, again and again, while a sink takes them
 *   stop      as an agent stops
 *   kill      kill -9
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Channel } from '../src/core/channel.ts';
import { peakResidentBytes } from '../testbed/process-usage.ts';
import { drain, fill, putOneByOne, type Shape, type WaitTimes } from './channel-work.ts';
import { createFileChannel } from './counted-channel.ts';

export interface StepResult {
  readonly step: string;
  readonly events: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly syncs: number;
  /** The most that was resident since the process began. */
  readonly peakResidentBytes: number;
  /** The longest that timers had to wait. */
  readonly longestBlockMs: number;
  /** Of `first`: from `--since` until the event was lent. */
  readonly firstAfterMs?: number;
  /** Of `callers`: how long a put took. */
  readonly waits?: WaitTimes;
}

/** Compiles what is measured after it. */
const warmEvents = 500_000;
/** How often a timer is due that shows whether the event loop is held up. */
const probeMs = 5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: 'string', default: '' },
    events: { type: 'string', default: '1000000' },
    'body-bytes': { type: 'string', default: '200' },
    'batch-size': { type: 'string', default: '1000' },
    callers: { type: 'string', default: '1000' },
    'key-file': { type: 'string' },
    since: { type: 'string', default: '' },
  },
});
if (!values.folder) throw new Error('--folder is missing');
const since = Number(values.since) || performance.timeOrigin;
const shape: Shape = {
  events: Number(values.events),
  bodyBytes: Number(values['body-bytes']),
  batchSize: Number(values['batch-size']),
};
const { channel, syncs } = createFileChannel(values.folder, values['key-file']);

type Extra = Pick<StepResult, 'firstAfterMs' | 'waits'>;
const steps: Readonly<Record<string, () => Promise<Extra | undefined>>> = {
  first: async () => ({ firstAfterMs: await takeFirst(channel) }),
  fill: async () => void (await fill(channel, shape)),
  drain: async () => void (await drain(channel, shape)),
  warm: async () => void (await pass({ ...shape, events: warmEvents })),
  pass: async () => void (await pass(shape)),
  callers: async () => {
    const puts = putOneByOne(channel, Number(values.callers), shape);
    const [waits] = await Promise.all([puts, drain(channel, shape)]);
    return { waits };
  },
  stop: async () => void (await channel.stop()),
  kill: async () => void process.kill(process.pid, 'SIGKILL'),
};

const delays = monitorEventLoopDelay({ resolution: probeMs });
delays.enable();
await channel.start();
for (const step of positionals) {
  const work = steps[step];
  if (!work) throw new Error(`${step}: expected one of ${Object.keys(steps).join(', ')}`);
  console.log(JSON.stringify(await measured(step, work)));
}
delays.disable();

async function pass(shape: Shape): Promise<void> {
  await Promise.all([fill(channel, shape), drain(channel, shape)]);
}

async function measured(step: string, work: () => Promise<Extra | undefined>): Promise<StepResult> {
  const before = { at: performance.now(), cpu: process.cpuUsage(), syncs: syncs() };
  const extra = await work();
  const seconds = (performance.now() - before.at) / 1000;
  const { user, system } = process.cpuUsage(before.cpu);
  const counted = syncs() - before.syncs;
  await sleep(2 * probeMs);
  const longestBlockMs = Math.max(0, delays.max / 1e6 - probeMs);
  delays.reset();
  return {
    step,
    events: shape.events,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    syncs: counted,
    peakResidentBytes: peakResidentBytes(process.pid),
    longestBlockMs,
    ...extra,
  };
}

async function takeFirst(channel: Channel): Promise<number> {
  if (channel.counters.ChannelSize === 0)
    await fill(channel, { ...shape, events: 1, batchSize: 1 });
  const taken = await channel.consumer('k1').take(1, new AbortController().signal);
  const at = performance.timeOrigin + performance.now();
  if (!taken) throw new Error('nothing was lent');
  channel.consumer('k1').detach();
  return at - since;
}
