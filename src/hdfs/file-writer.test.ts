import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '../core/clock.ts';
import { ConnectionError } from '../core/errors.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { HdfsClient } from './client.ts';
import { FakeCluster } from './fake-cluster.ts';
import type { HdfsFileWriter } from './file-writer.ts';

const blockSize = 256 << 10;
const prng = new Prng(seedFromEnvironment());
/** Waits are short, with what the network does in its real order. */
const hurried: Clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() * 10,
  sleep: (ms, signal) => systemClock.sleep(ms / 50, signal),
};

async function fileOf(t: TestContext): Promise<[FakeCluster, HdfsFileWriter]> {
  const cluster = await FakeCluster.start(blockSize);
  const hdfs = await HdfsClient.open({ url: cluster.url, confDir: '', clock: hurried });
  t.after(async () => {
    hdfs.close();
    await cluster.stop();
  });
  return [cluster, await hdfs.create('/file')];
}

test('what is written in parts of any size arrives, with whole checksums', async (t) => {
  const [cluster, file] = await fileOf(t);
  const parts: Buffer[] = [];
  for (let index = 0; index < 60; index++) {
    const some = Array.from({ length: prng.integer(120) }, () =>
      prng.bytes(prng.integer(prng.pick([1, 30, 700, 9_000]))),
    );
    await file.write(some);
    parts.push(...some);
    if (prng.chance(0.3)) await file.hflush();
    if (prng.chance(0.2)) await file.hsync();
  }
  await file.close();
  assert(cluster.content.equals(Buffer.concat(parts)), `seed ${prng.seed}`);
  assert.equal(cluster.datanode.finalized.size, cluster.datanode.blocks.size);
  assert.deepEqual([...new Set(cluster.datanode.stages)], [6]);
  assert.equal(cluster.calls.at(-1), 'complete');
});

test('the first flush of each block tells the NameNode, later ones do not', async (t) => {
  const [cluster, file] = await fileOf(t);
  const fsyncs = () => cluster.calls.filter((name) => name === 'fsync').length;
  await file.hflush();
  assert.equal(fsyncs(), 0, 'there is nothing to tell');
  for (let index = 0; index < 3; index++) {
    await file.write(Buffer.alloc(10));
    await file.hflush();
  }
  assert.equal(fsyncs(), 1);
  await file.write(Buffer.alloc(blockSize - 30));
  await file.hflush();
  assert.equal(fsyncs(), 2, 'the block has ended');
  await file.write(Buffer.alloc(1));
  await file.hflush();
  assert.equal(fsyncs(), 3);
  await file.hflush({ updateLength: true });
  assert.equal(fsyncs(), 4);
});

test('a sync without new bytes is sent once, and not again', async (t) => {
  const [cluster, file] = await fileOf(t);
  await file.write(Buffer.alloc(100));
  await file.hflush();
  assert.equal(cluster.datanode.syncs, 0);
  await file.hsync();
  await file.hsync();
  assert.equal(cluster.datanode.syncs, 1);
  await file.close();
  assert.equal(cluster.datanode.syncs, 2, 'the end of the block is synced, too');
});

test('a flush does not hold up what is written after it', async (t) => {
  const [cluster, file] = await fileOf(t);
  await file.write(Buffer.alloc(10));
  await file.hflush();
  let answer: 'silence' | 'ack' = 'silence';
  cluster.datanode.reply = () => answer;
  await file.write(Buffer.alloc(10));
  let flushed = false;
  const flushing = file.hflush().then(() => {
    flushed = true;
  });
  await file.write(Buffer.alloc(100_000));
  assert.equal(flushed, false);
  answer = 'ack';
  file.abort();
  await assert.rejects(flushing, ConnectionError);
});

test('no more packets are under way than may be', async (t) => {
  const [cluster, file] = await fileOf(t);
  cluster.datanode.reply = () => 'silence';
  let written = 0;
  const writing = (async () => {
    for (let index = 0; index < 200; index++) {
      await file.write(Buffer.alloc(10));
      // Flushes end packets; each waits for its ack.
      void file.hflush().catch(() => {});
      written++;
    }
    await file.write(Buffer.alloc(10));
  })();
  while (cluster.datanode.packets < 80) await systemClock.turn();
  for (let index = 0; index < 50; index++) await systemClock.turn();
  assert.equal(cluster.datanode.packets, 80);
  assert(written < 200, `${written} writes have gone through`);
  file.abort();
  await assert.rejects(writing, ConnectionError);
});

test('what was not acknowledged is sent again through a new pipeline', async (t) => {
  for (const failure of ['cut', 1, 8] as const) {
    const [cluster, file] = await fileOf(t);
    const failAt = new Set([3, 9, 10]);
    cluster.datanode.reply = (packet) => (failAt.delete(packet) ? failure : 'ack');
    const data = prng.bytes(2 * blockSize + 70_000);
    await file.write(data.subarray(0, 150_000));
    await file.hsync();
    await file.write(data.subarray(150_000));
    await file.close();
    assert(cluster.content.equals(data), `after ${failure}, seed ${prng.seed}`);
    assert.equal(failAt.size, 0);
    assert.equal(cluster.datanode.stages.filter((stage) => stage === 3).length, 3);
    assert.equal(cluster.calls.filter((name) => name === 'updatePipeline').length, 3);
  }
});

test('a block whose last ack is lost is finalized without its data', async (t) => {
  const [cluster, file] = await fileOf(t);
  cluster.datanode.reply = (packet) => (packet === 1 ? 'cut' : 'ack');
  await file.write(Buffer.alloc(1_000, 1));
  await file.hflush();
  await file.close();
  assert.deepEqual(cluster.datanode.stages, [6, 5]);
  assert(cluster.content.equals(Buffer.alloc(1_000, 1)));
});

test('a block whose pipeline can not be made is abandoned for another one', async (t) => {
  const [cluster, file] = await fileOf(t);
  cluster.datanode.setups = [1, 5];
  await file.write(Buffer.alloc(1_000, 1));
  await file.close();
  assert.deepEqual(
    cluster.calls.filter((name) => /Block$/.test(name)),
    ['addBlock', 'abandonBlock', 'addBlock', 'abandonBlock', 'addBlock'],
  );
  assert(cluster.content.equals(Buffer.alloc(1_000, 1)));
});

test('who waits is told at once when the file is given up', async (t) => {
  const [cluster, file] = await fileOf(t);
  await file.write(Buffer.alloc(10));
  cluster.nameNode.mute = true;
  const waiting = [file.hflush(), file.close(), file.write(Buffer.alloc(10))];
  while (!cluster.calls.includes('complete')) await systemClock.turn();
  file.abort();
  for (const { status } of await Promise.allSettled(waiting)) assert.equal(status, 'rejected');
});

test('a DataNode that stays away fails the file, with all that waits', async (t) => {
  const [cluster, file] = await fileOf(t);
  await file.write(Buffer.alloc(1_000, 1));
  await file.hflush();
  await cluster.datanode.stop();
  const results = await Promise.allSettled([
    file.write(Buffer.alloc(10)),
    file.hflush(),
    file.hsync(),
    file.close(),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'rejected'],
  );
  await assert.rejects(file.write(Buffer.alloc(1)), /all its DataNodes are bad/);
});
