import { crc32 } from 'node:zlib';
import { FormatError } from '../../core/errors.ts';
import { codecName, codecOf } from './compression.ts';
import { HybridReader } from './hybrid.ts';
import { type ColumnChunk, encodings, pageTypes, startOf } from './metadata.ts';
import { type PageHeader, readPageHeader } from './page-header.ts';
import { PlainReader, type Value, type ValueType } from './plain-reader.ts';
import { ThriftReader } from './thrift.ts';

/** Bytes that can be read anywhere: a file, or a buffer. */
export interface RandomAccess {
  readonly size: number;
  /** The bytes there, all of them. */
  read(position: number, length: number): Promise<Buffer>;
}

/** A column that can be read: a leaf of the schema that is not repeated. */
export interface ReadableColumn {
  readonly name: string;
  readonly valueType: ValueType;
  /** How many of its groups and itself are optional: a level so high has a value. */
  readonly maxLevel: number;
}

/** So much is read at a time for the headers of pages, and pages that are small. */
const readAheadBytes = 256 * 1024;
/** Of one page: its least and greatest values may be long. */
const maxHeaderBytes = 16 * 1024 * 1024;

/** Gives values one by one, however they were encoded. */
type Values = (out: (Value | undefined)[], from: number, count: number) => void;

/** Reads one column's part of a row group, page after page; never holds more than one. */
export class ColumnReader {
  readonly #file: RandomAccess;
  readonly #column: ReadableColumn;
  readonly #chunk: ColumnChunk;
  readonly #maxPageBytes: number;
  readonly #ignoreChecksums: boolean;
  #position: number;
  readonly #end: number;
  #ahead: Buffer = Buffer.alloc(0);
  #aheadAt = 0;
  #dictionary: readonly Value[] | undefined;
  #valuesLeft: number;
  /** Of the page in hand: */
  #rowsLeft = 0;
  #levels: HybridReader | undefined;
  #values: Values | undefined;
  #scratch = new Uint32Array(0);

