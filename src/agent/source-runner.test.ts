import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { ChannelFullError } from '../core/errors.ts';
import { silentLogger } from '../core/log.ts';
import { SourceCounters } from '../core/metrics.ts';
import type { PollResult, Source } from '../core/source.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { SourceRunner } from './source-runner.ts';

function rig(poll: () => Promise<PollResult>) {
  const clock = new ManualClock();
  const counters = new SourceCounters();
  const events: string[] = [];
  const source: Source = {
    start: async () => void events.push('start'),
    stop: async () => void events.push('stop'),
    poll,
  };
  const runner = new SourceRunner(source, counters, clock, silentLogger, {
    backoffIncrementMs: 1_000,
    maxBackoffMs: 3_000,
    beforeStart: async () => void events.push('attach'),
  });
  return { runner, clock, counters, events };
}

test('channels know the source before it starts', async () => {
  const { runner, events } = rig(async () => 'idle');
  await runner.start();
  await runner.stop();
  assert.deepEqual(events, ['attach', 'start', 'stop']);
});

test('an idle source waits longer each time, up to a limit; a busy one not at all', async () => {
  const times: number[] = [];
  const { runner, clock } = rig(async () => {
    times.push(clock.monotonic());
    return times.length === 5 ? 'ready' : 'idle';
  });
  await runner.start();
  await clock.advance(12_000);
  assert.deepEqual(times, [0, 1_000, 3_000, 6_000, 9_000, 9_000, 10_000, 12_000]);
  await runner.stop();
});

test('a source that is woken is polled at once, also when that came during a poll', async () => {
  const times: number[] = [];
  const { runner, clock } = rig(async () => {
    times.push(clock.monotonic());
    if (times.length === 1) runner.wake();
    return 'idle';
  });
  await runner.start();
  await clock.advance(500);
  assert.deepEqual(times, [0, 0]);
  runner.wake();
  await clock.settle();
  assert.deepEqual(times, [0, 0, 500]);
  await runner.stop();
});

test('a refusal costs a pause, any other failure the longest wait, counted', async () => {
  const times: number[] = [];
  const { runner, clock, counters } = rig(async () => {
    times.push(clock.monotonic());
    if (times.length === 1) throw new ChannelFullError('c1', 'no room');
    if (times.length === 2) throw new Error('unexpected');
    return 'idle';
  });
  await runner.start();
  await clock.advance(3_100);
  assert.deepEqual(times, [0, 50, 3_050]);
  assert.equal(counters.GenericProcessingFail, 1);
  await runner.stop();
});

test('stopping ends a wait and waits for the poll in hand', async () => {
  let finish = () => {};
  const { runner, clock, events } = rig(
    () =>
      new Promise((resolve) => {
        finish = () => resolve('ready');
      }),
  );
  await runner.start();
  await clock.settle();
  const stopped = runner.stop();
  await clock.settle();
  assert(!events.includes('stop'));
  finish();
  await stopped;
  assert(events.includes('stop'));
});
