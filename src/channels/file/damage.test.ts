import { strict as assert } from 'node:assert';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import type { Disk } from '../../core/disk.ts';
import { ChannelError } from '../../core/errors.ts';
import { EventBatch } from '../../core/event-batch.ts';
import { silentLogger } from '../../core/log.ts';
import { ChannelCounters } from '../../core/metrics.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { Prng } from '../../testing/prng.ts';
import { RecordingLogger } from '../../testing/recording-logger.ts';
import { SimulatedDisk } from '../../testing/simulated-disk.ts';
import { Backlog } from './backlog.ts';
import { FileChannel } from './file-channel.ts';
import { openLog } from './open.ts';
import { decodeRecord, headerBytes as recordHeaderBytes } from './record.ts';
import { DamageError } from './replay.ts';
import { dataOffset, Segments } from './segments.ts';
import { Snapshots } from './snapshots.ts';

/*
 * What becomes of a log of which one bit is wrong, or which ends too early, for every bit and every
 * end. There are four outcomes:
 *
 *   refused    the channel does not open, and names the file (and the byte, in the log)
 *   not lent   it opens; an event that was stored before the snapshot is not lent, for its record
 *              is refused when it is read back; the state is whole, and so are events before it
 *   same       it opens, and state and events are those of the undamaged log
 *   cut        it opens without its last records, and says so
 */
type Outcome = 'refused' | 'not lent' | 'same' | 'cut';

/** What of a segment's header is summed up. */
const headerBytes = 36;
const segmentBytes = 8192;
const empty = Buffer.alloc(0);

type Image = ReadonlyMap<string, Buffer>;

/** A log of two starts, in two segments and more, left by a crash or by a stop. */
async function makeImage(end: 'crash' | 'stop'): Promise<Image> {
  const disk = new SimulatedDisk({ seed: 1, shortReads: false });
  const first = await open(disk);
  await first.attachSource('r1');
  first.introduce('r1/a', { inode: 7 }, 0);
  await put(first, ['a0', 'a1', 'a2'], 0);
  await put(first, ['b0', 'b1']);
  await commit(first, 2, { 'out-1': { length: 6 } });
  await first.stop();
  const second = await open(disk);
  await put(second, ['a3', 'a4'], 3);
  await second.consumer('k1').saveState({ set: { 'out-2': 0 } });
  await commit(second, 1, { 'out-1': { length: 9 } });
  await put(second, ['c0']);
  await put(second, ['a5'], 5);
  if (end === 'stop') await second.stop();
  // The witness behind the last record is on its way.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  const files = ['/data', '/checkpoint'].flatMap((directory) =>
    disk.list(directory).map((name) => `${directory}/${name}`),
  );
  return new Map(files.map((path) => [path, Buffer.from(disk.contents(path))]));
}

async function open(disk: Disk, log = silentLogger): Promise<FileChannel> {
  const channel = new FileChannel(
    {
      checkpointDirectory: '/checkpoint',
      dataDirectories: ['/data'],
      segmentBytes,
      minimumFreeBytes: 0,
      capacity: 100,
      transactionCapacity: 100,
      keepAliveMs: 0,
      memoryBytes: 1 << 20,
    },
    {
      disk,
      log,
      agent: 'a1',
      name: 'c1',
      clock: new ManualClock(),
      random: new Prng(3),
      stateDirectory: '/state',
      counters: new ChannelCounters(),
    },
  );
  await channel.start();
  return channel;
}

async function put(channel: FileChannel, bodies: string[], from?: number): Promise<void> {
  const ends = Float64Array.from(bodies, (_, index) => (from ?? 0) + index + 1);
  const origin = { stream: 'r1/a', from: from ?? 0, to: (from ?? 0) + bodies.length, ends };
  const events = bodies.map((body) => ({ headers: { host: 'h' }, body }));
  const batch = EventBatch.of(events, from === undefined ? undefined : origin);
  await channel.put(batch, await channel.reserve(batch));
}

async function commit(channel: FileChannel, count: number, set: Record<string, never | object>) {
  const sink = channel.consumer('k1');
  const taken = await sink.take(count, AbortSignal.timeout(1_000));
  assert(taken);
  const range = [taken.first, taken.first + taken.events.length] as const;
  await sink.commit([range], { set: set as Record<string, { length: number }> });
}

/** A disk with these files, which remembers nothing that is written. */
function diskOf(image: Image): Disk {
  const bytesOf = (path: string) => {
    const bytes = image.get(path);
    if (!bytes) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
    return bytes;
  };
  const unused = () => Promise.reject(new Error('the test does without'));
  return {
    open: async (path) => {
      const bytes = bytesOf(path);
      return {
        read: async (buffer, at, length, position) =>
          bytes.copy(buffer, at, position, Math.min(position + length, bytes.length)),
        write: async () => {},
        sync: async () => {},
        truncate: unused,
        stat: async () => {
          const times = { dev: 1, ino: 1, mtimeMs: 0, size: bytes.length };
          return { ...times, isDirectory: () => false, isFile: () => true };
        },
        close: async () => {},
      };
    },
    readFile: async (path) => bytesOf(path),
    readDirectory: async (path) =>
      [...image.keys()]
        .filter((key) => dirname(key) === path)
        .map((key) => key.slice(path.length + 1)),
    makeDirectory: async () => {},
    syncDirectory: async () => {},
    stat: unused,
    rename: unused,
    link: unused,
    unlink: unused,
    lock: unused,
    freeBytes: async () => 0,
    bootId: unused,
  };
}

