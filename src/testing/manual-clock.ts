import type { Clock } from '../core/clock.ts';

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #monotonicMs = 0;
  /** What the time of day is ahead of `monotonic`. */
  #aheadMs: number;
  /** In the order in which they began to sleep. */
  readonly #sleepers = new Set<Sleeper>();

  /** @param nowMs the time of day to begin with, in milliseconds since 1970 */
  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#aheadMs = nowMs;
  }

  now(): number {
    return this.#monotonicMs + this.#aheadMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  /** How many sleep now. */
  get sleeperCount(): number {
    return this.#sleepers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { dueMs: this.#monotonicMs + ms, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', wake);
    });
  }

  /**
   * Moves the time on. Whoever is due in between wakes at its own moment, the earliest first, and
   * what it does then has settled before the next one wakes; if it sleeps again, that counts too.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    await this.settle();
    for (let next = this.#earliest(); next && next.dueMs <= endMs; next = this.#earliest()) {
      this.#monotonicMs = next.dueMs;
      next.wake();
      await this.settle();
    }
    this.#monotonicMs = endMs;
  }

  async turn(): Promise<void> {}

  /** Waits until everything has gone on that waits only for promises, not for time or input. */
  settle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Sets the time of day, as an administrator does; `monotonic` and sleepers don't notice. */
  set(nowMs: number): void {
    this.#aheadMs = nowMs - this.#monotonicMs;
  }

  #earliest(): Sleeper | undefined {
    let earliest: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (!earliest || sleeper.dueMs < earliest.dueMs) earliest = sleeper;
    }
    return earliest;
  }
}
