import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import type { DiskFile } from '../core/disk.ts';
import { DiskCrashedError, SimulatedDisk } from './simulated-disk.ts';

const sector = 512;

/** What a run leaves, over many seeds: each outcome once, sorted. */
async function outcomes(run: (seed: number) => Promise<unknown>, seeds = 150): Promise<string[]> {
  const found = new Set<string>();
  for (let seed = 0; seed < seeds; seed++) found.add(String(await run(seed)));
  return [...found].sort();
}

/** A file that is durable under its name, open for reading and writing. */
async function durableFile(disk: SimulatedDisk, path: string, contents: string | Buffer) {
  disk.plant(path, contents);
  return disk.open(path, 'r+');
}

async function readAll(file: DiskFile): Promise<string> {
  const { size } = await file.stat();
  const buffer = Buffer.alloc(size);
  let position = 0;
  for (let count = -1; count !== 0; position += count) {
    count = await file.read(buffer, position, size - position, position);
  }
  return buffer.toString();
}

const read = (disk: SimulatedDisk, path: string) =>
  disk.list('/').includes(path.slice(1)) ? disk.contents(path).toString() : 'gone';

/** The content as one character per sector: `-` for zeros. */
const sectors = (bytes: Buffer) =>
  Array.from({ length: Math.ceil(bytes.length / sector) }, (_, index) => {
    const part = new Set(bytes.subarray(index * sector, (index + 1) * sector));
    assert.equal(part.size, 1, 'a sector is whole');
    return String.fromCharCode([...part][0] || 45);
  }).join('');

