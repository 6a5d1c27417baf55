import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { safeModeActions } from '../../src/hdfs/client-protocol.ts';
import { HdfsClient } from '../../src/hdfs/index.ts';
import { seedFromEnvironment } from '../../src/testing/prng.ts';
import { FlowFolder, outputOf } from '../../testbed/flow-folder.ts';
import { HdfsCluster, type HdfsOptions, hdfsMissing } from '../../testbed/hdfs.ts';
import { SmallFileSystem, smallFileSystemMissing } from '../../testbed/small-file-system.ts';
import {
  changeSafeMode,
  pipelineOf,
  setNameQuota,
  setSpaceQuota,
} from './hdfs-sink-faults-cluster.ts';
import { FaultRun, flowNames, root, type Surroundings } from './hdfs-sink-faults-run.ts';

/*
 * The hdfs sink on a real cluster that fails under load, in one way after the other. Each time
 * every line is there once in the end, no file is left open or under its first name, and the log
 * says what happened, not how often it was tried.
 */

interface Fault {
  readonly name: string;
  readonly holds: string;
  /** Has it happen. @returns from when on events should flow again, in ms of `performance` */
  readonly happens: (run: FaultRun, surroundings: Surroundings) => Promise<number>;
  /** Stands in the log then; absent when nothing need be said. */
  readonly says?: RegExp;
  readonly skip?: string | false;
}

/** Those of `MILLRACE_CASE` alone, when that is set. */
const only = process.env['MILLRACE_CASE']?.split(',');
/** How long a fault lasts that somebody ends. */
const faultMs = Number(process.env['MILLRACE_FAULT_MS'] ?? 2_000);
/** Longer than a call of the sink may take, so that files are given up. */
const longFaultMs = 2 * faultMs;
const noSmallDisk = smallFileSystemMissing();
const smallDisk = 'd4';
/** A disk with so much left still gets new blocks. */
const nearlyFullBytes = 16 << 20;
const seed = seedFromEnvironment();

const settings = {
  // A file of the long ones has several blocks.
  'dfs.blocksize': '131072',
  'dfs.client.socket-timeout': '2000',
  // Else a DataNode wants a gigabyte to be free beside each block.
  'dfs.datanode.round-robin-volume-choosing-policy.additional-available-space': '0',
  // With as many DataNodes as replicas nobody can take the place of one that fails.
  'dfs.client.block.write.replace-datanode-on-failure.best-effort': 'true',
};

const plainFaults: readonly Fault[] = [
  {
    name: 'killed',
    holds: 'a DataNode dies in the middle of a block; another one takes its place',
    says: /The pipeline of a block broke/,
    happens: async (run, { cluster }) => {
      const [first = ''] = await untilInPipeline(run, cluster);
      const at = performance.now();
      await cluster.process(first).kill();
      return at;
    },
  },
  {
    name: 'no-other',
    holds: 'a DataNode dies, and there is no other; later it is back',
    says: /The pipeline of a block broke|Blocks lack replicas/,
    happens: async (_, { cluster }) => {
      await cluster.process('d1').kill();
      const at = performance.now();
      await cluster.process('d2').kill();
      await sleep(faultMs);
      cluster.startDataNode('d1');
      cluster.startDataNode('d2');
      return at;
    },
  },
  {
    name: 'hung',
    holds: 'a DataNode hangs in the middle of a block, and later goes on',
    says: /not done within 3000 ms/,
    happens: async (run, { cluster }) => {
      const [first = ''] = await untilInPipeline(run, cluster);
      const at = performance.now();
      cluster.process(first).signal('SIGSTOP');
      await sleep(longFaultMs);
      cluster.process(first).signal('SIGCONT');
      return at;
    },
  },
  {
    name: 'disk-full',
    holds: 'the disk of a DataNode is full in the middle of a block, and later is not',
    says: /The pipeline of a block broke/,
    skip: noSmallDisk,
    happens: async (run, { cluster, small }) => {
      assert(small);
      // Little enough to be filled in no time, before the file is closed that is written there.
      const free = small.fillUp(nearlyFullBytes);
      await untilInPipeline(run, cluster, smallDisk);
      const at = performance.now();
      const rest = join(small.path, 'rest');
      assert.throws(() => appendFileSync(rest, Buffer.alloc(nearlyFullBytes + small.freeBytes)));
      await sleep(faultMs);
      rmSync(rest);
      free();
      return at;
    },
  },
  {
    name: 'lease',
    holds: 'another client takes the open file, and writes to it',
    says: /LeaseExpiredException/,
    happens: async (run, { cluster }) => {
      const stranger = await HdfsClient.open({ confDir: cluster.confDir });
      // Else the file may be cut, closed and renamed between two of these steps.
      run.agent.signal('SIGSTOP');
      const path = await run.openFile('long');
      const at = performance.now();
      try {
        await stranger.recoverLease(path);
        const file = await stranger.append(path);
        await file.write(Buffer.from('what a stranger writes\n'));
        await file.hflush();
        run.agent.signal('SIGCONT');
        await sleep(1_000);
        await file.close();
      } catch (error) {
        console.log(`  the stranger: ${error}`);
      } finally {
        run.agent.signal('SIGCONT');
      }
      stranger.close();
      return at;
    },
  },
  {
    name: 'space-quota',
    holds: 'a directory has reached its space quota, until that is raised',
    says: /DSQuotaExceededException/,
    happens: async (run, { cluster }) => {
      await setSpaceQuota(cluster, run.root, 1);
      await sleep(faultMs);
      await setSpaceQuota(cluster, run.root);
      return performance.now();
    },
  },
  {
    name: 'name-quota',
    holds: 'a directory has reached its name quota, until that is raised',
    says: /NSQuotaExceededException/,
    happens: async (run, { cluster }) => {
      await setNameQuota(cluster, run.root, 1);
      // Until each flow needs a new file.
      await sleep(longFaultMs);
      await setNameQuota(cluster, run.root);
      return performance.now();
    },
  },
  {
    name: 'safe-mode',
    holds: 'the NameNode is in safe mode for longer than a call may take',
    says: /SafeModeException.*HDFS does not take calls for now/,
    happens: async (_, { cluster }) => {
      await changeSafeMode(cluster, safeModeActions.enter);
      await sleep(longFaultMs);
      await changeSafeMode(cluster, safeModeActions.leave);
      return performance.now();
    },
  },
  {
    name: 'namenode',
    holds: 'the only NameNode dies and is started again',
    happens: async (_, { cluster }) => {
      await cluster.process('n1').kill();
      cluster.startNameNode('n1');
      await cluster.untilLive(4);
      return performance.now();
    },
  },
];

