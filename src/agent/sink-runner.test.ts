import { AssertionError, strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { Consumer, Range } from '../core/channel.ts';
import { DeliveryError } from '../core/errors.ts';
import { EventBatch } from '../core/event-batch.ts';
import { EventQueue } from '../core/event-queue.ts';
import { type Logger, silentLogger } from '../core/log.ts';
import { ChannelCounters, SinkCounters } from '../core/metrics.ts';
import type { Settlement, Sink } from '../core/sink.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { SinkRunner, watchedSettlement } from './sink-runner.ts';

function rig(write: Sink['write'], settles = false, log: Logger = silentLogger) {
  const queue = new EventQueue(new ChannelCounters());
  const borrower = queue.borrower();
  const committed: string[] = [];
  const consumer: Consumer = {
    take: borrower.take,
    commit: async (ranges) => {
      for (const [from, to] of ranges) committed.push(`${from}-${to}`);
      borrower.settle(ranges);
    },
    absorb: borrower.absorb,
    release: borrower.release,
    detach: borrower.releaseAll,
    state: new Map(),
    saveState: async () => {},
    onSync: () => {},
    isPressed: () => false,
  };
  const clock = new ManualClock();
  const counters = new SinkCounters();
  const bugs: unknown[] = [];
  const sink: Sink = { batchSize: 2, start: async () => {}, stop: async () => {}, write };
  const runner = new SinkRunner({
    sink,
    settles,
    consumer,
    counters,
    clock,
    log,
    onBug: (error) => bugs.push(error),
  });
  const push = (...bodies: string[]) => queue.push(EventBatch.of(bodies.map((body) => ({ body }))));
  const settlement = watchedSettlement(consumer, (ranges) => runner.committed(ranges));
  return { runner, push, clock, counters, committed, settlement, bugs };
}

const texts = (batch: EventBatch) => [...batch].map(({ body }) => body.toString()).join('');

test('what a write resolved for is committed, batch by batch', async () => {
  const written: string[] = [];
  const { runner, push, clock, committed, counters } = rig(async (batch) => {
    written.push(texts(batch));
  });
  push('a', 'b', 'c');
  await runner.start();
  await clock.settle();
  assert.deepEqual(written, ['ab', 'c']);
  assert.deepEqual(committed, ['0-2', '2-3']);
  assert.equal(counters.EventDrainSuccessCount, 3);
  assert.equal(counters.BatchCompleteCount, 1);
  assert.equal(counters.BatchUnderflowCount, 1);
  await runner.stop();
});

test('a write that failed is written again after a wait that grows', async () => {
  const times: number[] = [];
  const { runner, push, clock, committed, counters } = rig(async () => {
    times.push(clock.monotonic());
    if (times.length < 4) throw new Error('no');
  });
  push('a');
  await runner.start();
  await clock.advance(10_000);
  assert.deepEqual(times, [0, 250, 750, 1750]);
  assert.deepEqual(committed, ['0-1']);
  assert.equal(counters.EventWriteFail, 3);
  await runner.stop();
});

test('events that the destination refuses are dropped, the others written again', async () => {
  const written: string[] = [];
  const { runner, push, clock } = rig(async (batch) => {
    const bad = [...batch].findIndex(({ body }) => body.toString() === 'b');
    if (bad >= 0) throw new DeliveryError('bad event', [bad]);
    written.push(texts(batch));
  });
  push('a', 'b', 'c');
  await runner.start();
  await clock.advance(1_000);
  assert.deepEqual(written, ['a', 'c']);
  await runner.stop();
});

test('a sink that settles itself commits when it knows; a failure releases the rest', async () => {
  let settlement: Settlement | undefined;
  const written: string[] = [];
  const held: Range[] = [];
  const { runner, push, clock, ...rest } = rig(async (batch, first) => {
    written.push(texts(batch));
    held.push([first, first + batch.length]);
    if (written.length === 2) throw new Error('no');
    if (written.length === 4) await settlement?.commit(held.splice(0).slice(-2));
  }, true);
  settlement = rest.settlement;
  push('a', 'b', 'c');
  await runner.start();
  await clock.advance(1_000);
  assert.deepEqual(written, ['ab', 'c', 'ab', 'c']);
  assert.deepEqual(rest.committed, ['0-2', '2-3']);
  await runner.stop();
});

test('a sink that settles works again when what it took is committed', async () => {
  const times: number[] = [];
  const said: string[] = [];
  const say = (_: object, text: string) => void said.push(text);
  const log: Logger = { ...silentLogger, error: say, info: say };
  const { runner, push, clock, counters, settlement } = rig(
    async (_, first) => {
      times.push(clock.monotonic());
      // What was taken before fails at the next call.
      if (times.length < 7 && times.length % 2 === 0) throw new Error('no');
      if (times.length > 6) await settlement.commit([[first, first + 2]]);
    },
    true,
    log,
  );
  push('a', 'b', 'c', 'd');
  await runner.start();
  await clock.advance(10_000);
  assert.deepEqual(times, [0, 0, 250, 250, 750, 750, 1750, 1750]);
  assert.deepEqual(said, [
    'A write failed: the sink tries again until it works.',
    'The sink writes again.',
  ]);
  assert.equal(counters.EventDrainSuccessCount, 4);
  await runner.stop();
});

test('stopping waits for the write in hand, and no other begins', async () => {
  let finish = () => {};
  let writes = 0;
  const { runner, push, clock, committed } = rig(() => {
    writes++;
    return new Promise((resolve) => {
      finish = resolve;
    });
  });
  push('a', 'b', 'c');
  await runner.start();
  await clock.settle();
  const stopped = runner.stop();
  await clock.settle();
  finish();
  await stopped;
  assert.equal(writes, 1);
  assert.deepEqual(committed, ['0-2']);
});

test('a bug in a sink is reported as one', async () => {
  const { runner, push, clock, bugs } = rig(async () => {
    assert.equal(1, 2);
  });
  push('a');
  await runner.start();
  await clock.settle();
  assert(bugs[0] instanceof AssertionError);
  await runner.stop();
});
