import { strict as assert } from 'node:assert';
import { mkdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';
import { FlowFolder, waitUntil } from '../../testbed/flow-folder.ts';
import { SlowSync, slowSyncMissing } from '../../testbed/slow-sync/slow-sync.ts';
import { NumberedFlow } from './numbered-flow.ts';

const megabyte = 1 << 20;
const lines = 100_000;
const longMs = 3_000;
const seed = seedFromEnvironment();
const skip = slowSyncMissing();

describe(`a disk whose syncs are slow, MILLRACE_SEED=${seed}`, { skip }, () => {
  test('is shared by many events a sync, and the agent answers meanwhile', async (t) => {
    const flow = new FlowFolder(t);
    const slow = new SlowSync(flow);
    const run = new NumberedFlow(flow, seed, { settings: { maxFileSize: 64 * megabyte } });
    mkdirSync(run.output);
    run.start(slow.env);
    run.write(1_000);
    await run.moves();
    slow.delayMs = 200;
    await sleep(500);
    const before = slow.count;
    run.write(lines);
    const { inputBytes } = run;
    await waitUntil('all is there', run.agent, () => run.outputBytes >= inputBytes);
    const syncs = slow.count - before;
    t.diagnostic(`${lines} lines, ${syncs} syncs`);
    assert(syncs > 0, 'syncs are not slowed down');
    assert(lines / syncs > 500, `${lines} lines took ${syncs} syncs`);
    await run.staysCalm(500);
    slow.delayMs = longMs;
    const begun = slow.count;
    run.write(1_000);
    await waitUntil('a sync begins', run.agent, () => slow.count > begun);
    await run.counters(longMs / 2);
    slow.delayMs = 0;
    run.write(50_000);
    await run.ends();
  });

  test('loses and doubles nothing when the agent is killed during a sync', async (t) => {
    const random = new Prng(seed);
    const flow = new FlowFolder(t);
    const slow = new SlowSync(flow);
    const run = new NumberedFlow(flow, seed);
    mkdirSync(run.output);
    for (let kill = 0; kill < 5; kill++) {
      slow.delayMs = 0;
      run.start(slow.env);
      await run.whileWriting(async () => {
        await run.moves();
        slow.delayMs = 100;
        const syncs = slow.count + random.integer(6);
        await waitUntil('syncs begin', run.agent, () => slow.count > syncs);
        await sleep(random.integer(100));
        await run.agent.kill();
      });
    }
    slow.delayMs = 20;
    run.start(slow.env);
    await run.ends();
  });
});