  constructor(
    file: RandomAccess,
    column: ReadableColumn,
    chunk: ColumnChunk,
    options: { readonly maxPageBytes: number; readonly ignoreChecksums: boolean },
  ) {
    this.#file = file;
    this.#column = column;
    this.#chunk = chunk;
    this.#maxPageBytes = options.maxPageBytes;
    this.#ignoreChecksums = options.ignoreChecksums;
    this.#position = startOf(chunk);
    this.#end = this.#position + chunk.storedBytes;
    this.#valuesLeft = chunk.valueCount;
    if (this.#end > file.size) this.#fail('lies beyond the end of the file');
  }

  /** The next values; fewer are a FormatError. Undefined: a row without one. */
  async read(count: number): Promise<(Value | undefined)[]> {
    const out = new Array<Value | undefined>(count);
    for (let done = 0; done < count; ) {
      while (this.#rowsLeft === 0) await this.#nextPage();
      const some = Math.min(this.#rowsLeft, count - done);
      this.#take(out, done, some);
      this.#rowsLeft -= some;
      done += some;
    }
    return out;
  }

  #take(out: (Value | undefined)[], from: number, count: number): void {
    const values = this.#values as Values;
    const levels = this.#levels;
    if (!levels) {
      values(out, from, count);
      return;
    }
    const found = new Uint32Array(count);
    levels.read(found, count);
    const { maxLevel } = this.#column;
    let valueCount = 0;
    for (const level of found) if (level === maxLevel) valueCount++;
    // Those that are there come first, and then move to their rows, from behind.
    values(out, from, valueCount);
    let next = valueCount;
    for (let row = count - 1; row >= 0; row--) {
      out[from + row] = found[row] === maxLevel ? out[from + --next] : undefined;
    }
  }

  async #nextPage(): Promise<void> {
    if (this.#valuesLeft === 0) this.#fail('has fewer values than there are rows');
    const at = this.#position;
    const header = await this.#header();
    if (header.plainBytes > this.#maxPageBytes || header.storedBytes > this.#maxPageBytes) {
      this.#fail(`has a page of ${Math.max(header.plainBytes, header.storedBytes)} bytes`, at);
    }
    const dataAt = this.#position;
    const stored = await this.#bytes(header.storedBytes);
    this.#position += header.storedBytes;
    const { sum } = header;
    if (sum !== undefined && !this.#ignoreChecksums && crc32(stored) !== sum) {
      this.#fail('has a page with a wrong checksum', dataAt);
    }
    if (header.type === pageTypes.dictionary) {
      if (this.#dictionary) this.#fail('has two dictionaries', at);
      const plain = await this.#plain(stored, header.plainBytes, dataAt);
      this.#dictionary = this.#readDictionary(plain, header, dataAt);
    } else if (header.type === pageTypes.data || header.type === pageTypes.dataV2) {
      if (header.valueCount > this.#valuesLeft) this.#fail('has more values than it says', at);
      await this.#begin(header, stored, dataAt);
      this.#rowsLeft = header.valueCount;
      this.#valuesLeft -= header.valueCount;
    }
  }

  /** Begins a page of data: finds its levels and values. */
  async #begin(header: PageHeader, stored: Buffer, dataAt: number): Promise<void> {
    const { maxLevel } = this.#column;
    const width = 32 - Math.clz32(maxLevel);
    this.#levels = undefined;
    if (header.v2) {
      const { definitionBytes, repetitionBytes, isCompressed } = header.v2;
      const levelBytes = definitionBytes + repetitionBytes;
      if (levelBytes > stored.length || levelBytes > header.plainBytes) {
        this.#fail('has levels that are cut off', dataAt);
      }
      if (maxLevel > 0) {
        const levels = stored.subarray(repetitionBytes, levelBytes);
        this.#levels = new HybridReader(levels, width, dataAt + repetitionBytes);
      }
      const rest = stored.subarray(levelBytes);
      const plainBytes = header.plainBytes - levelBytes;
      const data = isCompressed ? await this.#plain(rest, plainBytes, dataAt) : rest;
      this.#values = this.#valuesOf(header.encoding, data, dataAt);
      return;
    }
    const data = await this.#plain(stored, header.plainBytes, dataAt);
    let from = 0;
    if (maxLevel > 0) {
      if (header.levelEncoding !== encodings.rle) this.#fail('has levels in BIT_PACKED', dataAt);
      if (data.length < 4 || data.readUInt32LE(0) > data.length - 4) {
        this.#fail('has levels that are cut off', dataAt);
      }
      from = 4 + data.readUInt32LE(0);
      this.#levels = new HybridReader(data.subarray(4, from), width, dataAt);
    }
    this.#values = this.#valuesOf(header.encoding, data.subarray(from), dataAt);
  }

  #valuesOf(encoding: number, data: Buffer, at: number): Values {
    const { valueType } = this.#column;
    if (encoding === encodings.plain) {
      const reader = new PlainReader(data, valueType, at);
      return (out, from, count) => reader.read(out, from, count);
    }
    if (encoding === encodings.rleDictionary || encoding === encodings.plainDictionary) {
      // There is none where no row has a value.
      const dictionary = this.#dictionary ?? [];
      const width = data[0] ?? 0;
      const indices = new HybridReader(data.subarray(1), width, at);
      return (out, from, count) => this.#lookUp(indices, dictionary, out, from, count, at);
    }
    if (encoding === encodings.rle && valueType.physical === 'boolean') {
      if (data.length < 4) this.#fail('has values that are cut off', at);
      const bits = new HybridReader(data.subarray(4), 1, at);
      return (out, from, count) => this.#lookUp(bits, [false, true], out, from, count, at);
    }
    return this.#fail(
      `is encoded in ${encodingNames[encoding] ?? encoding}, which is not read`,
      at,
    );
  }

  #lookUp(
    indices: HybridReader,
    dictionary: readonly Value[],
    out: (Value | undefined)[],
    from: number,
    count: number,
    at: number,
  ): void {
    if (this.#scratch.length < count) this.#scratch = new Uint32Array(count);
    indices.read(this.#scratch, count);
    for (let row = 0; row < count; row++) {
      const value = dictionary[this.#scratch[row] as number];
      if (value === undefined) this.#fail('has an index beyond its dictionary', at);
      out[from + row] = value;
    }
  }

  #readDictionary(plain: Buffer, header: PageHeader, at: number): readonly Value[] {
    const { valueCount, encoding } = header;
    if (encoding !== encodings.plain && encoding !== encodings.plainDictionary) {
      this.#fail(`has a dictionary in ${encodingNames[encoding] ?? encoding}`, at);
    }
    const { valueType } = this.#column;
    if (valueType.physical === 'boolean') this.#fail('has a dictionary of booleans', at);
    const reader = new PlainReader(plain, valueType, at);
    // Every value takes a byte at least, so a count that lies costs nothing.
    if (valueCount > plain.length) this.#fail('has a dictionary that is cut off', at);
    const values: Value[] = [];
    reader.read(values, 0, valueCount);
    return values;
  }

  async #plain(stored: Buffer, plainBytes: number, at: number): Promise<Buffer> {
    const { codec } = this.#chunk;
    const found = codecOf(codec) ?? this.#fail(`is compressed with ${codecName(codec)}`, at);
    // An empty page need not be compressed.
    if (plainBytes === 0) return stored.subarray(0, 0);
    const plain = await found.uncompress(stored, plainBytes).catch((error: Error) => {
      throw new FormatError(`column ${this.#column.name}: ${error.message}, in the page`, at);
    });
    if (plain.length !== plainBytes) this.#fail(`has a page that is not ${plainBytes} bytes`, at);
    return plain;
  }

  async #header(): Promise<PageHeader> {
    for (let wanted = 4096; ; wanted *= 16) {
      const left = this.#end - this.#position;
      const bytes = await this.#bytes(Math.min(wanted, left));
      try {
        const reader = new ThriftReader(bytes, this.#position);
        const header = readPageHeader(reader);
        this.#position += reader.length;
        return header;
      } catch (error) {
        const isCut = wanted < left && wanted < maxHeaderBytes;
        if (!(error instanceof FormatError) || !isCut) throw error;
      }
    }
  }

  /** The next bytes of the chunk, without going on: a view. */
  async #bytes(length: number): Promise<Buffer> {
    if (length > this.#end - this.#position) this.#fail('is cut off');
    const from = this.#position - this.#aheadAt;
    if (from >= 0 && from + length <= this.#ahead.length) {
      return this.#ahead.subarray(from, from + length);
    }
    const wanted = Math.min(Math.max(length, readAheadBytes), this.#end - this.#position);
    this.#ahead = await this.#file.read(this.#position, wanted);
    if (this.#ahead.length < wanted) this.#fail('is cut off');
    this.#aheadAt = this.#position;
    return this.#ahead.subarray(0, length);
  }

  #fail(what: string, at = this.#position): never {
    throw new FormatError(`column ${this.#column.name} ${what}`, at);
  }
}

const encodingNames: Readonly<Record<number, string>> = {
  ...{ 4: 'BIT_PACKED', 5: 'DELTA_BINARY_PACKED', 6: 'DELTA_LENGTH_BYTE_ARRAY' },
  ...{ 7: 'DELTA_BYTE_ARRAY', 9: 'BYTE_STREAM_SPLIT' },
};
