import { strict as assert } from 'node:assert';
import { crc32 } from 'node:zlib';
import { releaseSlab } from '../../core/slab-pool.ts';
import type { ColumnSpec } from './columns.ts';
import { Dictionary } from './dictionary.ts';
import { packBits, widthFor, writeHybrid } from './hybrid.ts';
import { encodings, pageTypes, type Statistics } from './metadata.ts';
import { PageBytes } from './page-bytes.ts';
import type { PageHeader } from './page-header.ts';
import { BinaryBounds, NumberBounds } from './statistics.ts';
import { columnTypes, type Scalar, writerOf } from './types.ts';
import type { Vector } from './vectors.ts';

/** A page while its data may still be compressed. */
export interface PendingPage {
  readonly header: Omit<PageHeader, 'storedBytes' | 'sum'>;
  readonly stored: Promise<{ readonly data: Buffer; readonly sum: number }>;
}

/** A column's part of a row group. */
export interface PendingChunk {
  readonly dictionary: PendingPage | undefined;
  readonly pages: readonly PendingPage[];
  readonly statistics: Statistics;
}

/** So many rows end a page, as in other writers: readers skip and decode by pages. */
const maxPageRows = 20_000;

/**
 * Takes the values of one column and turns them into pages. A page is compressed as soon as it is
 * full, so that little is left to do at the end of a row group. Values begin as indices into a
 * dictionary; once that doesn't pay, the rest of the row group is plain.
 */
export class ColumnWriter {
  readonly #isRequired: boolean;
  /** Fractions; not booleans, which are packed bits. */
  readonly #isAlwaysPlain: boolean;
  readonly #pageBytes: number;
  readonly #compress: (page: Buffer) => Promise<Buffer>;
  readonly #write: (out: PageBytes, value: Scalar) => void;
  readonly #binaryBounds: BinaryBounds | undefined;
  readonly #numberBounds: NumberBounds;
  readonly #dictionary: Dictionary | undefined;
  readonly #plain: PageBytes;
  /** Per row of the page: 1 where there is a value. */
  #levels = new Uint8Array(0);
  /** Per value of the page: its number in the dictionary, or 0 and 1 for booleans. */
  #indices = new Uint32Array(0);
  /** Otherwise values are kept as indices. */
  #isPlain: boolean;
  #rowCount = 0;
  #valueCount = 0;
  #nullCount = 0;
  #pages: PendingPage[] = [];
  #pagesBytes = 0;

  constructor(column: ColumnSpec, pageBytes: number, compress: (page: Buffer) => Promise<Buffer>) {
    const { physical } = columnTypes[column.type];
    this.#isRequired = column.isRequired;
    this.#pageBytes = pageBytes;
    this.#compress = compress;
    this.#write = writerOf(column.type);
    this.#numberBounds = new NumberBounds(this.#write);
    const isBinary = physical === 'byteArray';
    this.#binaryBounds = isBinary ? new BinaryBounds(column.type !== 'binary') : undefined;
    // Both zeros are one to a dictionary, so it is not for fractions.
    const repeats = isBinary || physical === 'int32' || physical === 'int64';
    const bounds = this.#binaryBounds ?? this.#numberBounds;
    this.#dictionary = repeats ? new Dictionary(this.#write, bounds) : undefined;
    this.#isAlwaysPlain = !repeats && physical !== 'boolean';
    this.#isPlain = this.#isAlwaysPlain;
    this.#plain = new PageBytes(pageBytes);
  }

  /** Bytes since the last `take`, before compression. */
  get heldBytes(): number {
    const dictionaryBytes = this.#dictionary?.length ?? 0;
    return this.#pagesBytes + this.#plain.length + dictionaryBytes + this.#valueCount;
  }

  append(vector: Vector, rowCount: number): void {
    if ('slab' in vector) this.#appendParts(vector.slab, vector.starts, vector.ends);
    else if ('values' in vector) {
      const { values } = vector;
      for (let row = 0; row < values.length; ) row = this.#appendSome(values, row);
    } else if (vector.value === undefined) this.#appendNulls(rowCount);
    else this.#appendSame(vector.value, rowCount);
  }