interface Opened {
  /** The state, as text. */
  readonly state: string;
  readonly events: readonly string[];
  /** Why no further events could be read back. */
  readonly refusal: Error | undefined;
  readonly warnings: number;
}

/** Opens as the channel does, and reads back everything. */
async function read(image: Image): Promise<Opened> {
  const disk = diskOf(image);
  const log = new RecordingLogger();
  const options = { directories: ['/data'], segmentBytes, minimumFreeBytes: 0, maxSpares: 2 };
  const segments = new Segments(options, { disk, clock: new ManualClock(), random: new Prng(1) });
  const { state } = await openLog(segments, new Snapshots('/checkpoint', disk), disk, log);
  const { ledger, nextSequence, committed } = state.snapshot();
  const events: string[] = [];
  let refusal: Error | undefined;
  const backlog = new Backlog(disk, state);
  backlog.begin(0, 0);
  try {
    while (!backlog.empty) {
      await backlog.read(({ first, batch }) => {
        for (let index = 0; index < batch.length; index++) {
          if (state.isCommitted(first + index)) continue;
          const headers = JSON.stringify(batch.headersOf(index));
          events.push(`${first + index} ${headers} ${batch.body(index)}`);
        }
      });
    }
  } catch (error) {
    assert(error instanceof ChannelError);
    refusal = error;
  }
  await backlog.close();
  const warnings = log.lines.filter(({ level }) => level === 'warn').length;
  return {
    state: JSON.stringify({ ledger, nextSequence, committed, live: state.live }),
    events,
    refusal,
    warnings,
  };
}

async function outcomeOf(image: Image, path: string, whole: Opened): Promise<Outcome> {
  let found: Opened;
  try {
    found = await read(image);
  } catch (error) {
    assert(error instanceof ChannelError, String(error));
    const isNamed =
      error.message.includes(path) || error.message.includes(`segment ${path.at(-1)}`);
    assert(isNamed, error.message);
    return 'refused';
  }
  if (found.refusal) {
    assert(found.refusal.message.includes(path));
    assert.equal(found.state, whole.state);
    assert.deepEqual(found.events, whole.events.slice(0, found.events.length));
    return 'not lent';
  }
  if (found.state !== whole.state) return 'cut';
  assert.deepEqual(found.events, whole.events);
  return 'same';
}

function flipped(image: Image, path: string, offset: number, bit: number): Image {
  const bytes = Buffer.from(image.get(path) ?? '');
  bytes.writeUInt8(bytes.readUInt8(offset) ^ (1 << bit), offset);
  return new Map(image).set(path, bytes);
}

/** Where something was written: behind it lie the zeros that a segment is allocated with. */
function usedBytes(bytes: Buffer): number {
  return bytes.length - [...bytes].reverse().findIndex((byte) => byte !== 0);
}

interface Place {
  readonly offset: number;
  /** What is there: a part of the file, or of one record. */
  readonly part: 'header' | 'behind the header' | 'record' | 'padding' | 'behind the end';
  /** The index of the record, of `count` in the segment. */
  readonly record: number;
  readonly count: number;
}

/** Every byte of a segment that anything depends on, and some of those behind each. */
function placesOf(bytes: Buffer): Place[] {
  const places: Place[] = [];
  const add = (from: number, to: number, part: Place['part'], record = -1) => {
    for (let offset = from; offset < to; offset++) places.push({ offset, part, record, count: 0 });
  };
  add(0, headerBytes, 'header');
  add(headerBytes, headerBytes + 8, 'behind the header');
  add(dataOffset - 8, dataOffset, 'behind the header');
  const salt = bytes.readUInt32LE(20);
  let at = dataOffset;
  let count = 0;
  for (;;) {
    const record = decodeRecord(bytes, at, salt);
    if (record === undefined || record === 'short') break;
    const end = at + recordHeaderBytes + record.payload.length;
    add(at, end, 'record', count);
    add(end, at + record.bytes, 'padding', count);
    at += record.bytes;
    count++;
  }
  add(at, Math.min(at + 64, bytes.length), 'behind the end');
  return places.map((place) => ({ ...place, count }));
}

