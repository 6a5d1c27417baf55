import { FormatError } from '../../core/errors.ts';
import type { BitReader } from './bit-reader.ts';
import { invert } from './burrows-wheeler.ts';
import { groupSymbols, maxTables } from './format.ts';
import { HuffmanDecoder, maxCodeBits } from './huffman.ts';
import { moveToFront } from './move-to-front.ts';

/** A block has no more groups than this; more selectors are read, and not kept. */
const maxGroups = 18_002;
const maxSelectors = 2 ** 15 - 1;

/** A block of `maxBytes` takes at most so many bits, from its sum on, whatever is in it. */
export function maxBlockBits(maxBytes: number): number {
  const head = 32 + 1 + 24 + 17 * 16 + 3 + 15;
  const tables = maxTables * (5 + 258 * (1 + 2 * (maxCodeBits - 1)));
  return head + maxSelectors * maxTables + tables + (maxBytes + 1) * maxCodeBits;
}

/** A block as it was read: its bytes can be had one after the other, runs still shortened. */
export interface Block {
  readonly length: number;
  /** What the file says of the content. */
  readonly crc: number;
  /** See `invert`. */
  readonly rows: Int32Array;
  /** Where reading begins: the first entry's row. */
  readonly row: number;
}

/**
 * Reads a block behind its magic number.
 *
 * @param rows room for the largest block that the stream may have
 */
export function readBlock(reader: BitReader, rows: Int32Array): Block {
  const crc = reader.read32();
  if (reader.read(1) === 1) fail(reader, 'a block of bzip2 0.9.0 or older, which is not read here');
  const row = reader.read(24);
  const list = readMap(reader);
  const alphabet = list.length + 2;
  const tableCount = reader.read(3);
  if (tableCount < 2 || tableCount > maxTables) fail(reader, `${tableCount} code tables`);
  const selectors = readSelectors(reader, tableCount);
  const tables = Array.from({ length: tableCount }, () => readTable(reader, alphabet));
  const { length, counts } = readSymbols(reader, tables, selectors, list, rows);
  if (row >= length) fail(reader, `row ${row} of ${length}`);
  invert(rows, length, counts);
  return { length, crc, rows, row: (rows[row] as number) >>> 8 };
}

function fail(reader: BitReader, what: string): never {
  throw new FormatError(`bzip2: ${what}`, reader.offset);
}

function readMap(reader: BitReader): Uint8Array {
  const groups = reader.read(16);
  const bytes: number[] = [];
  for (let group = 0; group < 16; group++) {
    if ((groups & (0x8000 >> group)) === 0) continue;
    const occurs = reader.read(16);
    for (let index = 0; index < 16; index++) {
      if ((occurs & (0x8000 >> index)) !== 0) bytes.push(group * 16 + index);
    }
  }
  if (bytes.length === 0) fail(reader, 'a block without bytes');
  return Uint8Array.from(bytes);
}

function readSelectors(reader: BitReader, tableCount: number): Uint8Array {
  const count = reader.read(15);
  if (count === 0) fail(reader, 'a block without selectors');
  const selectors = new Uint8Array(Math.min(count, maxGroups));
  const list = Array.from({ length: tableCount }, (_, table) => table);
  for (let index = 0; index < count; index++) {
    let place = 0;
    while (reader.read(1) === 1) {
      place++;
      if (place >= tableCount) fail(reader, 'a selector of no table');
    }
    const [table] = list.splice(place, 1) as [number];
    list.unshift(table);
    if (index < maxGroups) selectors[index] = table;
  }
  return selectors;
}

function readTable(reader: BitReader, alphabet: number): HuffmanDecoder {
  const lengths = new Uint8Array(alphabet);
  let bits = reader.read(5);
  for (let symbol = 0; symbol < alphabet; symbol++) {
    // No length takes more steps from another one, unless it goes to and fro.
    for (let steps = 0; ; steps++) {
      if (bits < 1 || bits > maxCodeBits || steps === maxCodeBits) fail(reader, 'a code length');
      if (reader.read(1) === 0) break;
      bits += reader.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = bits;
  }
  return HuffmanDecoder.of(lengths) ?? fail(reader, 'code lengths for too many codes');
}

/** Writes the last column into the lowest bytes of `rows`. */
function readSymbols(
  reader: BitReader,
  tables: readonly HuffmanDecoder[],
  selectors: Uint8Array,
  list: Uint8Array,
  rows: Int32Array,
): { length: number; counts: Int32Array } {
  const endSymbol = list.length + 1;
  const counts = new Int32Array(256);
  let length = 0;
  let repeats = 0;
  /** What the next digit counts. */
  let unit = 1;
  for (const selector of selectors) {
    const table = tables[selector] as HuffmanDecoder;
    for (let index = 0; index < groupSymbols; index++) {
      const symbol = table.find(reader.peek(maxCodeBits));
      if (symbol < 0) fail(reader, 'an unknown code');
      reader.skip(table.bits);
      if (symbol <= 1) {
        repeats += unit << symbol;
        unit <<= 1;
        if (length + repeats > rows.length) fail(reader, 'a block that is too long');
        continue;
      }
      if (repeats > 0) {
        const byte = list[0] as number;
        counts[byte] = (counts[byte] as number) + repeats;
        rows.fill(byte, length, length + repeats);
        length += repeats;
        repeats = 0;
        unit = 1;
      }
      if (symbol === endSymbol) return { length, counts };
      if (length === rows.length) fail(reader, 'a block that is too long');
      const byte = moveToFront(list, symbol - 1);
      counts[byte] = (counts[byte] as number) + 1;
      rows[length++] = byte;
    }
  }
  fail(reader, 'a block without an end');
}
