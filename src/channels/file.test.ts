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
import { fileChannel } from './file.ts';

const settings = {
  checkpointDir: '/checkpoint',
  dataDirs: '/data',
  capacity: 100,
  transactionCapacity: 100,
  keepAlive: 3,
  maxFileSize: 1 << 20,
  minimumRequiredSpace: 1 << 20,
  memoryBytes: 1 << 20,
  encryptionKeys: new Map<string, string>(),
};

const encrypted = { ...settings, encryptionKeyFile: '/keys/key' };

/** One for all: what an encrypted channel takes from it must not come again. */
const random = new Prng(1);

const disks = new WeakMap<Channel, { disk: SimulatedDisk; clock: ManualClock }>();

async function openOn(disk: SimulatedDisk, clock: ManualClock, config = settings) {
  const channel = fileChannel.create(config, {
    clock,
    disk,
    random,
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
  const disk = new SimulatedDisk({ seed: 1 });
  await disk.makeDirectory('/keys');
  const key = await disk.open(encrypted.encryptionKeyFile, 'w');
  await key.write([Buffer.alloc(32, 7)], 0);
  await key.sync();
  await disk.syncDirectory('/keys');
  return { channel: await openOn(disk, clock, config), clock };
}

async function crash(channel: Channel, kind: 'process' | 'power', config = settings) {
  const { disk, clock } = disks.get(channel) as { disk: SimulatedDisk; clock: ManualClock };
  return openOn(disk.crash(kind), clock, config);
}

channelContract('file', { open: openNew, crash: (channel) => crash(channel, 'process') });
channelContract('file, after a power loss,', {
  open: openNew,
  crash: (channel) => crash(channel, 'power'),
});
channelContract('file, encrypted,', {
  open: () => openNew(encrypted),
  crash: (channel) => crash(channel, 'power', encrypted),
});
channelContract('file, without memory,', {
  open: () => openNew({ ...settings, memoryBytes: 0 }),
  crash: (channel) => crash(channel, 'power', { ...settings, memoryBytes: 0 }),
  skip: { 'a slab is not used again while the channel has events in it': 'they are read back' },
});

test('what was put is there after a power loss, and what was committed is not', async () => {
  const { channel } = await openNew();
  await put(channel, 'a', 'b', 'c');
  const sink = channel.consumer('k1');
  const taken = await sink.take(2, AbortSignal.abort());
  assert(taken);
  await sink.commit([[taken.first, taken.first + 2]]);
  await put(channel, 'd');
  const next = await crash(channel, 'power');
  assert.equal(next.counters.ChannelSize, 2);
  assert.deepEqual(await takeAll(next), ['c', 'd']);
});

test('what sinks keep themselves needs no memory, and comes back from many segments', async () => {
  const { channel } = await openNew({ ...settings, memoryBytes: 256 << 10 });
  const bodies = Array.from({ length: 90 }, (_, index) => `${index} `.padEnd(50_000, 'x'));
  for (const body of bodies) await put(channel, body);
  const sink = channel.consumer('k1');
  for (const round of ['kept', 'released', 'released again']) {
    for (const body of bodies) {
      const taken = await sink.take(1, AbortSignal.timeout(1_000));
      assert.equal(taken?.events.body(0).toString(), body, `${round}: ${body.slice(0, 3)}`);
      sink.absorb([[taken.first, taken.first + 1]]);
    }
    sink.detach();
  }
  const held: EventBatch[] = [];
  while (held.length < bodies.length) {
    const taken = await sink.take(1, AbortSignal.timeout(1_000));
    assert(taken, `after ${held.length} events`);
    held.push(taken.events);
  }
  assert.deepEqual(
    held.map((batch) => batch.body(0).toString()),
    bodies,
  );
});

async function put(channel: Channel, ...bodies: string[]): Promise<void> {
  const batch = EventBatch.of(bodies.map((body) => ({ body })));
  await channel.put(batch, await channel.reserve(batch));
}

async function takeAll(channel: Channel): Promise<string[]> {
  const sink = channel.consumer('k1');
  const all: string[] = [];
  for (;;) {
    const taken = await sink.take(4, AbortSignal.timeout(50));
    if (!taken) return all;
    all.push(...[...taken.events].map(({ body }) => body.toString()));
    await sink.commit([[taken.first, taken.first + taken.events.length]]);
  }
}

test('a directory that another channel has is refused, and nothing in it is touched', async () => {
  const disk = new SimulatedDisk({ seed: 1 });
  const channel = await openOn(disk, new ManualClock());
  await put(channel, 'a');
  const before = disk.list('/data');
  await assert.rejects(openOn(disk, new ManualClock()), /in use/);
  assert.deepEqual(disk.list('/data'), before);
  await put(channel, 'b');
  await channel.stop();
  const next = await openOn(disk, new ManualClock());
  assert.deepEqual(await takeAll(next), ['a', 'b']);
  await next.stop();
});
