import type { Logger } from '../../core/log.ts';
import type { Log } from './log.ts';
import type { Segments } from './segments.ts';
import type { Snapshots } from './snapshots.ts';
import type { LogState } from './state.ts';

export interface UpkeepParts {
  readonly state: LogState;
  readonly snapshots: Snapshots;
  readonly segments: Segments;
  readonly log: Logger;
}

/** Writes snapshots, and gives up the segments that nothing needs after that. */
export class Upkeep {
  readonly #parts: UpkeepParts;
  #appended: Log | undefined;
  #running: Promise<void> | undefined;
  /** The last one failed. */
  #failing = false;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  /** From now on snapshots are taken of this log. */
  begin(appended: Log): void {
    this.#appended = appended;
  }

  /** One at a time; a failure is said, once, and does not reject. */
  run(): Promise<void> {
    this.#running ??= this.#snapshot()
      .then(() => {
        this.#failing = false;
      })
      .catch((error: unknown) => {
        const message = 'No snapshot can be written: the log grows meanwhile.';
        if (!this.#failing) this.#parts.log.warn({ error }, message);
        this.#failing = true;
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  /** The same, if it can make room on the disk. */
  makeRoom(): void {
    const newest = this.#appended?.position?.number ?? 0;
    for (const { live, segment } of this.#parts.state.segments) {
      if (segment.number >= newest) return;
      if (live > 0) continue;
      void this.run();
      return;
    }
  }

  async #snapshot(): Promise<void> {
    const { state, snapshots, segments, log } = this.#parts;
    const position = this.#appended?.position;
    if (!position) return;
    const { number: newest, end, record } = position;
    await snapshots.write({ segment: newest, offset: end, record, state: state.snapshot() });
    for (const use of [...state.segments]) {
      const { number } = use.segment;
      if (use.live > 0 || number >= newest || number >= snapshots.oldestSegment) continue;
      state.forget(number);
      await segments.giveUp(use.segment).catch((error: unknown) => {
        const message = 'A file that nothing needs could not be given up: the next start does.';
        log.warn({ path: use.segment.path, error }, message);
      });
    }
  }
}
