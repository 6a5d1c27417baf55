import type { Consumer } from './channel.ts';
import type { Component, ComponentContext } from './component.ts';
import type { EventBatch } from './event-batch.ts';
import type { SinkCounters } from './metrics.ts';

/** Brings events out. */
export interface Sink extends Component {
  /** The most events of one write. */
  readonly batchSize: number;
  /**
   * Takes one batch out. Resolves when the destination has the events, and the runner commits them.
   * A sink whose definition says `settles` may resolve earlier: it commits or releases the
   * sequences `[first, first + batch.length)` by itself, through the settlement it was created
   * with.
   *
   * When it rejects, the runner releases what is not committed, waits, and writes it again.
   */
  write(batch: EventBatch, first: number): Promise<void>;
}

/** What a sink that settles itself may do with its channel: all but take. */
export type Settlement = Omit<Consumer, 'take' | 'detach'>;

export interface SinkContext extends ComponentContext {
  readonly counters: SinkCounters;
  /** Usable from `start` on: the channel has opened its ledger by then. */
  readonly settlement: Settlement;
}
