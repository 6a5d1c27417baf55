import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { NodeDisk, nodeDisk, type WriteCalls } from './node-disk.ts';

const megabyte = 1024 * 1024;
let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'node-disk-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Writes into memory, and says through which way; time passes as a test wants. */
class ScriptedCalls implements WriteCalls {
  readonly ways: ('loop' | 'pool')[] = [];
  readonly written = Buffer.alloc(4 * megabyte, '.');
  nowMs = 0;
  /** How long each write takes. */
  tookMs = 0;
  /** The most bytes of one write; an error instead of a number is thrown, once each. */
  results: (number | Error)[] = [];

  monotonic(): number {
    return this.nowMs;
  }

  writeNow(_fd: number, buffers: readonly Buffer[], position: number): number {
    this.ways.push('loop');
    return this.#write(buffers, position);
  }

  async writeInPool(_handle: FileHandle, buffers: readonly Buffer[], position: number) {
    this.ways.push('pool');
    return this.#write(buffers, position);
  }

  #write(buffers: readonly Buffer[], position: number): number {
    assert(buffers.length <= 1024, 'more buffers than one call takes');
    this.nowMs += this.tookMs;
    const result = this.results.shift() ?? Number.POSITIVE_INFINITY;
    if (result instanceof Error) throw result;
    const bytes = Buffer.concat(buffers).subarray(0, result);
    bytes.copy(this.written, position);
    return bytes.length;
  }
}

async function scripted(name = 'file') {
  const calls = new ScriptedCalls();
  const disk = new NodeDisk(calls);
  const file = await disk.open(join(directory, name), 'w');
  return { calls, disk, file };
}

const withCode = (code: string) => Object.assign(new Error(code), { code });
const line = [Buffer.from('line\n')];

describe('the disk of this machine', () => {
  test('writes buffers one after the other, from the position on', async () => {
    const path = join(directory, 'file');
    await (await nodeDisk.open(path, 'wx')).close();
    const file = await nodeDisk.open(path, 'r+');
    await file.write([Buffer.from('0123456789')], 0);
    await file.write([Buffer.from('ab'), Buffer.alloc(0), Buffer.from('c')], 4);
    await file.write([], 3);
    await file.write([Buffer.alloc(0)], 3);
    await file.sync();
    const read = Buffer.alloc(8);
    assert.equal(await file.read(read, 1, 5, 3), 5);
    assert.equal(read.toString('latin1', 1, 6), '3abc7');
    assert.equal(await file.read(read, 0, 5, 10), 0);
    assert.equal((await file.stat()).size, 10);
    await file.truncate(5);
    await file.close();
    assert.equal(readFileSync(path, 'utf8'), '0123a');
  });

  test('writes more buffers than one system call takes, and more than a megabyte', async () => {
    const path = join(directory, 'file');
    const buffers = Array.from({ length: 5_000 }, (_, index) => Buffer.from(`${index}\n`));
    const big = Buffer.alloc(3 * megabyte, 'x');
    const file = await nodeDisk.open(path, 'w');
    await file.write(buffers, 0);
    const { size } = await file.stat();
    await file.write([Buffer.alloc(0), big], size);
    await file.close();
    assert.deepEqual(readFileSync(path), Buffer.concat([...buffers, big]));
  });

  test('does not write to a file that is closed', async () => {
    const file = await nodeDisk.open(join(directory, 'file'), 'w');
    await file.close();
    await assert.rejects(file.write(line, 0), { code: 'EBADF' });
  });

  test('gives the errors of the system by their codes', async () => {
    const [a, b] = [join(directory, 'a'), join(directory, 'b')];
    writeFileSync(a, 'a');
    writeFileSync(b, 'b');
    await assert.rejects(nodeDisk.open(a, 'wx'), { code: 'EEXIST' });
    await assert.rejects(nodeDisk.open(join(directory, 'c'), 'r'), { code: 'ENOENT' });
    await assert.rejects(nodeDisk.link(a, b), { code: 'EEXIST' });
    await assert.rejects(nodeDisk.syncDirectory(join(directory, 'none')), { code: 'ENOENT' });
  });

  test('renames over a file, links, unlinks, lists and makes directories', async () => {
    const deep = join(directory, 'x', 'y');
    await nodeDisk.makeDirectory(deep);
    await nodeDisk.makeDirectory(deep);
    assert((await nodeDisk.stat(deep)).isDirectory());
    const [a, b, c] = [join(deep, 'a'), join(deep, 'b'), join(deep, 'c')];
    writeFileSync(a, 'a');
    writeFileSync(b, 'b');
    await nodeDisk.rename(a, b);
    await nodeDisk.link(b, c);
    await nodeDisk.unlink(b);
    await nodeDisk.syncDirectory(deep);
    assert.deepEqual(await nodeDisk.readDirectory(deep), ['c']);
    assert.equal((await nodeDisk.readFile(c)).toString(), 'a');
  });

  test('has one boot id', async () => {
    const id = await nodeDisk.bootId();
    assert.match(id, /^\S{10,}$/);
    assert.equal(await new NodeDisk().bootId(), id);
  });
});

