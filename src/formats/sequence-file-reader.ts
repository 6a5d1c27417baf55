import { StreamReader } from '../bytes/stream-reader.ts';
import { codecNamed } from '../codecs/codecs.ts';
import { decompressAll } from '../codecs/decompress-all.ts';
import { FormatError } from '../core/errors.ts';
import { readBlocks } from './sequence-file/block-reader.ts';
import { readHeader, type SequenceFileHeader } from './sequence-file/header.ts';
import {
  type Decompress,
  readRecords,
  type SequenceFileRecord,
} from './sequence-file/record-reader.ts';

export interface SequenceFile {
  readonly header: SequenceFileHeader;
  /**
   * The records, a block's or 64 KiB or so of them at a time; to be gone through once. What is
   * broken or cut off is a FormatError, after all records before it.
   */
  readonly records: AsyncIterable<readonly SequenceFileRecord[]>;
}

export interface ReadOptions {
  /**
   * The most that the header, one record or a part of a block may have, compressed or not; more is
   * a FormatError.
   */
  readonly maxBytes?: number;
}

const defaultMaxBytes = 64 * 2 ** 20;

/**
 * Reads a Hadoop SequenceFile of version 6, whoever wrote it. The input is let go of when the
 * records come to an end, are no longer asked for, or can't be read.
 *
 * @throws FormatError when it is none, or is compressed with a codec that is not known
 */
export async function readSequenceFile(
  input: AsyncIterable<Buffer>,
  { maxBytes = defaultMaxBytes }: ReadOptions = {},
): Promise<SequenceFile> {
  const reader = new StreamReader(input);
  try {
    const header = await readHeader(reader, maxBytes);
    const { compressionType, codecClass } = header;
    const decompress = codecClass === undefined ? undefined : decompressor(codecClass, maxBytes);
    const records =
      compressionType === 'BLOCK' && decompress
        ? readBlocks(reader, header.sync, decompress, maxBytes)
        : readRecords(reader, header.sync, decompress, maxBytes);
    return { header, records: closing(reader, records) };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

function decompressor(codecClass: string, maxBytes: number): Decompress {
  const codec = codecNamed(codecClass);
  if (!codec) throw new FormatError(`compressed with ${codecClass}, which is not known here`, 0);
  return async (bytes, what, offset) => {
    try {
      return await decompressAll(codec, bytes, maxBytes);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      // Its offset is one in these bytes.
      throw new FormatError(`${what} can't be decompressed (${error.message})`, offset);
    }
  };
}

async function* closing<T>(reader: StreamReader, items: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* items;
  } finally {
    await reader.close();
  }
}
