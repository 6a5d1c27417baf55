import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { HdfsClient } from '../../src/hdfs/index.ts';
import { HdfsCluster, hdfsMissing } from '../../testbed/hdfs.ts';

/* The HDFS client beside two real NameNodes, of which one is active. */
describe('the HDFS client with two NameNodes', { skip: hdfsMissing() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-hdfs-ha-'));
  let cluster: HdfsCluster;
  let hdfs: HdfsClient;

  before(async () => {
    cluster = await HdfsCluster.start({ folder, dataNodes: 2, ha: true });
    hdfs = await HdfsClient.open({ confDir: cluster.confDir });
  });

  after(async () => {
    hdfs?.close();
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('finds the active one, whichever is named first', async () => {
    await hdfs.mkdirs('/t');
    const [first, second] = cluster.nameNodes;
    const other = await HdfsClient.open({
      url: 'hdfs://turned',
      confDir: '',
      settings: {
        'dfs.ha.namenodes.turned': 'b,a',
        'dfs.namenode.rpc-address.turned.a': `127.0.0.1:${first?.rpcPort}`,
        'dfs.namenode.rpc-address.turned.b': `127.0.0.1:${second?.rpcPort}`,
      },
    });
    assert.equal((await other.stat('/t'))?.type, 'directory');
    other.close();
  });

  test('a file that is being written outlives a fail-over, and the death of a NameNode', async () => {
    const data = Buffer.alloc(2_500_000, 'millrace ');
    const file = await hdfs.create('/t/file');
    await file.write(data.subarray(0, 100_000));
    await file.hflush();
    await cluster.activate('n2');
    await file.write(data.subarray(100_000, 1_500_000));
    await file.hsync({ updateLength: true });
    // The active one dies in the middle of calls; the other one takes over.
    const writing = file.write(data.subarray(1_500_000)).then(async () => file.hflush());
    await cluster.process('n2').kill();
    await cluster.activate('n1');
    await writing;
    await file.close();
    await hdfs.rename('/t/file', '/t/done');
    const found = await hdfs.readFile('/t/done');
    assert(found.equals(data), 'what was written is read back');
    assert((await cluster.dfs('-cat', '/t/done')).equals(data), 'by Hadoop, too');
  });
});
