import { strict as assert } from 'node:assert';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { DirectoryInUseError } from '../../../core/directory-lock.ts';
import { ChannelError } from '../../../core/errors.ts';
import { EventBatch } from '../../../core/event-batch.ts';
import { silentLogger } from '../../../core/log.ts';
import { ChannelCounters } from '../../../core/metrics.ts';
import { nodeDisk } from '../../../core/node-disk.ts';
import { FileChannel } from '../file-channel.ts';
import { decodeRecord } from '../record.ts';
import { dataOffset } from '../segments.ts';
import { type LiveEvent, lineOf, liveEvents } from './export.ts';
import { LineError, putLines } from './put-lines.ts';
import { type ChannelPlace, openForReading, seams } from './reading.ts';
import { repairChannel } from './repair.ts';
import { channelStatus } from './status.ts';
import { surveyChannel } from './survey.ts';

const root = mkdtempSync(join(tmpdir(), 'millrace-tools-'));
after(() => rmSync(root, { recursive: true }));

const segmentBytes = 16 << 10;
const onDisk = { ...seams, disk: nodeDisk };
let placeCount = 0;

function newPlace(): ChannelPlace {
  const base = join(root, `${++placeCount}`);
  return { dataDirectories: [join(base, 'data')], checkpointDirectory: join(base, 'checkpoint') };
}

async function open(place: ChannelPlace): Promise<FileChannel> {
  const channel = new FileChannel(
    {
      ...place,
      segmentBytes,
      minimumFreeBytes: 0,
      capacity: 10_000,
      transactionCapacity: 10_000,
      keepAliveMs: 0,
      memoryBytes: 1 << 20,
    },
    {
      ...onDisk,
      agent: 'a1',
      name: 'c1',
      log: silentLogger,
      stateDirectory: root,
      counters: new ChannelCounters(),
    },
  );
  await channel.start();
  return channel;
}

async function put(channel: FileChannel, bodies: (string | Buffer)[], from?: number) {
  const ends = Float64Array.from(bodies, (_, index) => (from ?? 0) + index + 1);
  const origin = { stream: 'r1/a', from: from ?? 0, to: (from ?? 0) + bodies.length, ends };
  const events = bodies.map((body, index) => ({ headers: { n: `${index}` }, body }));
  const batch = EventBatch.of(events, from === undefined ? undefined : origin);
  await channel.put(batch, await channel.reserve(batch));
}

async function commit(channel: FileChannel, count: number): Promise<void> {
  const sink = channel.consumer('k1');
  const taken = await sink.take(count, AbortSignal.timeout(1_000));
  assert(taken);
  await sink.commit([[taken.first, taken.first + count]], { set: { out: { length: count } } });
}

/** Six puts of three events of one stream, the first put committed; then left as it is. */
async function filled(place: ChannelPlace): Promise<FileChannel> {
  const channel = await open(place);
  channel.introduce('r1/a', { inode: 1 }, 0);
  for (let at = 0; at < 18; at += 3) {
    await put(channel, [`line ${at}`, `line ${at + 1}`, `line ${at + 2}`], at);
    if (at === 3) await commit(channel, 3);
  }
  return channel;
}

/** What a crash would leave now. */
function copyOf(place: ChannelPlace): ChannelPlace {
  const copy = newPlace();
  const skipLock = { recursive: true, filter: (path: string) => basename(path) !== 'lock' };
  cpSync(place.dataDirectories[0] ?? '', copy.dataDirectories[0] ?? '', skipLock);
  cpSync(place.checkpointDirectory, copy.checkpointDirectory, skipLock);
  return copy;
}

interface Spot {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
  readonly type: string;
}

function recordsIn({ dataDirectories }: ChannelPlace): Spot[] {
  const spots: Spot[] = [];
  for (const directory of dataDirectories) {
    for (const name of readdirSync(directory)
      .filter((each) => each.startsWith('segment-'))
      .sort()) {
      const path = join(directory, name);
      const bytes = readFileSync(path);
      for (let offset = dataOffset; ; ) {
        const record = decodeRecord(bytes, offset, bytes.readUInt32LE(20));
        if (record === undefined || record === 'short') break;
        spots.push({ path, offset, bytes: record.bytes, type: record.type });
        offset += record.bytes;
      }
    }
  }
  return spots;
}

function flip(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 16, offset);
  writeFileSync(path, bytes);
}

