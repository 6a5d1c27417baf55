import type { StreamReader } from '../../bytes/stream-reader.ts';
import { FormatError } from '../../core/errors.ts';
import { checkSync, noLength, syncEscapeBytes } from './header.ts';
import { recordHeadBytes } from './plain-records.ts';

/** A key and its value as their classes wrote them: views, of memory that is shared by many. */
export interface SequenceFileRecord {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * @param what for the message
 * @param offset of the bytes in the file
 * @throws FormatError when they are broken, or hold more than what is allowed
 */
export type Decompress = (bytes: Buffer, what: string, offset: number) => Promise<Buffer>;

/** Given out together. */
const givenBytes = 64 * 1024;
const maxPlainBytes = 2 ** 20;

/**
 * The records of a file without blocks.
 *
 * @param decompress what each value is put through; absent: they are as they are
 */
export async function* readRecords(
  reader: StreamReader,
  sync: Buffer,
  decompress: Decompress | undefined,
  maxBytes: number,
): AsyncGenerator<readonly SequenceFileRecord[]> {
  while (!(await reader.atEnd())) {
    const offset = reader.position;
    const bytes = reader.peek(reader.buffered);
    const run = parseRun(bytes, offset, sync, maxBytes);
    if (run.bytes === 0) {
      if (await reader.fill(run.missingUpTo)) continue;
      throw new FormatError('a record is cut off', offset);
    }
    reader.take(run.bytes);
    if (run.records.length === 0) continue;
    if (decompress) yield* decompressed(run.records, offset - bytes.byteOffset, decompress);
    else yield run.records;
  }
}

interface Run {
  readonly records: readonly SequenceFileRecord[];
  /** What the records and the sync escapes between them take. */
  readonly bytes: number;
  /** Where the first record that is not whole ends, as far as that can be told. */
  readonly missingUpTo: number;
}

/** The records that are in a buffer as a whole, up to 64 KiB or so of them. */
function parseRun(bytes: Buffer, offset: number, sync: Buffer, maxBytes: number): Run {
  const records: SequenceFileRecord[] = [];
  let at = 0;
  let end = 0;
  while (at < givenBytes) {
    try {
      end = endOf(bytes, at, offset, sync, maxBytes);
    } catch (error) {
      // The records before it are given first; what is broken comes up again then.
      if (at > 0) break;
      throw error;
    }
    if (end > bytes.length) break;
    if (bytes.readInt32BE(at) !== noLength) {
      const keyAt = at + recordHeadBytes;
      const valueAt = keyAt + bytes.readInt32BE(at + 4);
      records.push({ key: bytes.subarray(keyAt, valueAt), value: bytes.subarray(valueAt, end) });
    }
    at = end;
  }
  return { records, bytes: at, missingUpTo: end };
}

/**
 * Where the record or sync escape that begins at `at` ends, as far as what is there of it tells.
 *
 * @param offset of the bytes in the file
 */
function endOf(bytes: Buffer, at: number, offset: number, sync: Buffer, maxBytes: number): number {
  if (at + 4 > bytes.length) return at + 4;
  const recordLength = bytes.readInt32BE(at);
  if (recordLength === noLength) {
    const end = at + syncEscapeBytes;
    if (end <= bytes.length) checkSync(bytes.subarray(at + 4, end), sync, offset + at + 4);
    return end;
  }
  if (recordLength < 0 || recordLength > maxBytes) {
    const problem = `a record of ${recordLength} bytes; at most ${maxBytes} are read`;
    throw new FormatError(problem, offset + at);
  }
  if (at + recordHeadBytes > bytes.length) return at + recordHeadBytes;
  const keyLength = bytes.readInt32BE(at + 4);
  if (keyLength < 0 || keyLength > recordLength) {
    const problem = `a key of ${keyLength} bytes in a record of ${recordLength}`;
    throw new FormatError(problem, offset + at + 4);
  }
  return at + recordHeadBytes + recordLength;
}

/** @param base with a value's `byteOffset`, where in the file it is */
async function* decompressed(
  records: readonly SequenceFileRecord[],
  base: number,
  decompress: Decompress,
): AsyncGenerator<readonly SequenceFileRecord[]> {
  let given: SequenceFileRecord[] = [];
  let bytes = 0;
  for (const { key, value } of records) {
    try {
      const plain = await decompress(value, 'a value', base + value.byteOffset);
      given.push({ key, value: plain });
      bytes += plain.length;
    } catch (error) {
      if (given.length > 0) yield given;
      throw error;
    }
    // Little may become very much.
    if (bytes < maxPlainBytes) continue;
    yield given;
    given = [];
    bytes = 0;
  }
  if (given.length > 0) yield given;
}
