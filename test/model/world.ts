import { strict as assert } from 'node:assert';
import { Agent } from '../../src/agent/agent.ts';
import { FileChannel } from '../../src/channels/file/file-channel.ts';
import { memoryChannel } from '../../src/channels/memory.ts';
import { defineChannel, defineInterceptor, defineSelector } from '../../src/config/definition.ts';
import type { Fields } from '../../src/config/field.ts';
import type { AgentPlan } from '../../src/config/plan.ts';
import { ChosenSerializer } from '../../src/config/serializer-field.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Disk, DiskFile } from '../../src/core/disk.ts';
import type { EventBatch } from '../../src/core/event-batch.ts';
import { type Logger, silentLogger } from '../../src/core/log.ts';
import { textSerializer } from '../../src/formats/text.ts';
import { fileRollSink } from '../../src/sinks/file-roll.ts';
import { hdfsSink } from '../../src/sinks/hdfs.ts';
import { configOf } from '../../src/testing/config-of.ts';
import {
  lineBlocksSerializer,
  linesOfWhole,
  wholeFileSerializer,
} from '../../src/testing/line-serializers.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { Prng } from '../../src/testing/prng.ts';
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts';
import { isSuppressed, type ModelStream, modelSource, newStream, routeOf } from './streams.ts';

export const channelKinds = ['memory', 'file', 'spillable'] as const;
export type ChannelKind = (typeof channelKinds)[number];

export const sinkKinds = ['file_roll', 'hdfs'] as const;
export type SinkKind = (typeof sinkKinds)[number];

/** What of the world stays the same over one run of the model. */
interface Setting {
  readonly prng: Prng;
  readonly streams: readonly ModelStream[];
  readonly selector: 'replicating' | 'routing';
  readonly suppresses: boolean;
  readonly channel: ChannelKind;
  /** `hdfs` over the local file system, with a bucket per stream. */
  readonly sink: SinkKind;
  /** Files of lines, of blocks, or whole ones. */
  readonly format: Format;
}

type Format = 'lines' | 'blocks' | 'whole';

/** How the agent is wired in one of its lives. */
interface Wiring {
  readonly channels: readonly string[];
  /** Sink → channel. */
  readonly sinks: ReadonlyMap<string, string>;
  readonly batchSize: number;
  readonly rollInterval: number;
  readonly capacity: number;
  /** Of a file channel. */
  readonly memoryBytes: number;
  /** Of a spillable one: events in memory alone. */
  readonly unlogged: number;
}

const sinkNames = { c1: ['k1', 'k2'], c2: ['k3', 'k4'] } as const;
const maxLives = 5;
const stepsPerLife = 25;
const finalSteps = 2_000;

/**
 * Runs whole agents, one after the other, on one simulated disk: random reading, failing disks, crashes
 * of the process and of the power at random operations, and other wiring after each. In the end
 * nothing fails any more, everything is delivered, and the files are compared with the streams.
 *
 * @throws AssertionError when an event is missing or doubled
 */
export async function runModel(
  seed: number,
  options: { channel?: ChannelKind; sink?: SinkKind } = {},
  log: Logger = silentLogger,
): Promise<void> {
  const prng = new Prng(seed);
  const streams = Array.from({ length: 1 + prng.integer(3) }, (_, index) =>
    newStream(`s${index}`, 10 + prng.integer(40), prng),
  );
  const setting: Setting = {
    prng,
    streams,
    selector: prng.chance(1 / 3) ? 'routing' : 'replicating',
    suppresses: prng.chance(1 / 3),
    channel: options.channel ?? prng.pick(channelKinds),
    sink: options.sink ?? prng.pick(sinkKinds),
    format: prng.pick(['lines', 'blocks', 'whole']),
  };
  // Where a failed sync throws data away, the events can't be had again: that is reported, not mended.
  let disk = new SimulatedDisk({ seed: prng.integer(2 ** 31), failedSyncForgets: false });
  await disk.makeDirectory('/out');
  let wiring = newWiring(prng, undefined, setting);
  const c2Since = { life: wiring.channels.includes('c2') ? 0 : Number.POSITIVE_INFINITY };
  const lives = 1 + prng.integer(maxLives);
  for (let life = 0; life < lives; life++) {
    disk = await live(setting, wiring, disk, life === lives - 1, log);
    if (life === lives - 1) break;
    wiring = newWiring(prng, wiring, setting);
    if (wiring.channels.includes('c2')) c2Since.life = Math.min(c2Since.life, life + 1);
  }
  for (const channel of wiring.channels) {
    verify(setting, channel, disk, channel === 'c2' && c2Since.life > 0);
  }
}