describe('of a log after a crash', () => {
  test('any bit of a segment may be wrong: nothing that was stored goes unseen', async () => {
    const image = await makeImage('crash');
    const whole = await read(image);
    assert.equal(whole.events.length, 6);
    const [last] = [...image.keys()]
      .filter((path) => isBegun(image.get(path)))
      .sort()
      .reverse();
    const seen = new Map<string, number>();
    for (const path of [...image.keys()].filter((each) => each.startsWith('/data/segment'))) {
      for (const { offset, part, record, count } of placesOf(image.get(path) ?? empty)) {
        for (let bit = 0; bit < 8; bit++) {
          const outcome = await outcomeOf(flipped(image, path, offset, bit), path, whole);
          const where = `${path} byte ${offset} bit ${bit} (${part} ${record}): ${outcome}`;
          if (part === 'header') assert.equal(outcome, 'refused', where);
          else if (part !== 'record') assert.equal(outcome, 'same', where);
          // Nobody depends on the witness behind the last record, nor, in segments before the
          // snapshot, on records that hold no events.
          else if (path === last && record < count - 1) assert.equal(outcome, 'refused', where);
          else assert.notEqual(outcome, 'cut', where);
          seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        }
      }
    }
    assert.deepEqual([...seen.keys()].sort(), ['not lent', 'refused', 'same']);
  });

  test('a segment that ends too early is refused, wherever it ends', async () => {
    const image = await makeImage('crash');
    const whole = await read(image);
    for (const path of [...image.keys()].filter((each) => each.startsWith('/data/segment'))) {
      const bytes = image.get(path) ?? empty;
      for (let length = 0; length < bytes.length; length += length < usedBytes(bytes) ? 1 : 97) {
        if (length > headerBytes && length < dataOffset - 2) length = dataOffset - 2;
        const cut = new Map(image).set(path, bytes.subarray(0, length));
        assert.equal(await outcomeOf(cut, path, whole), 'refused', `${path} of ${length} bytes`);
      }
    }
  });

  test('the record behind which none stands may be torn: it alone is cut, and said', async () => {
    const image = await makeImage('crash');
    const [path = ''] = [...image.keys()]
      .filter((each) => isBegun(image.get(each)))
      .sort()
      .reverse();
    const places = placesOf(image.get(path) ?? empty);
    const count = places[0]?.count ?? 0;
    // Without the witness, as when the power goes right after the sync that nobody was told of.
    const from = places.find(({ record }) => record === count - 1)?.offset ?? 0;
    const bytes = Buffer.from(image.get(path) ?? '').fill(0, from);
    const torn = new Map(image).set(path, bytes);
    const whole = await read(torn);
    const last = places.filter(({ part, record }) => part === 'record' && record === count - 2);
    const start = last[0]?.offset ?? 0;
    for (const { offset } of last) {
      assert.equal(await outcomeOf(flipped(torn, path, offset, offset % 8), path, whole), 'cut');
      const { events, warnings } = await read(flipped(torn, path, offset, offset % 8));
      assert.deepEqual(events, whole.events.slice(0, -1));
      // Without its number it can't be told from what an older use of the segment has left.
      const isInNumber = offset >= start + 8 && offset < start + 16;
      assert.equal(warnings, isInNumber ? 0 : 1, `byte ${offset - start} of the record`);
    }
  });

  test('of two snapshots one may be damaged, wherever that is', async () => {
    const image = await makeImage('crash');
    const whole = await read(image);
    for (const path of [...image.keys()].filter((each) => each.startsWith('/checkpoint'))) {
      for (let offset = 0; offset < (image.get(path)?.length ?? 0); offset++) {
        const bits = flipped(image, path, offset, offset % 8);
        assert.equal(await outcomeOf(bits, path, whole), 'same', `${path} byte ${offset}`);
        const cut = new Map(image).set(path, (image.get(path) ?? empty).subarray(0, offset));
        assert.equal(await outcomeOf(cut, path, whole), 'same', `${path} of ${offset} bytes`);
      }
    }
  });
});

test('of a log after a stop, any byte may be wrong: nothing stored goes unseen', async () => {
  const image = await makeImage('stop');
  const whole = await read(image);
  for (const path of image.keys()) {
    if (!path.startsWith('/data/segment')) continue;
    for (const { offset, part } of placesOf(image.get(path) ?? empty)) {
      const bit = offset % 8;
      const outcome = await outcomeOf(flipped(image, path, offset, bit), path, whole);
      assert.notEqual(outcome, 'cut', `${path} byte ${offset} bit ${bit} (${part})`);
    }
  }
});

test('a channel with a damaged log does not start, and leaves its files as they are', async () => {
  const image = await makeImage('crash');
  const [path = ''] = [...image.keys()]
    .filter((each) => isBegun(image.get(each)))
    .sort()
    .reverse();
  for (const { offset, part, record, count } of placesOf(image.get(path) ?? empty)) {
    if (part !== 'record' || record === count - 1 || offset % 16 > 0) continue;
    const disk = new SimulatedDisk({ seed: 1 });
    const damaged = flipped(image, path, offset, 3);
    for (const [each, bytes] of damaged) disk.plant(each, bytes);
    await assert.rejects(open(disk), (error: Error) => {
      return error instanceof DamageError && error.path === path && error.offset <= offset;
    });
    for (const [each, bytes] of damaged) assert(disk.contents(each).equals(bytes));
  }
});

function isBegun(bytes: Buffer | undefined): boolean {
  return bytes !== undefined && bytes.length > dataOffset && usedBytes(bytes) > dataOffset;
}
