import type { Clock } from '../core/clock.ts';
import { ChannelError, ChannelFullError, OriginGapError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { SourceCounters } from '../core/metrics.ts';
import type { Source } from '../core/source.ts';
import { Courtesy } from './pace.ts';

/**
 * After a channel refused: it has waited its keep-alive already, so this only keeps a loop from
 * spinning.
 */
const refusedPauseMs = 50;

export interface SourceRunnerOptions {
  /** By how much the wait of an idle source grows each time (`backoffSleepIncrement`). */
  readonly backoffIncrementMs: number;
  /** How long it waits at most, and after an error (`maxBackoffSleep`). */
  readonly maxBackoffMs: number;
  /** Called when the channels are open, before each start of the source. */
  readonly beforeStart: () => Promise<void>;
}

/**
 * Runs a source: for a pull source the loop of polls, the waits between them, and what happens when
 * one fails. An idle source waits a little longer each time, as in Flume, unless it is woken.
 */
export class SourceRunner {
  readonly #source: Source;
  readonly #counters: SourceCounters;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #options: SourceRunnerOptions;
  #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  #woken = false;
  #endWait: (() => void) | undefined;

  constructor(
    source: Source,
    counters: SourceCounters,
    clock: Clock,
    log: Logger,
    options: SourceRunnerOptions,
  ) {
    this.#source = source;
    this.#counters = counters;
    this.#clock = clock;
    this.#log = log;
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#options.beforeStart();
    await this.#source.start();
    this.#counters.StartTime = this.#clock.now();
    this.#counters.StopTime = 0;
    this.#stopping = new AbortController();
    if (this.#source.poll) this.#loop = this.#run(this.#stopping.signal);
  }

  /** Ends the polls of a pull source: it emits nothing more. A push source goes on until `stop`. */
  async quiesce(): Promise<void> {
    this.#stopping.abort();
    this.#endWait?.();
    await this.#loop;
    this.#loop = undefined;
  }

  async stop(): Promise<void> {
    await this.quiesce();
    await this.#source.stop();
    this.#counters.StopTime = this.#clock.now();
  }

  /** Ends an idle wait, or the next one. */
  wake(): void {
    this.#woken = true;
    this.#endWait?.();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { backoffIncrementMs, maxBackoffMs } = this.#options;
    const courtesy = new Courtesy(this.#clock);
    let idleRounds = 0;
    while (!signal.aborted) {
      await courtesy.pause();
      try {
        this.#woken = false;
        const result = await this.#source.poll?.(signal);
        if (result === 'ready') {
          idleRounds = 0;
          continue;
        }
        idleRounds++;
        await this.#idle(Math.min(idleRounds * backoffIncrementMs, maxBackoffMs));
        if (this.#woken) idleRounds = 0;
      } catch (error) {
        if (signal.aborted) return;
        await this.#failed(error, signal);
      }
    }
  }

  /** Waits, unless something has happened since the poll began. */
  async #idle(ms: number): Promise<void> {
    if (this.#woken || this.#stopping.signal.aborted) return;
    const over = new AbortController();
    this.#endWait = () => over.abort();
    await this.#clock.sleep(ms, over.signal);
    this.#endWait = undefined;
  }

  async #failed(error: unknown, signal: AbortSignal): Promise<void> {
    const refused =
      error instanceof ChannelFullError ||
      error instanceof ChannelError ||
      error instanceof OriginGapError;
    if (refused) {
      this.#log.debug({ error }, 'A channel refused a batch: it is emitted again.');
      await this.#clock.sleep(refusedPauseMs, signal);
      return;
    }
    this.#counters.GenericProcessingFail++;
    this.#log.error({ error }, 'The source failed: it goes on after a wait.');
    await this.#clock.sleep(this.#options.maxBackoffMs, signal);
  }
}
