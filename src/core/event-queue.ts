import { strict as assert } from 'node:assert';
import type { Range, Taken } from './channel.ts';
import { EventBatch } from './event-batch.ts';
import type { ChannelCounters } from './metrics.ts';
import { RangeSet } from './range-set.ts';
import { inOrder } from './ranges.ts';
import { SequenceSet } from './sequence-set.ts';

/** Small batches are lent together up to this many bytes, where that takes a copy. */
const gatherBytes = 64 << 10;

/** A batch in the queue, until all of it is settled. */
interface Entry {
  readonly first: number;
  readonly length: number;
  /** Absent when sinks keep every event that is left. */
  batch: EventBatch | undefined;
  /** Events not settled yet. */
  left: number;
  /** Of these, how many no sink keeps. */
  needed: number;
  /** Settled indices; only where several events were made from one offset. */
  readonly settled: RangeSet | undefined;
}

/**
 * What settling a range of one entry means: room for `count` events of the batch, `ranges` of its
 * stream. Of events that are not settled, but no longer in memory, there are no ranges.
 */
export interface Settled {
  readonly batch: EventBatch;
  readonly count: number;
  readonly ranges: readonly Range[];
}

/** The events lent to one sink, and the ways they come and go. */
export interface Borrower {
  take(max: number, signal: AbortSignal): Promise<Taken | undefined>;
  settle(ranges: readonly Range[]): Settled[];
  /** The sink keeps what is still lent of these itself. Says what leaves memory by that. */
  absorb(ranges: readonly Range[]): Settled[];
  release(ranges: readonly Range[]): void;
  releaseAll(): void;
  /** Everything that is lent now. */
  lent(): Range[];
}

interface Waiter {
  readonly max: number;
  readonly lent: SequenceSet;
  readonly resolve: (taken: Taken | undefined) => void;
}

/**
 * Batches in order, each event under a running number, its sequence. Sinks borrow ranges of
 * sequences and settle or release them; what is released is lent again first, lowest first.
 * Events made from one offset are never lent apart.
 *
 * A batch of which sinks keep all that is left is dropped. When some of that is released after all,
 * it is missing: nothing from there on is lent before it is restored.
 */
export class EventQueue {
  readonly #counters: ChannelCounters;
  #entries: Entry[] = [];
  /** Index of the oldest entry that is not settled. */
  #head = 0;
  /** The sequence of the next event to be pushed, and of the next never lent. */
  #tail = 0;
  #next = 0;
  /** Lent once and released. */
  readonly #returned = new SequenceSet();
  /** Released, and not in memory. */
  readonly #missing = new SequenceSet();
  readonly #waiting: Waiter[] = [];

  constructor(counters: ChannelCounters) {
    this.#counters = counters;
  }