describe('a simulated disk as processes see it', () => {
  test('reads back what was written, holes as zeros, and ends where the file ends', async () => {
    const disk = new SimulatedDisk();
    await (await disk.open('/a', 'wx')).close();
    const file = await disk.open('/a', 'r+');
    await file.write([Buffer.from('one'), Buffer.from('two')], 2);
    assert.equal(await readAll(file), '\0\0onetwo');
    await file.write([Buffer.from('X')], 0);
    await file.truncate(3);
    await file.truncate(5);
    assert.equal(await readAll(file), 'X\0o\0\0');
    assert.equal(await file.read(Buffer.alloc(5), 0, 5, 5), 0);
    assert.equal((await disk.readFile('/a')).toString(), 'X\0o\0\0');
  });

  test('gives the errors that a real disk gives', async () => {
    const disk = new SimulatedDisk();
    disk.plant('/d/a', 'a');
    disk.plant('/d/b', 'b');
    const rejects = (promise: Promise<unknown>, code: string) => assert.rejects(promise, { code });
    await rejects(disk.open('/d/a', 'wx'), 'EEXIST');
    await rejects(disk.open('/none', 'r'), 'ENOENT');
    await rejects(disk.open('/none/x', 'wx'), 'ENOENT');
    await rejects(disk.open('/d/a/x', 'wx'), 'ENOTDIR');
    await rejects(disk.open('/d', 'r'), 'EISDIR');
    await rejects(disk.link('/d/a', '/d/b'), 'EEXIST');
    await rejects(disk.rename('/none', '/d/b'), 'ENOENT');
    await rejects(disk.rename('/d/a', '/d'), 'EISDIR');
    await rejects(disk.unlink('/none'), 'ENOENT');
    await rejects(disk.stat('/none'), 'ENOENT');
    await rejects(disk.readDirectory('/d/a'), 'ENOTDIR');
    await rejects(disk.syncDirectory('/none'), 'ENOENT');
    await rejects(disk.makeDirectory('/d/a/x'), 'ENOTDIR');
    const onlyRead = await disk.open('/d/a', 'r');
    await rejects(onlyRead.write([Buffer.from('x')], 0), 'EBADF');
    await onlyRead.close();
    await rejects(onlyRead.stat(), 'EBADF');
  });

  test('renames over a file, links, unlinks, and lists in no order', async () => {
    const disk = new SimulatedDisk();
    disk.plant('/d/a', 'a');
    disk.plant('/d/b', 'b');
    const unlinked = await disk.open('/d/b', 'r');
    await disk.rename('/d/a', '/d/b');
    await disk.makeDirectory('/d/e/f');
    await disk.link('/d/b', '/d/e/c');
    assert.deepEqual(disk.list('/d'), ['b', 'e']);
    assert.equal((await disk.stat('/d/b')).ino, (await disk.stat('/d/e/c')).ino);
    await disk.unlink('/d/b');
    assert.equal(disk.contents('/d/e/c').toString(), 'a');
    assert.equal(await readAll(unlinked), 'b');
    assert.ok((await disk.stat('/d/e')).isDirectory());
    const orders = await outcomes((seed) => {
      const other = new SimulatedDisk({ seed });
      for (const name of 'abc') other.plant(`/${name}`, name);
      return other.readDirectory('/');
    });
    assert.equal(orders.length, 6);
  });

  test('gives the inode number of a removed file away, once nobody has it open', async () => {
    const disk = new SimulatedDisk();
    disk.plant('/a', 'a');
    const first = await disk.open('/a', 'r');
    const { ino } = await first.stat();
    await disk.unlink('/a');
    await disk.syncDirectory('/');
    disk.plant('/b', 'b');
    assert.notEqual((await disk.stat('/b')).ino, ino);
    await first.close();
    disk.plant('/c', 'c');
    assert.equal((await disk.stat('/c')).ino, ino);
    assert.deepEqual(disk.openPaths, []);
  });

  test('lets operations in flight overtake each other, alike for the same seed', async () => {
    const run = async (seed: number) => {
      const disk = new SimulatedDisk({ seed });
      const file = await durableFile(disk, '/a', '');
      await Promise.all(['1', '2', '3'].map((text) => file.write([Buffer.from(text)], 0)));
      return readAll(file);
    };
    assert.deepEqual(await outcomes(run), ['1', '2', '3']);
    for (let seed = 0; seed < 20; seed++) assert.equal(await run(seed), await run(seed));
  });

  test('reads less than was asked for now and then, unless told not to', async () => {
    const run = (shortReads: boolean) => async (seed: number) => {
      const disk = new SimulatedDisk({ seed, shortReads });
      const file = await durableFile(disk, '/a', 'abc');
      return file.read(Buffer.alloc(3), 0, 3, 0);
    };
    assert.deepEqual(await outcomes(run(true)), ['1', '2', '3']);
    assert.deepEqual(await outcomes(run(false)), ['3']);
  });
});

describe('a crash of the process', () => {
  test('leaves everything that was written, named, renamed and removed', async () => {
    const disk = new SimulatedDisk();
    disk.plant('/gone', 'x');
    const file = await disk.open('/a', 'wx');
    await file.write([Buffer.from('unsynced')], 0);
    await disk.rename('/a', '/b');
    await disk.unlink('/gone');
    const boot = await disk.bootId();
    const next = disk.crash('process');
    assert.deepEqual(next.list('/'), ['b']);
    assert.equal(next.contents('/b').toString(), 'unsynced');
    assert.equal(await next.bootId(), boot);
  });

  test('kills the disk and every handle, and what is in flight', async () => {
    const disk = new SimulatedDisk();
    const file = await durableFile(disk, '/a', 'a');
    const inFlight = [file.sync(), disk.open('/b', 'w'), disk.syncDirectory('/')];
    const next = disk.crash('process');
    for (const call of inFlight) await assert.rejects(call, DiskCrashedError);
    await assert.rejects(file.write([Buffer.from('b')], 0), DiskCrashedError);
    await assert.rejects(disk.open('/a', 'r'), DiskCrashedError);
    await assert.rejects(disk.syncDirectory('/'), DiskCrashedError);
    assert.throws(() => disk.crash('power'), DiskCrashedError);
    assert.equal(next.contents('/a').toString(), 'a');
  });

  test('leaves what was in flight undone, done, or half written', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      const file = await durableFile(disk, '/a', '');
      const calls = [file.write([Buffer.from('abc')], 0), disk.rename('/a', '/b')];
      const next = disk.crash('process');
      await Promise.allSettled(calls);
      return `${next.list('/')} ${next.contents(`/${next.list('/')}`)}`;
    });
    assert.deepEqual(left, ['a ', 'a a', 'a ab', 'a abc', 'b ', 'b a', 'b ab', 'b abc']);
  });

  test('can come at any operation, and leaves that one done or undone', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      let next: SimulatedDisk | undefined;
      let count = 0;
      disk.onOperation = ({ name, path }) => {
        if (++count < 3) return;
        assert.deepEqual([name, path], ['write', '/a']);
        next = disk.crash('process');
      };
      const file = await disk.open('/a', 'wx');
      await file.sync();
      await assert.rejects(file.write([Buffer.from('x')], 0), DiskCrashedError);
      return next?.contents('/a');
    });
    assert.deepEqual(left, ['', 'x']);
  });
});