function newWiring(prng: Prng, before: Wiring | undefined, setting: Setting): Wiring {
  // A channel may come later; none goes, since what it holds would go with it.
  const two =
    before?.channels.includes('c2') || setting.selector === 'routing' || prng.chance(1 / 3);
  const channels = two ? ['c1', 'c2'] : ['c1'];
  const sinks = new Map<string, string>();
  for (const channel of channels as (keyof typeof sinkNames)[]) {
    const names = prng.shuffle([...sinkNames[channel]]).slice(0, 1 + prng.integer(2));
    for (const name of names) sinks.set(name, channel);
  }
  return {
    channels,
    sinks,
    batchSize: 1 + prng.integer(6),
    rollInterval: prng.integer(3),
    capacity: 6 + prng.integer(20),
    memoryBytes: prng.pick([0, 200, 1 << 20]),
    unlogged: setting.channel === 'spillable' ? prng.integer(12) : 0,
  };
}

/** One life of the agent; the last one ends in order with everything delivered. */
async function live(
  setting: Setting,
  wiring: Wiring,
  disk: SimulatedDisk,
  last: boolean,
  log: Logger,
): Promise<SimulatedDisk> {
  const { prng, streams } = setting;
  for (const stream of streams) Object.assign(stream, { held: 0, reader: undefined });
  const clock = new ManualClock(Date.UTC(2026, 0, 1) + prng.integer(1_000_000));
  const life = { next: undefined as SimulatedDisk | undefined, syncsFail: false };
  const crash = () => {
    // A process that dies while it makes good for a failed sync takes the knowledge of that with it.
    const kind = life.syncsFail || prng.chance(1 / 2) ? 'power' : 'process';
    life.next ??= disk.crash(kind);
  };
  let operations = last || prng.chance(1 / 5) ? Number.POSITIVE_INFINITY : prng.integer(120);
  disk.onOperation = () => {
    if (operations-- <= 0) crash();
  };
  // A whole file that nothing ends would hold its events until the stop.
  const ended = last && setting.format === 'whole' ? { ...wiring, rollInterval: 1 } : wiring;
  const agent = await Agent.build(planOf(setting, ended), {
    clock,
    disk: withSlowSyncs(disk, clock, prng),
    random: prng,
    log,
    stateDirectory: '/state',
    sinkOfType: async (type) => [fileRollSink, hdfsSink].find((sink) => sink.type === type),
    onBug: (error) => {
      throw error;
    },
  });
  agent.start();
  const steps = last ? finalSteps : stepsPerLife;
  for (let step = 0; step < steps && !life.next; step++) {
    for (const stream of streams) grow(stream, last ? 10 : prng.integer(4));
    if (!last && prng.chance(1 / 12) && breakDisk(disk, prng) === 'sync') life.syncsFail = true;
    await clock.advance(prng.pick([1, 5, 20, 30, 300, 1_500]));
    if (last && isDelivered(agent, setting)) break;
  }
  if (!last && !life.next && prng.chance(1 / 2)) crash();
  if (life.next) return life.next;
  let over = false;
  const stopped = agent.stop().finally(() => {
    over = true;
  });
  for (let step = 0; step < 1_000 && !over && !life.next; step++) await clock.advance(300);
  if (life.next) return life.next;
  await stopped;
  assert(!last || isDelivered(agent, setting), 'everything is delivered in the end');
  if (!life.next) crash();
  return life.next ?? disk;
}

