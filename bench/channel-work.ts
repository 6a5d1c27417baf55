/** What is done to a channel to measure it: sources and sinks of the simplest kind. */
import { randomFillSync } from 'node:crypto';
import { createHistogram } from 'node:perf_hooks';
import type { Channel } from '../src/core/channel.ts';
import { EventBatch } from '../src/core/event-batch.ts';
import { releaseSlab, SlabPool } from '../src/core/slab-pool.ts';

export interface Shape {
  readonly events: number;
  readonly bodyBytes: number;
  /** Events of one put, and the most of one take. */
  readonly batchSize: number;
}

/** Puts, and commits, that are under way at once. */
const inFlight = 8;

/** Puts all events, of random bytes, as a source that reads into slabs does. */
export async function fill(channel: Channel, shape: Shape): Promise<void> {
  const { events, bodyBytes, batchSize } = shape;
  const bytes = randomFillSync(Buffer.alloc(bodyBytes * batchSize));
  const slabs = new SlabPool(bytes.length, 2 * inFlight);
  const starts = Uint32Array.from({ length: batchSize }, (_, index) => index * bodyBytes);
  const ends = starts.map((start) => start + bodyBytes);
  const limit = new Limit(inFlight);
  for (let put = 0; put < events; put += batchSize) {
    const slab = slabs.take();
    bytes.copy(slab);
    const batch = new EventBatch(slab, starts, ends);
    const reservation = await channel.reserve(batch);
    await limit.add(channel.put(batch, reservation).finally(() => releaseSlab(slab)));
  }
  await limit.done();
}

/** Takes and commits that many events, which must come in order and without a gap. */
export async function drain(channel: Channel, { events, batchSize }: Shape): Promise<void> {
  const consumer = channel.consumer('k1');
  const limit = new Limit(inFlight);
  const { signal } = new AbortController();
  let next: number | undefined;
  for (let taken = 0; taken < events; ) {
    const lent = await consumer.take(batchSize, signal);
    if (!lent) throw new Error('nothing was lent');
    const { first } = lent;
    if (first !== (next ?? first)) throw new Error(`event ${first} came instead of ${next}`);
    next = first + lent.events.length;
    taken += lent.events.length;
    await limit.add(consumer.commit([[first, next]]));
  }
  await limit.done();
}

export interface WaitTimes {
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** As many callers put one event each, wait until it is durable, and put the next. */
export async function putOneByOne(
  channel: Channel,
  callers: number,
  { events, bodyBytes }: Shape,
): Promise<WaitTimes> {
  const waits = createHistogram();
  let left = events;
  const call = async () => {
    while (left-- > 0) {
      const batch = EventBatch.of([{ body: Buffer.alloc(bodyBytes, 'x') }]);
      const began = performance.now();
      await channel.put(batch, await channel.reserve(batch));
      waits.record(Math.max(1, Math.round((performance.now() - began) * 1e3)));
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return { medianMs: waits.percentile(50) / 1e3, p99Ms: waits.percentile(99) / 1e3 };
}

/** Holds back whoever adds more than so many promises that have not resolved. */
class Limit {
  readonly #most: number;
  readonly #pending = new Set<Promise<void>>();
  #failure: unknown;

  constructor(most: number) {
    this.#most = most;
  }

  async add(work: Promise<void>): Promise<void> {
    const settled = work.then(
      () => void this.#pending.delete(settled),
      (error: unknown) => {
        this.#pending.delete(settled);
        this.#failure ??= error;
      },
    );
    this.#pending.add(settled);
    if (this.#pending.size >= this.#most) await Promise.race(this.#pending);
    if (this.#failure) throw this.#failure;
  }

  async done(): Promise<void> {
    await Promise.all(this.#pending);
    if (this.#failure) throw this.#failure;
  }
}
