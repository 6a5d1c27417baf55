import { strict as assert } from 'node:assert';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import avsc from 'avsc';
import { ChosenSerializer } from '../config/serializer-field.ts';
import { EventBatch } from '../core/event-batch.ts';
import { SinkCounters } from '../core/metrics.ts';
import type { Sink } from '../core/sink.ts';
import { componentContext, type TestContext } from '../testing/component-context.ts';
import { configOf } from '../testing/config-of.ts';
import { linesOfWhole, wholeFileSerializer } from '../testing/line-serializers.ts';
import { Prng } from '../testing/prng.ts';
import type { SimulatedDisk } from '../testing/simulated-disk.ts';
import { bodyOf, FakeChannel } from '../testing/sink-contract/fake-channel.ts';
import { sinkContract } from '../testing/sink-contract.ts';
import { fileRollSink } from './file-roll.ts';

const directory = '/out';

/** The lines of all files, in the order in which the files were begun. */
function linesIn(disk: SimulatedDisk, unpack: (bytes: Buffer) => Buffer = (bytes) => bytes) {
  return files(disk).flatMap((path) => {
    const text = unpack(disk.contents(path)).toString();
    return text === '' ? [] : text.replace(/\n$/, '').split('\n');
  });
}

function files(disk: SimulatedDisk): string[] {
  const order = (name: string) => (name.match(/\d+/g) ?? []).map(Number);
  const names = disk.list(directory).sort((one, other) => {
    const [time = 0, number = 0] = order(one);
    const [otherTime = 0, otherNumber = 0] = order(other);
    return time - otherTime || number - otherNumber;
  });
  return names.map((name) => `${directory}/${name}`);
}

function prepare(disk: SimulatedDisk): void {
  disk.plant(`${directory}/0`, '');
}

/** One frame after the other: `zstdDecompressSync` alone stops behind the first. */
function unzstd(bytes: Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const { buffer, engine } = zstdDecompressSync(rest, { info: true }) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    frames.push(buffer);
    rest = rest.subarray(engine.bytesWritten);
  }
  return Buffer.concat(frames);
}

const unpackers = { none: (bytes: Buffer) => bytes, gzip: gunzipSync, zstd: unzstd };

for (const compression of ['none', 'gzip', 'zstd'] as const) {
  const unpack = (bytes: Buffer) => (bytes.length === 0 ? bytes : unpackers[compression](bytes));
  const config = configOf(fileRollSink.fields, {
    'sink.directory': directory,
    'sink.rollInterval': '1',
    'sink.compression': compression,
    'sink.compression.bytes': '200',
  });
  sinkContract(`file_roll (${compression})`, {
    create: (context) => fileRollSink.create(config, context),
    settles: true,
    prepare,
    delivered: (disk) => linesIn(disk, unpack),
    crashStride: compression === 'none' ? 1 : 3,
  });
}

const wholeConfig = {
  ...configOf(fileRollSink.fields, { 'sink.directory': directory, 'sink.rollInterval': '1' }),
  serializer: new ChosenSerializer(wholeFileSerializer, {}),
};

sinkContract('file_roll (whole files)', {
  create: (context) => fileRollSink.create(wholeConfig, context),
  settles: true,
  prepare,
  delivered: (disk) =>
    files(disk).flatMap((path) => {
      const bytes = disk.contents(path);
      // What has its final name is whole; the rest is not delivered.
      return path.endsWith('.tmp') || path === `${directory}/0` ? [] : linesOfWhole(bytes);
    }),
  crashStride: 1,
});

/** The bodies in a file as another implementation reads them. */
function avroBodies(file: Buffer): Promise<string[]> {
  const bodies: string[] = [];
  const codecs = {
    null: (block: Buffer, done: (e: null, data: Buffer) => void) => done(null, block),
  };
  const decoder: Duplex = new avsc.streams.BlockDecoder({ codecs });
  return new Promise((resolve, reject) => {
    decoder.on('data', ({ body }: { body: Buffer }) => bodies.push(body.toString()));
    decoder.on('end', () => resolve(bodies)).on('error', reject);
    decoder.end(file);
  });
}

{
  const config = configOf(fileRollSink.fields, {
    'sink.directory': directory,
    'sink.rollInterval': '1',
    'sink.serializer': 'avro_event',
  });
  sinkContract('file_roll (avro_event)', {
    create: (context) => fileRollSink.create(config, context),
    settles: true,
    prepare,
    delivered: async (disk) => {
      const contents = files(disk).map((path) => disk.contents(path));
      return (
        await Promise.all(contents.filter(({ length }) => length > 0).map(avroBodies))
      ).flat();
    },
    crashStride: 2,
  });
}

interface World extends TestContext {
  readonly sink: Sink;
  readonly counters: SinkCounters;
  readonly channel: FakeChannel;
  /** Takes and writes so many events. */
  write(count: number): Promise<void>;
}

const startMs = Date.UTC(2026, 0, 1);

