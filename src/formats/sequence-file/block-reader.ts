import type { StreamReader } from '../../bytes/stream-reader.ts';
import { FormatError } from '../../core/errors.ts';
import { checkSync, noLength, readLength, syncEscapeBytes } from './header.ts';
import type { Decompress, SequenceFileRecord } from './record-reader.ts';
import { readVint, vintBytesAfter } from './vint.ts';

/** The records of a file of blocks, a block at a time: see compressed-blocks.ts for the layout. */
export async function* readBlocks(
  reader: StreamReader,
  sync: Buffer,
  decompress: Decompress,
  maxBytes: number,
): AsyncGenerator<readonly SequenceFileRecord[]> {
  const readPart = async (what: string) => {
    const size = await readLength(reader, what, maxBytes);
    const offset = reader.position;
    return { bytes: await decompress(await reader.read(size, what), what, offset), offset };
  };
  while (!(await reader.atEnd())) {
    const at = reader.position;
    const mark = await reader.read(syncEscapeBytes, 'a sync marker');
    if (mark.readInt32BE() !== noLength) throw new FormatError('a block without sync marker', at);
    checkSync(mark.subarray(4), sync, at + 4);
    const count = await readLength(reader, 'a block', maxBytes);
    const keyLengths = await readPart("a block's key lengths");
    const keys = await readPart("a block's keys");
    const valueLengths = await readPart("a block's value lengths");
    const values = await readPart("a block's values");
    const keyEnds = endsOf(count, keyLengths, keys.bytes.length);
    const valueEnds = endsOf(count, valueLengths, values.bytes.length);
    const records: SequenceFileRecord[] = [];
    for (let index = 0; index < count; index++) {
      records.push({
        key: keys.bytes.subarray(keyEnds[index - 1] ?? 0, keyEnds[index]),
        value: values.bytes.subarray(valueEnds[index - 1] ?? 0, valueEnds[index]),
      });
    }
    if (count > 0) yield records;
  }
}

/** From the lengths of all records, where each one ends; together they are `total` bytes. */
function endsOf(
  count: number,
  { bytes, offset }: { readonly bytes: Buffer; readonly offset: number },
  total: number,
): Uint32Array {
  const broken = () =>
    new FormatError(`the lengths of a block's ${count} records don't fit it`, offset);
  // Each takes a byte at least: what is allocated is no larger than what was read.
  if (count > bytes.length) throw broken();
  const ends = new Uint32Array(count);
  let at = 0;
  let end = 0;
  for (let index = 0; index < count; index++) {
    const next = at + vintBytesAfter(bytes[at] ?? 0);
    if (next > bytes.length) throw broken();
    const length = readVint(bytes, at);
    if (!(length >= 0) || end + length > total) throw broken();
    ends[index] = end += length;
    at = next;
  }
  if (at < bytes.length || end < total) throw broken();
  return ends;
}
