import { strict as assert } from 'node:assert';
import { dirname } from 'node:path';
import { before, test } from 'node:test';
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
import { Segments } from './segments.ts';
import { Snapshots } from './snapshots.ts';

/*
 * What becomes of a log of which one bit is wrong, or which ends too early, for every bit and every
 * end. There are four outcomes:
 *
 *   refused    the channel does not open, and names the file (and the byte, in the log)
 *   not lent   it opens; an event that was stored before the snapshot is not lent, for its record is
 *              refused when it is read back; the state is whole, and so is every other event before it
 *   same       it opens, and state and events are those of the undamaged log
 *   cut        it opens without its last records, and says so
 */
type Outcome = 'refused' | 'not lent' | 'same' | 'cut';

const headerBytes = 36;
const dataOffset = 4096;
const segmentBytes = 8192;

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
        stat: unused,
        close: async () => {},
      };
    },
    readFile: async (path) => bytesOf(path),
    readDirectory: async (path) =>
      [...image.keys()].filter((key) => dirname(key) === path).map((key) => key.slice(path.length + 1)),
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
  const { state, end } = await openLog(segments, new Snapshots('/checkpoint', disk), disk, log);
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
  const record = Math.min(end.record, lastRecord);
  return {
    state: JSON.stringify({ ledger, nextSequence, committed, live: state.live, record }),
    events,
    refusal,
    warnings,
  };
}

/** The witness behind the last record may be there or not. */
let lastRecord = Number.POSITIVE_INFINITY;

async function outcomeOf(image: Image, path: string, whole: Opened): Promise<Outcome> {
  let found: Opened;
  try {
    found = await read(image);
  } catch (error) {
    assert(error instanceof ChannelError, String(error));
    return 'refused';
  }
  if (found.refusal) {
    assert(found.refusal.message.includes(path));
    assert.equal(found.state, whole.state);
    assert.deepEqual(found.events, whole.events.slice(0, found.events.length));
    return 'not lent';
  }
  if (found.state === whole.state) {
    assert.deepEqual(found.events, whole.events);
    return 'same';
  }
  return 'cut';
}

test('probe', async () => {
  for (const kind of ['crash', 'stop'] as const) {
    const image = await makeImage(kind);
    lastRecord = Number.POSITIVE_INFINITY;
    const whole = await read(image);
    console.log(kind, [...image].map(([k, v]) => `${k}:${v.length}`), whole);
    const start = performance.now();
    for (const [path, bytes] of image) {
      const used = path.includes('segment') ? bytes.length - 64 - [...bytes].reverse().findIndex((b) => b !== 0) + 128 : bytes.length;
      const runs: string[] = [];
      let previous = '';
      let from = 0;
      for (let offset = 0; offset < bytes.length; offset++) {
        if (path.includes('segment') && ((offset >= 36 && offset < 4096) || offset > used)) continue;
        for (let bit = 0; bit < 8; bit++) {
          const changed = Buffer.from(bytes);
          changed[offset] = (changed[offset] as number) ^ (1 << bit);
          let out: string;
          try {
            out = await outcomeOf(new Map(image).set(path, changed), path, whole);
          } catch (e) { out = 'BAD ' + String(e).slice(0, 200); }
          if (out !== previous) {
            if (previous) runs.push(`${from}-${offset}.${bit} ${previous}`);
            previous = out; from = offset;
          }
        }
      }
      runs.push(`${from}-end ${previous}`);
      console.log(path, used, runs);
    }
    console.log(performance.now() - start);
  }
});