describe('a power loss', () => {
  test('spares what was synced, with its name synced, and changes the boot id', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      const file = await disk.open('/a', 'wx');
      await file.write([Buffer.from('synced')], 0);
      await file.sync();
      await disk.syncDirectory('/');
      assert.equal(disk.durableContents('/a')?.toString(), 'synced');
      const next = disk.crash('power');
      assert.notEqual(await next.bootId(), 'boot-1');
      return read(next, '/a');
    });
    assert.deepEqual(left, ['synced']);
  });

  test('may take a synced file whose name was not synced', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      const file = await disk.open('/a', 'wx');
      await file.write([Buffer.from('synced')], 0);
      await file.sync();
      assert.equal(disk.durableContents('/a'), undefined);
      return read(disk.crash('power'), '/a');
    });
    assert.deepEqual(left, ['gone', 'synced']);
  });

  test('leaves any of the sectors that were not synced, each as some write left it', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      const file = await durableFile(disk, '/a', Buffer.alloc(2 * sector, 'o'));
      await file.write([Buffer.alloc(2 * sector, 'x')], 0);
      await file.write([Buffer.alloc(sector, 'y')], sector);
      return sectors(disk.crash('power').contents('/a'));
    });
    assert.deepEqual(left, ['oo', 'ox', 'oy', 'xo', 'xx', 'xy']);
  });

  test('leaves zeros where a lost write was the first, and any length in between', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      const file = await durableFile(disk, '/a', '');
      await file.write([Buffer.alloc(sector, 'x')], 0);
      await file.write([Buffer.alloc(sector, 'y')], sector);
      return sectors(disk.crash('power').contents('/a'));
    }, 400);
    assert.deepEqual(left, ['', '-', '--', '-y', 'x', 'x-', 'xy']);
  });

  test('may undo a truncation, or half of one that was written over', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      const file = await durableFile(disk, '/a', Buffer.alloc(2 * sector, 'o'));
      await file.truncate(0);
      await file.write([Buffer.alloc(sector, 'n')], 0);
      return sectors(disk.crash('power').contents('/a'));
    }, 400);
    assert.deepEqual(left, ['', '-', '--', '-o', 'n', 'n-', 'no', 'o', 'o-', 'oo']);
  });

  test('spares what a sync covered, whatever came after it began', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      const file = await durableFile(disk, '/a', 'o');
      await file.write([Buffer.from('1')], 0);
      const syncing = file.sync();
      await Promise.all([syncing, file.write([Buffer.from('2')], 0)]);
      assert.equal(disk.durableContents('/a')?.toString(), '1');
      return read(disk.crash('power'), '/a');
    });
    assert.deepEqual(left, ['1', '2']);
  });

  test('may undo a rename, and never leaves half of one', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      disk.plant('/a', 'a');
      disk.plant('/b', 'b');
      await disk.rename('/a', '/b');
      const next = disk.crash('power');
      return `${read(next, '/a')} ${read(next, '/b')}`;
    });
    assert.deepEqual(left, ['a b', 'gone a']);
  });

  test('may leave both names after a rename between directories, never none', async () => {
    const run = (synced: string) => async (seed: number) => {
      const disk = new SimulatedDisk({ seed });
      disk.plant('/x/a', 'a');
      await disk.makeDirectory('/y');
      await disk.rename('/x/a', '/y/a');
      if (synced) await disk.syncDirectory(synced);
      const next = disk.crash('power');
      return `x:${next.list('/x')} y:${next.list('/y')}`;
    };
    assert.deepEqual(await outcomes(run('')), ['x: y:a', 'x:a y:', 'x:a y:a']);
    assert.deepEqual(await outcomes(run('/x')), ['x: y:a']);
    assert.deepEqual(await outcomes(run('/y')), ['x: y:a', 'x:a y:a']);
  });

  test('keeps any of the unsynced changes of a directory, not only the first ones', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      disk.plant('/old', '');
      for (const name of ['/a', '/b']) await (await disk.open(name, 'wx')).close();
      await disk.unlink('/old');
      return disk.crash('power').list('/');
    });
    assert.deepEqual(left, ['', 'a', 'a,b', 'a,b,old', 'a,old', 'b', 'b,old', 'old']);
  });

  test('brings a removed file back while the removal is not synced', async () => {
    const run = (synced: boolean) => async (seed: number) => {
      const disk = new SimulatedDisk({ seed });
      disk.plant('/a', 'back');
      await disk.unlink('/a');
      if (synced) await disk.syncDirectory('/');
      return read(disk.crash('power'), '/a');
    };
    assert.deepEqual(await outcomes(run(false)), ['back', 'gone']);
    assert.deepEqual(await outcomes(run(true)), ['gone']);
  });

  test('spares the directories that makeDirectory has made', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      await disk.makeDirectory('/x/y');
      const next = disk.crash('power');
      return `${next.list('/')} ${next.list('/x')} ${next.durableList('/x')}`;
    });
    assert.deepEqual(left, ['x y y']);
  });

  test('shows what it left to the next process, and another one changes nothing', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const disk = new SimulatedDisk({ seed });
      const file = await durableFile(disk, '/a', Buffer.alloc(sector * 4, 'o'));
      await file.write([Buffer.alloc(sector * 8, 'n')], 0);
      await disk.open('/b', 'wx');
      const next = disk.crash('power');
      const [names, contents] = [next.list('/'), next.contents('/a')];
      assert.deepEqual(next.durableList('/'), names);
      const last = next.crash('power');
      assert.deepEqual([last.list('/'), last.contents('/a')], [names, contents]);
    }
  });
});

