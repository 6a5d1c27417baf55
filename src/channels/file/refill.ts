import type { Range } from '../../core/channel.ts';
import type { EventBatch } from '../../core/event-batch.ts';
import type { Logger } from '../../core/log.ts';
import type { Backlog } from './backlog.ts';
import type { MemoryWindow } from './memory-window.ts';
import type { LogState } from './state.ts';

export interface RefillParts {
  readonly backlog: Backlog;
  readonly state: LogState;
  readonly window: MemoryWindow;
  /** Given what is not committed, in order, with the sequence of its first event. */
  readonly lend: (batch: EventBatch, sequence: number) => void;
  readonly log: Logger;
}

/** Reads back what did not fit into memory, as long as there is room in it. */
export class Refill {
  readonly #parts: RefillParts;
  #running: Promise<void> | undefined;
  /** Something has changed since the last look. */
  #isWanted = false;
  #stopped = false;
  #damage: unknown;

  constructor(parts: RefillParts) {
    this.#parts = parts;
  }

  /** Looks whether there is something to read, and room for it. */
  wake(): void {
    this.#isWanted = true;
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false;
      try {
        await this.#readBack();
      } catch (error) {
        if (String(error) !== String(this.#damage)) {
          this.#parts.log.error({ error }, 'Stored events can not be read back.');
        }
        this.#damage = error;
      }
    }
    // In the same turn as the last look: what comes later begins anew.
    this.#running = undefined;
  }

  async #readBack(): Promise<void> {
    const { backlog, state, window, lend } = this.#parts;
    while (!this.#stopped && !backlog.empty && window.isLow) {
      await backlog.read(({ first, batch }) => {
        for (const [from, to] of uncommitted(state, first, batch.length)) {
          const part = batch.slice(from - first, to - first);
          window.force(part.slab, part.length);
          lend(part, from);
        }
      });
    }
  }
}

/** The ranges of `[first, first + count)` that are not committed. */
function uncommitted(state: LogState, first: number, count: number): Range[] {
  const ranges: Range[] = [];
  let from: number | undefined;
  for (let sequence = first; sequence <= first + count; sequence++) {
    const live = sequence < first + count && !state.isCommitted(sequence);
    if (live) from ??= sequence;
    else if (from !== undefined) {
      ranges.push([from, sequence]);
      from = undefined;
    }
  }
  return ranges;
}
