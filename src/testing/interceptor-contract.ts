import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { type Event, EventBatch, type Origin } from '../core/event-batch.ts';
import type { Interceptor } from '../core/interceptor.ts';

const manyCount = 10_000;

export interface InterceptorSubject {
  /** A new interceptor, which may be called on any batch. */
  readonly create: () => Interceptor | Promise<Interceptor>;
  /** Promises that this interceptor doesn't make: title → reason. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** What every interceptor promises: one call in each interceptor's own test file. */
export function interceptorContract(name: string, subject: InterceptorSubject): void {
  const promises = (title: string, body: (interceptor: Interceptor) => Promise<void>) =>
    test(`${name} interceptor: ${title}`, { skip: subject.skip?.[title] ?? false }, async () =>
      body(await subject.create()),
    );

  promises('an empty batch stays empty and covers what it covered', async (intercept) => {
    assert.equal((await intercept(EventBatch.empty)).length, 0);
    const suppressed = batchOf(3).filter(() => false);
    const result = await intercept(suppressed);
    assert.equal(result.length, 0);
    assertSameBounds(result, suppressed);
  });

  promises('what the origin covers stays as it was', async (intercept) => {
    for (const batch of [batchOf(4), batchOf(4).slice(1, 3), batchOf(4).filter((i) => i > 1)]) {
      assertSameBounds(await intercept(batch), batch);
    }
  });

  promises('a batch without an origin gets none', async (intercept) => {
    assert.equal((await intercept(batchOf(4).withOrigin(undefined))).origin, undefined);
  });

  promises('the batch it was given stays as it was', async (intercept) => {
    const batch = batchOf(5);
    const before = snapshot(batch);
    await intercept(batch);
    assert.deepEqual(snapshot(batch), before);
  });

  promises('a batch may pass again', async (intercept) => {
    const batch = batchOf(5);
    const [first, second] = [await intercept(batch), await intercept(batch)];
    assert.deepEqual(snapshot(second), snapshot(first));
  });

  promises('events keep their order in a batch of many', async (intercept) => {
    const batch = batchOf(manyCount);
    const result = await intercept(batch);
    assertSameBounds(result, batch);
    let last = -1;
    for (const { headers } of result) {
      assert.ok(Number(headers['contract.index']) > last);
      last = Number(headers['contract.index']);
    }
  });

  promises('an event fares alike whatever batch it comes in', async (intercept) => {
    const batch = batchOf(6);
    const whole = [...(await intercept(batch))];
    const parts: Event[] = [];
    for (let index = 0; index < batch.length; index += 2) {
      parts.push(...(await intercept(batch.slice(index, index + 2))));
    }
    assert.deepEqual(parts, whole);
  });
}

/** Events with a constant header, one per event, and one that only some have. */
function batchOf(count: number): EventBatch {
  const events = Array.from({ length: count }, (_, index) => ({ body: `line ${index}\n` }));
  const plain = EventBatch.of(events);
  const origin: Origin = {
    stream: 'r1/contract',
    from: 1_000,
    to: 1_000 + plain.slab.length + 10,
    ends: Float64Array.from(plain.ends, (end) => 1_000 + end),
  };
  return plain
    .withOrigin(origin)
    .withHeader('contract.constant', 'x')
    .withHeader(
      'contract.index',
      Array.from({ length: count }, (_, index) => `${index}`),
    )
    .withHeader(
      'contract.some',
      Array.from({ length: count }, (_, index) => (index % 3 === 0 ? 'y' : undefined)),
    );
}

function assertSameBounds(result: EventBatch, batch: EventBatch): void {
  const { origin } = result;
  assert.equal(origin?.stream, batch.origin?.stream);
  assert.equal(origin?.from, batch.origin?.from);
  assert.equal(origin?.to, batch.origin?.to);
  assert.equal(origin?.ends.length ?? 0, batch.origin ? result.length : 0);
  let last = origin?.from ?? 0;
  for (const end of origin?.ends ?? []) {
    assert.ok(end >= last, 'offsets never fall');
    last = end;
  }
  assert.ok(last <= (origin?.to ?? 0), 'offsets lie in what the batch covers');
}

function snapshot(batch: EventBatch) {
  return {
    events: [...batch].map(({ headers, body }) => ({ headers, body: Buffer.from(body) })),
    slab: Buffer.from(batch.slab),
    bounds: [[...batch.starts], [...batch.ends]],
    origin: batch.origin && { ...batch.origin, ends: [...batch.origin.ends] },
  };
}
