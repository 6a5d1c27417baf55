import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { FormatError } from '../core/errors.ts';
import { EventBatch } from '../core/event-batch.ts';
import { decodeBatch, encodeBatch } from './batch-encoding.ts';

const golden =
  '0101 0200 02000000' + // version, flags, columns, events
  '04000000 686f7374 00 02000000 6831' + // host: h1
  '01000000 6b 01 01000000 76 ffffffff' + // k: v, not set
  '04000000 72312f73 0000000000002440 0000000000003440' + // r1/s, 10, 20
  '05000000 00000000 03000000 02000000 05000000' + // slab, starts, ends
  '0000000000002c40 0000000000003440' + // 14, 20
  '61620a6364';

function sample(): EventBatch {
  const slab = Buffer.from('..ab\ncd..');
  const batch = new EventBatch(slab, Uint32Array.of(2, 5), Uint32Array.of(4, 7));
  return batch
    .withHeader('host', 'h1')
    .withHeader('k', ['v', undefined])
    .withOrigin({ stream: 'r1/s', from: 10, to: 20, ends: Float64Array.of(14, 20) });
}

test('a batch is encoded as documented, byte for byte', () => {
  const bytes = Buffer.concat(encodeBatch(sample()));
  assert.equal(bytes.toString('hex'), golden.replaceAll(' ', ''));
  const decoded = decodeBatch(bytes);
  assert.deepEqual([...decoded], [...sample()]);
  assert.deepEqual(decoded.origin, sample().origin);
});

test('what lies between bodies is left out when it is large', () => {
  const slab = Buffer.alloc(1000, 'x');
  const batch = new EventBatch(slab, Uint32Array.of(0, 900), Uint32Array.of(10, 910));
  assert.equal(Buffer.concat(encodeBatch(batch)).length, 8 + 4 + 16 + 20);
});

test('every batch comes back', () => {
  const events = fc.array(
    fc.record({
      headers: fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ unit: 'grapheme' })),
      body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    }),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(events, fc.boolean(), (list, stream) => {
      const ends = Float64Array.from(list, (_, index) => 2 ** 40 + index);
      const origin = { stream: 'r1/s', from: 2 ** 40, to: 2 ** 41, ends };
      const batch = EventBatch.of(list, stream ? origin : undefined);
      const decoded = decodeBatch(Buffer.concat(encodeBatch(batch)));
      assert.deepEqual([...decoded], [...batch]);
      assert.deepEqual(decoded.origin, batch.origin);
    }),
  );
});

test('every truncation is a format error, every changed byte that or another batch', () => {
  const bytes = Buffer.concat(encodeBatch(sample()));
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeBatch(bytes.subarray(0, length)), FormatError, `length ${length}`);
  }
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ (1 << bit);
      try {
        assert(decodeBatch(changed) instanceof EventBatch);
      } catch (error) {
        assert(error instanceof FormatError, `byte ${at} bit ${bit}: ${error}`);
      }
    }
  }
});
