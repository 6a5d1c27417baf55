import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { Channel, Consumer, Range } from '../core/channel.ts';
import { ChannelError, ChannelFullError, OriginGapError } from '../core/errors.ts';
import { EventBatch } from '../core/event-batch.ts';
import { RangeSet } from '../core/range-set.ts';
import { releaseSlab, SlabPool } from '../core/slab-pool.ts';
import type { ManualClock } from './manual-clock.ts';
import { Prng, seedFromEnvironment } from './prng.ts';

/** A channel under test: it holds 100 events and waits 3 s for room on the given clock. */
export interface ChannelSubject {
  readonly open: () => Promise<{ channel: Channel; clock: ManualClock }>;
  /** Drops the channel without a stop and opens what is left; absent where nothing survives. */
  readonly crash?: (channel: Channel) => Promise<Channel>;
  /** Promises this channel does not make: title → reason. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** What every channel promises: one call in each channel's own test file. */
export function channelContract(name: string, subject: ChannelSubject): void {
  const promises = (
    title: string,
    body: (channel: Channel, clock: ManualClock) => Promise<void>,
  ) => {
    const skip = subject.skip?.[title] ?? false;
    test(`${name} channel: ${title}`, { skip }, async () => {
      const { channel, clock } = await subject.open();
      await body(channel, clock);
      await channel.stop();
      await channel.stop();
    });
  };

  promises('what was put is lent in order, and is gone once committed', async (channel) => {
    await put(channel, lines('a', 'b'));
    await put(channel, lines('c'));
    const sink = channel.consumer('k1');
    assert.deepEqual(await takeAll(sink), ['a', 'b', 'c']);
    assert.equal(await takeNow(sink, 1), undefined);
    assert.equal(channel.counters.ChannelSize, 0);
  });

  promises('headers and bodies come out as they went in', async (channel) => {
    const large = Buffer.alloc(1 << 20, 7);
    const events = [
      { headers: { grüße: 'ünï', empty: '' }, body: Buffer.alloc(0) },
      { headers: { grüße: 'andere' }, body: Buffer.from([0, 10, 255]) },
      { headers: {}, body: large },
    ];
    await put(channel, EventBatch.of(events));
    const taken = await channel.consumer('k1').take(10, AbortSignal.timeout(1_000));
    assert.deepEqual(taken && [...taken.events].map((event) => ({ ...event })), events);
  });

  promises('events that were released are lent again first, in order', async (channel) => {
    await put(channel, lines('a', 'b', 'c', 'd'));
    const sink = channel.consumer('k1');
    const taken = await takeNow(sink, 3);
    assert(taken);
    await sink.commit([[taken.first + 1, taken.first + 2]]);
    sink.release([
      [taken.first, taken.first + 1],
      [taken.first + 2, taken.first + 3],
    ]);
    assert.deepEqual(await takeAll(sink), ['a', 'c', 'd']);
  });

  promises('what a sink keeps itself, and releases after all, is lent again', async (channel) => {
    await put(channel, lines('a', 'b', 'c', 'd', 'e', 'f'));
    await put(channel, lines('g', 'h'));
    const [one, two] = [channel.consumer('k1'), channel.consumer('k2')];
    const kept = await takeNow(one, 4);
    const other = await takeNow(two, 2);
    assert(kept && other);
    one.absorb([[kept.first, kept.first + 4]]);
    two.absorb([[other.first, other.first + 2]]);
    await one.commit([[kept.first + 1, kept.first + 2]]);
    one.release([
      [kept.first, kept.first + 1],
      [kept.first + 2, kept.first + 4],
    ]);
    assert.deepEqual(await takeAll(one), ['a', 'c', 'd', 'g', 'h']);
    two.detach();
    assert.deepEqual(await takeAll(one), ['e', 'f']);
    assert.equal(channel.counters.ChannelSize, 0);
  });

  promises('two sinks never hold the same event', async (channel) => {
    await put(channel, lines(...Array.from({ length: 50 }, (_, index) => `${index}`)));
    const [one, two] = [channel.consumer('k1'), channel.consumer('k2')];
    const seen: string[] = [];
    for (let turn = 0; seen.length < 50; turn++) {
      const sink = turn % 2 ? one : two;
      const taken = await takeNow(sink, 7);
      assert(taken);
      seen.push(...texts(taken.events));
      if (turn % 3) await sink.commit([[taken.first, taken.first + taken.events.length]]);
    }
    assert.equal(new Set(seen).size, 50);
  });

  promises(
    'a take waits for an event, and ends without one when it is given up',
    async (channel) => {
      const sink = channel.consumer('k1');
      const giveUp = new AbortController();
      const nothing = sink.take(10, giveUp.signal);
      giveUp.abort();
      assert.equal(await nothing, undefined);
      const something = sink.take(10, AbortSignal.timeout(1_000));
      await put(channel, lines('a'));
      assert.deepEqual(texts((await something)?.events), ['a']);
    },
  );

  promises(
    'what a sink left unsettled when it is detached is lent to the next',
    async (channel) => {
      await put(channel, lines('a', 'b'));
      const first = channel.consumer('k1');
      await takeNow(first, 2);
      first.detach();
      assert.deepEqual(await takeAll(channel.consumer('k2')), ['a', 'b']);
    },
  );

  promises('a slab is not used again while the channel has events in it', async (channel) => {
    const pool = new SlabPool(64, 1);
    const slab = pool.take();
    slab.write('ab');
    await put(channel, new EventBatch(slab, Uint32Array.of(0, 1), Uint32Array.of(1, 2)));
    releaseSlab(slab);
    const sink = channel.consumer('k1');
    const one = await takeNow(sink, 1);
    assert(one);
    await sink.commit([[one.first, one.first + 1]]);
    const two = await takeNow(sink, 1);
    assert(two);
    pool.take().fill('x');
    assert.deepEqual(texts(two.events), ['b']);
    await sink.commit([[two.first, two.first + 1]]);
    assert.equal(pool.take().buffer, slab.buffer);
  });

  promises('an empty batch and an empty take harm nobody', async (channel) => {
    await put(channel, EventBatch.empty);
    assert.equal(await takeNow(channel.consumer('k1'), 5), undefined);
    assert.equal(channel.counters.ChannelSize, 0);
  });

  promises(
    'a full channel refuses after its keep-alive, and has room again',
    async (channel, clock) => {
      await put(channel, filled(100));
      const refused = assert.rejects(put(channel, lines('x')), ChannelFullError);
      await clock.advance(3_000);
      await refused;
      const sink = channel.consumer('k1');
      const taken = await takeNow(sink, 40);
      assert(taken);
      await sink.commit([[taken.first, taken.first + 40]]);
      await put(channel, filled(40));
      assert.equal(channel.counters.ChannelSize, 100);
    },
  );

  promises(
    'a put that waits gets the room that a commit frees, first come first served',
    async (channel) => {
      await put(channel, filled(100));
      const done: string[] = [];
      const waiting = ['first', 'second'].map((word) =>
        put(channel, lines(word)).then(() => done.push(word)),
      );
      const sink = channel.consumer('k1');
      const taken = await takeNow(sink, 2);
      assert(taken);
      await sink.commit([[taken.first, taken.first + 2]]);
      await Promise.all(waiting);
      assert.deepEqual(done, ['first', 'second']);
    },
  );

  promises('a put that waits is refused when the channel stops', async (channel) => {
    await put(channel, filled(100));
    const waiting = assert.rejects(put(channel, lines('x')), ChannelError);
    await channel.stop();
    await waiting;
  });

  randomPromise(promises);
  streamPromises(promises);
  crashPromises(name, subject);
}

function randomPromise(
  promises: (title: string, body: (channel: Channel) => Promise<void>) => void,
): void {
  promises('sinks do what they may, in any order', async (channel) => {
    const seed = seedFromEnvironment();
    const prng = new Prng(seed);
    channel.introduce('r1/s', null, 0);
    const sinks = ['k1', 'k2', 'k3'].map((name) => {
      return { sink: channel.consumer(name), lent: new RangeSet() };
    });
    const released = new RangeSet();
    const bodies = new Map<number, string>();
    const committed: string[] = [];
    let written = 0;
    for (let step = 0; step < 300; step++) {
      const { sink, lent } = sinks[prng.integer(3)] as (typeof sinks)[0];
      const most = 1 + prng.integer(9);
      const some = randomPart([...lent], prng);
      if (prng.chance(0.3) && channel.counters.ChannelSize < 80) {
        await put(channel, stretch(written, written + most));
        written += most;
      } else if (prng.chance(0.4)) {
        const taken = await takeNow(sink, most);
        if (!taken) continue;
        const expected = released.empty ? taken.first : released.first;
        assert.equal(taken.first, expected, `what came back is first, MILLRACE_SEED=${seed}`);
        const end = taken.first + taken.events.length;
        released.delete(taken.first, end);
        lent.add(taken.first, end);
        for (const [index, body] of texts(taken.events).entries()) {
          const before: string = bodies.get(taken.first + index) ?? body;
          assert.equal(body, before, `an event stays what it is, MILLRACE_SEED=${seed}`);
          bodies.set(taken.first + index, body);
        }
        // As sinks do, which keep a batch once they have all of it.
        if (prng.chance(0.7)) sink.absorb([[taken.first, end]]);
      } else if (prng.chance(0.5)) {
        await sink.commit(some);
        lent.deleteAll(some);
        for (const [from, to] of some) {
          for (let at = from; at < to; at++) committed.push(bodies.get(at) as string);
        }
      } else if (prng.chance(0.8)) {
        sink.release(some);
        lent.deleteAll(some);
        released.addAll(some);
      } else {
        sink.detach();
        released.addAll([...lent]);
        lent.clear();
      }
    }
    for (const { sink } of sinks) sink.detach();
    committed.push(...(await takeAll(channel.consumer('k4'))));
    const inOrder = committed.map(Number).sort((one, other) => one - other);
    assert.deepEqual(inOrder.map(String), numbers(0, written), `MILLRACE_SEED=${seed}`);
  });
}

/** Some of the numbers, as rising ranges. */
function randomPart(ranges: readonly Range[], prng: Prng): Range[] {
  const part = new RangeSet();
  for (const [from, to] of ranges) {
    const start = from + prng.integer(to - from);
    if (prng.chance(0.6)) part.add(start, start + 1 + prng.integer(to - start));
  }
  return [...part];
}

function streamPromises(
  promises: (title: string, body: (channel: Channel) => Promise<void>) => void,
): void {
  promises('what a channel has of a stream is trimmed', async (channel) => {
    channel.introduce('r1/s', null, 0);
    await put(channel, stretch(0, 10));
    await put(channel, stretch(0, 10));
    await put(channel, stretch(5, 15));
    assert.equal(channel.stream('r1/s')?.held, 15);
    assert.equal(channel.counters.EventTrimCount, 15);
    assert.deepEqual(await takeAll(channel.consumer('k1')), numbers(0, 15));
  });

  promises('a batch with a gap before it is refused', async (channel) => {
    channel.introduce('r1/s', null, 3);
    await assert.rejects(put(channel, stretch(5, 10)), (error) => {
      return error instanceof OriginGapError && error.held === 3;
    });
    await put(channel, stretch(3, 10));
    assert.deepEqual(await takeAll(channel.consumer('k1')), numbers(3, 10));
  });

  promises('suppressed events count as read', async (channel) => {
    channel.introduce('r1/s', null, 0);
    await put(
      channel,
      stretch(0, 10).filter((index) => index > 3 && index < 6),
    );
    await put(
      channel,
      stretch(10, 20).filter(() => false),
    );
    await put(channel, stretch(20, 22));
    assert.equal(channel.stream('r1/s')?.held, 22);
    assert.deepEqual(await takeAll(channel.consumer('k1')), ['4', '5', '20', '21']);
    await channel.settle();
    assert.equal(channel.stream('r1/s')?.settled, 22);
  });

  promises('events made from one offset are never lent apart', async (channel) => {
    channel.introduce('r1/s', null, 0);
    const ends = Float64Array.of(1, 2, 2, 2, 3);
    const batch = lines('a', 'b1', 'b2', 'b3', 'c');
    await put(channel, batch.withOrigin({ stream: 'r1/s', from: 0, to: 3, ends }));
    const sink = channel.consumer('k1');
    assert.deepEqual(texts((await takeNow(sink, 2))?.events), ['a']);
    assert.deepEqual(texts((await takeNow(sink, 2))?.events), ['b1', 'b2', 'b3']);
    assert.deepEqual(texts((await takeNow(sink, 2))?.events), ['c']);
  });

  promises('a stream that is skipped goes on where the skipping ends', async (channel) => {
    channel.introduce('r1/s', null, 0);
    channel.skip('r1/s', 5);
    await put(channel, stretch(5, 7));
    assert.deepEqual(await takeAll(channel.consumer('k1')), ['5', '6']);
  });
}

function crashPromises(name: string, subject: ChannelSubject): void {
  const { open, crash } = subject;
  if (!crash) return;

  test(`${name} channel: after a crash nothing is missing and nothing doubled`, async () => {
    const { channel } = await open();
    channel.introduce('r1/s', { inode: 7 }, 0);
    await channel.attachSource('r1');
    await put(channel, stretch(0, 30));
    const [one, two] = [channel.consumer('k1'), channel.consumer('k2')];
    one.onSync(async () => {});
    const [a, b, c] = [await takeNow(one, 5), await takeNow(two, 5), await takeNow(one, 5)];
    assert(a && b && c);
    await one.commit([[a.first, a.first + 5]], { set: { path: 5 } });
    await one.commit([[c.first, c.first + 2]], { set: { path: 7 } });
    await channel.settle();
    const next = await crash(channel);
    const status = next.stream('r1/s');
    assert.deepEqual(status?.identity, { inode: 7 });
    assert(status && status.held >= 5);
    assert.equal(next.knowsSource('r1'), true);
    assert.equal(next.consumer('k1').state.get('path'), 7);
    for (let from = status.held; from < 30; from += 5) await put(next, stretch(from, from + 5));
    const left = await takeAll(next.consumer('k3'));
    assert.deepEqual(left, [...numbers(5, 10), ...numbers(12, 30)]);
    await next.stop();
  });

  test(`${name} channel: what a sink saved is there after a crash`, async () => {
    const { channel } = await open();
    await channel.consumer('k1').saveState({ set: { a: { length: 0 }, b: 1 } });
    await channel.consumer('k1').saveState({ set: { c: 2 }, delete: ['b'] });
    const next = await crash(channel);
    const { state } = next.consumer('k1');
    assert.deepEqual([state.get('a'), state.get('c')], [{ length: 0 }, 2]);
    next.consumer('k1').onSync(async () => {});
    await next.consumer('k1').saveState({ delete: ['b', 'c'] });
    await next.settle();
    const last = await crash(next);
    assert.deepEqual([...last.consumer('k1').state], [['a', { length: 0 }]]);
    await last.stop();
  });
}

async function put(channel: Channel, batch: EventBatch): Promise<void> {
  await channel.put(batch, await channel.reserve(batch));
}

/**
 * Turns of the loop after which what is there to be lent has been lent, read from disk if need be.
 */
const patientTurns = 200;

async function takeNow(sink: Consumer, max: number) {
  const giveUp = new AbortController();
  let over = false;
  const taken = sink.take(max, giveUp.signal).finally(() => {
    over = true;
  });
  for (let turn = 0; turn < patientTurns && !over; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  giveUp.abort();
  return taken;
}

async function takeAll(sink: Consumer): Promise<string[]> {
  const all: string[] = [];
  for (;;) {
    const taken = await takeNow(sink, 4);
    if (!taken) return all;
    all.push(...texts(taken.events));
    await sink.commit([[taken.first, taken.first + taken.events.length]]);
  }
}

function texts(batch: EventBatch | undefined): string[] {
  return batch ? [...batch].map(({ body }) => body.toString()) : [];
}

function lines(...bodies: string[]): EventBatch {
  return EventBatch.of(bodies.map((body) => ({ body })));
}

function filled(count: number): EventBatch {
  return lines(...Array.from({ length: count }, () => 'x'));
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `${from + index}`);
}

/** Events named after their offsets, each one offset long. */
function stretch(from: number, to: number): EventBatch {
  const ends = Float64Array.from({ length: to - from }, (_, index) => from + index + 1);
  return lines(...numbers(from, to)).withOrigin({ stream: 'r1/s', from, to, ends });
}
