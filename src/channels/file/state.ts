import type { Range, StateDelta } from '../../core/channel.ts';
import { Ledger, type LedgerChange } from '../../core/ledger.ts';
import { SequenceSet } from '../../core/sequence-set.ts';
import type { Segment } from './segments.ts';

/** What a commit record says. */
export interface CommitChange {
  readonly sink: string;
  readonly ranges: readonly Range[];
  /** Offsets of streams whose events were never put into the log. */
  readonly done?: LedgerChange['done'];
  readonly delta?: StateDelta;
}

/** A segment, and what of it is still needed. */
export interface SegmentUse {
  readonly segment: Segment;
  /** Where its valid part ends. */
  end: number;
  /** The sequences of the events put there: `[first, next)`. */
  first: number;
  next: number;
  /** How many of them are not committed. */
  live: number;
}

/** A state, as it is kept; `segments` are those with events that are not committed. */
export interface StateSnapshot {
  readonly ledger: LedgerChange;
  readonly nextSequence: number;
  readonly committed: readonly Range[];
  readonly segments: readonly {
    readonly number: number;
    readonly end: number;
    readonly first: number;
    readonly next: number;
  }[];
}

/**
 * What the durable records of a log add up to. Records are applied one after the other, by replay
 * and, once synced, by the running channel: both come to the same.
 */
export class LogState {
  readonly ledger = new Ledger();
  /** The sequence of the next event that is put. */
  nextSequence = 0;
  /** Events that are not committed. */
  live = 0;
  readonly #live = new SequenceSet();
  /** By number, rising. */
  readonly #segments = new Map<number, SegmentUse>();

  /** Every segment that was begun and not given up, lowest number first. */
  get segments(): Iterable<SegmentUse> {
    return this.#segments.values();
  }

  use(number: number): SegmentUse | undefined {
    return this.#segments.get(number);
  }

  begin(segment: Segment, end: number): SegmentUse {
    const { nextSequence } = this;
    const use = { segment, end, first: nextSequence, next: nextSequence, live: 0 };
    this.#segments.set(segment.number, use);
    return use;
  }

  /** Knows a segment in which nothing is live; then they are in order again. */
  keep(segment: Segment): void {
    if (this.#segments.has(segment.number)) return;
    this.begin(segment, 0);
    const sorted = [...this.#segments].sort(([a], [b]) => a - b);
    this.#segments.clear();
    for (const [number, use] of sorted) this.#segments.set(number, use);
  }

  forget(number: number): void {
    this.#segments.delete(number);
  }

  /** A put of `count` events into a segment. */
  put(use: SegmentUse, count: number, origin?: { stream: string; from: number; to: number }): void {
    if (use.next === use.first) use.first = this.nextSequence;
    this.nextSequence += count;
    use.next = this.nextSequence;
    use.live += count;
    this.live += count;
    this.#live.add(use.next - count, use.next);
    if (origin) this.ledger.apply({ done: { [origin.stream]: [[origin.from, origin.to]] } });
  }

  commit({ sink, ranges, done, delta }: CommitChange): void {
    this.#live.deleteAll(ranges);
    for (const [from, to] of ranges) {
      for (const use of this.#segments.values()) {
        if (use.first >= to) break;
        const count = Math.min(use.next, to) - Math.max(use.first, from);
        if (count > 0) use.live -= count;
      }
      this.live -= to - from;
    }
    this.ledger.apply({ ...(done && { done }), ...(delta && { sinks: { [sink]: delta } }) });
  }

  isCommitted(from: number, to = from + 1): boolean {
    return to <= this.nextSequence && !this.#live.meets(from, to);
  }

  /** What of `[from, to)` is put and not committed. */
  uncommitted(from: number, to: number): Range[] {
    return this.#live.within(from, to);
  }

  snapshot(): StateSnapshot {
    const segments = [...this.#segments.values()].filter(({ live }) => live > 0);
    return {
      ledger: this.ledger.snapshot(),
      nextSequence: this.nextSequence,
      committed: this.#committed(),
      segments: segments.map(({ segment, end, first, next }) => {
        return { number: segment.number, end, first, next };
      }),
    };
  }

  /**
   * A segment that is missing may have been given up after its last events were committed: the
   * records that follow the snapshot say so. Until then it has no file.
   */
  restore(snapshot: StateSnapshot, segments: ReadonlyMap<number, Segment>): void {
    this.ledger.apply(snapshot.ledger);
    this.nextSequence = snapshot.nextSequence;
    for (const { number, end, first, next } of snapshot.segments) {
      const segment = segments.get(number) ?? { number, path: '', salt: 0, capacity: 0 };
      this.#segments.set(number, { segment, end, first, next, live: 0 });
      this.#live.add(first, next);
    }
    this.#live.deleteAll(snapshot.committed);
    for (const use of this.#segments.values()) {
      use.live = this.#live.count(use.first, use.next);
      this.live += use.live;
    }
  }

  /** What was put and is not live. */
  #committed(): Range[] {
    const ranges: Range[] = [];
    let from = 0;
    for (const [start, end] of [...this.#live, [this.nextSequence, this.nextSequence] as const]) {
      if (from < start) ranges.push([from, start]);
      from = end;
    }
    return ranges;
  }

  /** Forgets segments without a file; gives the numbers of those that would be needed. */
  forgetMissing(): number[] {
    const missing = [...this.#segments.values()].filter(({ segment }) => segment.path === '');
    for (const { segment } of missing) this.#segments.delete(segment.number);
    return missing.filter(({ live }) => live > 0).map(({ segment }) => segment.number);
  }
}
