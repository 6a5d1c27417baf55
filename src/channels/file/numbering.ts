import type { Range } from '../../core/channel.ts';

/**
 * Numbers of the queue `[first, first + count)` that are the sequences `[logged, …)` of the log.
 */
interface Run {
  readonly first: number;
  readonly logged: number;
  count: number;
}

/** So many runs are kept before those are looked for that nobody asks for any more. */
const manyRuns = 64;

/**
 * The queue numbers all events, the log those that are in it: which are which. One run for as long
 * as every event goes into the log.
 */
export class Numbering {
  /** Rising in both, but for what a stop has logged at last. */
  #runs: Run[];

  /** @param logged the sequence that the next event in the log will have; both begin with it */
  constructor(logged: number) {
    this.#runs = [{ first: 0, logged: 0, count: logged }];
  }

  /** @param isDone is everything in this range of the log committed? */
  add(first: number, logged: number, count: number, isDone: (from: number, to: number) => boolean) {
    const last = this.#runs.at(-1);
    const follows =
      last && last.first + last.count === first && last.logged + last.count === logged;
    if (follows) last.count += count;
    else this.#runs.push({ first, logged, count });
    if (this.#runs.length <= manyRuns) return;
    this.#runs = this.#runs.filter((run) => !isDone(run.logged, run.logged + run.count));
  }

  /** What of these numbers of the queue is in the log, as sequences there. */
  toLog(ranges: readonly Range[]): readonly Range[] {
    const [only] = this.#runs;
    // Nearly always: every event goes into the log.
    if (only && this.#runs.length === 1 && only.first === only.logged) {
      const end = only.first + only.count;
      if (ranges.every(([from, to]) => from >= only.first && to <= end)) return ranges;
    }
    const found: Range[] = [];
    for (const { first, logged, count } of this.#runs) {
      for (const range of ranges) {
        const from = Math.max(range[0], first);
        const to = Math.min(range[1], first + count);
        if (from < to) found.push([from - first + logged, to - first + logged]);
      }
    }
    return found;
  }

  /** The number in the queue of an event of the log that is not committed. */
  toQueue(sequence: number): number {
    const run = this.#runs.findLast(({ logged }) => logged <= sequence) as Run;
    return sequence - run.logged + run.first;
  }
}