describe('a write to the disk of this machine', () => {
  test('goes straight from the event loop, up to a megabyte', async () => {
    const { calls, file } = await scripted();
    await file.write(line, 0);
    await file.write([Buffer.alloc(megabyte)], 0);
    await file.write([Buffer.alloc(megabyte), Buffer.alloc(1)], 0);
    assert.deepEqual(calls.ways, ['loop', 'loop', 'pool']);
    await file.close();
  });

  test('goes through the pool for a while after one that was slow', async () => {
    const { calls, file } = await scripted();
    calls.tookMs = 10;
    await file.write(line, 0);
    calls.tookMs = 11;
    await file.write(line, 0);
    calls.tookMs = 0;
    calls.nowMs += 199;
    await file.write(line, 0);
    calls.nowMs += 1;
    await file.write(line, 0);
    assert.deepEqual(calls.ways, ['loop', 'loop', 'pool', 'loop']);
    await file.close();
  });

  test('backs off for longer while the disk stays slow, and starts over after', async () => {
    const { calls, file } = await scripted();
    const slow = async () => {
      calls.tookMs = 11;
      await file.write(line, 0);
      calls.tookMs = 0;
      assert.equal(calls.ways.pop(), 'loop');
      const from = calls.nowMs;
      for (; ; calls.nowMs += 200) {
        await file.write(line, 0);
        if (calls.ways.pop() === 'loop') return calls.nowMs - from;
      }
    };
    const pauses: number[] = [];
    for (let round = 0; round < 11; round++) pauses.push(await slow());
    assert.deepEqual(
      pauses,
      [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60, 60].map((seconds) => seconds * 1_000),
    );
    calls.nowMs += 60_000;
    assert.equal(await slow(), 200);
    await file.close();
  });

  test('is slow on one device without slowing another down', async () => {
    const { calls, disk, file } = await scripted();
    const other = await disk.open('/dev/null', 'r+');
    calls.tookMs = 11;
    await file.write(line, 0);
    await file.write(line, 0);
    await other.write(line, 0);
    assert.deepEqual(calls.ways, ['loop', 'pool', 'loop']);
    await file.close();
    await other.close();
  });

  test('goes on where the system stopped short', async () => {
    const { calls, file } = await scripted();
    calls.results = [1, 4, 2];
    await file.write(
      ['ab', 'cd', '', 'efghi', 'j'].map((text) => Buffer.from(text)),
      3,
    );
    assert.equal(calls.written.toString('latin1', 0, 14), '...abcdefghij.');
    assert.equal(calls.ways.length, 4);
    await file.close();
  });

  test('is tried again when it was interrupted, through the pool, and not for ever', async () => {
    const { calls, file } = await scripted();
    calls.results = [2, withCode('EINTR'), withCode('EAGAIN')];
    await file.write(line, 0);
    assert.equal(calls.written.toString('latin1', 0, 6), 'line\n.');
    assert.deepEqual(calls.ways, ['loop', 'loop', 'pool', 'pool']);
    calls.results = Array.from({ length: 1_000 }, () => withCode('EAGAIN'));
    await assert.rejects(file.write(line, 0), { code: 'EAGAIN' });
    await file.close();
  });

  test('fails with the error of the system, and when no byte is taken', async () => {
    const { calls, file } = await scripted();
    calls.results = [2, withCode('ENOSPC')];
    await assert.rejects(file.write(line, 0), { code: 'ENOSPC' });
    calls.results = [0];
    await assert.rejects(file.write(line, 0), { code: 'EIO' });
    await file.close();
  });
});
