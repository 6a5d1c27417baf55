/**
 * Compresses a list of buffers to one complete member: a unit that a reader can read by itself, and
 * that may follow another one in a file. Works in the thread pool; the input must not change
 * meanwhile.
 */
export type Compress = (input: readonly Buffer[]) => Promise<Buffer>;

/** A way to compress a file that grows member by member. */
export interface Codec {
  /** What a file's name gets: `.gz`. */
  readonly extension: string;
  /** The strongest level; 1 is the fastest. */
  readonly maxLevel: number;
  /** @param level 1 to `maxLevel`; 0 is the codec's own default */
  compressor(level: number): Compress;
}
