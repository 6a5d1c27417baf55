import { SlabPool } from '../../core/slab-pool.ts';

/** The most bytes of one read, unless a line is longer. */
export const chunkBytes = 512 * 1024;
/** Shared by all sources: what one has read is emitted before long. */
const chunks = new SlabPool(chunkBytes, 32);
/**
 * How much memory for long lines is kept for the next ones: what is under way at once in a source
 * and a channel with the default limits. What the garbage collector has to free piles up instead.
 */
const keptBytes = 64 * 1024 * 1024;

/** The memory that the files of one source are read into. */
export class ReadSlabs {
  /** What must be read to know that a line is too long; at least as much as any read. */
  readonly longBytes: number;
  readonly #long: SlabPool;

  constructor(maxLineBytes: number) {
    this.longBytes = Math.max(chunkBytes, maxLineBytes + 1);
    this.#long = new SlabPool(this.longBytes, Math.ceil(keptBytes / this.longBytes));
  }

  /** A slab of this size, to be released. */
  take(bytes: number): Buffer {
    if (bytes === chunkBytes) return chunks.take();
    if (bytes === this.longBytes) return this.#long.take();
    // A small rest gets a slab of its size: a large one would be kept alive for little.
    return Buffer.allocUnsafeSlow(bytes);
  }
}
