import type { Disk } from '../../core/disk.ts';
import { ChannelError } from '../../core/errors.ts';
import type { EventBatch } from '../../core/event-batch.ts';
import { SlabPool } from '../../core/slab-pool.ts';
import { decodeBatch } from '../../formats/batch-encoding.ts';
import { SegmentReader } from './replay.ts';
import { dataOffset } from './segments.ts';
import type { LogState, SegmentUse } from './state.ts';

/** How much is read at once. */
const chunkBytes = 1 << 20;
/** Unused memory that is kept for further chunks. */
const maxFreeChunks = 8;

export interface StoredPut {
  readonly first: number;
  readonly batch: EventBatch;
}

/** The sequence of a put's first event stands before its batch. */
export const sequenceBytes = 8;

export function decodePut(payload: Buffer): StoredPut {
  const first = payload.readDoubleLE(0);
  return { first, batch: decodeBatch(payload.subarray(sequenceBytes)) };
}

/**
 * Events that are durable and not in memory, read back in order. While there is a backlog
 * everything that is put joins it, so that events are lent in order.
 */
export class Backlog {
  readonly #disk: Disk;
  readonly #state: LogState;
  /** Who keeps events retains their slab. */
  readonly #pool = new SlabPool(chunkBytes, maxFreeChunks);
  /** Where the next record to be read lies; `undefined`: everything is in memory. */
  #at: { number: number; offset: number } | undefined;
  #reader: { readonly number: number; readonly reader: SegmentReader } | undefined;

  constructor(disk: Disk, state: LogState) {
    this.#disk = disk;
    this.#state = state;
  }

  get empty(): boolean {
    return this.#at === undefined;
  }

  /** From here on there is a backlog, if there was none. */
  begin(number: number, offset: number): void {
    this.#at ??= { number, offset };
  }

  /** From the oldest record on that is needed; also while one is being read, which comes twice. */
  restart(): void {
    this.#at = { number: 0, offset: 0 };
  }

  /**
   * Reads about one chunk, and hands over each put as it is read. When the end of what is durable
   * is reached, there is no backlog any more, at that very moment: what is stored next comes after
   * it.
   *
   * @throws ChannelError when a record can't be read that was durable
   */
  async read(consume: (put: StoredPut) => void): Promise<void> {
    let bytes = 0;
    while (this.#at && bytes < chunkBytes) {
      const use = this.#useAt(this.#at.number);
      if (!use) {
        this.#at = undefined;
        break;
      }
      const { number } = use.segment;
      if (number > this.#at.number) this.#at = { number, offset: dataOffset };
      const at = this.#at;
      if (use.live === 0) at.offset = use.end;
      if (at.offset >= use.end) {
        const isLast = this.#useAt(number + 1) === undefined;
        this.#at = isLast ? undefined : { number: number + 1, offset: dataOffset };
        continue;
      }
      const { offset } = at;
      const record = await this.#readerOf(use).at(offset);
      if (!record) {
        throw new ChannelError(
          `${use.segment.path} can't be read at byte ${offset}: it is damaged`,
        );
      }
      at.offset = offset + record.bytes;
      bytes += record.bytes;
      if (record.type === 'put') consume(decodePut(record.payload));
    }
  }

  async close(): Promise<void> {
    await this.#reader?.reader.close();
    this.#reader = undefined;
  }

  /** The segment of that number, or the next one that is there. */
  #useAt(number: number): SegmentUse | undefined {
    for (const use of this.#state.segments) if (use.segment.number >= number) return use;
    return undefined;
  }

  #readerOf(use: SegmentUse): SegmentReader {
    const { number } = use.segment;
    if (this.#reader?.number !== number) {
      // It was only read: nothing can be lost by a close that fails.
      void this.#reader?.reader.close().catch(() => {});
      const reader = new SegmentReader(this.#disk, use.segment, use.end, chunkBytes, this.#pool);
      this.#reader = { number, reader };
    }
    this.#reader.reader.end = use.end;
    return this.#reader.reader;
  }
}
