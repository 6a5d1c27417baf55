import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { memoryChannel } from '../channels/memory.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { Prng } from '../testing/prng.ts';
import { SimulatedDisk } from '../testing/simulated-disk.ts';
import type { Channel } from './channel.ts';
import { ChannelError, ChannelFullError, OriginGapError } from './errors.ts';
import { EventBatch } from './event-batch.ts';
import { FanOut } from './fan-out.ts';
import type { Interceptor } from './interceptor.ts';
import { silentLogger } from './log.ts';
import { ChannelCounters, SourceCounters } from './metrics.ts';
import type { Selector } from './selector.ts';
import { ChannelStreams } from './source-streams.ts';

const config = {
  transactionCapacity: 10,
  keepAlive: 3,
  byteCapacity: 0,
  byteCapacityBufferPercentage: 20,
};

interface Rig {
  readonly clock: ManualClock;
  readonly channels: Map<string, Channel>;
  readonly counters: SourceCounters;
  readonly fanOut: FanOut;
  readonly streams: ChannelStreams;
}

async function rig(options: {
  capacities: Record<string, number>;
  optional?: string[];
  interceptors?: Interceptor[];
  route?: Selector['route'];
}): Promise<Rig> {
  const clock = new ManualClock();
  const channels = new Map<string, Channel>();
  for (const [name, capacity] of Object.entries(options.capacities)) {
    const channel = memoryChannel.create(
      { ...config, capacity },
      {
        clock,
        disk: new SimulatedDisk({ seed: 1 }),
        random: new Prng(1),
        agent: 'a1',
        name,
        log: silentLogger,
        stateDirectory: `/state/${name}`,
        counters: new ChannelCounters(),
      },
    );
    await channel.start();
    channels.set(name, channel);
  }
  const optional = new Set(options.optional);
  const all = [...channels.keys()];
  const route = (batch: EventBatch) => all.map((channel) => ({ channel, batch }));
  const counters = new SourceCounters();
  const fanOut = new FanOut({
    source: 'r1',
    channels,
    interceptors: options.interceptors ?? [],
    selector: { optional, route: options.route ?? route },
    counters,
    clock,
    log: silentLogger,
  });
  const named = [...channels.values()];
  const streams = new ChannelStreams(
    'r1',
    named.filter(({ name }) => !optional.has(name)),
    named.filter(({ name }) => optional.has(name)),
  );
  await streams.attach();
  return { clock, channels, counters, fanOut, streams };
}

function stretch(from: number, to: number, stream = 'r1/s'): EventBatch {
  const ends = Float64Array.from({ length: to - from }, (_, index) => from + index + 1);
  const events = [...ends].map((end) => ({ body: `${end - 1}` }));
  return EventBatch.of(events, { stream, from, to, ends });
}

async function drain(channel: Channel | undefined): Promise<string[]> {
  const bodies: string[] = [];
  const sink = channel?.consumer('k1');
  for (;;) {
    const taken = await sink?.take(100, AbortSignal.abort());
    if (!taken) return bodies;
    bodies.push(...[...taken.events].map(({ body }) => body.toString()));
    await sink?.commit([[taken.first, taken.first + taken.events.length]]);
  }
}

test('a batch that one required channel has no room for reaches none', async () => {
  const { channels, clock, fanOut, counters, streams } = await rig({
    capacities: { c1: 10, c2: 3 },
  });
  streams.introduce('r1/s', null, 0);
  await fanOut.emit(stretch(0, 3));
  const refused = assert.rejects(fanOut.emit(stretch(3, 6)), ChannelFullError);
  const after = assert.rejects(fanOut.emit(stretch(6, 8)), (error) => {
    return error instanceof ChannelFullError || error instanceof OriginGapError;
  });
  await clock.advance(3_000);
  await refused;
  await clock.advance(3_000);
  await after;
  assert.equal(channels.get('c1')?.counters.ChannelSize, 3);
  assert.equal(counters.ChannelWriteFail, 2);
  assert.deepEqual(await drain(channels.get('c2')), ['0', '1', '2']);
  await fanOut.emit(stretch(3, 6));
  assert.deepEqual(await drain(channels.get('c1')), ['0', '1', '2', '3', '4', '5']);
  assert.deepEqual(await drain(channels.get('c2')), ['3', '4', '5']);
});

test('a full optional channel misses events, counted, and holds nobody up', async () => {
  const { channels, clock, fanOut, counters, streams } = await rig({
    capacities: { c1: 100, c2: 2 },
    optional: ['c2'],
  });
  streams.introduce('r1/s', null, 0);
  await fanOut.emit(stretch(0, 2));
  const waits = fanOut.emit(stretch(2, 4));
  await clock.advance(3_000);
  await waits;
  await fanOut.emit(stretch(4, 6));
  assert.equal(counters.OptionalChannelMissCount, 4);
  assert.deepEqual(await drain(channels.get('c2')), ['0', '1']);
  await fanOut.emit(stretch(6, 8));
  assert.deepEqual(await drain(channels.get('c2')), ['6', '7']);
  assert.equal((await drain(channels.get('c1'))).length, 8);
});

