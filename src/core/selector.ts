import type { EventBatch } from './event-batch.ts';

/** Which of its events a batch sends to one channel. */
export interface Route {
  readonly channel: string;
  /**
   * All the batch, or a part; its origin is kept, so that a channel that gets no event gets the
   * offsets.
   */
  readonly batch: EventBatch;
}

/**
 * Decides which channels get which events. It must decide the same again for the same event and
 * origin, or what is read again after a crash goes elsewhere.
 */
export interface Selector {
  /** Channels whose failure is not the source's: they may miss events. The others are required. */
  readonly optional: ReadonlySet<string>;
  /** One route per channel at most; a channel without one is given the offsets of the batch. */
  route(batch: EventBatch): readonly Route[];
}
