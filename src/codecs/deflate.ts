import { promisify } from 'node:util';
import {
  constants,
  createInflate,
  deflate,
  deflateRaw as deflateRawCallback,
  inflateRaw as inflateRawCallback,
  type ZlibOptions,
} from 'node:zlib';
import { StreamReader } from '../bytes/stream-reader.ts';
import { FormatError } from '../core/errors.ts';
import { type Codec, joined } from './codec.ts';
import { chunkSizeFor, inflateMember, pieceBytes } from './zlib-stream.ts';

const deflateAsync = promisify<Buffer, ZlibOptions, Buffer>(deflate);
const deflateRawAsync = promisify<Buffer, ZlibOptions, Buffer>(deflateRawCallback);

/** With `info`, which the types do not know of, the answer has the stream that did it as well. */
const inflateRawAsync = promisify(inflateRawCallback) as unknown as (
  block: Buffer,
  options: ZlibOptions,
) => Promise<{ buffer: Buffer; engine: { bytesWritten: number } }>;

/**
 * RFC 1950, which Hadoop means with DefaultCodec and DeflateCodec. Streams may follow each other.
 */
export const deflateCodec: Codec = {
  name: 'deflate',
  hadoopClass: 'DefaultCodec',
  extension: '.deflate',
  maxLevel: constants.Z_BEST_COMPRESSION,
  compressor: (level) => (input) => {
    const plain = joined(input);
    const chunkSize = chunkSizeFor(plain.length);
    return deflateAsync(plain, { level: level || constants.Z_DEFAULT_COMPRESSION, chunkSize });
  },
  async *decompress(input) {
    const reader = new StreamReader(input);
    try {
      while (!(await reader.atEnd())) {
        yield* inflateMember(reader, createInflate({ chunkSize: pieceBytes }), 'a zlib stream');
      }
    } finally {
      await reader.close();
    }
  },
};

/**
 * A block as RFC 1951 has it, without header and sum: Avro's deflate.
 *
 * @param level 1 to 9; 0 is zlib's own default
 */
export function deflateRaw(block: Buffer, level = 0): Promise<Buffer> {
  const chunkSize = chunkSizeFor(block.length);
  return deflateRawAsync(block, { level: level || constants.Z_DEFAULT_COMPRESSION, chunkSize });
}

/** @throws FormatError when the block is broken, cut off, too long or holds more than `maxBytes` */
export async function inflateRaw(block: Buffer, maxBytes: number): Promise<Buffer> {
  const options = { maxOutputLength: Math.max(1, maxBytes), info: true };
  const { buffer, engine } = await inflateRawAsync(block, options).catch((error) => {
    if (error.code === 'Z_MEM_ERROR') throw error;
    if (error.code !== 'ERR_BUFFER_TOO_LARGE') throw new FormatError(error.message, 0);
    throw new FormatError(`a block holds more than ${maxBytes} bytes`, 0);
  });
  if (buffer.length > maxBytes) {
    throw new FormatError(`a block holds more than ${maxBytes} bytes`, 0);
  }
  if (engine.bytesWritten < block.length) throw new FormatError('bytes follow a block', 0);
  return buffer;
}
