import type { Range, StateDelta } from '../core/channel.ts';
import type { Json } from '../core/component.ts';
import type { Settlement } from '../core/sink.ts';

/** Bytes of one file that have been flushed, and the events they are of. */
export interface Flushed {
  /** The file's key in the state, and what that says from then on. */
  readonly key: string;
  readonly entry: Json;
  readonly ranges: readonly Range[];
  /** The file has failed meanwhile: then its events go back. */
  isDead(): boolean;
  committed(): void;
  failed(error: unknown): void;
}

/** A commit of more pieces than this, of many files, would keep the loop busy for long. */
const maxPieces = 8192;

interface Waiting {
  readonly flushed: Flushed;
  readonly resolve: () => void;
}

/**
 * The commits of all files of the sink: one record for everything that was flushed while the last
 * one was under way.
 */
export class Commits {
  readonly #settlement: Settlement;
  readonly #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #lastWritten: Promise<void> = Promise.resolve();
  #nextWritten: Promise<void> | undefined;
  /** Keys that leave the state with the next change of it. */
  #done: string[] = [];

  constructor(settlement: Settlement) {
    this.#settlement = settlement;
  }

  get state(): Settlement['state'] {
    return this.#settlement.state;
  }

  /** Resolves when the events are committed or released. */
  add(flushed: Flushed): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ flushed, resolve });
      this.#running ??= this.#run();
    });
  }

  release(ranges: readonly Range[]): void {
    if (ranges.length > 0) this.#settlement.release(ranges);
  }

  /** Has a key leave the state, some time. */
  forget(key: string): void {
    this.#done.push(key);
  }

  /** Changes the state, durably, where keys are new; what is to be forgotten goes with it. */
  async save(set: Readonly<Record<string, Json>>): Promise<void> {
    await this.#change(set, (delta) => this.#settlement.saveState(delta));
  }

  /**
   * Resolves when all that is committed by now survives the process: only then a file may get the
   * name by which others take it for finished.
   */
  written(): Promise<void> {
    // One for all who ask while the last one is under way.
    this.#nextWritten ??= this.#lastWritten.then(() => {
      this.#nextWritten = undefined;
      return this.#settlement.saveState({});
    });
    this.#lastWritten = this.#nextWritten.catch(() => {});
    return this.#nextWritten;
  }

  /** Has everything leave the state that is to be forgotten. */
  async forgetNow(): Promise<void> {
    if (this.#done.length > 0) await this.save({});
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#nextGroup();
      const flushed = group.map((each) => each.flushed);
      for (const each of flushed) if (each.isDead()) this.release(each.ranges);
      await this.#commit(flushed.filter((each) => !each.isDead()));
      for (const { resolve } of group) resolve();
    }
    this.#running = undefined;
  }

  /** At least one, of those that wait longest. */
  #nextGroup(): Waiting[] {
    let pieces = 0;
    let count = 0;
    for (const { flushed } of this.#waiting) {
      pieces += flushed.ranges.length;
      if (count > 0 && pieces > maxPieces) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #commit(group: readonly Flushed[]): Promise<void> {
    if (group.length === 0) return;
    const set: Record<string, Json> = {};
    for (const { key, entry } of group) set[key] = entry;
    const ranges = group.flatMap((each) => each.ranges);
    try {
      await this.#change(set, (delta) => this.#settlement.commit(ranges, delta));
    } catch (error) {
      for (const each of group) each.failed(error);
      this.release(ranges);
      return;
    }
    for (const each of group) each.committed();
  }

  async #change(
    set: Readonly<Record<string, Json>>,
    change: (delta: StateDelta) => Promise<void>,
  ): Promise<void> {
    const done = this.#done;
    this.#done = [];
    try {
      await change({ set, ...(done.length > 0 && { delete: done }) });
    } catch (error) {
      this.#done.push(...done);
      throw error;
    }
  }
}
