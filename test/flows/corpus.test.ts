import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { FlowFolder, outputOf, waitUntil } from '../../testbed/flow-folder.ts';
import { repositoryRoot } from '../../testbed/millrace.ts';
import { tailToFiles } from './tail-to-files.ts';

const corpus = process.env['MILLRACE_CORPUS'] ?? join(repositoryRoot, '../shared/corpus');
const logs = join(corpus, 'logs');
const skip = !existsSync(logs) && `no logs at ${logs}; MILLRACE_CORPUS names the corpus`;

/** One agent reads them all, each with a source, a channel and a sink of its own. */
test('every log of the corpus comes out as it went in', { skip }, async (t) => {
  const flow = new FlowFolder(t);
  const inputs = readdirSync(logs, { recursive: true, encoding: 'utf8' })
    .map((name) => join(logs, name))
    .filter((path) => statSync(path).isFile())
    .map((path, index) => {
      const content = wholeLines(readFileSync(path));
      const folder = flow.folder(`in${index}`);
      flow.file(`in${index}/app.log`, readFileSync(path));
      return { name: relative(logs, path), folder, output: flow.folder(`out${index}`), content };
    });
  assert(inputs.length > 30, `only ${inputs.length} files`);
  const conf = flow.file('flow.properties', tailToFiles(inputs, { idleTimeout: 300 }));
  const agent = flow.startMillrace(conf);
  await waitUntil('everything is delivered', agent, () =>
    inputs.every(({ output, content }) => outputOf(output).length >= content.length),
  );
  assert.equal((await agent.stop()).code, 0);
  for (const { name, output, content } of inputs) {
    assert(outputOf(output).equals(content), `${name} came out changed`);
  }
});

/** A last line without a newline is delivered as a line, and a CR before a newline is not. */
function wholeLines(content: Buffer): Buffer {
  if (content.length === 0) return content;
  const text = content.toString('latin1').replaceAll('\r\n', '\n');
  return Buffer.from(text.endsWith('\n') ? text : `${text}\n`, 'latin1');
}