async function exported(place: ChannelPlace): Promise<LiveEvent[]> {
  const events: LiveEvent[] = [];
  const opened = await openForReading(place, nodeDisk);
  for await (const event of liveEvents(opened, nodeDisk)) events.push(event);
  return events;
}

const sequences = (events: readonly LiveEvent[]) => events.map(({ sequence }) => sequence);
const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => from + index);

test('status shows a channel while it runs and after, and changes nothing', async () => {
  const place = newPlace();
  const channel = await filled(place);
  const running = await channelStatus(place, nodeDisk);
  assert.equal(running.holder, `${process.pid}`);
  assert.equal(running.events, 15);
  await channel.stop();
  const before = recordsIn(place);
  const stopped = await channelStatus(place, nodeDisk);
  assert.equal(stopped.holder, undefined);
  assert.deepEqual(
    [stopped.events, stopped.nextSequence, stopped.committedTo, stopped.oldest?.sequence],
    [15, 18, 3, 3],
  );
  assert.deepEqual([stopped.oldest?.stream, stopped.oldest?.offset], ['r1/a', 4]);
  assert.equal(stopped.streams.get('r1/a')?.held, 18);
  assert.deepEqual(stopped.sinks.get('k1')?.get('out'), { length: 3 });
  assert.equal(
    stopped.segments.reduce((sum, { live }) => sum + live, 0),
    15,
  );
  assert.deepEqual(recordsIn(place), before);
});

test('check finds nothing in a sound channel, running, crashed or stopped', async () => {
  const place = newPlace();
  const channel = await filled(place);
  assert.deepEqual((await surveyChannel(place, nodeDisk)).damage, []);
  const crashed = copyOf(place);
  assert.deepEqual((await surveyChannel(crashed, nodeDisk)).damage, []);
  for (let round = 0; round < 12; round++) {
    await put(channel, [Buffer.alloc(3_000, 'x')]);
    if (round % 4 === 1) await commit(channel, 1);
    const survey = await surveyChannel(copyOf(place), nodeDisk);
    assert.deepEqual([survey.damage, survey.lost], [[], []]);
  }
  await channel.stop();
  const survey = await surveyChannel(place, nodeDisk);
  assert.deepEqual([survey.damage, survey.lost, survey.notes], [[], [], []]);
});

test('check finds each record with a wrong bit, and says what is gone with it', async () => {
  const channel = await filled(newPlaceOf('flips'));
  const whole = copyOf(newPlaceOf('flips'));
  await channel.stop();
  const spots = recordsIn(whole);
  assert.equal(spots.filter(({ type }) => type === 'put').length, 6);
  let puts = 0;
  for (const spot of spots.slice(0, -1)) {
    const place = copyOf(whole);
    const [path = ''] = place.dataDirectories;
    flip(join(path, basename(spot.path)), spot.offset + 20);
    const { damage, lost } = await surveyChannel(place, nodeDisk);
    assert.equal(damage.length, 1, `${spot.type} at ${spot.offset}`);
    assert.equal(damage[0]?.offset, spot.offset);
    if (spot.type !== 'put') assert.deepEqual(lost, []);
    else if (++puts === 1) assert.deepEqual(lost, [], 'all of it was committed');
    else {
      const first = (puts - 1) * 3;
      const streams = [{ stream: 'r1/a', from: first, to: first + 3 }];
      // Of the last one nothing is known but that it is gone: no later put shows where it ended.
      if (puts < 6) assert.deepEqual(lost, [{ sequences: [first, first + 3], streams }]);
    }
  }
});

