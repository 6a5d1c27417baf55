import { FormatError } from '../core/errors.ts';
import type { Codec } from './codec.ts';
import { hadoopBlocks, hadoopBufferBytes } from './hadoop-blocks.ts';
import { nativeLibrary } from './native-library.ts';

const native = () => nativeLibrary('snappy') as typeof import('snappy');

/** Blocks of Snappy in Hadoop's frame; not the frame that Snappy has of its own. */
export const snappyCodec: Codec = hadoopBlocks({
  name: 'snappy',
  hadoopClass: 'SnappyCodec',
  extension: '.snappy',
  maxPlainBytes: hadoopBufferBytes - (Math.floor(hadoopBufferBytes / 6) + 32),
  // A copy of 64 bytes takes three.
  maxPlainOf: (compressedBytes) => compressedBytes * 22,
  compress: snappyCompress,
  uncompress: snappyUncompress,
});

/** A raw block: Snappy format description, 2011. */
export function snappyCompress(block: Buffer): Promise<Buffer> {
  // Without the copy, memory that is not V8's own makes results from 1 MiB on four times slower.
  return native().compress(block, { copyOutputData: true });
}

/** @throws FormatError when the block is broken or holds more than `maxBytes` */
export async function snappyUncompress(block: Buffer, maxBytes: number): Promise<Buffer> {
  // The library allocates what the block says of itself.
  if (plainLength(block) > maxBytes) {
    throw new FormatError(`a block of snappy holds more than ${maxBytes} bytes`, 0);
  }
  try {
    return (await native().uncompress(block, { copyOutputData: true })) as Buffer;
  } catch (error) {
    throw new FormatError((error as Error).message, 0);
  }
}

/** What a block begins with: 7 bits per byte, lowest first. */
function plainLength(block: Buffer): number {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = block[index];
    if (byte === undefined) break;
    length += (byte & 127) * 2 ** (7 * index);
    if (byte < 128) return length;
  }
  throw new FormatError('a block of snappy has no length', 0);
}
