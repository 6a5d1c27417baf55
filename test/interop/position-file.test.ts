import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, readFileSync, statSync } from 'node:fs';
import { describe, test } from 'node:test';
import { accessLines } from '../../bench/generate-log.ts';
import { FlowFolder, outputOf, waitUntil } from '../../testbed/flow-folder.ts';
import { flumeMissing } from '../../testbed/flume.ts';
import { tailToFiles } from '../flows/tail-to-files.ts';

const line = accessLines(11);
const text = (lines: number) => Array.from({ length: lines }, () => `${line()}\n`).join('');

/** Two folders with their own output and position file: one for each agent. */
function changeOfAgents(flow: FlowFolder) {
  const folder = flow.folder('in');
  const first = { folder, output: flow.folder('first') };
  const second = { folder, output: flow.folder('second') };
  const log = flow.file('in/app.log', text(700));
  const other = flow.file('in/other.log', text(30));
  const conf = (path: typeof first, name: string) => {
    const options = { channel: ['keep-alive = 1'] };
    return flow.file(`${name}.properties`, tailToFiles([path], options));
  };
  return {
    first,
    second,
    log,
    other,
    firstConf: conf(first, 'first'),
    secondConf: conf(second, 'second'),
    /** Both files are as long as the first agent left them; then they grow. */
    handOver: () => {
      copyFileSync(`${first.output}.positions.json`, `${second.output}.positions.json`);
      const [more, moreOfOther] = [text(500), text(20)];
      appendFileSync(log, more);
      appendFileSync(other, moreOfOther);
      return more.length + moreOfOther.length;
    },
  };
}

/** The lines of both outputs are those of both inputs, none twice. */
function assertExactlyOnce(change: ReturnType<typeof changeOfAgents>): void {
  const linesOf = (bytes: Buffer) => bytes.toString().split('\n').sort();
  const delivered = linesOf(
    Buffer.concat([outputOf(change.first.output), outputOf(change.second.output)]),
  );
  const written = linesOf(Buffer.concat([readFileSync(change.log), readFileSync(change.other)]));
  assert.deepEqual(delivered, written);
}

function positionsOf(output: string): unknown {
  return JSON.parse(readFileSync(`${output}.positions.json`, 'utf8'));
}

describe('a position file', { skip: flumeMissing() }, () => {
  test('of Flume lets Millrace go on where Flume stopped', async (t) => {
    const flow = new FlowFolder(t);
    const change = changeOfAgents(flow);
    const bytes = statSync(change.log).size + statSync(change.other).size;
    const flume = flow.startFlume(change.firstConf);
    await waitUntil('Flume is done', flume, () => outputOf(change.first.output).length >= bytes);
    await flume.stop();
    const more = change.handOver();
    const millrace = flow.startMillrace(change.secondConf);
    await waitUntil('the rest is there', millrace, () => {
      return outputOf(change.second.output).length >= more;
    });
    assert.equal((await millrace.stop()).code, 0);
    assertExactlyOnce(change);
  });

  test('of Millrace lets Flume go on where Millrace stopped', async (t) => {
    const flow = new FlowFolder(t);
    const change = changeOfAgents(flow);
    const bytes = statSync(change.log).size + statSync(change.other).size;
    const millrace = flow.startMillrace(change.firstConf);
    await waitUntil('Millrace is done', millrace, () => {
      return outputOf(change.first.output).length >= bytes;
    });
    assert.equal((await millrace.stop()).code, 0);
    const more = change.handOver();
    const flume = flow.startFlume(change.secondConf);
    await waitUntil('the rest is there', flume, () => {
      return outputOf(change.second.output).length >= more;
    });
    await flume.stop();
    assertExactlyOnce(change);
  });

  test('has the same entries in the same form from both', async (t) => {
    const flow = new FlowFolder(t);
    const change = changeOfAgents(flow);
    const bytes = statSync(change.log).size + statSync(change.other).size;
    for (const [peer, path, conf] of [
      ['flume', change.first, change.firstConf],
      ['millrace', change.second, change.secondConf],
    ] as const) {
      const agent = peer === 'flume' ? flow.startFlume(conf) : flow.startMillrace(conf);
      await waitUntil('all is there', agent, () => outputOf(path.output).length >= bytes);
      await agent.stop();
    }
    const [theirs, ours] = [change.first, change.second].map(({ output }) => positionsOf(output));
    assert(Array.isArray(ours) && Array.isArray(theirs));
    const sorted = (list: unknown[]) => list.map((entry) => JSON.stringify(entry)).sort();
    assert.deepEqual(sorted(ours), sorted(theirs));
  });
});
