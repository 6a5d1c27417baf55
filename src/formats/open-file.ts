import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { extname } from 'node:path';
import { StreamReader } from '../bytes/stream-reader.ts';
import type { Codec } from '../codecs/codec.ts';
import { codecs } from '../codecs/codecs.ts';
import { type AvroFile, readAvroFile } from './avro-reader.ts';
import { type ParquetFile, readParquet } from './parquet-reader.ts';
import { readSequenceFile, type SequenceFile } from './sequence-file-reader.ts';

/** A file that was opened. */
export interface OpenedFile {
  readonly content: FileContent;
  /** How the file is compressed as a whole; absent: it is not. */
  readonly codec?: Codec;
}

/** What a file holds, behind that compression. */
export type FileContent =
  | { readonly format: 'text'; readonly bytes: AsyncIterable<Buffer> }
  | { readonly format: 'sequence_file'; readonly file: SequenceFile }
  | { readonly format: 'avro'; readonly file: AvroFile }
  | { readonly format: 'parquet'; readonly file: ParquetFile };

const pieceBytes = 256 * 1024;
const magicBytes = 8;

/** What the bytes of a compressed file begin with, where the codec has such a mark. */
const codecMagics: Readonly<Record<string, string>> = {
  gzip: '1f8b08',
  zstd: '28b52ffd',
  bzip2: '425a68',
};

/**
 * Opens a local file of any format and codec that is known here: by what it begins with, or, of the
 * codecs that have no mark of their own (snappy, lz4, deflate), by its name, in use or not. What
 * is neither is text. The file is let go of when its content was gone through.
 *
 * @param codec the codec of the whole file, where its name does not tell
 * @throws FormatError when it is broken; the system's error when it can't be read
 */
export async function openFile(path: string, codec?: Codec): Promise<OpenedFile> {
  const file = await open(path);
  try {
    const beginning = Buffer.alloc(magicBytes);
    const { bytesRead } = await file.read(beginning, 0, magicBytes, 0);
    const magic = beginning.subarray(0, bytesRead);
    if (magic.toString('latin1', 0, 4) === 'PAR1' && !codec)
      return { content: await openParquet(file) };
    await file.close();
    const found = codec ?? codecOf(path, magic);
    const bytes: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: pieceBytes });
    const content = await contentOf(found ? found.decompress(bytes) : bytes);
    return { content, ...(found && { codec: found }) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openParquet(handle: FileHandle): Promise<FileContent> {
  const { size } = await handle.stat();
  const read = async (position: number, length: number) => {
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await handle.read(buffer, 0, length, position);
    return buffer.subarray(0, bytesRead);
  };
  const file = await readParquet({ size, read });
  async function* batches() {
    try {
      yield* file.batches();
    } finally {
      await handle.close();
    }
  }
  return { format: 'parquet', file: { ...file, batches } };
}

function codecOf(path: string, magic: Buffer): Codec | undefined {
  const begins = magic.toString('hex');
  const extension = extname(path.replace(/\.tmp$/, ''));
  return codecs.find(({ name, extension: own }) => {
    const mark = codecMagics[name];
    return mark === undefined ? own === extension : begins.startsWith(mark);
  });
}

async function contentOf(input: AsyncIterable<Buffer>): Promise<FileContent> {
  const reader = new StreamReader(input);
  await reader.fill(4);
  const magic = reader.peek(Math.min(4, reader.buffered)).toString('latin1');
  const bytes = rest(reader);
  if (magic.startsWith('SEQ')) {
    return { format: 'sequence_file', file: await readSequenceFile(bytes) };
  }
  if (magic === 'Obj\x01') return { format: 'avro', file: await readAvroFile(bytes) };
  return { format: 'text', bytes };
}

async function* rest(reader: StreamReader): AsyncGenerator<Buffer> {
  try {
    while (!(await reader.atEnd())) yield reader.take(reader.buffered);
  } finally {
    await reader.close();
  }
}
