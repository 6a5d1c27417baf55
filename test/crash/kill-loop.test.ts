import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seedFromEnvironment } from '../../src/testing/prng.ts';
import { runKillLoop } from './kill-loop.ts';
import type { Rotation } from './numbered-log.ts';
import type { Topology } from './topology.ts';

const seed = seedFromEnvironment();
const kills = 6;

/** Every topology and rotation once; `node test/crash/kill-loop.ts` runs every pair, for longer. */
const pairs: readonly (readonly [Topology, Rotation])[] = [
  ['two-channels', 'rename'],
  ['two-sinks', 'copy-inside'],
  ['suppress', 'delete'],
  ['multi-line', 'rename'],
  ['gzip', 'rename-away'],
  ['one-channel', 'copy-outside'],
  ['durable', 'rename'],
  ['durable-two-sinks', 'rename'],
  ['durable-encrypted', 'rename-away'],
  ['durable-outage', 'rename'],
  ['spillable', 'delete'],
];

describe(`an agent killed again and again, MILLRACE_SEED=${seed}`, () => {
  for (const [topology, rotation] of pairs) {
    test(`delivers every line once: ${topology}, ${rotation}`, async (t) => {
      const result = await runKillLoop({ seed, kills, topology, rotation });
      t.diagnostic(`${result.lines} lines in ${result.generations} files`);
      for (const [output, verdict] of result.verdicts) {
        assert(verdict.isClean, `${output} (kept in ${result.folder}): ${verdict}`);
      }
    });
  }
});
