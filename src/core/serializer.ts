import type { EventBatch } from './event-batch.ts';

/**
 * Turns events into the bytes of one file. One serializer serves one file, from `begin` on; where
 * the file is cut after a `flush`, it is sound to there.
 */
export interface EventSerializer {
  /** The bytes before the first event; a file with these alone is valid. */
  begin(): readonly Buffer[];
  /**
   * The bytes of these events, in order, as views of the batch's slab where that serves. May hold
   * events back until `flush`.
   */
  write(batch: EventBatch): readonly Buffer[];
  /** The bytes that make everything written so far readable: the end of a block. */
  flush(): readonly Buffer[];
}
