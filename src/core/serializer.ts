import type { EventBatch } from './event-batch.ts';
import type { Logger } from './log.ts';
import type { SinkCounters } from './metrics.ts';

/**
 * Turns events into the bytes of one file. One serializer serves one file, from `begin` on; its
 * bytes go to the file in the order of the calls. Where the file is cut behind what a `flush` gave,
 * it is sound to there.
 */
export interface EventSerializer {
  /** The bytes before the first event; a file with these alone is valid. */
  begin(): readonly Buffer[];
  /**
   * Takes events, in order, and gives what can be written of them now, as views of the batch's slab
   * where that serves. What it keeps for a block that is not full is in `heldBytes`.
   *
   * @throws DeliveryError when the format can't have some of them: then none of them was taken
   */
  write(batch: EventBatch): readonly Buffer[];
  /**
   * The bytes that make everything written so far readable: the end of a block. May work beside the
   * event loop; meanwhile `write` and `flush` may be called for the next block.
   */
  flush(): readonly Buffer[] | Promise<readonly Buffer[]>;
  /**
   * Size of the events that `write` has kept since the last `flush`, before compression; 0: all
   * that was written is readable. Absent: nothing is ever kept.
   */
  readonly heldBytes?: number;
  /** With so much held a block is full: the sink flushes. Absent: 1 MiB. */
  readonly blockBytes?: number;
  /**
   * The bytes behind the last event, after a last `flush`. A format that has it is only readable
   * with it: its events are committed when the file is closed, all at once. It copies what it needs
   * of a batch: the memory of that is used for others as soon as `write` has returned.
   */
  end?(): Promise<readonly Buffer[]>;
}

/** What a sink gives the serializers of its files. */
export interface SerializerContext {
  readonly log: Logger;
  readonly counters: SinkCounters;
  /** The content of a small file, by `hdfs:`, `file:`, `http:` or `https:` URL. */
  readUrl(url: string): Promise<Buffer>;
}
