/**
 * The structures of a Parquet file: its footer and the headers of its pages.
 * Source: parquet-format 2.11, `parquet.thrift`; the numbers are the ids of fields there.
 *
 *   file   => "PAR1" [rowGroup] footer length "PAR1"
 *     footer   => FileMetaData       length: u32, its bytes
 *   rowGroup => [chunk]              one per column
 *   chunk  => [dictionary] [page]
 *   page   => PageHeader data        data: compressed, as many bytes as the header says
 */
import { type ThriftReader, ThriftWriter } from './thrift.ts';

export const magic = Buffer.from('PAR1');

export const physicalTypes = [
  ...['boolean', 'int32', 'int64', 'int96', 'float', 'double'],
  ...['byteArray', 'fixedByteArray'],
] as const;
export const encodings = {
  plain: 0,
  plainDictionary: 2,
  rle: 3,
  rleDictionary: 8,
} as const;
export const pageTypes = { data: 0, index: 1, dictionary: 2, dataV2: 3 } as const;
export const repetitions = { required: 0, optional: 1, repeated: 2 } as const;
/** What text, JSON and times were called before there were logical types. */
export const convertedTypes = {
  utf8: 0,
  enum: 4,
  timestampMillis: 9,
  timestampMicros: 10,
  json: 19,
};

/** What the bytes or numbers of a column mean. */
export type LogicalType = 'string' | 'json' | 'timestamp-ms' | 'timestamp-us' | 'timestamp-ns';

export interface SchemaElement {
  readonly name: string;
  /** Absent in a group. */
  readonly type?: number;
  /** Bytes of each value, where all have as many. */
  readonly typeLength?: number;
  readonly repetition?: number;
  readonly childCount?: number;
  readonly convertedType?: number;
  readonly logicalType?: LogicalType;
}

export interface Statistics {
  readonly nullCount: number;
  readonly min?: Buffer;
  readonly max?: Buffer;
  /** False: cut, and so somewhat below the least value, or above the greatest. */
  readonly isMinExact?: boolean;
  readonly isMaxExact?: boolean;
}

export interface ColumnChunk {
  readonly type: number;
  readonly encodings: readonly number[];
  readonly path: readonly string[];
  readonly codec: number;
  readonly valueCount: number;
  /** Both with the headers of its pages. */
  readonly plainBytes: number;
  readonly storedBytes: number;
  readonly dataOffset: number;
  readonly dictionaryOffset?: number;
  readonly statistics?: Statistics;
}

export interface RowGroup {
  readonly chunks: readonly ColumnChunk[];
  readonly rowCount: number;
  readonly plainBytes: number;
}

export interface FileMetadata {
  /** Depth first; the first one is the root. */
  readonly schema: readonly SchemaElement[];
  readonly rowCount: number;
  readonly rowGroups: readonly RowGroup[];
  readonly createdBy?: string;
}

export function encodeFooter(file: FileMetadata): Buffer {
  const out = new ThriftWriter();
  out.i32(1, 2); // version
  out.structs(2, file.schema, (element) => writeElement(out, element));
  out.i64(3, file.rowCount);
  let ordinal = 0;
  out.structs(4, file.rowGroups, (group) => writeRowGroup(out, group, ordinal++));
  if (file.createdBy !== undefined) out.binary(6, file.createdBy);
  // Least and greatest values are in each type's own order: unsigned bytes, signed numbers.
  const columns = file.schema.filter(({ type }) => type !== undefined);
  out.structs(7, columns, () => out.struct(1, () => {}));
  return out.end();
}

function writeElement(out: ThriftWriter, element: SchemaElement): void {
  if (element.type !== undefined) out.i32(1, element.type);
  if (element.repetition !== undefined) out.i32(3, element.repetition);
  out.binary(4, element.name);
  if (element.childCount !== undefined) out.i32(5, element.childCount);
  if (element.convertedType !== undefined) out.i32(6, element.convertedType);
  const { logicalType } = element;
  if (logicalType) out.struct(10, () => writeLogicalType(out, logicalType));
}

const timeUnits: readonly LogicalType[] = ['timestamp-ms', 'timestamp-us', 'timestamp-ns'];

function writeLogicalType(out: ThriftWriter, type: LogicalType): void {
  if (type === 'string') out.struct(1, () => {});
  else if (type === 'json') out.struct(12, () => {});
  else {
    out.struct(8, () => {
      out.boolean(1, true); // UTC
      out.struct(2, () => out.struct(timeUnits.indexOf(type) + 1, () => {}));
    });
  }
}

function writeRowGroup(out: ThriftWriter, group: RowGroup, ordinal: number): void {
  const [first] = group.chunks;
  out.structs(1, group.chunks, (chunk) => {
    out.i64(2, startOf(chunk));
    out.struct(3, () => writeChunk(out, chunk));
  });
  out.i64(2, group.plainBytes);
  out.i64(3, group.rowCount);
  if (first) out.i64(5, startOf(first));
  out.i64(
    6,
    group.chunks.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
  );
  // Only files of fewer row groups have room for it.
  if (ordinal < 2 ** 15) out.i16(7, ordinal);
}

function writeChunk(out: ThriftWriter, chunk: ColumnChunk): void {
  out.i32(1, chunk.type);
  out.i32s(2, chunk.encodings);
  out.texts(3, chunk.path);
  out.i32(4, chunk.codec);
  out.i64(5, chunk.valueCount);
  out.i64(6, chunk.plainBytes);
  out.i64(7, chunk.storedBytes);
  out.i64(9, chunk.dataOffset);
  if (chunk.dictionaryOffset !== undefined) out.i64(11, chunk.dictionaryOffset);
  const { statistics } = chunk;
  if (statistics) out.struct(12, () => writeStatistics(out, statistics));
}