const haFaults: readonly Fault[] = [
  {
    name: 'fail-over',
    holds: 'the other NameNode is made the active one',
    happens: async (_, { cluster }) => {
      const at = performance.now();
      await cluster.activate('n2');
      return at;
    },
  },
  {
    name: 'active-dies',
    holds: 'the active NameNode dies, and the other one takes over',
    happens: async (_, { cluster }) => {
      const at = performance.now();
      await cluster.process('n2').kill();
      await cluster.activate('n1');
      return at;
    },
  },
];

test('the hdfs sink on a cluster that fails', { skip: hdfsMissing() }, async (t) => {
  await tryAll(t, plainFaults, { dataNodes: 4 });
});

test('the hdfs sink with two NameNodes that fail', { skip: hdfsMissing() }, async (t) => {
  await tryAll(t, haFaults, { dataNodes: 3, ha: true });
});

async function tryAll(
  t: TestContext,
  faults: readonly Fault[],
  options: Pick<HdfsOptions, 'dataNodes' | 'ha'>,
): Promise<void> {
  const chosen = faults.filter(({ name }) => only?.includes(name) ?? true);
  if (chosen.length === 0) return;
  console.log(`MILLRACE_SEED=${seed}`);
  const flow = new FlowFolder(t);
  const small = options.ha || noSmallDisk ? undefined : smallDiskIn(flow);
  const began = performance.now();
  const cluster = await HdfsCluster.start({ folder: flow.folder('cluster'), settings, ...options });
  flow.beforeRemoval(() => cluster.stop());
  console.log(`the cluster runs after ${Math.round(performance.now() - began)} ms`);
  const hdfs = await HdfsClient.open({ confDir: cluster.confDir });
  flow.beforeRemoval(() => hdfs.close());
  const surroundings = { flow, cluster, hdfs, seed, small };
  for (const fault of chosen) {
    const { name, holds, skip = false } = fault;
    await t.test(`${name}: ${holds}`, { skip }, () => tryOne(fault, surroundings));
    await revive(cluster);
  }
  await t.test('Hadoop reads what our client reads', async () => {
    const out = flow.folder('hadoop');
    await cluster.dfs('-get', root, out);
    for (const { name } of chosen.filter(({ skip }) => !skip)) {
      for (const each of flowNames) {
        const theirs = outputOf(join(out, root, name, each));
        assert(theirs.equals(outputOf(join(flow.path, name, 'out', each))), `${name}, ${each}`);
      }
    }
  });
}

async function tryOne(fault: Fault, surroundings: Surroundings): Promise<void> {
  const run = await FaultRun.start(fault.name, surroundings);
  try {
    const began = performance.now();
    const due = await fault.happens(run, surroundings);
    await run.flows();
    const now = performance.now();
    for (const name of flowNames) {
      const first = run.firstAfter(name, due) ?? Number.NaN;
      const pause = run.longestPause(name, began);
      console.log(
        `  ${fault.name}, ${name}: flows ${seconds(first)} later, paused ${seconds(pause)}, ` +
          `caught up after ${seconds(now - due)}`,
      );
    }
    await run.finish();
    run.assertSaidOnce();
    if (fault.says) assert.match(run.agent.log(), fault.says);
  } finally {
    await run.kill();
    if (only) console.log(run.summary().join('\n'));
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Waits for a long file to be on a DataNode. @returns its pipeline */
async function untilInPipeline(run: FaultRun, cluster: HdfsCluster, name?: string) {
  let pipeline: string[] = [];
  await run.until(`a file is written to ${name ?? 'DataNodes'}`, async () => {
    pipeline = await pipelineOf(cluster, await run.openFile('long')).catch(() => []);
    return name === undefined ? pipeline.length > 0 : pipeline.includes(name);
  });
  return pipeline;
}

async function revive(cluster: HdfsCluster): Promise<void> {
  for (const { name, process } of cluster.dataNodes) {
    process?.signal('SIGCONT');
    if (process?.hasExited) cluster.startDataNode(name);
  }
  for (const { name, process } of cluster.nameNodes) {
    if (process?.hasExited) cluster.startNameNode(name);
  }
  await cluster.untilLive(cluster.dataNodes.length);
}

/** Gives one DataNode a small disk. */
function smallDiskIn(flow: FlowFolder): SmallFileSystem {
  const small = SmallFileSystem.in(flow, { bytes: 96 << 20 });
  mkdirSync(join(flow.folder('cluster'), 'data'));
  symlinkSync(small.folder('data'), join(flow.path, 'cluster/data', smallDisk));
  return small;
}