describe('a fault of a simulated disk', () => {
  test('fails the operations it names, so often and as late as it says', async () => {
    const disk = new SimulatedDisk();
    const file = await durableFile(disk, '/a', '');
    const other = await durableFile(disk, '/b', '');
    disk.fail({
      operations: ['sync'],
      path: (path) => path === '/a',
      code: 'EIO',
      after: 1,
      times: 2,
    });
    const codes: unknown[] = [];
    const sync = (each: DiskFile) =>
      each.sync().then(
        () => codes.push('done'),
        ({ code }: { code: string }) => codes.push(code),
      );
    for (let round = 0; round < 4; round++) await sync(file);
    await sync(other);
    assert.deepEqual(codes, ['done', 'EIO', 'EIO', 'done', 'done']);
    const end = disk.fail({ code: 'EROFS' });
    await assert.rejects(disk.rename('/a', '/c'), { code: 'EROFS', syscall: 'rename' });
    end();
    await disk.rename('/a', '/c');
    assert.deepEqual(disk.list('/'), ['b', 'c']);
  });

  test('comes with its probability', async () => {
    const disk = new SimulatedDisk({ seed: 5 });
    disk.fail({ code: 'EIO', chance: 0.25 });
    const stats = await Promise.allSettled(Array.from({ length: 400 }, () => disk.stat('/')));
    const failed = stats.filter(({ status }) => status === 'rejected').length;
    assert.ok(failed > 60 && failed < 140, `${failed}`);
  });

  test('leaves any part of a write', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      const file = await durableFile(disk, '/a', '');
      disk.fail({ operations: ['write'], code: 'EIO', times: 1 });
      await assert.rejects(file.write([Buffer.from('ab')], 0), { code: 'EIO' });
      return read(disk, '/a');
    });
    assert.deepEqual(left, ['', 'a', 'ab']);
  });

  test('of a sync leaves data that no later sync makes durable', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      const file = await durableFile(disk, '/a', 'old');
      await file.write([Buffer.from('new')], 0);
      disk.fail({ operations: ['sync'], code: 'EIO', times: 1 });
      await assert.rejects(file.sync(), { code: 'EIO' });
      await file.sync();
      const seen = read(disk, '/a');
      return `${seen} ${read(disk.crash('power'), '/a')}`;
    });
    assert.deepEqual(left, ['new new', 'new old', 'old old']);
  });

  test('of a directory sync leaves some of the names durable', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      for (const name of ['/a', '/b']) await (await disk.open(name, 'wx')).close();
      disk.fail({ operations: ['syncDirectory'], code: 'EIO', times: 1 });
      await assert.rejects(disk.syncDirectory('/'), { code: 'EIO' });
      const durable = disk.durableList('/');
      await disk.syncDirectory('/');
      assert.deepEqual(disk.durableList('/'), ['a', 'b']);
      return durable;
    });
    assert.deepEqual(left, ['', 'a', 'a,b', 'b']);
  });

  test('is over with the next process', async () => {
    const disk = new SimulatedDisk();
    disk.fail({ code: 'EIO' });
    disk.lyingSync = true;
    const next = disk.crash('process');
    await next.makeDirectory('/a');
    assert.deepEqual(next.durableList('/'), ['a']);
  });
});