function writeStatistics(out: ThriftWriter, statistics: Statistics): void {
  const { nullCount, min, max, isMinExact = true, isMaxExact = true } = statistics;
  out.i64(3, nullCount);
  if (max) out.binary(5, max);
  if (min) out.binary(6, min);
  if (max) out.boolean(7, isMaxExact);
  if (min) out.boolean(8, isMinExact);
}

export function readFooter(reader: ThriftReader): FileMetadata {
  let schema: SchemaElement[] | undefined;
  let rowGroups: RowGroup[] | undefined;
  let rowCount = 0;
  let createdBy: string | undefined;
  reader.fields((id) => {
    if (id === 2) schema = reader.structs(() => readElement(reader));
    else if (id === 3) rowCount = reader.count();
    else if (id === 4) rowGroups = reader.structs(() => readRowGroup(reader));
    else if (id === 6) createdBy = reader.text();
    else return false;
    return true;
  });
  if (!schema || !rowGroups) return reader.fail('the footer has no schema');
  return { schema, rowCount, rowGroups, ...(createdBy === undefined ? {} : { createdBy }) };
}

function readElement(reader: ThriftReader): SchemaElement {
  const element: { -readonly [Key in keyof SchemaElement]?: SchemaElement[Key] } = {};
  reader.fields((id) => {
    if (id === 1) element.type = reader.count();
    else if (id === 2) element.typeLength = reader.count();
    else if (id === 3) element.repetition = reader.count();
    else if (id === 4) element.name = reader.text();
    else if (id === 5) element.childCount = reader.count();
    else if (id === 6) element.convertedType = reader.count();
    else if (id === 10) {
      const type = readLogicalType(reader);
      if (type) element.logicalType = type;
    } else return false;
    return true;
  });
  const { name } = element;
  return name === undefined ? reader.fail('a column has no name') : { ...element, name };
}

function readLogicalType(reader: ThriftReader): LogicalType | undefined {
  let type: LogicalType | undefined;
  const none = () => false;
  reader.struct((id) => {
    if (id === 1 || id === 4)
      type = 'string'; // An enum is text, too.
    else if (id === 12) type = 'json';
    if (id !== 8) return false;
    reader.struct((inner) => {
      if (inner !== 2) return false;
      reader.struct((unit) => {
        type = timeUnits[unit - 1];
        reader.struct(none);
        return true;
      });
      return true;
    });
    return true;
  });
  return type;
}

function readRowGroup(reader: ThriftReader): RowGroup {
  let chunks: ColumnChunk[] | undefined;
  let rowCount = 0;
  let plainBytes = 0;
  reader.fields((id) => {
    if (id === 1) chunks = reader.structs(() => readColumn(reader));
    else if (id === 2) plainBytes = reader.count();
    else if (id === 3) rowCount = reader.count();
    else return false;
    return true;
  });
  return chunks ? { chunks, rowCount, plainBytes } : reader.fail('a row group has no columns');
}

function readColumn(reader: ThriftReader): ColumnChunk {
  let chunk: ColumnChunk | undefined;
  reader.fields((id) => {
    if (id === 1) reader.fail('a column in another file');
    if (id !== 3) return false;
    chunk = readChunk(reader);
    return true;
  });
  return chunk ?? reader.fail('a column has no metadata');
}

function readChunk(reader: ThriftReader): ColumnChunk {
  const chunk: { -readonly [Key in keyof ColumnChunk]?: ColumnChunk[Key] } = {};
  reader.struct((id) => {
    if (id === 1) chunk.type = reader.count();
    else if (id === 2) chunk.encodings = reader.ints();
    else if (id === 3) chunk.path = reader.texts();
    else if (id === 4) chunk.codec = reader.count();
    else if (id === 5) chunk.valueCount = reader.count();
    else if (id === 6) chunk.plainBytes = reader.count();
    else if (id === 7) chunk.storedBytes = reader.count();
    else if (id === 9) chunk.dataOffset = reader.count();
    else if (id === 11) chunk.dictionaryOffset = reader.count();
    else if (id === 12) chunk.statistics = readStatistics(reader);
    else return false;
    return true;
  });
  const { type, path, codec, valueCount, storedBytes, dataOffset } = chunk;
  if (type === undefined || !path || codec === undefined) return lacking(reader);
  if (valueCount === undefined || storedBytes === undefined) return lacking(reader);
  if (dataOffset === undefined) return lacking(reader);
  const { encodings: used = [], plainBytes = 0 } = chunk;
  const known = { type, path, codec, valueCount, storedBytes, dataOffset };
  return { ...chunk, ...known, encodings: used, plainBytes };
}

function lacking(reader: ThriftReader): never {
  return reader.fail('the metadata of a column lack something');
}

/** The least and greatest values in the type's own order; those of an older order are left. */
function readStatistics(reader: ThriftReader): Statistics {
  const found: { -readonly [Key in keyof Statistics]: Statistics[Key] } = { nullCount: 0 };
  reader.struct((id) => {
    if (id === 3) found.nullCount = reader.count();
    else if (id === 5) found.max = reader.binary();
    else if (id === 6) found.min = reader.binary();
    else if (id === 7) found.isMaxExact = reader.boolean();
    else if (id === 8) found.isMinExact = reader.boolean();
    else return false;
    return true;
  });
  return found;
}

/** Where the first page of a chunk begins. */
export function startOf({ dataOffset, dictionaryOffset }: ColumnChunk): number {
  // Some writers leave a 0 for none.
  return dictionaryOffset ? Math.min(dictionaryOffset, dataOffset) : dataOffset;
}
