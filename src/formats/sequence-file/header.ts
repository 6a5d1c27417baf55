import type { StreamReader } from '../../bytes/stream-reader.ts';
import { FormatError } from '../../core/errors.ts';
import { readVint, vintBytes, vintBytesAfter, writeVint } from './vint.ts';

/**
 * What stands before the records of a SequenceFile.
 * Source: Hadoop 3.4 Java, `SequenceFile`, version 6. All integers big-endian.
 *
 *   header => "SEQ" 06 key_class value_class compression metadata sync
 *     key_class, value_class  => text
 *     compression             => compressed block_compressed [codec_class]
 *       compressed            => 00 or 01
 *       block_compressed      => 00 or 01
 *       codec_class           => text      only where compressed
 *     metadata                => count [key value]
 *       count                 => INT32
 *       key, value            => text
 *     sync                    => 16 bytes  random; stands before blocks and between records
 *   text   => length bytes
 *     length                  => vint
 */
export interface SequenceFileHeader {
  /** Java's full name of the keys' class. */
  readonly keyClass: string;
  readonly valueClass: string;
  readonly compressionType: CompressionType;
  /** Java's full name of the codec; absent: not compressed. */
  readonly codecClass?: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly sync: Buffer;
}

/** NONE; RECORD: each value by itself; BLOCK: the keys and values of many records together. */
export type CompressionType = 'NONE' | 'RECORD' | 'BLOCK';

export const syncBytes = 16;

const magic = 'SEQ';
const version = 6;

/** A record's length that is none: a sync marker follows. */
export const noLength = -1;

export const syncEscapeBytes = 4 + syncBytes;

/** @throws FormatError when what was found is not the file's own marker */
export function checkSync(found: Buffer, sync: Buffer, offset: number): void {
  if (!found.equals(sync)) throw new FormatError("a sync marker that is not the file's", offset);
}

/** What a reader that begins in the middle of a file looks for. */
export function syncEscapeOf(sync: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(syncEscapeBytes);
  bytes.writeInt32BE(noLength);
  sync.copy(bytes, 4);
  return bytes;
}

export function encodeHeader(header: SequenceFileHeader): Buffer {
  const { keyClass, valueClass, compressionType, codecClass, metadata, sync } = header;
  const count = Buffer.alloc(4);
  count.writeInt32BE(metadata.size);
  return Buffer.concat([
    Buffer.from(magic),
    Buffer.from([version]),
    encodeText(keyClass),
    encodeText(valueClass),
    Buffer.from([compressionType === 'NONE' ? 0 : 1, compressionType === 'BLOCK' ? 1 : 0]),
    ...(codecClass === undefined ? [] : [encodeText(codecClass)]),
    count,
    ...[...metadata].flat().map(encodeText),
    sync,
  ]);
}

/**
 * @param maxBytes the most that the header may take
 * @throws FormatError for other versions as well
 */
export async function readHeader(
  reader: StreamReader,
  maxBytes: number,
): Promise<SequenceFileHeader> {
  const start = await reader.read(4, 'the header');
  if (start.toString('latin1', 0, 3) !== magic) throw new FormatError('not a SequenceFile', 0);
  if (start[3] !== version) {
    throw new FormatError(`a SequenceFile of version ${start[3]}; only version 6 is read`, 3);
  }
  const keyClass = await readText(reader, 'the key class', maxBytes);
  const valueClass = await readText(reader, 'the value class', maxBytes);
  const at = reader.position;
  const compressed = await readBoolean(reader);
  const blockCompressed = await readBoolean(reader);
  if (blockCompressed && !compressed) throw new FormatError('blocks without compression', at);
  const codecClass = compressed ? await readText(reader, 'the codec class', maxBytes) : undefined;
  const metadata = await readMetadata(reader, maxBytes);
  const sync = Buffer.from(await reader.read(syncBytes, 'the sync marker'));
  return {
    keyClass,
    valueClass,
    compressionType: blockCompressed ? 'BLOCK' : compressed ? 'RECORD' : 'NONE',
    ...(codecClass !== undefined && { codecClass }),
    metadata,
    sync,
  };
}

async function readMetadata(
  reader: StreamReader,
  maxBytes: number,
): Promise<ReadonlyMap<string, string>> {
  const at = reader.position;
  const count = (await reader.read(4, 'the metadata')).readInt32BE();
  if (count < 0) throw new FormatError(`${count} entries of metadata`, at);
  const metadata = new Map<string, string>();
  for (let index = 0; index < count; index++) {
    const key = await readText(reader, 'a key of the metadata', maxBytes);
    metadata.set(key, await readText(reader, 'a value of the metadata', maxBytes));
  }
  return metadata;
}

async function readBoolean(reader: StreamReader): Promise<boolean> {
  const at = reader.position;
  const [value] = await reader.read(1, 'the kind of compression');
  if (value !== 0 && value !== 1) throw new FormatError(`${value} is not true or false`, at);
  return value === 1;
}

async function readText(reader: StreamReader, what: string, maxBytes: number): Promise<string> {
  const length = await readLength(reader, what, maxBytes - reader.position);
  return (await reader.read(length, what)).toString();
}

/** A vint from 0 to `max`. */
export async function readLength(reader: StreamReader, what: string, max: number): Promise<number> {
  const at = reader.position;
  const bytes = (await reader.fill(1)) ? vintBytesAfter(reader.peek(1)[0] as number) : 1;
  const length = readVint(await reader.read(bytes, what), 0);
  if (!(length >= 0)) throw new FormatError(`${what} has a length below 0 or above 2^31-1`, at);
  if (length > max) {
    throw new FormatError(`${what} has ${length} bytes; at most ${Math.max(0, max)} are read`, at);
  }
  return length;
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.allocUnsafe(vintBytes(bytes.length));
  writeVint(length, 0, bytes.length);
  return Buffer.concat([length, bytes]);
}
