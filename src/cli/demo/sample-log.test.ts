import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readCollected } from './collected.ts';
import { lineNumber, SampleLog } from './sample-log.ts';

const root = mkdtempSync(join(tmpdir(), 'millrace-demo-'));
after(() => rmSync(root, { recursive: true }));

function numbersIn(directory: string): number[] {
  return readdirSync(directory)
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').trimEnd().split('\n'))
    .map(lineNumber)
    .sort((a, b) => a - b);
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

test('opened again, the log goes on with the next number', () => {
  const directory = join(root, 'again');
  for (const total of [10, 20]) {
    const log = new SampleLog(directory);
    log.write(10);
    log.stop();
    assert.equal(log.lines, total);
  }
  assert.deepEqual(numbersIn(directory), upTo(20));
});

test('a line that a crash has cut is written anew', () => {
  const directory = join(root, 'cut');
  const log = new SampleLog(directory);
  log.write(5);
  log.stop();
  appendFileSync(join(directory, 'app.log'), '2026-11-24T10:00:00.000Z n=6 GE');
  const next = new SampleLog(directory);
  next.write(1);
  next.stop();
  assert.deepEqual(numbersIn(directory), upTo(6));
});

test('full files are renamed, the last few stay, and numbers go on after an empty one', () => {
  const directory = join(root, 'full');
  const log = new SampleLog(directory);
  for (let index = 0; index < 12; index++) log.write(80_000);
  log.stop();
  const names = readdirSync(directory);
  assert.equal(names.length, 9);
  assert.ok(names.includes('app.log.960000'));
  assert.equal(new SampleLog(directory).lines, 960_000);
});

test('what was collected is counted, with doubles', async () => {
  const directory = join(root, 'collected');
  const log = new SampleLog(directory);
  log.write(100);
  log.stop();
  const text = readFileSync(join(directory, 'app.log'), 'utf8');
  appendFileSync(join(directory, 'other'), text.split('\n').slice(40, 43).join('\n').concat('\n'));
  assert.deepEqual(await readCollected(directory, 100), { files: 2, lines: 103, doubles: 3 });
});
