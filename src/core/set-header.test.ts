import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { EventBatch } from './event-batch.ts';
import { setHeader } from './set-header.ts';

const mixed = EventBatch.of([
  { body: 'a', headers: { h: 'own' } },
  { body: 'b' },
  { body: 'c', headers: { h: '' } },
]);
const values = (batch: EventBatch) => [...batch].map(({ headers }) => headers['h']);

test('a header is set for every event as one constant', () => {
  const batch = setHeader(mixed, 'h', 'new', false);
  assert.equal(batch.headers.get('h'), 'new');
  assert.deepEqual(values(mixed), ['own', undefined, '']);
});

test('with preserveExisting only events without the header get it; an empty value is one', () => {
  assert.deepEqual(values(setHeader(mixed, 'h', 'new', true)), ['own', 'new', '']);
});

test('with preserveExisting a batch whose events all have the header stays as it is', () => {
  const constant = mixed.withHeader('h', 'all');
  assert.equal(setHeader(constant, 'h', 'new', true), constant);
  const column = mixed.withHeader('h', ['1', '2', '3']);
  assert.equal(setHeader(column, 'h', 'new', true), column);
});

test('with preserveExisting a header that no event has is one constant', () => {
  assert.equal(setHeader(mixed, 'other', 'new', true).headers.get('other'), 'new');
});