test('in a log of two starts a bit anywhere is found, and costs one record at most', async () => {
  await (await filled(newPlaceOf('two'))).stop();
  const channel = await open(newPlaceOf('two'));
  for (let at = 18; at < 30; at += 3) await put(channel, ['x', 'y', 'z'], at);
  await commit(channel, 3);
  await put(channel, ['last'], 30);
  const whole = copyOf(newPlaceOf('two'));
  await channel.stop();
  const spots = recordsIn(whole);
  assert.equal(new Set(spots.map(({ path }) => path)).size, 2);
  // Of the first two, all is committed.
  const [, committed = 0] = spots.flatMap(({ type }, index) => (type === 'put' ? [index] : []));
  const lastPut = spots.findLastIndex(({ type }) => type === 'put');
  for (const [index, spot] of spots.slice(0, -1).entries()) {
    const place = copyOf(whole);
    const path = join(place.dataDirectories[0] ?? '', basename(spot.path));
    flip(path, spot.offset + 9);
    const { damage, lost, puts, mayLackEnd } = await surveyChannel(place, nodeDisk);
    const where = `${spot.type} ${index} of ${basename(spot.path)}: ${JSON.stringify(damage)}`;
    // A witness that ends a segment says nothing that the next one does not say.
    const isLastOfSegment = spots[index + 1]?.path !== spot.path;
    if (spot.type === 'witness' && isLastOfSegment) continue;
    assert.deepEqual(
      damage.map((each) => each.offset),
      [spot.offset],
      where,
    );
    assert.equal(damage[0]?.path, path);
    const isPut = spot.type === 'put';
    assert.equal(puts.length, isPut ? 10 : 11, where);
    const gone = lost.reduce((sum, { sequences: [from, to] }) => sum + to - from, 0);
    const isLastPut = index === lastPut;
    // How many events the last put had is not known, and that is said.
    assert.equal(gone, isPut && index > committed && !isLastPut ? 3 : 0, where);
    assert.equal(mayLackEnd, isLastPut || index > lastPut, where);
    assert.equal((await repairChannel(place, onDisk)).moved.size, 2);
    assert.deepEqual((await surveyChannel(place, nodeDisk)).damage, []);
    await (await open(place)).stop();
  }
});

test('what is gone before a snapshot is named, and its source does not read it again', async () => {
  await (await filled(newPlaceOf('stopped'))).stop();
  const place = copyOf(newPlaceOf('stopped'));
  const [, , third] = recordsIn(place).filter(({ type }) => type === 'put');
  assert(third);
  flip(third.path, third.offset + 40);
  const { kept, survey } = await repairChannel(place, onDisk);
  const streams = [{ stream: 'r1/a', from: 6, to: 9 }];
  assert.deepEqual([kept, survey.lost], [12, [{ sequences: [6, 9], streams }]]);
  assert.equal(survey.mayLackCommits, false);
  const next = await open(place);
  assert.equal(next.stream('r1/a')?.held, 18);
  await next.stop();
});

test('repair keeps all that can be read, and the old directories', async () => {
  const channel = await filled(newPlaceOf('repair'));
  const whole = copyOf(newPlaceOf('repair'));
  await channel.stop();
  const puts = recordsIn(whole).filter(({ type }) => type === 'put');
  for (const [index, spot] of puts.entries()) {
    const place = copyOf(whole);
    const [directory = ''] = place.dataDirectories;
    flip(join(directory, basename(spot.path)), spot.offset + 40);
    const damaged = readFileSync(join(directory, basename(spot.path)));
    const { kept, moved } = await repairChannel(place, onDisk);
    assert.equal(kept, index === 0 ? 15 : 12);
    const away = moved.get(directory) ?? '';
    assert.match(away, /\/data\.damaged-\d{4}-\d\d-\d\dT\d{6}$/);
    assert(readFileSync(join(away, basename(spot.path))).equals(damaged));
    const gone = index === 0 ? [] : range(index * 3, index * 3 + 3);
    const left = range(3, 18).filter((sequence) => !gone.includes(sequence));
    assert.deepEqual(sequences(await exported(place)), left);
    assert.deepEqual((await surveyChannel(place, nodeDisk)).damage, []);
    // The channel goes on, and takes from the stream again what is gone, and only that.
    const next = await open(place);
    assert.equal(next.counters.ChannelSize, left.length);
    assert.deepEqual(next.consumer('k1').state.get('out'), { length: 3 });
    const held = next.stream('r1/a')?.held;
    assert.equal(held, index === 0 ? 18 : index * 3);
    await put(next, ['again 0', 'again 1', 'again 2'], index * 3);
    assert.equal(next.stream('r1/a')?.held, 18);
    assert.equal(next.counters.ChannelSize, 15);
    await next.stop();
    assert.equal((await exported(place)).length, 15);
  }
});

test('repair does without a header, and without any snapshot', async () => {
  const channel = await filled(newPlaceOf('headless'));
  const place = copyOf(newPlaceOf('headless'));
  await channel.stop();
  const [spot] = recordsIn(place);
  assert(spot);
  const bytes = readFileSync(spot.path);
  writeFileSync(spot.path, bytes.fill(0, 0, 512));
  for (const name of readdirSync(place.checkpointDirectory)) {
    flip(join(place.checkpointDirectory, name), 20);
  }
  const { kept, survey } = await repairChannel(place, onDisk);
  assert.deepEqual([kept, survey.lost], [15, []]);
  assert.deepEqual(sequences(await exported(place)), range(3, 18));
});

