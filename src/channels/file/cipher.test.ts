import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { crc32c } from '@node-rs/crc32';
import type { Channel } from '../../core/channel.ts';
import type { Disk, DiskFile } from '../../core/disk.ts';
import { ChannelError } from '../../core/errors.ts';
import { EventBatch } from '../../core/event-batch.ts';
import { type Logger, silentLogger } from '../../core/log.ts';
import { ChannelCounters } from '../../core/metrics.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { Prng } from '../../testing/prng.ts';
import { RecordingLogger } from '../../testing/recording-logger.ts';
import { SimulatedDisk } from '../../testing/simulated-disk.ts';
import type { EncryptionOptions } from './cipher.ts';
import { FileChannel } from './file-channel.ts';
import { headerBytes, recordBytes } from './record.ts';
import { DamageError } from './replay.ts';
import { dataOffset } from './segments.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? Date.now() % 100_000);
const secret = 'the quick brown fox';

function keys(active: string | undefined, ...aliases: string[]): EncryptionOptions {
  return { active, files: new Map(aliases.map((alias) => [alias, `/keys/${alias}`])) };
}

async function diskWithKeys(contents: Record<string, Buffer | string>): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ seed: 1 });
  await disk.makeDirectory('/keys');
  for (const [name, key] of Object.entries(contents)) await writeKey(disk, name, key);
  return disk;
}

async function writeKey(disk: Disk, name: string, key: Buffer | string): Promise<void> {
  const file = await disk.open(`/keys/${name}`, 'w');
  await file.write([Buffer.from(key)], 0);
  await file.sync();
  await file.close();
  await disk.syncDirectory('/keys');
}

interface Opening {
  readonly encryption?: EncryptionOptions;
  readonly random?: Prng;
  readonly log?: Logger;
  readonly clock?: ManualClock;
}

function channelOn(disk: Disk, opening: Opening): FileChannel {
  const { encryption, random = new Prng(7), log = silentLogger } = opening;
  const options = {
    checkpointDirectory: '/checkpoint',
    dataDirectories: ['/data'],
    segmentBytes: 4096 + 4096,
    minimumFreeBytes: 0,
    capacity: 1000,
    transactionCapacity: 1000,
    keepAliveMs: 0,
    memoryBytes: 0,
    ...(encryption && { encryption }),
  };
  const { clock = new ManualClock() } = opening;
  const names = { agent: 'a1', name: 'c1', stateDirectory: '/state/c1' };
  const counters = new ChannelCounters();
  return new FileChannel(options, { ...names, clock, disk, random, log, counters });
}

async function open(disk: Disk, opening: Opening = {}): Promise<FileChannel> {
  const channel = channelOn(disk, opening);
  await channel.start();
  return channel;
}

async function put(channel: Channel, ...bodies: string[]): Promise<void> {
  const batch = EventBatch.of(bodies.map((body) => ({ body, headers: { secret } })));
  await channel.put(batch, await channel.reserve(batch));
}

async function takeAll(channel: Channel): Promise<string[]> {
  const sink = channel.consumer('k1');
  const all: string[] = [];
  while (channel.counters.ChannelSize > 0) {
    const taken = await sink.take(100, AbortSignal.timeout(1000));
    if (!taken) break;
    all.push(...[...taken.events].map(({ body }) => body.toString()));
    await sink.commit([[taken.first, taken.first + taken.events.length]]);
  }
  return all;
}

function contentsOf(disk: SimulatedDisk): Buffer {
  return Buffer.concat(disk.list('/data').map((name) => disk.contents(`/data/${name}`)));
}

const oldKey = Buffer.alloc(32, 1);
const newKey = Buffer.alloc(32, 2);

test('what is stored can not be read without the key', async () => {
  const disk = await diskWithKeys({ old: oldKey });
  const channel = await open(disk, { encryption: keys('old', 'old') });
  channel.introduce('r1/secret.log', { path: '/secret.log' }, 0);
  await put(channel, secret);
  await channel.settle();
  for (const word of [secret, 'secret.log', 'previous', '"end"']) {
    assert.equal(contentsOf(disk).indexOf(word), -1, word);
  }
});

