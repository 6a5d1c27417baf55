import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { DiskFile } from '../core/disk.ts';
import { SimulatedDisk } from '../testing/simulated-disk.ts';
import { OutputFile } from './output-file.ts';

test('what is written while a sync runs is not taken for durable', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const disk = new SimulatedDisk({ seed });
    disk.plant('/out/0', '');
    const file = new OutputFile(disk, '/out/f', await disk.open('/out/f', 'wx'));
    await file.write([Buffer.from('one')], 0);
    await Promise.all([file.write([Buffer.from('two')], 3), file.sync()]);
    await file.sync();
    assert.equal(disk.durableContents('/out/f')?.toString(), 'onetwo', `seed ${seed}`);
    await file.close(6);
  }
});

test('after a sync that failed, another one makes durable what is to be read', async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const disk = new SimulatedDisk({ seed });
    disk.plant('/out/0', '');
    const file = new OutputFile(disk, '/out/f', await disk.open('/out/f', 'wx'));
    await file.write([Buffer.alloc(3000, 'x')], 0);
    disk.fail({ operations: ['sync'], code: 'EIO', times: 1 });
    await assert.rejects(file.sync());
    const seen = disk.contents('/out/f');
    // The disk may have lost the end, and says so.
    const synced = await file.sync().then(
      () => true,
      () => false,
    );
    if (synced) assert.deepEqual(disk.durableContents('/out/f'), seen, `seed ${seed}`);
    else assert(seen.length < 3000);
  }
});

test('the length that a failed sync left is returned, and the file is closed', async () => {
  const disk = new SimulatedDisk();
  disk.plant('/out/0', '');
  const real = await disk.open('/out/f', 'wx');
  let syncs = 0;
  const forgetful: DiskFile = {
    read: (...parameters) => real.read(...parameters),
    write: (...parameters) => real.write(...parameters),
    truncate: (length) => real.truncate(length),
    stat: () => real.stat(),
    close: () => real.close(),
    sync: async () => {
      if (++syncs > 1) return real.sync();
      await real.truncate(2);
      throw new Error('simulated');
    },
  };
  const file = new OutputFile(disk, '/out/f', forgetful);
  await file.write([Buffer.from('12345')], 0);
  await assert.rejects(file.sync());
  assert.equal(await file.close(5), 2);
  assert.deepEqual(disk.openPaths, []);
  assert.equal(disk.durableContents('/out/f')?.toString(), '12');
});
