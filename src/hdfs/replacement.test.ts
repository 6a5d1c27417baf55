import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/log.ts';
import { Prng } from '../testing/prng.ts';
import { Checksums } from './checksums.ts';
import { getAdditionalDatanode } from './client-protocol.ts';
import { datanodeInfoProto } from './common-messages.ts';
import { readConfig } from './config.ts';
import { type Datanode, datanodeOf } from './datanodes.ts';
import { FakeRpcServer } from './fake-rpc-server.ts';
import { NameNodes } from './namenodes.ts';
import { replaceDatanode } from './replacement.ts';
import { ExcludedNodes } from './write-context.ts';

/** Nothing listens there. */
function datanodeAt(port: number): Datanode {
  const id = { ipAddr: '127.0.0.1', hostName: 'localhost', datanodeUuid: `u${port}` };
  const ports = { xferPort: port, infoPort: 1, ipcPort: 1 };
  return datanodeOf(datanodeInfoProto.encode({ id: { ...id, ...ports } }));
}

test('a DataNode to which nobody could copy the block may be asked for again later', async (t) => {
  const gone = datanodeAt(1);
  const spare = datanodeAt(2);
  const lost = datanodeAt(3);
  const block = { poolId: 'BP-1', blockId: 1n, generationStamp: 1, numBytes: 9 };
  const excludes: string[][] = [];
  const located = (locs: Buffer[]) => ({
    ...{ b: block, offset: 0, corrupt: false, blockToken: Buffer.alloc(0), locs },
    ...{ storageTypes: locs.map(() => 1), storageIDs: locs.map(() => 'DS-1') },
  });
  const nameNode = await FakeRpcServer.start(({ request }) => {
    const asked = getAdditionalDatanode.request.decode(request);
    const names = asked.excludes.map((info) => datanodeOf(info).name);
    excludes.push(names);
    const locs = names.includes(spare.name) ? [gone.info] : [gone.info, spare.info];
    return getAdditionalDatanode.response.encode({ block: located(locs) });
  });
  const bestEffort = 'dfs.client.block.write.replace-datanode-on-failure.best-effort';
  const config = readConfig(new Map([[bestEffort, 'true']]), `hdfs://127.0.0.1:${nameNode.port}`);
  const nameNodes = new NameNodes(config, systemClock, new Prng(1));
  t.after(async () => {
    nameNodes.close();
    await nameNode.stop();
  });
  const context = {
    ...{ config, nameNodes, clock: systemClock, log: silentLogger, clientName: 'c', path: '/f' },
    ...{ fileId: 7, replication: 3, blockSize: 1 << 20, checksums: new Checksums(2, 512) },
    ...{ signal: new AbortController().signal, excluded: new ExcludedNodes(systemClock) },
  };
  const targets = [{ datanode: gone, storageId: 'DS-1', storageType: 1 }];
  const remains = { block, targets, failed: [lost], eager: true };
  // The one that was to send the block is dead: that is not the fault of the other one.
  for (let call = 0; call < 2; call++) {
    assert.equal(await replaceDatanode(context, remains), targets);
  }
  const once = [[lost.name], [lost.name, spare.name]];
  assert.deepEqual(excludes, [...once, ...once]);
});
