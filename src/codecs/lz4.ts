import { FormatError } from '../core/errors.ts';
import type { Codec } from './codec.ts';
import { hadoopBlocks, hadoopBufferBytes } from './hadoop-blocks.ts';
import { nativeLibrary } from './native-library.ts';

const native = () => nativeLibrary('lz4-napi') as typeof import('lz4-napi');

/** Blocks of LZ4 in Hadoop's frame; not the frame that LZ4 has of its own. */
export const lz4Codec: Codec = hadoopBlocks({
  name: 'lz4',
  hadoopClass: 'Lz4Codec',
  extension: '.lz4',
  maxPlainBytes: hadoopBufferBytes - (Math.floor(hadoopBufferBytes / 255) + 16),
  maxPlainOf,
  compress: lz4Compress,
  uncompress: lz4Uncompress,
});

/** The library's own: the plain length, little-endian, in front of the block. */
const prefixBytes = 4;

/** A raw block: LZ4 block format description, 1.6. */
export async function lz4Compress(block: Buffer): Promise<Buffer> {
  return (await native().compress(block)).subarray(prefixBytes);
}

/**
 * A raw block does not say how much it holds: the result may be shorter than the caller expects.
 *
 * @throws FormatError when the block is broken or holds more than `maxBytes`
 */
export async function lz4Uncompress(block: Buffer, maxBytes: number): Promise<Buffer> {
  const prefixed = Buffer.allocUnsafe(prefixBytes + block.length);
  // The library allocates this much, and cuts off what is not used.
  prefixed.writeUInt32LE(Math.min(maxBytes, maxPlainOf(block.length)));
  block.copy(prefixed, prefixBytes);
  try {
    return await native().uncompress(prefixed);
  } catch (error) {
    throw new FormatError((error as Error).message, 0);
  }
}

/** Each further byte of a length stands for up to 255 bytes. */
function maxPlainOf(compressedBytes: number): number {
  return compressedBytes * 255 + 64;
}
