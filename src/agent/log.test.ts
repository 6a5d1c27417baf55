import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../core/errors.ts';
import { flumeLogLevel, openLog, readableLine } from './log.ts';

function collected() {
  const lines: string[] = [];
  const log = openLog('info', { write: (line: string) => lines.push(line) });
  return { lines, log };
}

test('a record is one JSON line with level, time, fields and sentence', () => {
  const { lines, log } = collected();
  log.child({ component: 'k1' }).warn({ path: '/x', bytes: 7 }, 'File closed.');
  log.debug({}, 'Not at this level.');
  assert.equal(lines.length, 1);
  const { time, ...record } = JSON.parse(lines[0] ?? '');
  assert.match(time, /^\d{4}-\d\d-\d\dT/);
  const expected = {
    level: 'warn',
    component: 'k1',
    path: '/x',
    bytes: 7,
    message: 'File closed.',
  };
  assert.deepEqual(record, expected);
});

test('a readable line has time, level, component, sentence and fields', () => {
  const { lines, log } = collected();
  log.child({ component: 'sink k1' }).info({ path: '/x y', bytes: 7, to: 'k=v' }, 'File closed.');
  const line = readableLine(lines[0] ?? '');
  assert.match(
    line,
    /^\d\d:\d\d:\d\d\.\d{3} INFO {2}"sink k1" File closed\. path="\/x y" bytes=7 to="k=v"\n$/,
  );
});

test('an error with a code is a few words with its causes, a bug has its stack', () => {
  const { lines, log } = collected();
  const cause = new Error('the disk says no');
  log.error({ error: new Error('write /x', { cause }) }, 'Failed.');
  log.error({ error: new ConfigError('a.b', 'is wrong') }, 'Failed.');
  assert.match(readableLine(lines[0] ?? ''), /Failed\.\n {4}Error: write \/x\n {8}at /);
  assert.match(readableLine(lines[1] ?? ''), /Failed\. error: a\.b: is wrong\n$/);
});

test('text from outside cannot steer the terminal', () => {
  const { lines, log } = collected();
  const error = Object.assign(new Error('\u001b[2J\u0007'), { code: 'EX' });
  log.error({ name: '\u001b[2J\u009b', error }, 'Failed.');
  assert.doesNotMatch(readableLine(lines[0] ?? '').trimEnd(), /\p{Cc}/u);
});

test('what is no record of the logger stays as it is', () => {
  assert.equal(readableLine('oops\n'), 'oops\n');
});

test('levels of Flume are ours', () => {
  assert.equal(flumeLogLevel('DEBUG,console'), 'debug');
  assert.equal(flumeLogLevel('warn, LOGFILE'), 'warn');
  assert.equal(flumeLogLevel('TRACE'), 'debug');
  assert.equal(flumeLogLevel('NOISY'), undefined);
});
