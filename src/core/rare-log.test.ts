import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../testing/manual-clock.ts';
import { RecordingLogger } from '../testing/recording-logger.ts';
import { RareLog } from './rare-log.ts';

test('what happens often is said once a minute, with how often it happened', async () => {
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const rare = new RareLog(log, clock);
  for (let count = 0; count < 1000; count++) rare.warn({ peer: count }, 'It is bad.');
  await clock.advance(59_999);
  rare.warn({ peer: 'x' }, 'It is bad.');
  await clock.advance(1);
  rare.warn({ peer: 'y' }, 'It is bad.', 5);
  assert.deepEqual(
    log.lines.map(({ level, fields }) => [level, fields['peer'], fields['times']]),
    [
      ['warn', 0, 1],
      ['warn', 'y', 1005],
    ],
  );
});

test('each sentence is counted for itself', () => {
  const log = new RecordingLogger();
  const rare = new RareLog(log, new ManualClock());
  rare.warn({}, 'One.');
  rare.error({}, 'Two.');
  rare.warn({}, 'One.');
  assert.deepEqual(
    log.lines.map(({ level, sentence }) => `${level} ${sentence}`),
    ['warn One.', 'error Two.'],
  );
});
