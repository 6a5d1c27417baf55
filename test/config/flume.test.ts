import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FlowFolder } from '../../testbed/flow-folder.ts';
import { flumeMissing } from '../../testbed/flume.ts';
import { foretold, planned, startedByFlume } from './real-flume.ts';

/* What check says of Flume, beside what real Flume does. */

const folder = join(import.meta.dirname, 'flume');

describe('of each configuration real Flume starts what check foretells', () => {
  const skip = flumeMissing();
  for (const file of readdirSync(folder)) {
    test(file, { skip }, async (t) => {
      const text = readFileSync(join(folder, file), 'utf8');
      const { started, log, missing } = await startedByFlume(new FlowFolder(t), text, 'a1');
      assert.equal(missing, undefined);
      const { started: expected, open } = foretold(await planned(text, 'a1'));
      const isSaid = (each: string) => !open.includes(each);
      assert.deepEqual(expected.filter(isSaid), started.filter(isSaid), log.slice(-4000));
      assert.ok(open.length < 6, `check says little of Flume: ${open.join(', ')}`);
    });
  }
});
