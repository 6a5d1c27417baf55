import type { Clock } from './clock.ts';
import type { LogFields, Logger } from './log.ts';

/** The same sentence is said once in this time. */
const quietMs = 60_000;

interface Said {
  quietUntilMs: number;
  /** How often it happened since it was said last. */
  count: number;
}

/**
 * For what bad input makes happen any number of times: a sentence is said when it first happens,
 * and then at most once a minute, with the number of times since. Counters have them all.
 */
export class RareLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  /** By sentence: constants, so there are few. */
  readonly #said = new Map<string, Said>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  warn(fields: LogFields, sentence: string, count = 1): void {
    const times = this.#happened(sentence, count);
    if (times > 0) this.#log.warn({ ...fields, times }, sentence);
  }

  error(fields: LogFields, sentence: string, count = 1): void {
    const times = this.#happened(sentence, count);
    if (times > 0) this.#log.error({ ...fields, times }, sentence);
  }

  /** @returns how often it happened since it was said; 0: it is not to be said now */
  #happened(sentence: string, count: number): number {
    const now = this.#clock.monotonic();
    let said = this.#said.get(sentence);
    if (!said) {
      said = { quietUntilMs: Number.NEGATIVE_INFINITY, count: 0 };
      this.#said.set(sentence, said);
    }
    said.count += count;
    if (now < said.quietUntilMs) return 0;
    const times = said.count;
    said.count = 0;
    said.quietUntilMs = now + quietMs;
    return times;
  }
}
