import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { EventBatch } from './event-batch.ts';

const headers = fc.dictionary(fc.constantFrom('host', 'file', '__proto__', 'ü'), fc.string());
const events = fc.array(
  fc.record({ headers, body: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)) }),
  { maxLength: 8 },
);

function plain(batch: EventBatch) {
  return [...batch].map(({ headers, body }) => ({
    headers: Object.entries(headers).sort(),
    body: body.toString('hex'),
  }));
}

function plainEvents(list: readonly { headers: Record<string, string>; body: Buffer }[]) {
  return list.map(({ headers, body }) => ({
    headers: Object.entries(headers).sort(),
    body: body.toString('hex'),
  }));
}

test('a batch gives the events it was made of', () => {
  fc.assert(
    fc.property(events, (list) => {
      assert.deepEqual(plain(EventBatch.of(list)), plainEvents(list));
    }),
  );
});

test('slice, pick, filter, copy and concat do what they do to a list', () => {
  fc.assert(
    fc.property(events, events, fc.nat(8), fc.nat(8), (one, two, a, b) => {
      const [from, to] = [Math.min(a, b, one.length), Math.min(Math.max(a, b), one.length)];
      const batch = EventBatch.of(one);
      assert.deepEqual(plain(batch.slice(from, to)), plainEvents(one.slice(from, to)));
      const odd = one.filter((_, index) => index % 2 === 1);
      assert.deepEqual(plain(batch.filter((index) => index % 2 === 1)), plainEvents(odd));
      assert.deepEqual(plain(batch.copy()), plainEvents(one));
      const joined = EventBatch.concat([batch, EventBatch.of(two), batch.slice(from, to)]);
      const all = [...one, ...two, ...one.slice(from, to)];
      assert.deepEqual(plain(joined), plainEvents(all));
      const again = EventBatch.concat([batch.slice(0, from), batch.slice(from)]);
      assert.deepEqual(plain(again), plainEvents(one));
    }),
  );
});

test('neighbours in one slab are joined without a copy', () => {
  const slab = Buffer.from('one\ntwo\nsix\n');
  const batch = new EventBatch(slab, Uint32Array.of(0, 4, 8), Uint32Array.of(3, 7, 11));
  const joined = EventBatch.concat([batch.slice(0, 1), batch.slice(1)]);
  assert.equal(joined.slab, slab);
  assert.deepEqual(
    [...joined].map(({ body }) => body.toString()),
    ['one', 'two', 'six'],
  );
});

test('dropping events leaves what the origin covers; slices share it without a gap', () => {
  const origin = { stream: 's', from: 10, to: 60, ends: Float64Array.of(20, 30, 40, 50) };
  const batch = EventBatch.of(
    ['a', 'b', 'c', 'd'].map((body) => ({ body })),
    origin,
  );
  const kept = batch.filter((index) => index === 1 || index === 2);
  assert.deepEqual([kept.origin?.from, kept.origin?.to], [10, 60]);
  assert.deepEqual([kept.slice(0, 1).origin?.from, kept.slice(0, 1).origin?.to], [10, 30]);
  assert.deepEqual([kept.slice(1).origin?.from, kept.slice(1).origin?.to], [30, 60]);
});

test('a few events kept of many do not keep the slab of all alive', () => {
  const batch = EventBatch.of(Array.from({ length: 100 }, () => ({ body: 'x'.repeat(100) })));
  assert.equal(batch.pick([3, 50]).slab.length, 200);
  assert.equal(batch.slice(0, 50).slab, batch.slab);
});
