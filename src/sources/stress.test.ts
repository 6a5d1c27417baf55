import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { ChannelFullError } from '../core/errors.ts';
import { configOf } from '../testing/config-of.ts';
import { FakeSourceContext } from '../testing/fake-source-context.ts';
import { sourceContract } from '../testing/source-contract.ts';
import { stressSource } from './stress.ts';

const { signal } = new AbortController();

function makeSource(context: FakeSourceContext, properties: Readonly<Record<string, string>>) {
  const source = stressSource.create(configOf(stressSource.fields, properties), context);
  return { start: () => source.start(), poll: async () => source.poll?.(signal) };
}

sourceContract('stress', {
  rereads: false,
  open: async () => ({
    create: (context) => {
      const properties = { maxSuccessfulEvents: '25', batchSize: '5', size: '3' };
      return stressSource.create(configOf(stressSource.fields, properties), context);
    },
    bodies: (count) => Array.from({ length: count }, () => '\x7f\x7f\x7f'),
    write: async () => {},
    close: async () => {},
  }),
});

test('bodies have the size that was asked for, all of 0x7f', async () => {
  const context = new FakeSourceContext();
  const source = makeSource(context, { maxTotalEvents: '3' });
  await source.start();
  assert.equal(await source.poll(), 'idle');
  assert.deepEqual(
    context.bodies,
    Array.from({ length: 3 }, () => '\x7f'.repeat(500)),
  );
});

test('the last batch has what is left of the total, in which refused batches count', async () => {
  const context = new FakeSourceContext();
  let calls = 0;
  context.beforePut = () => {
    if (++calls === 1) throw new ChannelFullError('c1', 'for a test');
  };
  const source = makeSource(context, { maxTotalEvents: '25', batchSize: '10', size: '1' });
  await source.start();
  await assert.rejects(source.poll(), ChannelFullError);
  assert.equal(await source.poll(), 'idle');
  assert.equal(context.bodies.length, 15);
});

test('what arrived is limited to the batch that reaches the limit', async () => {
  const context = new FakeSourceContext();
  const source = makeSource(context, { maxSuccessfulEvents: '15', batchSize: '10' });
  await source.start();
  assert.equal(await source.poll(), 'idle');
  assert.equal(context.bodies.length, 20);
});

test('the rate is kept by the clock', async () => {
  const context = new FakeSourceContext();
  const properties = { maxEventsPerSecond: '100', batchSize: '10', maxTotalEvents: '1000' };
  const source = makeSource(context, properties);
  await source.start();
  const polled = source.poll();
  await context.clock.advance(1_000);
  assert.equal(context.bodies.length, 110);
  await context.clock.advance(10_000);
  assert.equal(await polled, 'ready');
});
