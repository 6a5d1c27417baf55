import type { Range } from '../../core/channel.ts';
import type { Disk } from '../../core/disk.ts';
import type { EventBatch } from '../../core/event-batch.ts';
import type { Borrower, EventQueue, Settled } from '../../core/event-queue.ts';
import type { Logger } from '../../core/log.ts';
import { Backlog, type StoredPut } from './backlog.ts';
import type { Position } from './log.ts';
import type { MemoryWindow } from './memory-window.ts';
import { Refill } from './refill.ts';
import type { LogState } from './state.ts';

export interface LendingParts {
  readonly queue: EventQueue;
  readonly window: MemoryWindow;
  readonly disk: Disk;
  readonly state: LogState;
  /** The number in the queue of an event of the log. */
  readonly toQueue: (sequence: number) => number;
  readonly log: Logger;
}

/**
 * Which stored events are in memory to be lent. The newest stay there while they fit the window;
 * else they, and all that come after them, are read back when there is room. What a sink keeps
 * itself leaves memory, and is read again when the sink releases it after all.
 */
export class Lending {
  readonly #queue: EventQueue;
  readonly #window: MemoryWindow;
  readonly #state: LogState;
  readonly #toQueue: (sequence: number) => number;
  /** What was never in the queue, and what is missing there. */
  readonly #backlog: Backlog;
  readonly #missing: Backlog;
  readonly #refill: Refill;
  readonly #rereading: Refill;

  constructor({ queue, window, disk, state, toQueue, log }: LendingParts) {
    this.#queue = queue;
    this.#window = window;
    this.#state = state;
    this.#toQueue = toQueue;
    this.#backlog = new Backlog(disk, state);
    this.#missing = new Backlog(disk, state);
    this.#refill = new Refill({
      backlog: this.#backlog,
      wanted: () => window.isLow,
      take: (put) => this.#lend(put),
      log,
    });
    // Also where the window is full: of what waits behind it, perhaps.
    this.#rereading = new Refill({
      backlog: this.#missing,
      wanted: () => queue.isStuck,
      take: (put) => this.#restore(put),
      log,
    });
    if (state.live > 0) this.#backlog.begin(0, 0);
  }

  /** Nothing that is stored waits to be read back. */
  get isComplete(): boolean {
    return this.#backlog.empty;
  }

  /** What is stored can't be read back, because of what sinks hold. */
  get isPressed(): boolean {
    return !this.isComplete && !this.#window.isLow;
  }

  /** Reads what is wanted, and was not. */
  wake(): void {
    this.#refill.wake();
    if (this.#queue.isStuck) this.#rereading.wake();
  }

  /** Events that are durable from now on. */
  stored(batch: EventBatch, number: number, { segment, offset }: Position): void {
    if (this.isComplete && this.#window.add(batch.slab, batch.length)) {
      this.#queue.push(batch, number);
      return;
    }
    this.#backlog.begin(segment.number, offset);
    this.#refill.wake();
  }

  absorb(borrower: Borrower, ranges: readonly Range[]): void {
    this.forget(borrower.absorb(ranges));
    this.wake();
  }

  /** What is no longer in the queue. */
  forget(settled: readonly Settled[]): void {
    for (const { batch, count } of settled) this.#window.remove(batch.slab, count);
  }

  /** To be called after a sink has released events. */
  released(): void {
    if (!this.#queue.isIncomplete) return;
    this.#missing.restart();
    this.wake();
  }

  async stop(): Promise<void> {
    await this.#refill.stop();
    await this.#rereading.stop();
  }

  #lend({ first, batch }: StoredPut): void {
    for (const [from, to] of this.#state.uncommitted(first, first + batch.length)) {
      const part = batch.slice(from - first, to - first);
      this.#window.force(part.slab, part.length);
      this.#queue.push(part, this.#toQueue(from));
    }
  }

  #restore({ first, batch }: StoredPut): void {
    if (!this.#queue.isIncomplete) return;
    const restored = this.#queue.restore(batch, this.#toQueue(first));
    for (const each of restored) this.#window.force(each.batch.slab, each.count);
  }
}
