import { StreamReader } from '../bytes/stream-reader.ts';
import { FormatError } from '../core/errors.ts';
import { type Codec, joined } from './codec.ts';

/** What a raw block codec needs to be a codec of files. */
interface BlockCodec extends Pick<Codec, 'name' | 'hadoopClass' | 'extension'> {
  /** The most that Hadoop's writer puts into a chunk, before compression. */
  readonly maxPlainBytes: number;
  /** Plain bytes that so many compressed ones may hold at most. */
  maxPlainOf(compressedBytes: number): number;
  compress(block: Buffer): Promise<Buffer>;
  /** @throws FormatError when the block is broken or holds more than `maxBytes` */
  uncompress(block: Buffer, maxBytes: number): Promise<Buffer>;
}

/** The buffer of Hadoop's codecs: a chunk fits into it whatever its content. */
export const hadoopBufferBytes = 256 * 1024;
/** Of a chunk, before or after compression; Hadoop's reader has 256 KiB, unless it is told more. */
const maxChunkBytes = 16 * 2 ** 20;
const pieceBytes = 2 ** 20;

/**
 * The frame that Hadoop puts around blocks of codecs that have none of their own.
 * Source: Hadoop 3.4, BlockCompressorStream and BlockDecompressorStream.
 *
 *   file  => [block]
 *   block => plainLength [chunk]
 *     plainLength => INT32        of all its chunks together; 0: an empty block, without chunks
 *     chunk       => length bytes
 *       length      => INT32      of the compressed bytes
 *
 * All big-endian. Hadoop gives a block several chunks when a single write was larger than its
 * buffer; here each block has one.
 */
export function hadoopBlocks(codec: BlockCodec): Codec {
  return {
    name: codec.name,
    hadoopClass: codec.hadoopClass,
    extension: codec.extension,
    maxLevel: 0,
    compressor: () => (input) => writeBlocks(codec, joined(input)),
    decompress: (input) => readBlocks(codec, new StreamReader(input)),
  };
}

async function writeBlocks(codec: BlockCodec, content: Buffer): Promise<Buffer> {
  if (content.length === 0) return Buffer.alloc(4);
  const parts: Buffer[] = [];
  for (let start = 0; start < content.length; start += codec.maxPlainBytes) {
    const plain = content.subarray(start, start + codec.maxPlainBytes);
    const chunk = await codec.compress(plain);
    const lengths = Buffer.allocUnsafe(8);
    lengths.writeInt32BE(plain.length, 0);
    lengths.writeInt32BE(chunk.length, 4);
    parts.push(lengths, chunk);
  }
  return Buffer.concat(parts);
}

async function* readBlocks(codec: BlockCodec, reader: StreamReader): AsyncGenerator<Buffer> {
  const what = `a block of ${codec.name}`;
  const readLength = async (min: number, max: number) => {
    const at = reader.position;
    const length = (await reader.read(4, what)).readInt32BE();
    if (length < min || length > max) {
      throw new FormatError(`${what} has a part of ${length} bytes`, at);
    }
    return length;
  };
  try {
    while (!(await reader.atEnd())) {
      let left = await readLength(0, 2 ** 31 - 1);
      while (left > 0) {
        const length = await readLength(1, maxChunkBytes);
        const at = reader.position;
        const chunk = await reader.read(length, what);
        const maxBytes = Math.min(left, maxChunkBytes, codec.maxPlainOf(length));
        const plain = await codec.uncompress(chunk, maxBytes).catch((error) => {
          if (error instanceof FormatError) throw new FormatError(`${what} is broken`, at);
          throw error;
        });
        left -= plain.length;
        for (let start = 0; start < plain.length; start += pieceBytes) {
          yield plain.subarray(start, start + pieceBytes);
        }
      }
    }
  } finally {
    await reader.close();
  }
}