/** @param commitMs how long a commit takes */
function world(properties: Record<string, string> = {}, commitMs = 0, seed = 1): World {
  const context = componentContext('k1', seed);
  prepare(context.disk);
  const counters = new SinkCounters();
  const channel = new FakeChannel({
    prng: new Prng(1),
    body: bodyOf,
    count: 1000,
    safeAt: 'mark',
  });
  const config = configOf(fileRollSink.fields, { 'sink.directory': directory, ...properties });
  const settlement: typeof channel.settlement = {
    ...channel.settlement,
    commit: async (ranges, delta) => {
      await context.clock.sleep(commitMs);
      await channel.settlement.commit(ranges, delta);
    },
  };
  const sink = fileRollSink.create(config, { ...context, counters, settlement });
  const write = async (count: number) => {
    const taken = channel.take(count);
    assert(taken);
    try {
      await sink.write(taken.events, taken.first);
    } catch (error) {
      channel.detach();
      throw error;
    }
  };
  return { ...context, sink, counters, channel, write };
}

test('files are called by the start and a number, and a roll begins the next one', async () => {
  const { sink, clock, disk, counters, write } = world({
    'sink.pathManager.prefix': 'p-',
    'sink.pathManager.extension': 'log',
  });
  await sink.start();
  await write(2);
  await clock.advance(30_000);
  await write(1);
  assert.deepEqual(disk.list(directory), ['0', `p-${startMs}-1.log`, `p-${startMs}-2.log`]);
  await sink.stop();
  assert.equal(counters.ConnectionCreatedCount, 2);
  assert.equal(counters.ConnectionClosedCount, 2);
});

test('with rolltime files are called by their second, and numbered within it', async () => {
  const { sink, clock, disk, write } = world({
    'sink.pathManager': 'org.apache.flume.formatter.output.RollTimePathManager$Builder',
    'sink.rollInterval': '1',
  });
  await sink.start();
  clock.set(new Date(2026, 1, 3, 4, 5, 6).getTime());
  await write(1);
  await clock.advance(1000);
  await write(1);
  clock.set(new Date(2026, 1, 3, 4, 5, 7).getTime());
  await clock.advance(1000);
  await write(1);
  await sink.stop();
  const names = ['20260203040506-1', '20260203040507-1', '20260203040508-1'];
  assert.deepEqual(disk.list(directory), ['0', ...names]);
});

test('an idle sink makes no files', async () => {
  const { sink, clock, disk, write } = world({ 'sink.rollInterval': '1' });
  await sink.start();
  await clock.advance(10_000);
  await write(1);
  await clock.advance(10_000);
  await sink.stop();
  assert.deepEqual(disk.list(directory), ['0', `${startMs}-1`]);
});

test('a rollInterval of 0 keeps one file', async () => {
  const { sink, clock, disk, write } = world({ 'sink.rollInterval': '0' });
  await sink.start();
  await write(1);
  await clock.advance(1_000_000_000);
  await write(1);
  assert.deepEqual(disk.list(directory), ['0', `${startMs}-1`]);
  await sink.stop();
});

/** Which files the state names. */
function pathsIn({ settlement }: FakeChannel): string[] {
  return [...settlement.state.values()].map((json) => String((json as { path: string }).path));
}

test('a directory that is missing is named with its key', async () => {
  const { sink } = world({ 'sink.directory': '/missing' });
  await assert.rejects(sink.start(), {
    message: 'a1.sinks.k1.sink.directory: /missing does not exist; it is not made',
  });
});

test('a file that exists is not touched, whatever happens', async () => {
  const { sink, disk, clock, channel, write } = world();
  const strange = `${directory}/${startMs}-1`;
  disk.plant(strange, 'not ours');
  channel.onOperation = () => assert(!pathsIn(channel).includes(strange));
  await sink.start();
  await write(2);
  await clock.settle();
  assert.deepEqual(pathsIn(channel), [`${directory}/${startMs}-2`]);
  await sink.stop();
  assert.equal(disk.contents(strange).toString(), 'not ours');
});

test('a closed file leaves the state with the next commit, and not before', async () => {
  const { sink, clock, channel, write } = world();
  const paths = () => pathsIn(channel);
  await sink.start();
  await write(1);
  await clock.advance(30_000);
  assert.deepEqual(paths(), [`${directory}/${startMs}-1`]);
  await write(1);
  await clock.settle();
  assert.deepEqual(paths(), [`${directory}/${startMs}-2`]);
  await sink.stop();
  assert.deepEqual(paths(), []);
});

test('a start reports what is missing of committed files, and goes on', async () => {
  const { sink, disk, log, channel } = world();
  disk.plant(`${directory}/short-1`, 'four');
  const { ino } = await disk.stat(`${directory}/short-1`);
  const entry = (name: string, length: number, id: string, type = 'file_roll') => {
    const stem = `${directory}/${name}-`;
    return { type, path: `${stem}1`, stem, number: 1, tail: '', creator: 'c', id, length };
  };
  await channel.settlement.saveState({
    set: {
      short: entry('short', 9, String(ino)),
      gone: entry('gone', 5, '77'),
      'never made': entry('never made', 0, '78'),
      'of another sink': entry('another', 5, '79', 'hdfs'),
    },
  });
  await sink.start();
  const errors = log.lines.filter(({ level }) => level === 'error');
  assert.deepEqual(
    errors.map(({ fields }) => fields),
    [
      { path: `${directory}/gone-1`, lostFrom: 0, lostTo: 5 },
      { path: `${directory}/short-1`, lostFrom: 4, lostTo: 9 },
    ],
  );
  assert.equal(disk.contents(`${directory}/short-1`).toString(), 'four');
  assert.deepEqual([...channel.settlement.state.keys()], ['of another sink']);
  await sink.stop();
});

