import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { DiskFile } from '../core/disk.ts';
import { nodeDisk } from '../core/node-disk.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { SimulatedDisk } from '../testing/simulated-disk.ts';
import type { OutputFile } from './file-system.ts';
import { fileSystemContract } from './file-system-contract.ts';
import { LocalFiles } from './local-files.ts';

let count = 0;
const filesOn = (disk: SimulatedDisk | typeof nodeDisk) =>
  new LocalFiles({ disk, creator: `creator-${++count}` });

const skip = {
  'who writes a file that somebody cuts is told': 'there are no leases',
  'an empty file that another one writes is not': 'there are no leases',
};

describe('on a simulated disk', () => {
  const disk = new SimulatedDisk({ seed: seedFromEnvironment() });
  fileSystemContract('local files', {
    open: async () => filesOn(disk),
    read: async (path) => disk.contents(path),
    folder: () => '/logs',
    skip,
  });
});

describe('on a real disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-local-files-'));
  after(() => rmSync(folder, { recursive: true }));
  fileSystemContract('local files', {
    open: async () => filesOn(nodeDisk),
    read: async (path) => readFileSync(path),
    folder: () => folder,
    skip,
  });
});

const path = '/logs/a/file';
const to = '/logs/a/final';
const content = Buffer.alloc(3000, 'content');

async function written(files: LocalFiles, bytes = content): Promise<OutputFile> {
  const file = await files.create(path);
  await file.write([bytes]);
  await file.flush();
  return file;
}

test('a sync makes data and names durable, also of what was abandoned', async () => {
  for (const abandon of [false, true]) {
    const disk = new SimulatedDisk();
    const files = filesOn(disk);
    const file = await written(files);
    if (abandon) await file.abandon();
    await files.sync();
    assert.deepEqual(disk.durableContents(path), content);
    await files.close();
    assert.deepEqual(disk.openPaths, []);
  }
});

test('nothing that was closed, cut or removed stays open', async () => {
  const disk = new SimulatedDisk();
  const files = filesOn(disk);
  await (await written(files)).close();
  await files.remove(path);
  assert.equal(disk.durableContents(path), undefined);
  await (await written(files)).abandon();
  await files.remove(path);
  await (await written(files)).abandon();
  await files.cut(path, 9);
  assert.deepEqual(disk.openPaths, []);
  assert.deepEqual(disk.durableContents(path), content.subarray(0, 9));
  await files.sync();
});

test('a sync fails as long as something that was abandoned may not be durable', async () => {
  for (const end of ['cut', 'remove'] as const) {
    const disk = new SimulatedDisk({ failedSyncForgets: false });
    const files = filesOn(disk);
    await (await written(files)).abandon();
    const repair = disk.fail({ operations: ['sync'], code: 'EIO' });
    await assert.rejects(files.sync(), { code: 'EIO' });
    await assert.rejects(files.cut(path, 10), { code: 'EIO' });
    await assert.rejects(files.sync(), { code: 'EIO' });
    if (end === 'remove') await files.remove(path);
    repair();
    if (end === 'cut') assert.equal(await files.cut(path, 10), 10);
    await files.sync();
    const left = end === 'cut' ? content.subarray(0, 10) : undefined;
    assert.deepEqual(disk.durableContents(path), left);
  }
});

for (const [name, act] of [
  ['write', (file: OutputFile) => file.write([Buffer.from('late')])],
  // Of the disk's file, by its close.
  ['sync', (file: OutputFile) => file.close()],
] as const) {
  test(`a ${name} that is under way when its file is given up is over before a cut`, async () => {
    const disk = new SimulatedDisk();
    let letGo = () => {};
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    let holds = false;
    const heldBack = async (what: string) => {
      if (holds && what === name) await gate;
    };
    const open = disk.open.bind(disk);
    disk.open = async (...parameters): Promise<DiskFile> => {
      const file = await open(...parameters);
      return {
        read: (...read) => file.read(...read),
        truncate: (length) => file.truncate(length),
        stat: () => file.stat(),
        close: () => file.close(),
        write: (...write) => heldBack('write').then(() => file.write(...write)),
        sync: () => heldBack('sync').then(() => file.sync()),
      };
    };
    const files = filesOn(disk);
    const file = await written(files);
    holds = true;
    const late = act(file);
    await new Promise(setImmediate);
    await file.abandon();
    const cut = files.cut(path, 5);
    await new Promise(setImmediate);
    assert.equal(`${disk.contents(path)}`, `${content}`);
    letGo();
    await late;
    assert.equal(await cut, 5);
    assert.equal(`${disk.contents(path)}`, 'conte');
    assert.deepEqual(disk.openPaths, []);
  });
}

