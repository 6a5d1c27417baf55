import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const module = pathToFileURL(`${import.meta.dirname}/stop-signal.ts`).href;

/** A program that says when the signal aborts, and then takes for ever to stop. */
const program = `
  const { stopSignal } = await import('${module}');
  setInterval(() => {}, 1000);
  stopSignal().addEventListener('abort', () => console.log('stopping'));
  console.log('ready');
`;

test('the first signal aborts, one much later ends the process', { timeout: 20_000 }, async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  const said = child.stdout.setEncoding('utf8');
  const [ready] = await once(said, 'data');
  assert.equal(ready, 'ready\n');
  child.kill('SIGTERM');
  const [stopping] = await once(said, 'data');
  assert.equal(stopping, 'stopping\n');
  // It is a later one as soon as it is not taken for the first: sent until it ends the process.
  const again = setInterval(() => child.kill('SIGINT'), 50);
  const [code] = await once(child, 'exit');
  clearInterval(again);
  assert.equal(code, 1);
});
