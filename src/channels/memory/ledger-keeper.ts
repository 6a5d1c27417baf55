import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import type { LedgerLog } from './ledger-log.ts';

/** How long commits gather before they are written: what a crash makes a source read again. */
const writeDelayMs = 20;
/** The least time between two marks. */
const markIntervalMs = 1000;
/** Syncing takes at most one part in this many of the time: a slow disk is marked less often. */
const markShare = 4;

type Work = keyof typeof messages;
const messages = {
  write: {
    failing: 'The ledger can not be written now.',
    recovered: 'The ledger is written again.',
  },
  mark: {
    failing: 'What sinks have written can not be made durable now.',
    recovered: 'What sinks have written is made durable again.',
  },
} as const;

/**
 * Writes the ledger of a memory channel a little behind the commits, and marks it about once a
 * second.
 */
export class LedgerKeeper {
  readonly #ledger: LedgerLog;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Per sink, how its data is made durable. */
  readonly #syncs = new Map<string, () => Promise<void>>();
  #stopping = new AbortController();
  /** Ends the delay before a write. */
  #hurry = new AbortController();
  /** Ends the wait for something to write or to mark. */
  #changed: () => void = () => {};
  #loop: Promise<void> = Promise.resolve();
  #marking: Promise<void> | undefined;
  /** What went wrong last, for each kind of work. */
  readonly #failures = new Map<Work, string>();

  constructor(ledger: LedgerLog, clock: Clock, log: Logger) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#log = log;
  }

  start(): void {
    this.#stopping = new AbortController();
    this.#loop = this.#run(this.#stopping.signal);
  }

  /** Marks once more, so that after a clean stop nothing is read again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#hurry.abort();
    this.#changed();
    await this.#loop;
    if (this.#canMark) await this.#attempt('mark', () => this.#mark());
  }

  onSync(sink: string, sync: () => Promise<void>): void {
    this.#syncs.set(sink, sync);
    // What could not be marked without it may be all that there is to do.
    this.#changed();
  }

  /** Something was appended. */
  changed(): void {
    this.#changed();
  }

  /** Something was appended that is to be written without the usual delay. */
  hurry(): void {
    // Each abort makes an exception, also where it changes nothing.
    if (!this.#hurry.signal.aborted) this.#hurry.abort();
    this.#changed();
  }

  /** Marks everything committed by now; with a mark under way, after it. */
  async markNow(): Promise<void> {
    await this.#marking?.catch(() => {});
    if (this.#canMark) await this.#mark();
  }

  /**
   * Is there anything to mark, and does every sink with files say how they are synced? One that has
   * not come up has not looked after what an earlier process left unsynced.
   */
  get #canMark(): boolean {
    if (!this.#ledger.hasUnmarked) return false;
    const { ledger } = this.#ledger;
    return [...ledger.sinkNames].every(
      (sink) => this.#syncs.has(sink) || ledger.sinkState(sink).size === 0,
    );
  }

  async #run(signal: AbortSignal): Promise<void> {
    let nextMark = this.#clock.monotonic() + markIntervalMs;
    while (!signal.aborted) {
      if (!this.#ledger.hasUnwritten) await this.#somethingToDo(nextMark, signal);
      await this.#clock.sleep(writeDelayMs, this.#hurry.signal);
      this.#hurry = new AbortController();
      if (signal.aborted) return;
      if (this.#ledger.hasUnwritten) await this.#attempt('write', () => this.#ledger.write());
      const start = this.#clock.monotonic();
      if (start < nextMark || !this.#canMark || this.#marking) continue;
      // In the background: writing goes on during a slow sync.
      void this.#attempt('mark', () => this.#mark()).then(() => {
        const end = this.#clock.monotonic();
        nextMark = end + Math.max(markIntervalMs, (end - start) * markShare);
      });
    }
  }

  /** Waits for a change, or for the time to mark what is not marked. */
  async #somethingToDo(nextMark: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const over = new AbortController();
    const change = new Promise<void>((resolve) => {
      this.#changed = resolve;
    });
    const wait = Math.max(nextMark - this.#clock.monotonic(), markIntervalMs / markShare);
    const due = this.#canMark ? [this.#clock.sleep(wait, over.signal)] : [];
    await Promise.race([change, ...due]);
    over.abort();
    this.#changed = () => {};
  }

  #mark(): Promise<void> {
    this.#marking ??= this.#ledger
      .mark(async () => {
        await Promise.all([...this.#syncs.values()].map((sync) => sync()));
      })
      .finally(() => {
        this.#marking = undefined;
      });
    return this.#marking;
  }

  /**
   * A disk that fails is said once and tried again: meanwhile a crash makes sources read more
   * again.
   */
  async #attempt(work: Work, attempt: () => Promise<void>): Promise<void> {
    const { failing, recovered } = messages[work];
    try {
      await attempt();
      if (this.#failures.delete(work)) this.#log.info({}, recovered);
    } catch (error) {
      const failure = String(error);
      if (failure !== this.#failures.get(work)) this.#log.warn({ error }, failing);
      this.#failures.set(work, failure);
    }
  }
}