  /** @param first the sequence of the first event: not below any before, with gaps as may be */
  push(batch: EventBatch, first = this.#tail): void {
    assert(first >= this.#tail, 'sequences rise');
    const settled = sharesOffsets(batch) ? new RangeSet() : undefined;
    const { length } = batch;
    this.#entries.push({ first, length, batch, left: length, needed: length, settled });
    this.#tail = first + batch.length;
    this.#serve();
  }

  /** Has events been released that are not in memory? */
  get isIncomplete(): boolean {
    return !this.#missing.empty;
  }

  /** Do missing events keep sinks waiting? */
  get isStuck(): boolean {
    return (
      this.isIncomplete && (this.#returned.empty || this.#returned.first > this.#missing.first)
    );
  }

  /**
   * Brings back what is missing of a batch that was pushed, whole or in parts. Says what is in
   * memory again.
   *
   * @param first the sequence of its first event
   */
  restore(batch: EventBatch, first: number): Settled[] {
    const restored: Settled[] = [];
    const end = first + batch.length;
    const back = this.#missing.within(first, end);
    for (const [from, to] of back) {
      for (const { entry, low, high } of this.#spans(from, to)) {
        entry.needed += high - low;
        if (entry.batch) continue;
        const start = entry.first - first;
        entry.batch = batch.slice(start, start + entry.length);
        restored.push({ batch: entry.batch, count: entry.left, ranges: [] });
      }
    }
    this.#missing.deleteAll(back);
    this.#returned.addAll(back);
    this.#serve();
    return restored;
  }

  borrower(): Borrower {
    const lent = new SequenceSet();
    /** Of these, what the sink keeps itself. */
    const kept = new SequenceSet();
    const release = (ranges: readonly Range[]) => {
      const rising = inOrder(ranges);
      for (const [from, to] of rising) {
        assert(lent.covers(from, to), 'released sequences are lent');
        if (!kept.empty) this.#releaseKept(kept.within(from, to));
      }
      this.#returned.addAll(rising);
      if (!this.#missing.empty) this.#returned.deleteAll([...this.#missing]);
      lent.deleteAll(rising);
      kept.deleteAll(rising);
      this.#serve();
    };
    return {
      take: (max, signal) => this.#take(max, lent, signal),
      settle: (ranges) => {
        const settled: Settled[] = [];
        const rising = inOrder(ranges);
        for (const [from, to] of rising) {
          assert(lent.covers(from, to), 'settled sequences are lent');
          this.#settle(from, to, settled, kept);
        }
        lent.deleteAll(rising);
        if (!kept.empty) kept.deleteAll(rising);
        this.#dropSettled();
        return settled;
      },
      absorb: (ranges) => {
        const dropped: Settled[] = [];
        for (const [low, high] of ranges) {
          for (const [from, to] of lent.within(low, high)) {
            assert(!kept.meets(from, to), 'what a sink keeps is new');
            this.#absorb(from, to, dropped);
            kept.add(from, to);
          }
        }
        return dropped;
      },
      release,
      releaseAll: () => release([...lent]),
      lent: () => [...lent],
    };
  }

  async #take(max: number, lent: SequenceSet, signal: AbortSignal): Promise<Taken | undefined> {
    const taken = this.#lend(max, lent);
    if (taken || signal.aborted) return taken;
    this.#counters.EventTakeAttemptCount++;
    return new Promise((resolve) => {
      const aborted = () => {
        const index = this.#waiting.indexOf(waiter);
        if (index >= 0) this.#waiting.splice(index, 1);
        resolve(undefined);
      };
      const waiter: Waiter = {
        max,
        lent,
        resolve: (taken) => {
          signal.removeEventListener('abort', aborted);
          resolve(taken);
        },
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.push(waiter);
    });
  }

  #serve(): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const taken = this.#lend(first.max, first.lent);
      if (!taken) return;
      this.#waiting.shift();
      first.resolve(taken);
    }
  }

  #lend(max: number, lent: SequenceSet): Taken | undefined {
    const again = !this.#returned.empty;
    const first = again ? this.#returned.first : this.#firstNew();
    const reached = again ? this.#returned.reach(first) : this.#tail;
    const limit = this.#missing.empty ? reached : Math.min(reached, this.#missing.first);
    if (first >= limit) return undefined;
    const parts: EventBatch[] = [];
    let next = first;
    let bytes = 0;
    for (let index = this.#indexOf(first); next < limit && next - first < max; index++) {
      const entry = this.#entries[index] as Entry;
      if (entry.first > next) break;
      const { batch } = entry;
      assert(batch, 'what is lent is in memory');
      const from = next - entry.first;
      const most = Math.min(batch.length, from + max - (next - first), limit - entry.first);
      const to = wholeGroups(batch, from, most);
      const part = batch.slice(from, to);
      bytes += (part.ends.at(-1) ?? 0) - (part.starts[0] ?? 0);
      const copies = parts.length > 0 && part.slab !== parts[0]?.slab;
      if (parts.length > 0 && (to > most || (copies && bytes > gatherBytes))) break;
      parts.push(part);
      next = entry.first + to;
      if (to < batch.length) break;
    }
    if (again) this.#returned.delete(first, next);
    else this.#next = next;
    lent.add(first, next);
    this.#counters.EventTakeAttemptCount += next - first;
    return { first, events: EventBatch.concat(parts) };
  }