test('a full disk is tried again in one file, and goes on by itself', async () => {
  const { sink, disk, channel, write } = world();
  await sink.start();
  await write(2);
  const committed = linesIn(disk);
  disk.capacityBytes = disk.usedBytes;
  // What is left of a sector may take a few events.
  for (let failures = 0; failures < 20; ) await write(20).catch(() => failures++);
  assert.deepEqual(linesIn(disk), channel.committed);
  assert.deepEqual(linesIn(disk).slice(0, 2), committed);
  assert(files(disk).length <= 4, 'no storm of empty files');
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  await write(20);
  await sink.stop();
  assert.deepEqual(linesIn(disk), channel.committed);
});

test('one commit covers what was written while the last one was under way', async () => {
  const { sink, clock, channel, write } = world({}, 10);
  await sink.start();
  for (let count = 0; count < 50; count++) await write(2);
  assert.equal(channel.committed.length, 0);
  await clock.advance(10);
  assert.equal(channel.committed.length, 2);
  await clock.advance(10);
  assert.equal(channel.committed.length, 100);
  await sink.stop();
});

test('events whose commit fails are given back though no other write comes', async () => {
  const { sink, clock, channel, write } = world();
  await sink.start();
  await write(2);
  await clock.settle();
  channel.failNext(1);
  await write(2);
  await clock.settle();
  assert(!channel.lends);
  assert.deepEqual(channel.committed, [bodyOf(0), bodyOf(1)]);
  await sink.stop();
});

test('an empty file that stop removes does not come back with the power', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const { sink, disk, write } = world({}, 0, seed);
    await sink.start();
    disk.fail({ operations: ['write'], code: 'EIO' });
    await assert.rejects(write(2));
    await sink.stop();
    assert.deepEqual(disk.crash('power').list(directory), ['0'], `seed ${seed}`);
  }
});

test('small batches share a compressed member, that ends in time', async () => {
  const { sink, clock, disk, channel, write } = world({ 'sink.compression': 'gzip' });
  await sink.start();
  await write(1);
  await write(1);
  assert.deepEqual(channel.committed, [], 'not yet in the file');
  await clock.advance(1000);
  while (channel.lends) await clock.settle();
  assert.deepEqual(channel.committed, [bodyOf(0), bodyOf(1)]);
  const bytes = disk.contents(`${directory}/${startMs}-1.gz`);
  assert.equal(bytes.indexOf(Buffer.from([0x1f, 0x8b, 8]), 1), -1, 'one member');
  assert.equal(gunzipSync(bytes).toString(), `${bodyOf(0)}\n${bodyOf(1)}\n`);
  await sink.stop();
});

test('a channel that is full of gathered events does not wait for the member to end', async () => {
  const { sink, clock, channel, write } = world({ 'sink.compression': 'gzip' });
  await sink.start();
  await write(1);
  channel.pressed = true;
  await clock.advance(20);
  while (channel.lends) await clock.settle();
  assert.deepEqual(channel.committed, [bodyOf(0)]);
  await sink.stop();
});

test('the serializer is found by alias or class, and gets its options', async () => {
  const config = configOf(fileRollSink.fields, {
    'sink.directory': directory,
    'sink.serializer': 'org.apache.flume.serialization.BodyTextEventSerializer$Builder',
    'sink.serializer.appendNewline': 'false',
  });
  assert.deepEqual(fileRollSink.check?.(config), []);
  const { disk, channel, ...context } = world();
  const sink = fileRollSink.create(config, { ...context, disk, settlement: channel.settlement });
  await sink.start();
  const taken = channel.take(2);
  assert(taken);
  await sink.write(EventBatch.concat([taken.events]), taken.first);
  await sink.stop();
  assert.equal(disk.contents(`${directory}/${startMs}-1`).toString(), bodyOf(0) + bodyOf(1));
});

test('what can not work is a problem of the configuration', () => {
  const problems = (properties: Record<string, string>) => {
    const config = configOf(fileRollSink.fields, { 'sink.directory': directory, ...properties });
    const found = fileRollSink.check?.(config);
    return found?.map(({ key, severity = 'error' }) => `${severity} ${key}`);
  };
  assert.deepEqual(problems({ 'sink.compression.level': '3' }), ['error sink.compression.level']);
  assert.deepEqual(problems({ 'sink.compression': 'gzip', 'sink.compression.level': '12' }), [
    'error sink.compression.level',
  ]);
});
