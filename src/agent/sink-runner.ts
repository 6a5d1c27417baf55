import { AssertionError } from 'node:assert';
import type { Consumer, Range, Taken } from '../core/channel.ts';
import type { Clock } from '../core/clock.ts';
import { DeliveryError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { SinkCounters } from '../core/metrics.ts';
import { RangeSet } from '../core/range-set.ts';
import type { Settlement, Sink } from '../core/sink.ts';
import { Backoff, Courtesy } from './pace.ts';

/** The first wait after a failed write, and the longest (Flume always waits 5 s). */
const firstRetryMs = 250;
const longestRetryMs = 5_000;

export interface SinkRunnerParts {
  readonly sink: Sink;
  /** Does the sink commit and release by itself? */
  readonly settles: boolean;
  readonly consumer: Consumer;
  readonly counters: SinkCounters;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called with a bug: the agent stops. */
  readonly onBug: (error: unknown) => void;
}

/** Runs a sink: takes, writes, commits; releases and waits when a write fails. */
export class SinkRunner {
  readonly #parts: SinkRunnerParts;
  #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  readonly #backoff = new Backoff(firstRetryMs, longestRetryMs);
  #failing = false;
  /** Of the first batch that was taken after a failure, what is not committed yet. */
  #proof: RangeSet | undefined;

  constructor(parts: SinkRunnerParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { sink, counters, clock } = this.#parts;
    await sink.start();
    counters.StartTime = clock.now();
    counters.StopTime = 0;
    this.#stopping = new AbortController();
    this.#loop = this.#run(this.#stopping.signal);
  }

  /** Finishes the write in hand, then has the sink settle what it holds; the rest is released. */
  async stop(): Promise<void> {
    const { sink, consumer, counters, clock } = this.#parts;
    this.#stopping.abort();
    await this.#loop;
    this.#loop = undefined;
    await sink.stop();
    consumer.detach();
    counters.StopTime = clock.now();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { sink, consumer } = this.#parts;
    const courtesy = new Courtesy(this.#parts.clock);
    while (!signal.aborted) {
      await courtesy.pause();
      const taken = await consumer.take(sink.batchSize, signal);
      if (!taken) continue;
      const { first, events } = taken;
      this.#count(events.length);
      if (this.#failing) this.#proof ??= RangeSet.of([[first, first + events.length]]);
      try {
        await this.#write(taken);
      } catch (error) {
        await this.#failed(error, taken, signal);
      }
    }
  }

  async #write({ first, events }: Taken): Promise<void> {
    const { sink, settles, consumer } = this.#parts;
    await sink.write(events, first);
    if (settles) return;
    const ranges: Range[] = [[first, first + events.length]];
    await consumer.commit(ranges);
    this.committed(ranges);
  }

  /**
   * Called with what was delivered and committed. A write that resolves says little of a sink that
   * settles by itself: it works again when all of a batch is out.
   */
  committed(ranges: readonly Range[]): void {
    const { counters, log } = this.#parts;
    for (const [from, to] of ranges) counters.EventDrainSuccessCount += to - from;
    if (!this.#proof) return;
    this.#proof.deleteAll(ranges);
    if (!this.#proof.empty) return;
    this.#proof = undefined;
    this.#failing = false;
    this.#backoff.reset();
    log.info({}, 'The sink writes again.');
  }

  #count(events: number): void {
    const { sink, counters } = this.#parts;
    counters.EventDrainAttemptCount += events;
    if (events < sink.batchSize) counters.BatchUnderflowCount++;
    else counters.BatchCompleteCount++;
  }

  async #failed(error: unknown, { first, events }: Taken, signal: AbortSignal): Promise<void> {
    const { settles, consumer, counters, clock, log, onBug } = this.#parts;
    counters.EventWriteFail++;
    this.#proof = undefined;
    if (error instanceof AssertionError) onBug(error);
    if (settles) consumer.detach();
    else if (error instanceof DeliveryError) {
      const { refused, rest } = divide(first, events.length, error.rejected);
      log.error(
        { error, events: refused.length },
        'The destination refuses events: they are dropped.',
      );
      await consumer.commit(refused);
      consumer.release(rest);
      return;
    } else consumer.release([[first, first + events.length]]);
    const waitMs = this.#backoff.next();
    if (!this.#failing)
      log.error({ error }, 'A write failed: the sink tries again until it works.');
    this.#failing = true;
    await clock.sleep(waitMs, signal);
  }
}

/** A sink's channel, so that somebody is told what the sink has committed. */
export function watchedSettlement(
  consumer: Consumer,
  committed: (ranges: readonly Range[]) => void,
): Settlement {
  return {
    get state() {
      return consumer.state;
    },
    commit: async (ranges, delta) => {
      await consumer.commit(ranges, delta);
      committed(ranges);
    },
    absorb: (ranges) => consumer.absorb(ranges),
    release: (ranges) => consumer.release(ranges),
    saveState: (delta) => consumer.saveState(delta),
    onSync: (sync) => consumer.onSync(sync),
    isPressed: () => consumer.isPressed(),
  };
}

/** Sequences `[first, first + count)`, divided into those at the given indices and the others. */
function divide(first: number, count: number, rejected: readonly number[]) {
  const indices = new Set(rejected);
  const refused: Range[] = [];
  const rest: Range[] = [];
  for (let index = 0; index < count; index++) {
    (indices.has(index) ? refused : rest).push([first + index, first + index + 1]);
  }
  return { refused, rest };
}