describe('a full simulated disk', () => {
  test('writes what finds room, then gives ENOSPC; a cut or removed file makes room', async () => {
    const disk = new SimulatedDisk({ capacityBytes: 4 * sector });
    const file = await durableFile(disk, '/a', '');
    await file.write([Buffer.alloc(3 * sector - 1, 'a')], 0);
    assert.equal(disk.usedBytes, 3 * sector);
    const other = await disk.open('/b', 'w');
    await assert.rejects(other.write([Buffer.alloc(2 * sector)], 0), { code: 'ENOSPC' });
    assert.equal(disk.contents('/b').length, sector);
    await file.write([Buffer.alloc(3 * sector, 'b')], 0);
    await assert.rejects(file.write([Buffer.alloc(1)], 3 * sector), { code: 'ENOSPC' });
    await file.truncate(sector);
    assert.equal(disk.usedBytes, 2 * sector);
    await other.write([Buffer.alloc(2 * sector)], sector);
    await disk.unlink('/b');
    await assert.rejects(file.write([Buffer.alloc(sector)], sector), { code: 'ENOSPC' });
    await other.close();
    await file.write([Buffer.alloc(sector)], sector);
    disk.capacityBytes = sector;
    await assert.rejects(file.write([Buffer.alloc(sector)], 2 * sector), { code: 'ENOSPC' });
  });

  test('keeps its capacity over a crash', async () => {
    const disk = new SimulatedDisk({ capacityBytes: sector }).crash('power');
    const file = await disk.open('/a', 'w');
    await assert.rejects(file.write([Buffer.alloc(sector + 1)], 0), { code: 'ENOSPC' });
  });
});

describe('a simulated disk that lies', () => {
  test('reports syncs as done and may lose everything', async () => {
    const left = await outcomes(async (seed) => {
      const disk = new SimulatedDisk({ seed });
      disk.lyingSync = true;
      const file = await disk.open('/a', 'wx');
      await file.write([Buffer.from('x')], 0);
      await file.sync();
      await disk.syncDirectory('/');
      return read(disk.crash('power'), '/a');
    });
    assert.deepEqual(left, ['', '\0', 'gone', 'x']);
  });
});
