import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HdfsClient, isRemote } from '../../src/hdfs/index.ts';
import { fileSystemContract } from '../../src/outputs/file-system-contract.ts';
import { type Durability, HdfsFiles } from '../../src/sinks/hdfs/hdfs-files.ts';
import { HdfsCluster, hdfsMissing } from '../../testbed/hdfs.ts';

/* The file system of the hdfs sink on real HDFS. */

let cluster: HdfsCluster;
let reader: HdfsClient;

async function open(durability: Durability = 'hflush'): Promise<HdfsFiles> {
  const client = await HdfsClient.open({ confDir: cluster.confDir });
  return new HdfsFiles({ client, authority: cluster.url, durability });
}

/** How often each DataNode has synced a block. */
async function syncCounts(): Promise<number[]> {
  const counts = cluster.dataNodes.map(async ({ ports }) => {
    const query = 'Hadoop:service=DataNode,name=DataNodeActivity-*';
    const response = await fetch(`http://127.0.0.1:${ports[2]}/jmx?qry=${query}`);
    const { beans } = (await response.json()) as { beans: { FsyncCount?: number }[] };
    return beans[0]?.FsyncCount ?? assert.fail('the DataNode counts its syncs');
  });
  return Promise.all(counts);
}

describe('the files of the hdfs sink on real HDFS', { skip: hdfsMissing() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-hdfs-files-'));

  before(async () => {
    cluster = await HdfsCluster.start({ folder, dataNodes: 3 });
    reader = await HdfsClient.open({ confDir: cluster.confDir });
  });

  after(async () => {
    reader?.close();
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  fileSystemContract('HDFS', {
    open: () => open(),
    read: (path) => reader.readFile(path),
    folder: () => '/contract',
  });

  test('with hsync each flush is on all disks, and with hflush on none', async () => {
    const both = [await open('hflush'), await open('hsync')];
    for (const [index, files] of both.entries()) {
      const file = await files.create(`/durability-${index}`);
      for (let count = 0; count < 7; count++) {
        await file.write([Buffer.from('content ')]);
        await file.flush();
      }
    }
    // A DataNode counts anew every 10 s.
    const deadline = performance.now() + 30_000;
    let counts: number[];
    do {
      await sleep(500);
      counts = await syncCounts();
    } while (!counts.every((count) => count > 0) && performance.now() < deadline);
    assert.deepEqual(counts, [7, 7, 7]);
    for (const files of both) await files.close();
  });

  test('tells who writes a file, and changes nothing by asking', async () => {
    const writer = await HdfsClient.open({ confDir: cluster.confDir });
    const file = await writer.create('/asked');
    assert.equal(await reader.isWrittenBy('/asked', writer.name), true);
    assert.equal(await reader.isWrittenBy('/asked', reader.name), false);
    assert.equal(await reader.isClosed('/asked'), false);
    await file.write(Buffer.alloc(2_500_000, 'x'));
    for (const name of [writer.name, reader.name]) await reader.isWrittenBy('/asked', name);
    await file.write(Buffer.from('end'));
    await file.hflush();
    assert.equal(await reader.isWrittenBy('/asked', writer.name), true);
    const { modifiedAt, length } = (await reader.stat('/asked')) ?? assert.fail();
    assert.equal(await reader.isWrittenBy('/asked', writer.name), true);
    assert.deepEqual((await reader.stat('/asked'))?.modifiedAt, modifiedAt);
    assert.equal((await reader.stat('/asked'))?.length, length);
    await file.close();
    assert.equal((await reader.readFile('/asked')).length, 2_500_003);
    assert.equal(await reader.isWrittenBy('/asked', writer.name), false);
    assert.equal(await reader.isClosed('/asked'), true);
    assert.equal(await reader.isWrittenBy('/not/there', writer.name), false);
    assert.equal(await reader.isWrittenBy('/', writer.name), false);
    writer.close();
  });

  test('knows the replicas of what is being written', async () => {
    const files = await open();
    const file = await files.create('/replicas');
    assert.deepEqual([file.replicas, file.wantedReplicas], [undefined, 3]);
    await file.write([Buffer.from('content')]);
    assert.deepEqual([file.replicas, file.wantedReplicas], [3, 3]);
    assert.equal(file.id, String((await reader.stat('/replicas'))?.fileId));
    await file.close();
    assert.equal(files.uriOf('/replicas'), `${cluster.url}/replicas`);
    await files.close();
  });

  test('cuts what goes over several blocks', async () => {
    const files = await open();
    const bytes = Buffer.from(Array.from({ length: 2_200_000 }, (_, index) => index % 251));
    for (const length of [2_100_000, 2 << 20, 1 << 20, 700_001]) {
      const file = await files.create(`/blocks-${length}`);
      await file.write([bytes]);
      await file.flush();
      await file.abandon();
      assert.equal(await files.cut(file.path, length), length);
      assert((await reader.readFile(file.path)).equals(bytes.subarray(0, length)));
    }
    await files.close();
  });

  test('an old owner of a file that was cut and renamed can’t touch it', async () => {
    const [old, files] = [await open(), await open()];
    const file = await old.create('/old');
    await file.write([Buffer.from('flushed')]);
    await file.flush();
    assert.equal(await files.cut('/old', 5), 5);
    await files.rename('/old', '/new');
    await file.write([Buffer.from('late')]).catch(() => {});
    await assert.rejects(file.close(), (error) => isRemote(error, 'LeaseExpiredException'));
    assert.equal(`${await reader.readFile('/new')}`, 'flush');
    await old.close();
    await files.close();
  });
});
