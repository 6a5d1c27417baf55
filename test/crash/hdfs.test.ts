import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { seedFromEnvironment } from '../../src/testing/prng.ts';
import { type HdfsCluster, hdfsMissing } from '../../testbed/hdfs.ts';
import { type HdfsChannel, hdfsChannels } from './hdfs-flow.ts';
import { reportOf, runFileLoop, startLoopCluster } from './hdfs-loop.ts';

const seed = seedFromEnvironment();
const kills = 6;
const channels = Object.keys(hdfsChannels) as HdfsChannel[];
const skip = hdfsMissing();

/** `node test/crash/hdfs-loop.ts` runs more of them. */
describe(`an agent that writes to HDFS, killed again and again, MILLRACE_SEED=${seed}`, {
  skip,
  concurrency: true,
}, () => {
  let folder: string;
  let cluster: HdfsCluster;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-hdfs-loop-cluster-'));
    cluster = await startLoopCluster(folder);
  });

  after(async () => {
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [index, channel] of channels.entries()) {
    test(`delivers every line once and leaves no file open: ${hdfsChannels[channel]}`, async (t) => {
      const result = await runFileLoop(
        { seed: seed + index, kills, channel, format: 'text' },
        cluster,
      );
      const report = reportOf(result);
      t.diagnostic(report);
      assert(result.verdict.isClean, report);
      assert.deepEqual(result.wrong, [], report);
    });
  }
});
