import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { EventBatch } from '../core/event-batch.ts';
import { componentContext } from '../testing/component-context.ts';
import { configOf } from '../testing/config-of.ts';
import { interceptorContract } from '../testing/interceptor-contract.ts';
import { timestampInterceptor } from './timestamp.ts';

async function create(properties: Record<string, string> = {}) {
  const context = componentContext('i1');
  const config = configOf(timestampInterceptor.fields, properties);
  return { context, intercept: await timestampInterceptor.create(config, context) };
}

interceptorContract('timestamp', { create: async () => (await create()).intercept });
interceptorContract('timestamp (preserving)', {
  create: async () =>
    (await create({ headerName: 'contract.some', preserveExisting: 'true' })).intercept,
});

const batch = EventBatch.of([{ body: 'a', headers: { timestamp: '1' } }, { body: 'b' }]);

test('the timestamp is the time of the batch, for every event', async () => {
  const { context, intercept } = await create();
  context.clock.set(1_800_000_000_000.7);
  assert.equal((await intercept(batch)).headers.get('timestamp'), '1800000000000');
  context.clock.set(1_800_000_000_001);
  assert.equal((await intercept(batch)).headers.get('timestamp'), '1800000000001');
});

test('preserveExisting leaves a timestamp that is there', async () => {
  const { context, intercept } = await create({ preserveExisting: 'true' });
  context.clock.set(5);
  const result = await intercept(batch);
  assert.deepEqual([result.header(0, 'timestamp'), result.header(1, 'timestamp')], ['1', '5']);
});

test('headerName puts the time elsewhere', async () => {
  const { context, intercept } = await create({ headerName: 'at' });
  context.clock.set(5);
  const result = await intercept(batch);
  assert.deepEqual([result.header(0, 'timestamp'), result.header(0, 'at')], ['1', '5']);
});
