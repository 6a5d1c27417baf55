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
import { memoryChannel } from './memory.ts';

const limits = {
  capacity: 100,
  transactionCapacity: 100,
  keepAlive: 3,
  byteCapacity: 64 << 20,
  byteCapacityBufferPercentage: 20,
};

const disks = new WeakMap<Channel, { disk: SimulatedDisk; clock: ManualClock }>();

async function openOn(disk: SimulatedDisk, clock: ManualClock, config = limits): Promise<Channel> {
  const channel = memoryChannel.create(config, {
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

async function openNew(config = limits) {
  const clock = new ManualClock();
  const channel = await openOn(new SimulatedDisk({ seed: 1 }), clock, config);
  return { channel, clock };
}

async function crash(channel: Channel, kind: 'process' | 'power'): Promise<Channel> {
  const { disk, clock } = disks.get(channel) as { disk: SimulatedDisk; clock: ManualClock };
  return openOn(disk.crash(kind), clock);
}

channelContract('memory', { open: openNew, crash: (channel) => crash(channel, 'process') });
channelContract('memory, after a power loss,', {
  open: openNew,
  crash: (channel) => crash(channel, 'power'),
});

test('after a power loss the ledger is that of the last mark', async () => {
  const { channel, clock } = await openNew();
  const sink = channel.consumer('k1');
  let syncs = 0;
  sink.onSync(async () => {
    syncs++;
  });
  channel.introduce('r1/s', null, 0);
  await sink.saveState({ set: { '/out/1': 0 } });
  await putAndCommit(channel, 0, 3, '/out/1');
  await clock.advance(1_100);
  assert.equal(syncs, 1);
  assert.equal(channel.stream('r1/s')?.settled, 3);
  await sink.saveState({ set: { '/out/2': 0 } });
  await putAndCommit(channel, 3, 6, '/out/2');
  await clock.advance(100);
  const next = await crash(channel, 'power');
  assert.equal(next.stream('r1/s')?.held, 3);
  // The file that was begun after the mark is known, with nothing in it.
  assert.deepEqual(
    [...next.consumer('k1').state],
    [
      ['/out/1', 3],
      ['/out/2', 0],
    ],
  );
});

test('after a crash of the process commits count that no mark covers', async () => {
  const { channel, clock } = await openNew();
  channel.introduce('r1/s', null, 0);
  await putAndCommit(channel, 0, 3, '/out/1');
  await clock.advance(100);
  const next = await crash(channel, 'process');
  assert.equal(next.stream('r1/s')?.held, 3);
  assert.equal(next.stream('r1/s')?.settled, 0);
});

test('a sink whose data can not be synced keeps the channel from marking', async () => {
  const { channel, clock } = await openNew();
  let broken = true;
  channel.consumer('k1').onSync(async () => {
    if (broken) throw new Error('disk');
  });
  channel.introduce('r1/s', null, 0);
  await putAndCommit(channel, 0, 3, '/out/1');
  await clock.advance(5_000);
  assert.equal(channel.stream('r1/s')?.settled, 0);
  broken = false;
  await clock.advance(5_000);
  assert.equal(channel.stream('r1/s')?.settled, 3);
});

test('what a sink kept from being marked is marked once it has come up', async () => {
  const { channel, clock } = await openNew();
  channel.introduce('r1/s', null, 0);
  await putAndCommit(channel, 0, 3, '/out/1');
  await clock.advance(100);
  const next = await crash(channel, 'process');
  const { clock: later } = disks.get(next) as { clock: ManualClock };
  // It has files to look after first, and nothing new ever comes.
  await later.advance(5_000);
  assert.equal(next.stream('r1/s')?.settled, 0);
  next.consumer('k1').onSync(async () => {});
  await later.advance(1_500);
  assert.equal(next.stream('r1/s')?.settled, 3);
});

test('bodies take up byteCapacity by the memory they keep alive, once per slab', async () => {
  const { channel } = await openNew({ ...limits, byteCapacity: 1_000, keepAlive: 0 });
  const slab = Buffer.alloc(500);
  const part = (at: number) => new EventBatch(slab, Uint32Array.of(at), Uint32Array.of(at + 1));
  for (let at = 0; at < 10; at++) await put(channel, part(at));
  await assert.rejects(put(channel, EventBatch.of([{ body: Buffer.alloc(400) }])), /800 bytes/);
  await put(channel, EventBatch.of([{ body: Buffer.alloc(300) }]));
});

async function put(channel: Channel, batch: EventBatch): Promise<void> {
  await channel.put(batch, await channel.reserve(batch));
}

async function putAndCommit(channel: Channel, from: number, to: number, path: string) {
  const ends = Float64Array.from({ length: to - from }, (_, index) => from + index + 1);
  const batch = EventBatch.of([...ends].map((end) => ({ body: `${end}` })));
  await put(channel, batch.withOrigin({ stream: 'r1/s', from, to, ends }));
  const sink = channel.consumer('k1');
  const taken = await sink.take(100, AbortSignal.abort());
  assert(taken);
  const length = to - from;
  await sink.commit([[taken.first, taken.first + length]], { set: { [path]: length } });
}
