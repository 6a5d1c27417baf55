import type { Clock } from '../core/clock.ts';

/** Waits that grow: the first, then twice the one before, up to the longest. */
export class Backoff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #nextMs: number;

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#nextMs = firstMs;
  }

  /** How long to wait now. */
  next(): number {
    const now = this.#nextMs;
    this.#nextMs = Math.min(now * 2, this.#longestMs);
    return now;
  }

  /** After a success. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}

/** How long a loop may keep the thread to itself. */
const turnMs = 5;

/** Lets timers, signals and sockets have a turn when a loop has kept the thread for a while. */
export class Courtesy {
  readonly #clock: Clock;
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  async pause(): Promise<void> {
    if (this.#clock.monotonic() - this.#since < turnMs) return;
    await this.#clock.turn();
    this.#since = this.#clock.monotonic();
  }
}