  /** The lowest sequence that was never lent; the next to be pushed when there is none. */
  #firstNew(): number {
    if (this.#next >= this.#tail) return this.#tail;
    const index = this.#indexOf(this.#next);
    const { first, length } = this.#entries[index] as Entry;
    if (this.#next < first + length) return Math.max(this.#next, first);
    return (this.#entries[index + 1] as Entry).first;
  }

  #settle(from: number, to: number, settled: Settled[], kept: SequenceSet): void {
    for (let index = this.#indexOf(from); from < to; index++) {
      const entry = this.#entries[index] as Entry;
      const { batch, first } = entry;
      const low = from - first;
      const high = Math.min(entry.length, to - first);
      from = first + high;
      const count = high - low;
      entry.left -= count;
      entry.needed -= count - (kept.empty ? 0 : kept.count(first + low, from));
      entry.settled?.add(low, high);
      if (!batch) continue;
      const ranges = entry.settled
        ? completeGroups(batch, entry.settled, low, high)
        : rangeOf(batch, low, high);
      settled.push({ batch, count, ranges });
      drop(entry, settled);
    }
  }

  #absorb(from: number, to: number, dropped: Settled[]): void {
    for (const { entry, low, high } of this.#spans(from, to)) {
      entry.needed -= high - low;
      drop(entry, dropped);
    }
  }

  /** What a sink has kept comes back, or is missing. */
  #releaseKept(ranges: readonly Range[]): void {
    for (const [from, to] of ranges) {
      for (const { entry, low, high } of this.#spans(from, to)) {
        if (entry.batch) entry.needed += high - low;
        else this.#missing.add(entry.first + low, entry.first + high);
      }
    }
  }

  /** The entries that have these sequences, with the indices there. */
  *#spans(from: number, to: number): Generator<{ entry: Entry; low: number; high: number }> {
    for (let index = this.#indexOf(from); from < to; index++) {
      const entry = this.#entries[index] as Entry;
      const low = from - entry.first;
      const high = Math.min(entry.length, to - entry.first);
      yield { entry, low, high };
      from = entry.first + high;
    }
  }

  #dropSettled(): void {
    while (this.#entries[this.#head]?.left === 0) this.#head++;
    if (this.#head > 64 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** The index of the entry that has this sequence. */
  #indexOf(sequence: number): number {
    let low = this.#head;
    let high = this.#entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#entries[middle] as Entry).first <= sequence) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Lets go of a batch of which nothing is needed any more. */
function drop(entry: Entry, dropped: Settled[]): void {
  const { batch, left, needed } = entry;
  if (!batch || needed > 0) return;
  if (left > 0) dropped.push({ batch, count: left, ranges: [] });
  entry.batch = undefined;
}

function sharesOffsets({ origin }: EventBatch): boolean {
  if (!origin) return false;
  const { ends } = origin;
  for (let index = 1; index < ends.length; index++)
    if (ends[index] === ends[index - 1]) return true;
  return false;
}

/**
 * `to`, moved so that no two events with one offset stand on both of its sides; more than `from`.
 */
function wholeGroups({ origin, length }: EventBatch, from: number, to: number): number {
  if (!origin || to === length || origin.ends[to - 1] !== origin.ends[to]) return to;
  const end = origin.ends[to];
  let first = to;
  while (first > from && origin.ends[first - 1] === end) first--;
  if (first > from) return first;
  while (to < length && origin.ends[to] === end) to++;
  return to;
}

/** The offsets of the events `[from, to)`, with those of events suppressed just before each. */
function rangeOf({ origin, length }: EventBatch, from: number, to: number): Range[] {
  if (!origin) return [];
  const start = from === 0 ? origin.from : (origin.ends[from - 1] as number);
  const end = to === length ? origin.to : (origin.ends[to - 1] as number);
  return [[start, end]];
}

/** The offsets in `[from, to)` of which every event is settled. */
function completeGroups(batch: EventBatch, settled: RangeSet, from: number, to: number): Range[] {
  const ends = batch.origin?.ends as Float64Array;
  while (from > 0 && ends[from - 1] === ends[from]) from--;
  const ranges: Range[] = [];
  for (let first = from; first < to; ) {
    let last = first + 1;
    while (last < batch.length && ends[last] === ends[first]) last++;
    if (settled.covers(first, last)) ranges.push(...rangeOf(batch, first, last));
    first = last;
  }
  return ranges;
}
