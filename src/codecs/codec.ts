/**
 * Compresses a list of buffers to one complete member: a unit that a reader can read by itself, and
 * that may follow another one in a file. Works beside the event loop; the input must not change
 * meanwhile.
 */
export type Compress = (input: readonly Buffer[]) => Promise<Buffer>;

/** A way to compress a file that grows member by member. */
export interface Codec {
  /** As configurations call it: `gzip`. */
  readonly name: string;
  /** Hadoop's class for it, without its package: `GzipCodec`. */
  readonly hadoopClass: string;
  /** What a file's name gets: `.gz`. */
  readonly extension: string;
  /** The strongest level; 1 is the fastest. 0: there are none to choose from. */
  readonly maxLevel: number;
  /** @param level 1 to `maxLevel`; 0 is the codec's own default */
  compressor(level: number): Compress;
  /**
   * The content of any number of members, in pieces of at most 1 MiB or so; memory stays bounded
   * whatever the input says of itself.
   *
   * @throws FormatError with the offset in the input, as near as can be told; also when the input
   *   is cut off
   */
  decompress(input: AsyncIterable<Buffer>): AsyncIterable<Buffer>;
}

/** Yields a buffer as an input of `decompress`. */
export async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield bytes;
}

/** The buffers as one: a view where it is only one. */
export function joined(buffers: readonly Buffer[]): Buffer {
  const [first] = buffers;
  return first && buffers.length === 1 ? first : Buffer.concat(buffers);
}