/** The disk, but syncs take their time, in which other things happen that they don't cover. */
function withSlowSyncs(disk: Disk, clock: Clock, prng: Prng): Disk {
  const slow = (file: DiskFile): DiskFile => ({
    read: (...parameters) => file.read(...parameters),
    write: (...parameters) => file.write(...parameters),
    truncate: (length) => file.truncate(length),
    stat: () => file.stat(),
    close: () => file.close(),
    sync: async () => {
      await file.sync();
      if (prng.chance(1 / 2)) await clock.sleep(prng.integer(400));
    },
  });
  return new Proxy(disk, {
    get(target, name: keyof Disk) {
      if (name === 'open')
        return async (...p: Parameters<Disk['open']>) => slow(await disk.open(...p));
      return target[name].bind(target);
    },
  });
}

function grow(stream: ModelStream, lines: number): void {
  stream.available = Math.min(stream.lineEnds.length, stream.available + lines);
}

function breakDisk(disk: SimulatedDisk, prng: Prng): string {
  // Not of a directory: a kernel that can't write one has stopped the whole file system.
  const operation = prng.pick(['write', 'sync', 'open', 'truncate', 'rename'] as const);
  disk.fail({
    operations: [operation],
    code: prng.pick(['EIO', 'ENOSPC']),
    after: prng.integer(5),
    times: 1 + prng.integer(4),
  });
  return operation;
}

function isDelivered(agent: Agent, { streams }: Setting): boolean {
  if (streams.some(({ held, lineEnds }) => held < (lineEnds.at(-1) ?? 0))) return false;
  return agent.isDrained();
}

function planOf(setting: Setting, wiring: Wiring): AgentPlan {
  const block = { kind: 'source', name: 'r1' } as never;
  const channelConfig = {
    capacity: wiring.capacity,
    transactionCapacity: wiring.capacity,
    keepAlive: 1,
    byteCapacity: 0,
    byteCapacityBufferPercentage: 0,
  };
  return {
    agent: 'a1',
    channels: wiring.channels.map((name) => ({
      name,
      definition: setting.channel === 'memory' ? memoryChannel : smallFileChannel(wiring),
      config: channelConfig,
      block,
    })),
    sinks: [...wiring.sinks].map(([name, channel]) => ({
      name,
      ...sinkOf(setting, wiring, `${channel}-${name}`),
      channel,
      block,
    })),
    sources: [
      {
        name: 'r1',
        definition: modelSource(setting.streams, setting.prng),
        config: {},
        block,
        channels: wiring.channels,
        interceptors: setting.suppresses
          ? [{ name: 'i1', definition: suppressing, config: {} }]
          : [],
        selector: { definition: routing(setting.selector === 'routing'), config: {} },
        backoffSleepIncrement: 10,
        maxBackoffSleep: 100,
      },
    ],
  };
}

/** @param prefix begins the names of its files */
function sinkOf({ sink, format }: Setting, { batchSize, rollInterval }: Wiring, prefix: string) {
  const definition = serializers[format];
  const serializer = new ChosenSerializer(definition, configOf(definition.fields));
  if (sink === 'hdfs') {
    const config = configOf(hdfsSink.fields as Fields, {
      'hdfs.path': 'file:///out',
      'hdfs.filePrefix': `${prefix}-%{stream}`,
      'hdfs.fileType': 'DataStream',
      'hdfs.batchSize': `${batchSize}`,
      'hdfs.rollInterval': `${rollInterval}`,
      'hdfs.rollCount': `${rollInterval * 3}`,
      'hdfs.rollSize': '0',
      'hdfs.maxOpenFiles': '2',
      'hdfs.retryInterval': '2',
    });
    return { definition: hdfsSink, config: { ...config, serializer } };
  }
  const config = configOf(fileRollSink.fields as Fields, {
    'sink.directory': '/out',
    'sink.rollInterval': `${rollInterval}`,
    'sink.batchSize': `${batchSize}`,
    'sink.pathManager.prefix': `${prefix}-`,
  });
  return { definition: fileRollSink, config: { ...config, serializer } };
}

