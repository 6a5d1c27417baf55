/** Time, as a seam: tests move it by hand, nothing sleeps for real. */
export interface Clock {
  /** Milliseconds since 1970, for people and for headers. */
  now(): number;
  /** Milliseconds from any fixed point, never set back; for measuring and for deadlines. */
  monotonic(): number;
  /**
   * Resolves after `ms`, or at once when `signal` aborts (it never rejects: look at the signal).
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Lets timers, signals and sockets have a turn: for loops that may never wait otherwise. */
  turn(): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done);
    }),
};

/** Randomness, as a seam. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  bytes(count: number): Buffer;
}