test('without encryption the same words are there: the test before can fail', async () => {
  const disk = await diskWithKeys({});
  const channel = await open(disk);
  await put(channel, secret);
  assert(contentsOf(disk).indexOf(secret) > 0);
});

test('a key is read as bytes, as hexadecimal digits and in base64', async () => {
  let disk = await diskWithKeys({ key: oldKey });
  const encryption = keys('key', 'key');
  for (const text of [`${oldKey.toString('hex')}\n`, `${oldKey.toString('base64')}\n`]) {
    await put(await open(disk, { encryption }), 'a');
    disk = disk.crash('power');
    await writeKey(disk, 'key', text);
  }
  assert.deepEqual(await takeAll(await open(disk, { encryption })), ['a', 'a']);
});

test('a key that is missing, wrong, or no key keeps the channel from starting', async () => {
  let disk = await diskWithKeys({ old: oldKey, bad: 'secret' });
  await put(await open(disk, { encryption: keys('old', 'old') }), 'a');
  disk = disk.crash('process');
  await writeKey(disk, 'new', newKey);
  const refused = async (encryption: EncryptionOptions | undefined, message: RegExp) => {
    const channel = channelOn(disk, encryption ? { encryption } : {});
    await assert.rejects(channel.start(), (error) => {
      assert(error instanceof ChannelError);
      assert.match(error.message, message);
      return true;
    });
  };
  await refused(
    undefined,
    /segment-\d+ is encrypted with the key "old".*encryption\.keys\.old\.file/,
  );
  await refused(keys('new', 'new'), /the key "old", which is not configured/);
  await refused(keys('gone', 'gone', 'old'), /"gone" can't be read from \/keys\/gone/);
  await refused(keys('bad', 'bad', 'old'), /\/keys\/bad is no key \("bad"\)/);
  const other = { active: 'old', files: new Map([['old', '/keys/new']]) };
  await refused(other, /another key "old" than the one in \/keys\/new/);
  const channel = await open(disk, { encryption: keys('old', 'old') });
  assert.deepEqual(await takeAll(channel), ['a']);
});

test('keys are changed, and encryption begun and ended, while events are stored', async () => {
  let disk = await diskWithKeys({ old: oldKey, new: newKey });
  const random = new Prng(3);
  const stages = [
    undefined,
    keys('old', 'old'),
    keys('new', 'old', 'new'),
    keys(undefined, 'old', 'new'),
  ];
  for (const [stage, encryption] of stages.entries()) {
    const channel = await open(disk, encryption ? { encryption, random } : { random });
    await put(channel, `stage ${stage}`);
    disk = disk.crash('power');
  }
  const channel = await open(disk, { encryption: keys('new', 'new', 'old'), random });
  assert.deepEqual(
    await takeAll(channel),
    stages.map((_, stage) => `stage ${stage}`),
  );
  // With all of it committed and two snapshots since, nothing needs the old key any more.
  await channel.stop();
  for (let start = 0; start < 2; start++) {
    await (await open(disk, { encryption: keys('new', 'new', 'old'), random })).stop();
  }
  await (await open(disk, { encryption: keys('new', 'new'), random })).stop();
});

test('a record that was changed, checksum and all, is not taken for what was stored', async () => {
  const disk = await diskWithKeys({ old: oldKey });
  const encryption = keys('old', 'old');
  const channel = await open(disk, { encryption });
  await put(channel, 'a');
  const [name = ''] = disk.list('/data').filter((each) => each.startsWith('segment-'));
  const path = `/data/${name}`;
  const bytes = Buffer.from(disk.contents(path));
  const end = dataOffset + headerBytes + bytes.readUInt32LE(dataOffset);
  bytes.writeUInt8(bytes.readUInt8(end - 20) ^ 1, end - 20);
  const salt = bytes.readUInt32LE(20);
  bytes.writeUInt32LE(crc32c(bytes.subarray(dataOffset + 8, end), salt), dataOffset + 4);
  const file = await disk.open(path, 'r+');
  await file.write([bytes], 0);
  await file.sync();
  await file.close();
  await assert.rejects(open(disk.crash('process'), { encryption }), DamageError);
});

test('a key that others may read is warned of', async () => {
  const disk = await diskWithKeys({ old: oldKey });
  for (const [mode, warnings] of [
    [0o100600, 0],
    [0o100640, 1],
  ]) {
    const log = new RecordingLogger();
    const withMode = new Proxy(disk, {
      get(target, name: keyof Disk) {
        if (name !== 'stat') return target[name].bind(target);
        return async (path: string) => ({ ...(await target.stat(path)), mode });
      },
    });
    const channel = await open(withMode, { encryption: keys('old', 'old'), log });
    assert.equal(log.lines.filter(({ level }) => level === 'warn').length, warnings);
    await channel.stop();
  }
});

/** Sees every record that is written, under the key of its segment: the same one twice at most. */
class NonceWitness {
  readonly #written = new Map<string, Buffer>();
  records = 0;
  /** Nonces that two different records were sealed with. */
  readonly reused: string[] = [];

  watch(disk: SimulatedDisk): Disk {
    return new Proxy<Disk>(disk, {
      get: (target, name: keyof Disk) => {
        if (name !== 'open') return target[name].bind(target);
        return async (path: string, flags: 'r') => {
          const file = await disk.open(path, flags);
          return path.startsWith('/data/') ? this.#watchFile(file, disk, path) : file;
        };
      },
    });
  }

  #watchFile(file: DiskFile, disk: SimulatedDisk, path: string): DiskFile {
    let header = path.includes('segment-') ? keyPart(disk.contents(path)) : '';
    return {
      read: (...parameters) => file.read(...parameters),
      sync: () => file.sync(),
      truncate: (length) => file.truncate(length),
      stat: () => file.stat(),
      close: () => file.close(),
      write: (buffers, position) => {
        const bytes = Buffer.concat(buffers);
        if (position === 0 && !header) header = bytes[10] === 1 ? keyPart(bytes) : '';
        else if (position >= dataOffset && header) this.#see(header, bytes);
        return file.write(buffers, position);
      },
    };
  }

  #see(header: string, bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const end = at + recordBytes(bytes.readUInt32LE(at));
      const id = `${header} ${bytes.readDoubleLE(at + 8)}`;
      const record = Buffer.from(bytes.subarray(at, end));
      const before = this.#written.get(id);
      // Not thrown: a write that fails would only be tried again.
      if (before && !before.equals(record)) this.reused.push(id);
      this.#written.set(id, record);
      this.records++;
      at = end;
    }
  }

  /** How many numbers were given in more than one segment. */
  get repeated(): number {
    const numbers = [...this.#written.keys()].map((id) => id.split(' ')[1]);
    return numbers.length - new Set(numbers).size;
  }
}

