import { crc32 } from 'node:zlib';
import { bzip2Codec } from '../../codecs/bzip2.ts';
import type { Codec } from '../../codecs/codec.ts';
import { decompressAll } from '../../codecs/decompress-all.ts';
import { deflateRaw, inflateRaw } from '../../codecs/deflate.ts';
import { snappyCompress, snappyUncompress } from '../../codecs/snappy.ts';
import { zstdCodec } from '../../codecs/zstd.ts';
import { FormatError } from '../../core/errors.ts';

/** What becomes of a block's bytes in an Avro container. */
export interface BlockCodec {
  /** 0: there are no levels. */
  readonly maxLevel: number;
  /** @param level 1 to `maxLevel`; 0 is the default */
  compress(block: Buffer, level: number): Buffer | Promise<Buffer>;
  /** @throws FormatError for bad input, or more than `maxBytes` */
  uncompress(block: Buffer, maxBytes: number): Promise<Buffer>;
}

/**
 * By the name in `avro.codec`. Avro's `xz` is missing: nothing in Node makes it.
 * Source: Avro 1.11 specification, "Required Codecs" and "Optional Codecs".
 */
export const blockCodecs: ReadonlyMap<string, BlockCodec> = new Map<string, BlockCodec>([
  ['null', { maxLevel: 0, compress: (block) => block, uncompress: asItIs }],
  ['deflate', { maxLevel: 9, compress: deflateRaw, uncompress: inflateRaw }],
  ['snappy', { maxLevel: 0, compress: snappyWithSum, uncompress: fromSnappyWithSum }],
  ['bzip2', ofOneMember(bzip2Codec)],
  ['zstandard', ofOneMember(zstdCodec)],
]);

function ofOneMember(codec: Codec): BlockCodec {
  return {
    maxLevel: codec.maxLevel,
    compress: (block, level) => codec.compressor(level)([block]),
    uncompress: (block, maxBytes) => decompressAll(codec, block, maxBytes),
  };
}

async function asItIs(block: Buffer, maxBytes: number): Promise<Buffer> {
  if (block.length > maxBytes) throw new FormatError(`more than ${maxBytes} bytes`, 0);
  return block;
}

/** The plain data's CRC-32 follows the compressed block, highest byte first. */
async function snappyWithSum(block: Buffer): Promise<Buffer> {
  const sum = Buffer.allocUnsafe(sumBytes);
  sum.writeUInt32BE(crc32(block));
  return Buffer.concat([await snappyCompress(block), sum]);
}

async function fromSnappyWithSum(block: Buffer, maxBytes: number): Promise<Buffer> {
  if (block.length < sumBytes) throw new FormatError('a snappy block has no checksum', 0);
  const end = block.length - sumBytes;
  const plain = await snappyUncompress(block.subarray(0, end), maxBytes);
  if (crc32(plain) !== block.readUInt32BE(end)) {
    throw new FormatError('the checksum of a snappy block is wrong', end);
  }
  return plain;
}

const sumBytes = 4;
