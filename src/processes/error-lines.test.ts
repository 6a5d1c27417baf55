import { strict as assert } from 'node:assert';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { ManualClock } from '../testing/manual-clock.ts';
import { RecordingLogger } from '../testing/recording-logger.ts';
import { ErrorLines } from './error-lines.ts';

/** Errors that are written piece by piece, and what was logged of them. */
function setUp(logs = true) {
  const stream = new PassThrough();
  const log = new RecordingLogger();
  const clock = new ManualClock();
  const errors = new ErrorLines(stream, clock, logs ? log : undefined);
  const write = async (...pieces: readonly (string | Buffer)[]) => {
    for (const piece of pieces) stream.write(piece);
    await clock.settle();
  };
  const lines = () => log.lines.flatMap(({ fields }) => fields['line'] ?? []);
  return { stream, log, clock, errors, write, lines };
}

test('each line is logged once, whole, however it comes', async () => {
  const { write, lines, stream, clock } = setUp();
  const bytes = Buffer.from('héllo\r\nsecond\nlast');
  await write(...[...bytes].map((byte) => Buffer.from([byte])));
  assert.deepEqual(lines(), ['héllo', 'second']);
  stream.destroy();
  await clock.settle();
  assert.deepEqual(lines(), ['héllo', 'second', 'last']);
});

test('the last line that is not blank is kept, also when nothing is logged', async () => {
  const { write, log, errors } = setUp(false);
  await write('tail: no files\n\n  \n');
  assert.equal(errors.last, 'tail: no files');
  await write('unfinished');
  assert.equal(errors.last, 'unfinished');
  assert.deepEqual(log.lines, []);
});

test('of a long line the beginning is logged, and little is kept', async () => {
  const { write, lines } = setUp();
  await write(...Array.from({ length: 100 }, () => 'x'.repeat(10_000)), '\nnext\n');
  assert.deepEqual(lines(), ['x'.repeat(1_000), 'next']);
});

test('more than a hundred lines in ten seconds are counted', async () => {
  const { write, lines, log, clock, stream } = setUp();
  await write('a\n'.repeat(250));
  assert.equal(lines().length, 100);
  await clock.advance(10_000);
  await write('b\n'.repeat(101));
  assert.equal(lines().length, 200);
  stream.destroy();
  await clock.settle();
  const skipped = log.lines.flatMap(({ level, fields }) => (level === 'warn' ? [fields] : []));
  assert.deepEqual(skipped, [{ lines: 150 }, { lines: 1 }]);
});
