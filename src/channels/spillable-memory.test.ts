import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { Channel } from '../core/channel.ts';
import { EventBatch } from '../core/event-batch.ts';
import { silentLogger } from '../core/log.ts';
import { ChannelCounters } from '../core/metrics.ts';
import { channelContract } from '../testing/channel-contract.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { Prng } from '../testing/prng.ts';
import { SimulatedDisk } from '../testing/simulated-disk.ts';
import { spillableMemoryChannel } from './spillable-memory.ts';

const settings = {
  memoryCapacity: 90,
  overflowCapacity: 10,
  overflowTimeout: 3,
  byteCapacity: 64 << 20,
  byteCapacityBufferPercentage: 20,
  checkpointDir: '/checkpoint',
  dataDirs: '/data',
  transactionCapacity: 100,
  maxFileSize: 1 << 20,
  minimumRequiredSpace: 1 << 20,
  memoryBytes: 1 << 20,
  encryptionKeys: new Map<string, string>(),
};
const onlyMemory = { ...settings, memoryCapacity: 100, overflowCapacity: 0 };
const onlyDisk = { ...settings, memoryCapacity: 0, overflowCapacity: 100 };
/** Ten events at most in memory alone, and what is in the log is always read back. */
const tight = { ...settings, memoryCapacity: 10, overflowCapacity: 90, memoryBytes: 0 };

const disks = new WeakMap<Channel, { disk: SimulatedDisk; clock: ManualClock }>();

async function openOn(disk: SimulatedDisk, clock: ManualClock, config = settings) {
  const channel = spillableMemoryChannel.create(config, {
    clock,
    disk,
    random: new Prng(1),
    agent: 'a1',
    name: 'c1',
    log: silentLogger,
    stateDirectory: '/state/c1',
    counters: new ChannelCounters(),
  });
  await channel.start();
  disks.set(channel, { disk, clock });
  return channel;
}

async function openNew(config = settings) {
  const clock = new ManualClock();
  return { channel: await openOn(new SimulatedDisk({ seed: 1 }), clock, config), clock };
}

async function crash(channel: Channel, config = settings) {
  const { disk, clock } = disks.get(channel) as { disk: SimulatedDisk; clock: ManualClock };
  return openOn(disk.crash('power'), clock, config);
}

async function openAgain(channel: Channel, config = settings) {
  await channel.stop();
  const { disk, clock } = disks.get(channel) as { disk: SimulatedDisk; clock: ManualClock };
  return openOn(disk, clock, config);
}

const readBack = {
  'a slab is not used again while the channel has events in it': 'they are read back',
};
channelContract('spillable memory', { open: openNew, crash: (channel) => crash(channel) });
channelContract('spillable memory, without overflow,', {
  open: () => openNew(onlyMemory),
  crash: (channel) => crash(channel, onlyMemory),
});
channelContract('spillable memory, without memory,', {
  open: () => openNew(onlyDisk),
  crash: (channel) => crash(channel, onlyDisk),
});
channelContract('spillable memory, nearly all of it on disk,', {
  open: () => openNew(tight),
  crash: (channel) => crash(channel, tight),
  skip: readBack,
});

/** Lines `from` to `to` of the stream `s`, each one offset long. */
function lines(from: number, to: number): EventBatch {
  const bodies = Array.from({ length: to - from }, (_, index) => ({ body: `${from + index}` }));
  const ends = Float64Array.from(bodies, (_, index) => from + index + 1);
  return EventBatch.of(bodies).withOrigin({ stream: 's', from, to, ends });
}

async function put(channel: Channel, batch: EventBatch): Promise<void> {
  await channel.put(batch, await channel.reserve(batch));
}