/** The random bytes from which a segment's key is made. */
function keyPart(bytes: Buffer): string {
  return bytes.toString('hex', 36, 68);
}

test(`from seed ${seed} no nonce is used twice with one key, whatever fails`, async () => {
  const prng = new Prng(seed);
  const witness = new NonceWitness();
  let disk = await diskWithKeys({ old: oldKey });
  const encryption = keys('old', 'old');
  for (let life = 0; life < 12; life++) {
    const clock = new ManualClock();
    const channel = channelOn(witness.watch(disk), { encryption, random: prng, clock });
    await channel.start();
    for (let step = 0; step < 12; step++) {
      if (prng.chance(1 / 3)) {
        const operations = [prng.pick(['write', 'sync'] as const)];
        disk.fail({ operations, code: 'EIO', after: prng.integer(4), times: 1 });
      }
      void put(channel, `${secret} ${life} ${step}`).catch(() => {});
      await clock.advance(prng.pick([1, 200, 1000]));
    }
    if (prng.chance(1 / 4)) await clock.advance(10_000);
    disk = disk.crash(prng.pick(['power', 'process']));
  }
  assert.deepEqual(witness.reused, []);
  assert(witness.records > 200, `${witness.records} records`);
  assert(witness.repeated > 5, `${witness.repeated} numbers came again, under other keys`);
});