test('repair does without a header where the log is encrypted, too', async () => {
  const file = join(root, 'key-of-headless');
  writeFileSync(file, Buffer.alloc(32, 7), { mode: 0o600 });
  const encryption = { active: 'k', files: new Map([['k', file]]) };
  const channel = await filled({ ...newPlaceOf('sealed-headless'), encryption });
  const place = { ...copyOf(newPlaceOf('sealed-headless')), encryption };
  await channel.stop();
  const [spot] = recordsIn(place);
  assert(spot);
  writeFileSync(spot.path, readFileSync(spot.path).fill(0, 0, 512));
  const { kept, survey } = await repairChannel(place, onDisk);
  assert.deepEqual([kept, survey.lost], [15, []]);
  assert.deepEqual(sequences(await exported(place)), range(3, 18));
});

test('repair leaves a sound channel as it is, and refuses one that runs', async () => {
  const place = newPlace();
  const channel = await filled(place);
  await assert.rejects(repairChannel(place, onDisk), DirectoryInUseError);
  await channel.stop();
  const before = recordsIn(place);
  assert.equal((await repairChannel(place, onDisk)).moved.size, 0);
  assert.deepEqual(recordsIn(place), before);
});

test('what was exported can be put into another channel, whatever its bytes are', async () => {
  const place = newPlace();
  const channel = await open(place);
  const bodies = ['', 'two\nlines "quoted"', 'Grüße', Buffer.from([0xff, 0xfe, 0x00]), '\u2028'];
  await put(channel, bodies);
  await put(channel, ['with an origin'], 0);
  await channel.stop();
  const events = await exported(place);
  async function* lines() {
    for (const event of events) yield lineOf(event).trimEnd();
    yield '';
  }
  const other = newPlace();
  await (await open(other)).stop();
  assert.equal(await putLines(other, lines(), onDisk, silentLogger), 6);
  const again = await exported(other);
  const plain = ({ headers, body }: LiveEvent) => ({ headers, body: body.toString('hex') });
  assert.deepEqual(again.map(plain), events.map(plain));
  assert.deepEqual([again[5]?.stream, again[5]?.offset], [undefined, undefined]);
});

test('an encrypted log is read with its keys, repaired, and encrypted again', async () => {
  const file = join(root, 'key');
  writeFileSync(file, Buffer.alloc(32, 7), { mode: 0o600 });
  const encryption = { active: 'k', files: new Map([['k', file]]) };
  const channel = await filled({ ...newPlaceOf('sealed'), encryption });
  const place = { ...copyOf(newPlaceOf('sealed')), encryption };
  await channel.stop();
  assert.deepEqual((await surveyChannel(place, nodeDisk)).damage, []);
  const { encryption: _, ...keyless } = place;
  await assert.rejects(surveyChannel(keyless, nodeDisk), ChannelError);
  await assert.rejects(repairChannel(keyless, onDisk), ChannelError);
  const third = recordsIn(place).filter(({ type }) => type === 'put')[2];
  assert(third);
  flip(third.path, third.offset + 40);
  assert.equal((await repairChannel(place, onDisk)).kept, 12);
  const bodies = (await exported(place)).map(({ body }) => body.toString());
  assert.deepEqual([bodies.length, bodies[0]], [12, 'line 3']);
  for (const name of readdirSync(place.dataDirectories[0] ?? '')) {
    if (!name.startsWith('segment-')) continue;
    assert(!readFileSync(join(place.dataDirectories[0] ?? '', name)).includes('line'));
  }
});

test('a line that is no event ends the replay, by its number', async () => {
  for (const bad of ['{', '7', '{"headers":{}}', '{"headers":{"a":1},"body":""}']) {
    const place = newPlace();
    await (await open(place)).stop();
    async function* lines() {
      yield '{"headers":{},"body":"x"}';
      yield bad;
    }
    await assert.rejects(putLines(place, lines(), onDisk, silentLogger), (error: Error) => {
      return error instanceof LineError && error.message.startsWith('line 2: ');
    });
  }
});

/** The same place for the same name. */
function newPlaceOf(name: string): ChannelPlace {
  const base = join(root, name);
  return { dataDirectories: [join(base, 'data')], checkpointDirectory: join(base, 'checkpoint') };
}