test('a channel that gets no event of a batch gets its offsets', async () => {
  const route: Selector['route'] = (batch) => [{ channel: 'c1', batch }];
  const { channels, fanOut, streams } = await rig({ capacities: { c1: 10, c2: 10 }, route });
  streams.introduce('r1/s', null, 0);
  await fanOut.emit(stretch(0, 4));
  assert.equal(channels.get('c2')?.stream('r1/s')?.held, 4);
  assert.equal(channels.get('c2')?.counters.ChannelSize, 0);
});

test('slow interceptors keep the order of what is emitted', async () => {
  const delays = [30, 0, 10, 0];
  const { clock, channels, fanOut, streams } = await rig({
    capacities: { c1: 10 },
    interceptors: [
      async (batch) => {
        const ms = delays.shift() ?? 0;
        if (ms > 0) await clock.sleep(ms);
        return batch.withHeader('seen', 'yes');
      },
    ],
  });
  streams.introduce('r1/s', null, 0);
  const emits = [0, 1, 2, 3].map((at) => fanOut.emit(stretch(at, at + 1)));
  await clock.advance(100);
  await Promise.all(emits);
  assert.deepEqual(await drain(channels.get('c1')), ['0', '1', '2', '3']);
});

test('an interceptor that throws refuses its batch, and only that', async () => {
  let fail = true;
  const { channels, fanOut, streams } = await rig({
    capacities: { c1: 10 },
    interceptors: [
      (batch) => {
        if (fail) throw new Error('bad day');
        return batch;
      },
    ],
  });
  streams.introduce('r1/s', null, 0);
  await assert.rejects(fanOut.emit(stretch(0, 2)), /bad day/);
  fail = false;
  await fanOut.emit(stretch(0, 2));
  assert.deepEqual(await drain(channels.get('c1')), ['0', '1']);
});

test('events without an origin are tried again only where they are missing', async () => {
  const { channels, clock, fanOut, counters } = await rig({ capacities: { c1: 10, c2: 10 } });
  const c2 = channels.get('c2') as Channel;
  const put = c2.put.bind(c2);
  let failures = 2;
  c2.put = async (batch, reservation) => {
    if (failures-- > 0) throw new ChannelError('the disk fails');
    await put(batch, reservation);
  };
  const emitted = fanOut.emit(EventBatch.of([{ body: 'a' }]));
  await clock.advance(1_000);
  await emitted;
  assert.deepEqual(await drain(channels.get('c1')), ['a']);
  assert.deepEqual(await drain(channels.get('c2')), ['a']);
  failures = Number.POSITIVE_INFINITY;
  const lost = assert.rejects(fanOut.emit(EventBatch.of([{ body: 'b' }])), ChannelError);
  await clock.advance(20_000);
  await lost;
  assert.equal(counters.PossibleDoubleCount, 1);
});

test('a stream is read from what the channel that lacks most has; others are edges', async () => {
  const { channels, streams } = await rig({ capacities: { c1: 100, c2: 100 } });
  streams.introduce('r1/s', null, 0);
  const put = async (name: string, batch: EventBatch) => {
    const channel = channels.get(name) as Channel;
    await channel.put(batch, await channel.reserve(batch));
  };
  await put('c1', stretch(0, 8));
  await put('c2', stretch(0, 5));
  const status = streams.get('r1/s');
  assert.equal(status?.held, 5);
  assert.deepEqual(status?.islands, [[5, 8]]);
});

test('a channel that was wired lacks what it does not know; a new one does not', async () => {
  const { channels } = await rig({ capacities: { old: 100, wired: 100, fresh: 100 } });
  const [old, wired, fresh] = [...channels.values()] as [Channel, Channel, Channel];
  const before = new ChannelStreams('r2', [old, wired], []);
  await before.attach();
  old.introduce('r2/s', { inode: 1 }, 10);
  const batch = stretch(10, 50, 'r2/s');
  await old.put(batch, await old.reserve(batch));
  const now = new ChannelStreams('r2', [old, wired, fresh], []);
  await now.attach();
  assert.equal(wired.stream('r2/s')?.held, 10);
  assert.equal(fresh.stream('r2/s')?.held, 50);
  assert.equal(now.get('r2/s')?.held, 10);
  assert.deepEqual(fresh.stream('r2/s')?.identity, { inode: 1 });
});
