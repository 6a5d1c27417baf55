import type { Range } from '../../core/channel.ts';
import type { EventBatch } from '../../core/event-batch.ts';
import type { Settled } from '../../core/event-queue.ts';
import { RangeSet } from '../../core/range-set.ts';
import { MemoryWindow } from './memory-window.ts';

export interface UnloggedLimits {
  readonly events: number;
  /** Counted in slabs, once each. */
  readonly bytes: number;
}

/** What of a commit the log does not know yet. */
export interface UnloggedPart {
  readonly events: number;
  /** Per stream, the offsets that are done with these events. */
  readonly done: Readonly<Record<string, readonly Range[]>>;
}

interface Entry {
  /** The number of its first event in the queue. */
  readonly first: number;
  /** Events not committed. */
  left: number;
}

/**
 * Events that a channel holds in memory alone: they were never written to its log, and only their
 * commit will be, as offsets of their streams.
 */
export class Unlogged {
  readonly #limits: UnloggedLimits;
  readonly #window: MemoryWindow;
  readonly #entries = new Map<EventBatch, Entry>();
  /** The numbers in the queue of what is not committed. */
  readonly #numbers = new RangeSet();
  #events = 0;

  constructor(limits: UnloggedLimits) {
    this.#limits = limits;
    this.#window = new MemoryWindow(limits.bytes);
  }

  fits({ slab, length }: EventBatch): boolean {
    return this.#events + length <= this.#limits.events && this.#window.fits(slab);
  }

  add(batch: EventBatch, first: number): void {
    const { slab, length } = batch;
    this.#window.force(slab, length);
    this.#entries.set(batch, { first, left: length });
    this.#numbers.add(first, first + length);
    this.#events += length;
  }

  /**
   * @param ranges numbers in the queue
   * @param settled the batches they are of
   */
  commit(ranges: readonly Range[], settled: readonly Settled[]): UnloggedPart {
    const done: Record<string, readonly Range[]> = {};
    let events = 0;
    for (const { batch, count, ranges: offsets } of settled) {
      const entry = this.#entries.get(batch);
      if (!entry) continue;
      events += count;
      entry.left -= count;
      if (entry.left === 0) this.#entries.delete(batch);
      this.#window.remove(batch.slab, count);
      if (!batch.origin) continue;
      const { stream } = batch.origin;
      done[stream] = [...(done[stream] ?? []), ...offsets];
    }
    if (events > 0) for (const [from, to] of ranges) this.#numbers.delete(from, to);
    this.#events -= events;
    return { events, done };
  }

  has(batch: EventBatch): boolean {
    return this.#entries.has(batch);
  }

  /** Hands over everything that is not committed, in order, with the number of its first event. */
  moveRest(take: (batch: EventBatch, first: number) => void): void {
    for (const [batch, { first, left }] of this.#entries) {
      for (const [from, to] of this.#numbers) {
        const low = Math.max(from - first, 0);
        const high = Math.min(to - first, batch.length);
        if (low < high) take(batch.slice(low, high), first + low);
      }
      this.#window.remove(batch.slab, left);
    }
    this.#entries.clear();
    this.#numbers.clear();
    this.#events = 0;
  }
}
