import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { generateLog } from '../../bench/generate-log.ts';
import { FlowFolder, outputOf, waitUntil } from '../../testbed/flow-folder.ts';
import { type CallCounts, callCounts } from '../../testbed/process-usage.ts';
import { type TailOptions, tailToFiles } from './tail-to-files.ts';

const lines = 200_000;

/**
 * The most per MB of log, on any machine. The bytes are exact to a percent; the calls vary, since
 * Node's threads wake each other through calls that count as reads and writes too (6 to 50 per MB).
 */
interface Limits {
  readonly readCalls: number;
  readonly writeCalls: number;
  /** Bytes through read calls and through write calls, per byte of log. */
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** What moving a log costs in system calls and copies: the part that no slow hour hides. */
describe('per MB of log, taildir, memory and file_roll', () => {
  const cases: readonly (readonly [name: string, options: TailOptions, limits: Limits])[] = [
    [
      'with large batches',
      { batchSize: 5_000, capacity: 100_000 },
      { readCalls: 100, writeCalls: 100, readBytes: 1.02, writtenBytes: 1.02 },
    ],
    [
      'with the defaults',
      {},
      { readCalls: 100, writeCalls: 150, readBytes: 1.02, writtenBytes: 1.02 },
    ],
  ];
  for (const [name, options, limits] of cases) {
    test(`make no more calls and copies than allowed ${name}`, async (t) => {
      const flow = new FlowFolder(t);
      const path = { folder: flow.folder('in'), output: flow.folder('out') };
      const agent = flow.startMillrace(flow.file('flow.properties', tailToFiles([path], options)));
      const log = join(path.folder, 'first.log');
      const first = generateLog(log, { lines: 100 });
      await waitUntil('it runs', agent, () => outputOf(path.output).length >= first);
      const second = join(flow.path, 'second.log');
      const bytes = generateLog(second, { lines, seed: 2 });
      const before = callCounts(agent.pid);
      renameSync(second, join(path.folder, 'second.log'));
      await waitUntil('all is there', agent, () => outputOf(path.output).length >= first + bytes);
      const used = difference(callCounts(agent.pid), before, bytes);
      t.diagnostic(JSON.stringify(used));
      for (const [what, limit] of Object.entries(limits)) {
        const value = used[what as keyof Limits];
        assert(value <= limit, `${what}: ${value.toFixed(2)}, allowed ${limit}`);
      }
    });
  }
});

function difference(after: CallCounts, before: CallCounts, bytes: number): Limits {
  return {
    readCalls: (after.readCalls - before.readCalls) / (bytes / 1e6),
    writeCalls: (after.writeCalls - before.writeCalls) / (bytes / 1e6),
    readBytes: (after.readBytes - before.readBytes) / bytes,
    writtenBytes: (after.writtenBytes - before.writtenBytes) / bytes,
  };
}
