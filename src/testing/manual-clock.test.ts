import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { ManualClock } from './manual-clock.ts';

test('time stands still until it is moved', async () => {
  const clock = new ManualClock(1_000);
  assert.deepEqual([clock.now(), clock.monotonic()], [1_000, 0]);
  await clock.settle();
  assert.deepEqual([clock.now(), clock.monotonic()], [1_000, 0]);
  await clock.advance(250);
  assert.deepEqual([clock.now(), clock.monotonic()], [1_250, 250]);
});

test('sleepers wake in the order in which they are due, each at its moment', async () => {
  const clock = new ManualClock(0);
  const woken: string[] = [];
  const sleeper = async (name: string, ms: number) => {
    await clock.sleep(ms);
    woken.push(`${name} ${clock.monotonic()}`);
  };
  void sleeper('late', 30);
  void sleeper('first', 10);
  void sleeper('second', 10);
  void sleeper('beyond', 31);
  await clock.advance(30);
  assert.deepEqual(woken, ['first 10', 'second 10', 'late 30']);
  assert.equal(clock.sleeperCount, 1);
});

test('what a sleeper does has settled before the next wakes; its next sleep counts', async () => {
  const clock = new ManualClock(0);
  const seen: string[] = [];
  const ticker = async () => {
    for (let tick = 0; tick < 3; tick++) {
      await clock.sleep(10);
      for (let step = 0; step < 50; step++) await undefined;
      seen.push(`tick ${clock.monotonic()}`);
    }
  };
  void ticker();
  void clock.sleep(10).then(() => seen.push('other'));
  await clock.advance(25);
  assert.deepEqual(seen, ['tick 10', 'other', 'tick 20']);
});

test('an abort ends a sleep at once and leaves nothing behind', async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const asleep = clock.sleep(1_000, controller.signal);
  assert.equal(clock.sleeperCount, 1);
  controller.abort();
  await asleep;
  await clock.sleep(1_000, controller.signal);
  assert.equal(clock.sleeperCount, 0);
});

test('a sleep of no time is over without the clock', async () => {
  const clock = new ManualClock();
  await clock.sleep(0);
  assert.equal(clock.sleeperCount, 0);
});

test('setting the time of day wakes nobody and leaves the monotonic time alone', async () => {
  const clock = new ManualClock(5_000);
  void clock.sleep(10);
  await clock.advance(5);
  clock.set(90_000);
  assert.deepEqual([clock.now(), clock.monotonic(), clock.sleeperCount], [90_000, 5, 1]);
  await clock.advance(5);
  assert.deepEqual([clock.now(), clock.sleeperCount], [90_005, 0]);
});
