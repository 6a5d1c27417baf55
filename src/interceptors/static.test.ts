import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { EventBatch } from '../core/event-batch.ts';
import { componentContext } from '../testing/component-context.ts';
import { configOf } from '../testing/config-of.ts';
import { interceptorContract } from '../testing/interceptor-contract.ts';
import { staticInterceptor } from './static.ts';

const create = async (properties: Record<string, string> = {}) =>
  staticInterceptor.create(configOf(staticInterceptor.fields, properties), componentContext('i1'));

interceptorContract('static', { create });
interceptorContract('static (overwriting)', {
  create: () => create({ key: 'contract.some', preserveExisting: 'false' }),
});

const batch = EventBatch.of([{ body: 'a', headers: { key: 'own' } }, { body: 'b' }]);

test('the static header is set where it is missing, by default under the name "key"', async () => {
  const result = await (await create())(batch);
  assert.deepEqual(
    [...result].map(({ headers }) => headers['key']),
    ['own', 'value'],
  );
});

test('without preserveExisting the static header replaces what is there', async () => {
  const intercept = await create({ value: 'ny', preserveExisting: 'false' });
  assert.equal((await intercept(batch)).headers.get('key'), 'ny');
});

test('the static header and its value are what the configuration says', async () => {
  const result = await (await create({ key: 'datacenter', value: 'ny' }))(batch);
  assert.deepEqual(result.headersOf(1), { datacenter: 'ny' });
  assert.deepEqual(result.headersOf(0), { key: 'own', datacenter: 'ny' });
});
