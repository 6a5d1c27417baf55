import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { accessLines, generateLog } from '../../bench/generate-log.ts';
import { FlowFolder, outputFiles, outputOf, waitUntil } from '../../testbed/flow-folder.ts';
import { type TailOptions, tailToFiles } from './tail-to-files.ts';

const lines = 200_000;

describe('a generated log through taildir, memory and file_roll', () => {
  const settings: Readonly<Record<string, TailOptions>> = {
    'with the defaults': {},
    'with large batches': { batchSize: 5_000, capacity: 100_000 },
    'with batches of one': { batchSize: 1, capacity: 1, source: ['maxBatchCount = 7'] },
    'rolled every second': { sink: ['sink.rollInterval = 1'] },
  };
  for (const [name, options] of Object.entries(settings)) {
    const count = options.batchSize === 1 ? lines / 10 : lines;
    test(`comes out identical ${name}`, async (t) => {
      const flow = new FlowFolder(t);
      const path = { folder: flow.folder('in'), output: flow.folder('out') };
      const bytes = generateLog(join(path.folder, 'access.log'), { lines: count });
      const agent = flow.startMillrace(flow.file('flow.properties', tailToFiles([path], options)));
      await waitUntil('all is delivered', agent, () => outputOf(path.output).length >= bytes);
      assert.equal((await agent.stop()).code, 0);
      const input = readFileSync(join(path.folder, 'access.log'));
      assert(outputOf(path.output).equals(input), 'the output is not the input');
    });
  }

  test('comes out identical through gzip', async (t) => {
    const flow = new FlowFolder(t);
    const path = { folder: flow.folder('in'), output: flow.folder('out') };
    generateLog(join(path.folder, 'access.log'), { lines });
    const input = readFileSync(join(path.folder, 'access.log'));
    const options = { capacity: 100_000, batchSize: 1_000, sink: ['sink.compression = gzip'] };
    const agent = flow.startMillrace(flow.file('flow.properties', tailToFiles([path], options)));
    const positions = `${path.output}.positions.json`;
    flow.file('out.positions.json', '[]');
    const settled = () => readFileSync(positions, 'utf8').includes(`"pos":${input.length},`);
    await waitUntil('all is settled', agent, settled);
    assert.equal((await agent.stop()).code, 0);
    const output = outputFiles(path.output).map((file) => gunzipSync(readFileSync(file)));
    assert(Buffer.concat(output).equals(input), 'the output is not the input');
  });

  test('of 300 files comes out whole, each file in order', async (t) => {
    const flow = new FlowFolder(t);
    const path = { folder: flow.folder('in'), output: flow.folder('out') };
    const line = accessLines();
    let bytes = 0;
    for (let file = 0; file < 300; file++) {
      const text = Array.from({ length: 100 }, (_, i) => `${file} ${i} ${line()}\n`).join('');
      writeFileSync(join(path.folder, `access-${file}.log`), text);
      bytes += text.length;
    }
    const agent = flow.startMillrace(flow.file('flow.properties', tailToFiles([path])));
    await waitUntil('all is delivered', agent, () => outputOf(path.output).length >= bytes);
    assert.equal((await agent.stop()).code, 0);
    const output = outputOf(path.output).toString().split('\n');
    for (let file = 0; file < 300; file++) {
      const prefix = `${file} `;
      const input = readFileSync(join(path.folder, `access-${file}.log`), 'utf8');
      const delivered = output.filter((each) => each.startsWith(prefix));
      assert.equal(`${delivered.join('\n')}\n`, input);
    }
  });

  test('is tailed: what is appended later follows', async (t) => {
    const flow = new FlowFolder(t);
    const path = { folder: flow.folder('in'), output: flow.folder('out') };
    const file = join(path.folder, 'access.log');
    const line = accessLines();
    const agent = flow.startMillrace(flow.file('flow.properties', tailToFiles([path])));
    let text = '';
    for (let round = 0; round < 5; round++) {
      const more = Array.from({ length: 10 }, () => `${line()}\n`).join('');
      appendFileSync(file, more);
      text += more;
      await waitUntil('it follows', agent, () => outputOf(path.output).length >= text.length);
    }
    assert.equal((await agent.stop()).code, 0);
    assert.equal(outputOf(path.output).toString(), text);
  });
});
