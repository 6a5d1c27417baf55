import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { ChannelFullError } from '../core/errors.ts';
import { configOf } from '../testing/config-of.ts';
import { FakeSourceContext } from '../testing/fake-source-context.ts';
import { sourceContract } from '../testing/source-contract.ts';
import { seqSource } from './seq.ts';

const { signal } = new AbortController();

function makeSource(context: FakeSourceContext, properties: Readonly<Record<string, string>>) {
  const source = seqSource.create(configOf(seqSource.fields, properties), context);
  return { start: () => source.start(), poll: async () => source.poll?.(signal) };
}

sourceContract('seq', {
  rereads: false,
  open: async () => ({
    create: (context) => {
      const properties = { totalEvents: '25', batchSize: '10' };
      return seqSource.create(configOf(seqSource.fields, properties), context);
    },
    bodies: (count) => Array.from({ length: count }, (_, index) => String(index)),
    write: async () => {},
    close: async () => {},
  }),
});

test('it counts from 0 in decimal, across powers of ten, and is idle at the end', async () => {
  const context = new FakeSourceContext();
  const sizes: number[] = [];
  context.beforePut = (batch) => {
    sizes.push(batch.length);
  };
  const source = makeSource(context, { totalEvents: '1005', batchSize: '100' });
  await source.start();
  assert.equal(await source.poll(), 'idle');
  assert.equal(await source.poll(), 'idle');
  assert.deepEqual(
    context.bodies,
    Array.from({ length: 1005 }, (_, index) => String(index)),
  );
  assert.deepEqual(sizes.slice(-2), [100, 5]);
});

test('numbers that a channel refused are sent again', async () => {
  const context = new FakeSourceContext();
  let calls = 0;
  context.beforePut = () => {
    if (++calls === 2) throw new ChannelFullError('c1', 'for a test');
  };
  const source = makeSource(context, { totalEvents: '6', batchSize: '2' });
  await source.start();
  await assert.rejects(source.poll(), ChannelFullError);
  await source.poll();
  assert.deepEqual(context.bodies, ['0', '1', '2', '3', '4', '5']);
});

test('without limits a poll ends, and asks to be called again', async () => {
  const context = new FakeSourceContext();
  const source = makeSource(context, {});
  await source.start();
  assert.equal(await source.poll(), 'ready');
  const { length } = context.bodies;
  assert(length > 0 && length < 1000);
});
