import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { seedFromEnvironment } from '../../src/testing/prng.ts';
import { type HdfsCluster, hdfsMissing } from '../../testbed/hdfs.ts';
import { readerMissing } from './format-lines.ts';
import { type Format, formats } from './format-options.ts';
import { type HdfsChannel, hdfsChannels } from './hdfs-flow.ts';
import { reportOf, runFileLoop, startLoopCluster } from './hdfs-loop.ts';

const seed = seedFromEnvironment();
const kills = 3;
const names = (Object.keys(formats) as Format[]).filter((format) => format !== 'text');
const channels = Object.keys(hdfsChannels) as HdfsChannel[];

/** `node test/crash/hdfs-loop.ts` runs more of them. */
describe(`an agent that writes files of a format, killed again and again, MILLRACE_SEED=${seed}`, {
  concurrency: 3,
}, () => {
  let folder: string;
  let cluster: HdfsCluster | undefined;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-format-loop-cluster-'));
    if (!hdfsMissing()) cluster = await startLoopCluster(folder);
  });

  after(async () => {
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [index, format] of names.entries()) {
    for (const [place, isHdfs] of [
      ['HDFS', true],
      ['local files', false],
    ] as const) {
      const skip = readerMissing(format) || (isHdfs && hdfsMissing());
      test(`delivers every line once, in whole files: ${formats[format]}, ${place}`, {
        skip,
      }, async (t) => {
        const channel = channels[(index + Number(isHdfs) + seed) % 2] ?? 'memory';
        const options = { seed: seed + index, kills, channel, format };
        const result = await runFileLoop(options, isHdfs ? cluster : undefined);
        const report = reportOf(result);
        t.diagnostic(report);
        assert(result.verdict.isClean, report);
        assert.deepEqual(result.wrong, [], report);
      });
    }
  }
});
