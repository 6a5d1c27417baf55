import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { generateLog } from '../../bench/generate-log.ts';
import { FlowFolder, outputOf, waitUntil } from '../../testbed/flow-folder.ts';
import { tailToFiles } from './tail-to-files.ts';

/** A stop must not wait for a whole backlog. */
const stopMs = 5_000;

describe('SIGTERM', () => {
  test('ends an idle agent with 0, and it ends soon', async (t) => {
    const flow = new FlowFolder(t);
    const path = { folder: flow.folder('in'), output: flow.folder('out') };
    flow.file('in/app.log', 'one\ntwo\n');
    const agent = flow.startMillrace(flow.file('flow.properties', tailToFiles([path])));
    await waitUntil('the lines are there', agent, () => outputOf(path.output).length === 8);
    assert.deepEqual(await agent.stop(stopMs), { code: 0, signal: null });
  });

  test('in the middle of a backlog leaves whole lines, and the next run goes on', async (t) => {
    const flow = new FlowFolder(t);
    const path = { folder: flow.folder('in'), output: flow.folder('out') };
    const bytes = generateLog(join(path.folder, 'access.log'), { lines: 400_000 });
    const conf = flow.file('flow.properties', tailToFiles([path]));
    for (let round = 1; round <= 3; round++) {
      const before = outputOf(path.output).length;
      const agent = flow.startMillrace(conf);
      await waitUntil('it goes on', agent, () => {
        const now = outputOf(path.output).length;
        return now > before || now >= bytes;
      });
      assert.deepEqual(await agent.stop(stopMs), { code: 0, signal: null });
      const output = outputOf(path.output);
      assert.equal(output.at(-1), 10);
    }
    const agent = flow.startMillrace(conf);
    await waitUntil('all is delivered', agent, () => outputOf(path.output).length >= bytes);
    assert.equal((await agent.stop(stopMs)).code, 0);
    const input = readFileSync(join(path.folder, 'access.log'));
    assert(outputOf(path.output).equals(input), 'the output is not the input');
  });
});
