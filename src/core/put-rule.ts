import type { StreamStatus } from './channel.ts';
import { OriginGapError } from './errors.ts';
import type { EventBatch } from './event-batch.ts';
import type { Ledger } from './ledger.ts';

/**
 * The only place where doubles are dropped. A channel *holds* a stream up to an offset: all before
 * it is in the channel or was committed. With several sinks, committed islands can lie beyond it;
 * they are left out too when they come again.
 *
 *   to ≤ held          nothing of the batch is new
 *   from ≤ held < to   events that end at or before held, or within an island, are trimmed
 *   from > held        refused: something is missing
 */
export class PutRule {
  readonly #channel: string;
  readonly #ledger: Ledger;
  readonly #introduce: (stream: string, first: number) => void;
  /** Per stream, what the channel holds; before its first put here that is what the ledger says. */
  readonly #held = new Map<string, number>();

  /**
   * @param ledger what is committed: it decides what a stream begins with, and the islands
   * @param introduce called with a stream that the ledger does not know, and where it begins
   */
  constructor(channel: string, ledger: Ledger, introduce: (stream: string, first: number) => void) {
    this.#channel = channel;
    this.#ledger = ledger;
    this.#introduce = introduce;
  }

  status(stream: string): StreamStatus | undefined {
    const status = this.#ledger.stream(stream);
    if (!status) return undefined;
    let held = Math.max(status.held, this.#held.get(stream) ?? 0);
    // What is put up to an island's beginning reaches to the island's end.
    for (const [from, to] of status.islands) if (from <= held) held = Math.max(held, to);
    const islands = status.islands.filter(([from]) => from > held);
    return { ...status, held, islands };
  }

  /**
   * What of the batch is to be stored; the channel holds the stream up to the batch's end from then
   * on.
   * @throws OriginGapError
   */
  admit(batch: EventBatch): EventBatch {
    const { origin } = batch;
    if (!origin) return batch;
    const { stream, from, to, ends } = origin;
    const { held, islands } = this.status(stream) ?? this.#introduced(stream, from);
    if (from > held) throw new OriginGapError(this.#channel, stream, held, from);
    if (to <= held) return batch.pick([]).withOrigin(emptyOrigin(stream, to));
    this.#held.set(stream, to);
    if (from === held && islands.length === 0) return batch;
    const fresh = batch.filter((index) => {
      const end = ends[index] as number;
      return end > held && !islands.some(([low, high]) => end > low && end <= high);
    });
    return fresh.withOrigin(fresh.origin && { ...fresh.origin, from: Math.max(from, held) });
  }

  /**
   * Takes everything before `to` as held; gives the offset from which that leaves something out.
   */
  skip(stream: string, to: number): number {
    const { held } = this.status(stream) ?? this.#introduced(stream, to);
    if (to > held) this.#held.set(stream, to);
    return Math.min(held, to);
  }

  forget(stream: string): void {
    this.#held.delete(stream);
  }

  /** A source need not introduce a stream that it only ever reads from its beginning. */
  #introduced(stream: string, first: number): StreamStatus {
    this.#introduce(stream, first);
    return { identity: null, first, held: first, settled: first, islands: [] };
  }
}

function emptyOrigin(stream: string, at: number) {
  return { stream, from: at, to: at, ends: new Float64Array(0) };
}