  /** All since the last time: ends the page in hand, and begins anew. */
  take(): PendingChunk {
    this.#endPage();
    const statistics = (this.#binaryBounds ?? this.#numberBounds).take(this.#nullCount);
    const entryCount = this.#dictionary?.size ?? 0;
    const dictionary =
      this.#dictionary && entryCount > 0
        ? this.#pend(pageTypes.dictionary, encodings.plain, entryCount, this.#dictionary.take())
        : undefined;
    const chunk = { dictionary, pages: this.#pages, statistics };
    this.#pages = [];
    this.#pagesBytes = 0;
    this.#nullCount = 0;
    this.#isPlain = this.#isAlwaysPlain;
    return chunk;
  }

  #appendNulls(count: number): void {
    assert(!this.#isRequired);
    this.#nullCount += count;
    for (let left = count; left > 0; ) {
      this.#makeRoom();
      left -= this.#mark(0, left);
    }
  }

  #appendSame(value: Scalar, count: number): void {
    for (let left = count; left > 0; ) {
      this.#makeRoom();
      const index = this.#isPlain ? -1 : this.#indexOf(value);
      if (index < 0) {
        this.#goPlain();
        this.#writePlain(value);
        this.#mark(1, 1);
        left--;
        continue;
      }
      const some = this.#mark(1, left);
      this.#indices = grown(this.#indices, this.#valueCount);
      this.#indices.fill(index, this.#valueCount - some, this.#valueCount);
      left -= some;
    }
  }

  /**
   * Appends values from one row on until the page is full or its encoding changes; gives the row
   * where it stopped. The innermost loop of everything but bodies.
   */
  #appendSome(values: readonly (Scalar | undefined)[], from: number): number {
    this.#makeRoom();
    const shift = this.#rowCount - from;
    const to = Math.min(values.length, maxPageRows - shift);
    const levels = grown(this.#levels, this.#isRequired ? 0 : to + shift);
    const indices = grown(this.#indices, this.#isPlain ? 0 : this.#valueCount + to - from);
    this.#levels = levels;
    this.#indices = indices;
    const isIndexing = !this.#isPlain;
    let valueCount = this.#valueCount;
    let row = from;
    for (; row < to; row++) {
      const value = values[row];
      if (value === undefined) {
        assert(!this.#isRequired);
        levels[row + shift] = 0;
        this.#nullCount++;
        continue;
      }
      if (isIndexing) {
        const index = this.#indexOf(value);
        if (index < 0) break;
        indices[valueCount] = index;
      } else if (this.#plain.length < this.#pageBytes) this.#writePlain(value);
      else break;
      valueCount++;
      if (!this.#isRequired) levels[row + shift] = 1;
    }
    this.#rowCount = row + shift;
    this.#valueCount = valueCount;
    // What could not be an index, or did not fit the page, comes next.
    if (row < to && isIndexing) this.#goPlain();
    else if (row < to) this.#endPage();
    return row;
  }

  #indexOf(value: Scalar): number {
    if (this.#dictionary) return this.#dictionary.indexOf(value);
    this.#numberBounds.add(value);
    return value ? 1 : 0;
  }

  #goPlain(): void {
    if (this.#isPlain) return;
    this.#endPage();
    this.#isPlain = true;
  }

  #writePlain(value: Scalar): void {
    const from = this.#plain.length;
    this.#write(this.#plain, value);
    if (this.#binaryBounds)
      this.#binaryBounds.add(this.#plain.buffer, from + 4, this.#plain.length);
    else this.#numberBounds.add(value);
  }

  /** Bodies: they hardly repeat, and are never missing. */
  #appendParts(slab: Buffer, starts: Uint32Array, ends: Uint32Array): void {
    this.#binaryBounds?.addAll(slab, starts, ends);
    this.#goPlain();
    for (let row = 0; row < starts.length; ) {
      this.#makeRoom();
      const to = Math.min(starts.length, row + maxPageRows - this.#rowCount);
      const end = this.#plain.byteArrays(slab, starts, ends, row, to);
      if (end > row) this.#mark(1, end - row);
      if (end < to) this.#endPage();
      row = end;
    }
  }

  #makeRoom(): void {
    if (this.#rowCount === maxPageRows) this.#endPage();
  }

  /** Notes rows with a value or without, as many as fit the page. */
  #mark(level: 0 | 1, count: number): number {
    const some = Math.min(count, maxPageRows - this.#rowCount);
    if (!this.#isRequired) {
      this.#levels = grown(this.#levels, this.#rowCount + some);
      this.#levels.fill(level, this.#rowCount, this.#rowCount + some);
    }
    this.#rowCount += some;
    if (level === 1) this.#valueCount += some;
    return some;
  }

  #endPage(): void {
    if (this.#rowCount === 0) return;
    const levels = this.#isRequired ? undefined : this.#encodeLevels();
    // While there is no value yet, there is no dictionary.
    const isIndexed = !this.#isPlain && (this.#dictionary?.size ?? 0) > 0;
    const values = isIndexed ? this.#encodeIndices() : this.#plainValues();
    const encoding = isIndexed ? encodings.rleDictionary : encodings.plain;
    const data = levels ? Buffer.concat([levels, values]) : values;
    if (data !== values) releaseSlab(values);
    this.#pages.push(this.#pend(pageTypes.data, encoding, this.#rowCount, data));
    this.#pagesBytes += data.length;
    this.#rowCount = 0;
    this.#valueCount = 0;
  }

  #encodeLevels(): Buffer {
    const out = new PageBytes();
    writeHybrid(out, this.#levels, this.#rowCount, 1);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(out.length);
    return Buffer.concat([length, out.view]);
  }

  #encodeIndices(): Buffer {
    const out = new PageBytes();
    const width = widthFor(this.#dictionary?.size ?? 0);
    out.u8(width);
    writeHybrid(out, this.#indices, this.#valueCount, width);
    return out.take();
  }

  #plainValues(): Buffer {
    if (this.#isPlain) return this.#plain.take();
    const bits = new PageBytes();
    packBits(bits, this.#indices, 0, this.#valueCount, 1);
    return bits.take();
  }

  #pend(type: number, encoding: number, valueCount: number, data: Buffer): PendingPage {
    const stored = this.#compress(data).then((bytes) => {
      if (bytes.buffer !== data.buffer) releaseSlab(data);
      return { data: bytes, sum: crc32(bytes) };
    });
    // Whoever takes the chunk hears of it; until then nobody listens.
    stored.catch(() => {});
    return { header: { type, encoding, valueCount, plainBytes: data.length }, stored };
  }
}

function grown<T extends Uint8Array | Uint32Array>(array: T, length: number): T {
  if (length <= array.length) return array;
  const larger = Math.min(maxPageRows, Math.max(length, array.length * 2, 256));
  const copy = (
    array instanceof Uint8Array ? new Uint8Array(larger) : new Uint32Array(larger)
  ) as T;
  copy.set(array);
  return copy;
}
