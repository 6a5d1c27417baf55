import { releaseSlab, retainSlab, SlabPool } from '../core/slab-pool.ts';

/** The most bytes of one read, unless a line is longer. */
export const chunkBytes = 512 * 1024;
/** Shared by all sources: what one has read is emitted before long. */
const chunks = new SlabPool(chunkBytes, 32);
/**
 * How much memory for long lines is kept for the next ones: what is under way at once in a source
 * and a channel with the default limits. What the garbage collector has to free piles up instead.
 */
const keptBytes = 64 * 1024 * 1024;

/** Reads of at most this share a slab of `chunkBytes` with others. */
const sharedBytes = chunkBytes / 4;

/** The memory that the files of one source are read into. */
export class ReadSlabs {
  /** What must be read to know that a line is too long; at least as much as any read. */
  readonly longBytes: number;
  readonly #long: SlabPool;
  /** What small reads share, and how much of it is given away. */
  #shared: Buffer | undefined;
  #given = 0;

  constructor(maxLineBytes: number) {
    this.longBytes = Math.max(chunkBytes, maxLineBytes + 1);
    this.#long = new SlabPool(this.longBytes, Math.ceil(keptBytes / this.longBytes));
  }

  /** A slab of this size, or a part of one, to be released. */
  take(bytes: number): Buffer {
    if (bytes === chunkBytes) return chunks.take();
    if (bytes === this.longBytes) return this.#long.take();
    return bytes <= sharedBytes ? this.#share(bytes) : Buffer.allocUnsafeSlow(bytes);
  }

  /** Thousands of files may give a little each: a slab for each would be too much or too many. */
  #share(bytes: number): Buffer {
    if (!this.#shared || this.#given + bytes > chunkBytes) {
      if (this.#shared) releaseSlab(this.#shared);
      this.#shared = chunks.take();
      this.#given = 0;
    }
    const from = this.#given;
    this.#given += bytes;
    retainSlab(this.#shared);
    return this.#shared.subarray(from, this.#given);
  }
}