test('what is closed without a sync is written again by who cuts it next', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const disk = new SimulatedDisk({ seed, failedSyncForgets: false });
    const files = filesOn(disk);
    await written(files);
    const repair = disk.fail({ operations: ['sync'], code: 'EIO' });
    await assert.rejects(files.close(), { code: 'EIO' });
    repair();
    assert.deepEqual(disk.openPaths, []);
    await assert.rejects(files.sync(), /without a sync/);
    assert.equal(await filesOn(disk).cut(path, 2000), 2000);
    const found = disk.crash('power').contents(path);
    assert.deepEqual(found, content.subarray(0, 2000), `seed ${seed}`);
  }
});

test('a file whose end the disk has lost can’t be closed; a cut tells its length', async () => {
  let lost = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const disk = new SimulatedDisk({ seed });
    const files = filesOn(disk);
    const file = await written(files);
    disk.fail({ operations: ['sync'], code: 'EIO', times: 1 });
    await assert.rejects(files.sync());
    const { length } = disk.contents(path);
    if (length === content.length) continue;
    lost++;
    await assert.rejects(file.close(), /has lost/);
    await file.abandon();
    assert.equal(await files.cut(path, content.length), length);
    await files.sync();
  }
  assert(lost > 5);
});

test('a file never loses its name while it is renamed, whenever the power fails', async () => {
  const operations = ['link', 'syncDirectory', 'unlink'];
  for (let seed = 1; seed <= 200; seed++) {
    const disk = new SimulatedDisk({ seed });
    const files = filesOn(disk);
    await (await written(files)).close();
    const prng = new Prng(seed);
    const after = prng.integer(5);
    let seen = 0;
    let next: SimulatedDisk | undefined;
    disk.onOperation = ({ name }) => {
      if (operations.includes(name) && seen++ === after) next = disk.crash('power');
    };
    const { id } = (await files.stat(path)) ?? assert.fail();
    await files.rename(path, to).catch(() => {});
    next ??= disk.crash('power');
    const later = filesOn(next);
    const [from, done] = [await later.stat(path), await later.stat(to)];
    const expected = { id, length: content.length };
    assert.deepEqual(from ?? done, expected, `seed ${seed}`);
    if (done) assert.deepEqual(done, expected);
    if (after >= 4) assert.equal(from, undefined, 'it was over');
    if (from) await later.rename(path, to);
    assert.deepEqual(next.durableList('/logs/a'), ['final'], `seed ${seed}`);
    assert.deepEqual(next.durableContents(to), content);
  }
});

test('a file system without links has files renamed all the same, and none replaced', async () => {
  const disk = new SimulatedDisk();
  const files = filesOn(disk);
  disk.fail({ operations: ['link'], code: 'ENOTSUP' });
  disk.plant(to, 'a stranger');
  await (await written(files)).close();
  await assert.rejects(files.rename(path, to), { code: 'FILE_EXISTS' });
  await files.remove(to);
  await files.rename(path, to);
  assert.deepEqual(disk.durableContents(to), content);
  assert.deepEqual(disk.list('/logs/a'), ['final']);
});

test('whatever fails, what a sync has covered is there after a power loss', async (t) => {
  const seed = seedFromEnvironment();
  t.diagnostic(`seed ${seed}`);
  for (let run = 0; run < 200; run++) {
    const prng = new Prng(seed + run);
    // Otherwise there may be holes in what is read back, and nothing tells.
    const disk = new SimulatedDisk({ seed: seed + run, failedSyncForgets: false });
    disk.fail({ operations: ['sync', 'syncDirectory'], code: 'EIO', chance: 0.2 });
    disk.fail({ operations: ['write'], code: 'ENOSPC', chance: 0.1 });
    const files = filesOn(disk);
    /** What a sync has covered of each file, at least. */
    const durable = new Map<string, Buffer>();
    const flushed = new Map<OutputFile, Buffer>();
    for (let step = 0; step < 12; step++) {
      const name = `/logs/${step}`;
      if (prng.chance(0.4)) {
        const file = await files.create(name).catch(() => undefined);
        if (file) flushed.set(file, Buffer.alloc(0));
      }
      for (const [file, before] of flushed) {
        const bytes = prng.bytes(prng.integer(2000));
        const done = file.write([bytes]).then(() => file.flush());
        await done.then(
          () => flushed.set(file, Buffer.concat([before, bytes])),
          () => {},
        );
        if (prng.chance(0.1)) await file.abandon();
        if (prng.chance(0.1)) await file.close().catch(() => {});
      }
      const covered = [...flushed].map(([file, bytes]) => [file.path, bytes] as const);
      await files.sync().then(
        () => covered.map(([file, bytes]) => durable.set(file, bytes)),
        () => {},
      );
    }
    const next = disk.crash('power');
    for (const [file, bytes] of durable) {
      if (bytes.length === 0) continue;
      assert.equal(await filesOn(next).cut(file, bytes.length), bytes.length, `run ${run}`);
      assert.deepEqual(next.contents(file), bytes, `run ${run}`);
    }
  }
});