async function takeAll(channel: Channel, max = 100): Promise<number[]> {
  const sink = channel.consumer('k1');
  const all: number[] = [];
  while (all.length < max) {
    const taken = await sink.take(Math.min(4, max - all.length), AbortSignal.timeout(50));
    if (!taken) return all;
    all.push(...[...taken.events].map(({ body }) => Number(body.toString())));
    await sink.commit([[taken.first, taken.first + taken.events.length]]);
  }
  return all;
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

test('what fits into memory is not written, what does not fit is', async () => {
  const { channel } = await openNew();
  const { disk } = disks.get(channel) as { disk: SimulatedDisk };
  const isWritten = (body: string) =>
    disk.list('/data').some((name) => disk.contents(`/data/${name}`).includes(body));
  await put(channel, EventBatch.of(Array.from({ length: 90 }, () => ({ body: 'fits' }))));
  await channel.settle();
  assert(!isWritten('fits'));
  await put(channel, EventBatch.of([{ body: 'exceeds' }]));
  assert(isWritten('exceeds'));
  await channel.stop();
});

test('events leave in order, from memory, the log, and memory again', async () => {
  const { channel } = await openNew(tight);
  for (let line = 0; line < 60; line += 3) await put(channel, lines(line, line + 3));
  assert.deepEqual(await takeAll(channel, 30), numbers(0, 30));
  for (let line = 60; line < 90; line += 3) await put(channel, lines(line, line + 3));
  assert.deepEqual(await takeAll(channel), numbers(30, 90));
  await put(channel, lines(90, 95));
  assert.deepEqual(await takeAll(channel), numbers(90, 95));
  await channel.stop();
});

test('a put that fits into memory does not pass one that is on its way to the disk', async () => {
  const { channel } = await openNew(tight);
  const batches = [lines(0, 8), lines(8, 13), lines(13, 15)].map((batch) =>
    batch.withOrigin(undefined),
  );
  await Promise.all(batches.map((batch) => put(channel, batch)));
  assert.deepEqual(await takeAll(channel), numbers(0, 15));
  await channel.stop();
});

test('a stop writes what is in memory alone into the log', async () => {
  const { channel } = await openNew();
  await put(channel, lines(0, 5));
  await put(channel, EventBatch.of([{ body: '5' }]));
  assert.deepEqual(await takeAll(channel, 2), [0, 1]);
  const next = await openAgain(channel);
  assert.equal(next.counters.ChannelSize, 4);
  assert.deepEqual(await takeAll(next), [2, 3, 4, 5]);
  await next.stop();
});

test('what a sink commits while the channel stops does not come again', async () => {
  const { channel } = await openNew();
  await put(channel, lines(0, 6));
  const sink = channel.consumer('k1');
  const taken = await sink.take(3, AbortSignal.timeout(50));
  assert(taken);
  let synced = () => {};
  sink.onSync(() => new Promise((resolve) => (synced = resolve)));
  const committed = sink.commit([[taken.first, taken.first + 3]]);
  const next = openAgain(channel);
  synced();
  await committed;
  assert.deepEqual(await takeAll(await next), [3, 4, 5]);
  await (await next).stop();
});

test('after a power loss what was in memory alone is read again, and no more', async () => {
  const { channel } = await openNew(tight);
  for (let line = 0; line < 30; line += 5) await put(channel, lines(line, line + 5));
  const settledBefore = channel.stream('s')?.settled;
  assert.equal(settledBefore, 0);
  const before = await takeAll(channel, 3);
  assert.equal(channel.stream('s')?.settled, 3);
  const next = await crash(channel, tight);
  const known = next.stream('s');
  assert.deepEqual([known?.held, known?.islands], [3, [[10, 30]]]);
  await put(next, lines(3, 10));
  assert.equal(next.stream('s')?.held, 30);
  const after = await takeAll(next);
  assert.deepEqual(
    [...before, ...after].sort((a, b) => a - b),
    numbers(0, 30),
  );
  assert.equal(next.stream('s')?.settled, 30);
  await next.stop();
});

test('memory takes events while the disk is full', async () => {
  const { channel } = await openNew({ ...tight, memoryCapacity: 40 });
  const { disk } = disks.get(channel) as { disk: SimulatedDisk };
  disk.fail({ operations: ['write', 'open', 'sync'], code: 'ENOSPC', after: 0, times: 1_000 });
  await put(channel, lines(0, 20));
  const taken = await channel.consumer('k1').take(40, AbortSignal.timeout(50));
  assert.equal(taken?.events.length, 20);
});
