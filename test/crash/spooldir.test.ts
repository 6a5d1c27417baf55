import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seedFromEnvironment } from '../../src/testing/prng.ts';
import type { SpoolPolicy, SpoolTopology } from './spool-loop.ts';
import { runSpoolLoop } from './spool-loop.ts';

const seed = seedFromEnvironment();
const kills = 6;

/** `node test/crash/spool-loop.ts` runs every pair, for longer. */
const pairs: readonly (readonly [SpoolTopology, SpoolPolicy])[] = [
  ['two-channels', 'rename'],
  ['two-sinks', 'delete'],
  ['durable', 'mark'],
];

describe(`an agent that reads a spool directory, killed again and again, MILLRACE_SEED=${seed}`, () => {
  for (const [topology, policy] of pairs) {
    test(`delivers every line once, before its file is done: ${topology}, ${policy}`, async (t) => {
      const result = await runSpoolLoop({ seed, kills, topology, policy });
      t.diagnostic(`${result.lines} lines in ${result.files} files`);
      for (const [output, verdict] of result.verdicts) {
        assert(verdict.isClean, `${output} (kept in ${result.folder}): ${verdict}`);
      }
      assert.equal(result.early, 0, `lines too early (kept in ${result.folder})`);
    });
  }
});
