import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { silentLogger } from '../core/log.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { Supervisor, type Unit } from './supervisor.ts';

function unitOf(name: string, start: () => Promise<void>, needs: Unit[] = [], stop = start): Unit {
  return { name, component: { start, stop }, needs, log: silentLogger };
}

test('a unit starts once what it needs has; one that fails is tried every 3 s', async () => {
  const clock = new ManualClock();
  const supervisor = new Supervisor(clock);
  const started: string[] = [];
  let attempts = 0;
  const channel = unitOf('c1', async () => {
    if (++attempts < 3) throw new Error('disk');
    started.push('c1');
  });
  const sink = unitOf('k1', async () => void started.push('k1'), [channel]);
  const other = unitOf('c2', async () => void started.push('c2'));
  for (const unit of [channel, sink, other]) supervisor.start(unit);
  await clock.settle();
  assert.deepEqual(started, ['c2']);
  await clock.advance(6_000);
  assert.deepEqual(started, ['c2', 'c1', 'k1']);
  await supervisor.allStarted();
});

test('what never started is not stopped, and is not waited for', async () => {
  const clock = new ManualClock();
  const supervisor = new Supervisor(clock);
  const stops: string[] = [];
  const fails = async () => {
    throw new Error('no');
  };
  const unit = unitOf('c1', fails, [], async () => void stops.push('c1'));
  supervisor.start(unit);
  await clock.settle();
  await supervisor.stop(unit, 1_000);
  assert.deepEqual(stops, []);
});

test('a unit that does not stop in time is left behind', async () => {
  const clock = new ManualClock();
  const supervisor = new Supervisor(clock);
  const unit = unitOf(
    'k1',
    async () => {},
    [],
    () => new Promise(() => {}),
  );
  supervisor.start(unit);
  await clock.settle();
  const stopped = supervisor.stop(unit, 1_000);
  await clock.advance(1_000);
  await stopped;
});