const serializers = {
  lines: textSerializer,
  blocks: lineBlocksSerializer,
  whole: wholeFileSerializer,
} as const;

/** A file channel, or a spillable one, whose files are so small that they roll all the time. */
function smallFileChannel({ capacity, memoryBytes, unlogged }: Wiring) {
  return defineChannel({
    type: 'small-file',
    summary: 'A file channel with small files.',
    fields: {},
    keeps: 'events',
    create: (_config, context) =>
      new FileChannel(
        {
          checkpointDirectory: `/channel/${context.name}/checkpoint`,
          dataDirectories: [`/channel/${context.name}/d1`, `/channel/${context.name}/d2`],
          segmentBytes: 4096 + 4096,
          minimumFreeBytes: 0,
          capacity,
          transactionCapacity: capacity,
          keepAliveMs: 1000,
          memoryBytes,
          ...(unlogged > 0 && {
            unlogged: { events: unlogged, bytes: Number.POSITIVE_INFINITY },
          }),
        },
        context,
      ),
  });
}

const suppressing = defineInterceptor({
  type: 'suppressing',
  summary: 'Drops some lines.',
  fields: {},
  create: () => (batch) =>
    batch.filter((index) => !isSuppressed(headerOf(batch, index, 'stream'), lineOf(batch, index))),
});

function routing(byLine: boolean) {
  return defineSelector({
    type: 'routing',
    summary: 'Sends lines to one channel or both.',
    fields: {},
    create: (_config, channels) => ({
      optional: new Set(),
      route: (batch) =>
        channels.map((channel) => ({
          channel,
          batch: byLine
            ? batch.filter((index) => {
                const route = routeOf(headerOf(batch, index, 'stream'), lineOf(batch, index));
                return route === 'both' || route === channel;
              })
            : batch,
        })),
    }),
  });
}

function headerOf(batch: EventBatch, index: number, name: string): string {
  return batch.header(index, name) ?? '';
}

function lineOf(batch: EventBatch, index: number): number {
  return Number(headerOf(batch, index, 'line'));
}

/** Compares what is in a channel's files with what should be: every offset once. */
function verify(setting: Setting, channel: string, disk: SimulatedDisk, late: boolean): void {
  const found = new Map<string, number[]>();
  for (const name of disk.list('/out').filter((each) => each.startsWith(`${channel}-`))) {
    const bytes = disk.contents(`/out/${name}`);
    assert(bytes.length === 0 || bytes.at(-1) === 10, `${name} ends within an event`);
    assert(!name.endsWith('.tmp'), `${name} has its final name in the end`);
    const bodies =
      setting.format === 'whole' ? linesOfWhole(bytes) : bytes.toString().split('\n').slice(0, -1);
    for (const body of bodies) {
      const [stream = '', , from, to] = body.split(' ');
      const counts = found.get(stream) ?? [];
      found.set(stream, counts);
      for (let at = Number(from); at < Number(to); at++) counts[at] = (counts[at] ?? 0) + 1;
    }
  }
  for (const { name, lineEnds } of setting.streams) {
    let begun = !late;
    for (const [line, end] of lineEnds.entries()) {
      const route = setting.selector === 'routing' ? routeOf(name, line) : 'both';
      const dropped = setting.suppresses && isSuppressed(name, line);
      const wanted = !dropped && (route === 'both' || route === channel) ? 1 : 0;
      for (let at = lineEnds[line - 1] ?? 0; at < end; at++) {
        const count = found.get(name)?.[at] ?? 0;
        // A channel that came later begins somewhere, and misses nothing from there on.
        if (count > 0) begun = true;
        if (begun) assert.equal(count, wanted, `${channel}: ${name} offset ${at} (line ${line})`);
      }
    }
  }
}
