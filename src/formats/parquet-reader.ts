import { FormatError } from '../core/errors.ts';
import { ColumnReader, type RandomAccess, type ReadableColumn } from './parquet/column-reader.ts';
import {
  convertedTypes,
  type FileMetadata,
  magic,
  physicalTypes,
  readFooter,
  repetitions,
  type SchemaElement,
  type Statistics,
} from './parquet/metadata.ts';
import type { Value, ValueType } from './parquet/plain-reader.ts';
import { ThriftReader } from './parquet/thrift.ts';

export interface ParquetOptions {
  /** Names of the columns to read; default: all. */
  readonly columns?: readonly string[];
  /** Rows of a batch; default: 4096. */
  readonly batchRows?: number;
  /** Reads pages whose checksums are wrong, too. */
  readonly ignoreChecksums?: boolean;
  /** Limits, in bytes; default: 64 MiB each. */
  readonly maxPageBytes?: number;
  readonly maxFooterBytes?: number;
}

/** A leaf of the schema. */
export interface ParquetColumn {
  /** Of one in a group: `a.b`. */
  readonly name: string;
  readonly physicalType: string;
  /** `string`, `json`, `timestamp-ms` …; absent: none that is known here. */
  readonly logicalType?: string;
  readonly isRequired: boolean;
  /** Why it can't be read: it is repeated, or of a type that is too rare. */
  readonly problem?: string;
}

export interface ParquetRows {
  readonly rowCount: number;
  /** Name → a value per row; undefined: none. Bytes are views, which keep their page alive. */
  readonly columns: ReadonlyMap<string, readonly (Value | undefined)[]>;
}

export interface ParquetRowGroup {
  readonly rowCount: number;
  /** Of each column, where the file has them. */
  readonly statistics: ReadonlyMap<string, Statistics>;
}

export interface ParquetFile {
  readonly columns: readonly ParquetColumn[];
  readonly rowCount: number;
  readonly rowGroups: readonly ParquetRowGroup[];
  readonly createdBy: string | undefined;
  /**
   * All rows, in order; a batch never spans two row groups. One page of each column is held.
   *
   * @throws FormatError with the offset, also for a column that can't be read
   */
  batches(): AsyncGenerator<ParquetRows>;
}

/**
 * Opens a Parquet file: reads its footer.
 *
 * @throws FormatError when it is no Parquet file, is cut off or is broken
 */
export async function readParquet(
  file: RandomAccess,
  options: ParquetOptions = {},
): Promise<ParquetFile> {
  const footer = await readMetadata(file, options.maxFooterBytes ?? defaultMaxBytes);
  const leaves = leavesOf(footer);
  return {
    columns: leaves.map(({ column }) => column),
    rowCount: footer.rowCount,
    rowGroups: footer.rowGroups.map((group) => ({
      rowCount: group.rowCount,
      statistics: new Map(
        group.chunks.flatMap(({ path, statistics }) =>
          statistics ? [[path.join('.'), statistics]] : [],
        ),
      ),
    })),
    createdBy: footer.createdBy,
    batches: () => readBatches(file, footer, leaves, options),
  };
}

const defaultMaxBytes = 64 * 1024 * 1024;
const tailBytes = 8;

async function readMetadata(file: RandomAccess, maxBytes: number): Promise<FileMetadata> {
  const { size } = file;
  if (size < magic.length + tailBytes) throw new FormatError('too short for a Parquet file', 0);
  const tail = await file.read(size - tailBytes, tailBytes);
  if (tail.length < tailBytes || !tail.subarray(4).equals(magic)) {
    const isEncrypted = tail.subarray(4).toString('latin1') === 'PARE';
    const what = isEncrypted ? 'an encrypted Parquet file' : 'no Parquet file, or one cut off';
    throw new FormatError(what, size - magic.length);
  }
  const length = tail.readUInt32LE(0);
  const start = size - tailBytes - length;
  if (length > maxBytes) throw new FormatError(`a footer of ${length} bytes`, size - tailBytes);
  if (start < magic.length) throw new FormatError('the footer is cut off', size - tailBytes);
  const bytes = await file.read(start, length);
  if (bytes.length < length) throw new FormatError('the footer is cut off', start);
  return readFooter(new ThriftReader(bytes, start));
}

interface Leaf {
  readonly column: ParquetColumn;
  readonly maxLevel: number;
  readonly valueType: ValueType | undefined;
}

/** A schema that nests deeper is nobody's. */
const maxSchemaDepth = 32;
const maxNameLength = 4096;

/** Walks the schema, which is written depth first. */
function leavesOf({ schema }: FileMetadata): Leaf[] {
  const leaves: Leaf[] = [];
  let next = 1;
  const visit = (path: string, maxLevel: number, isRepeated: boolean, depth: number): void => {
    const element = schema[next++];
    if (!element || depth > maxSchemaDepth) throw new FormatError('the schema is broken', 0);
    const name = path === '' ? element.name : `${path}.${element.name}`;
    if (name.length > maxNameLength) throw new FormatError('the name of a column is too long', 0);
    const level = maxLevel + (element.repetition === repetitions.required ? 0 : 1);
    const repeated = isRepeated || element.repetition === repetitions.repeated;
    if (element.type !== undefined) leaves.push(leafOf(name, element, level, repeated));
    else {
      for (let child = 0; child < (element.childCount ?? 0); child++) {
        visit(name, level, repeated, depth + 1);
      }
    }
  };
  while (next < schema.length) visit('', 0, false, 0);
  return leaves;
}

function leafOf(name: string, element: SchemaElement, maxLevel: number, isRepeated: boolean): Leaf {
  const physical = physicalTypes[element.type ?? -1];
  const logicalType = element.logicalType ?? convertedNames[element.convertedType ?? -1];
  const isText = logicalType === 'string' || logicalType === 'json';
  const valueType = valueTypeOf(physical, isText, element.typeLength ?? 0);
  const problem = isRepeated ? 'is repeated' : valueType ? undefined : `is of type ${physical}`;
  return {
    column: {
      name,
      physicalType: physical ?? 'unknown',
      ...(logicalType === undefined ? {} : { logicalType }),
      isRequired: maxLevel === 0,
      ...(problem === undefined ? {} : { problem }),
    },
    maxLevel,
    valueType: isRepeated ? undefined : valueType,
  };
}

const convertedNames: Readonly<Record<number, string>> = {
  [convertedTypes.utf8]: 'string',
  [convertedTypes.enum]: 'string',
  [convertedTypes.json]: 'json',
  [convertedTypes.timestampMillis]: 'timestamp-ms',
  [convertedTypes.timestampMicros]: 'timestamp-us',
};

function valueTypeOf(
  physical: (typeof physicalTypes)[number] | undefined,
  isText: boolean,
  length: number,
): ValueType | undefined {
  if (physical === 'byteArray') return { physical: 'bytes', length: 0, isText };
  if (physical === 'fixedByteArray') {
    return length > 0 ? { physical: 'fixed', length, isText: false } : undefined;
  }
  if (physical === undefined || physical === 'int96') return undefined;
  return { physical, length: 0, isText: false };
}

async function* readBatches(
  file: RandomAccess,
  footer: FileMetadata,
  leaves: readonly Leaf[],
  options: ParquetOptions,
): AsyncGenerator<ParquetRows> {
  const { columns, batchRows = 4096 } = options;
  const { maxPageBytes = defaultMaxBytes, ignoreChecksums = false } = options;
  const wanted = columns
    ? columns.map((name) => {
        const leaf = leaves.find(({ column }) => column.name === name);
        return leaf ?? refuse(name, 'is not there');
      })
    : leaves;
  const readable = wanted.map(readableOf);
  for (const group of footer.rowGroups) {
    const chunks = new Map(group.chunks.map((chunk) => [chunk.path.join('.'), chunk]));
    const readers = readable.map((column) => {
      const chunk = chunks.get(column.name) ?? refuse(column.name, 'is not in a row group');
      return new ColumnReader(file, column, chunk, { maxPageBytes, ignoreChecksums });
    });
    for (let left = group.rowCount; left > 0; ) {
      const rowCount = Math.min(left, batchRows);
      const values = new Map<string, readonly (Value | undefined)[]>();
      for (const [index, reader] of readers.entries()) {
        values.set(readable[index]?.name ?? '', await reader.read(rowCount));
      }
      yield { rowCount, columns: values };
      left -= rowCount;
    }
  }
}

function readableOf({ column, maxLevel, valueType }: Leaf): ReadableColumn {
  const { name, problem } = column;
  if (!valueType) return refuse(name, `${problem ?? 'is of no known type'}, which is not read`);
  return { name, maxLevel, valueType };
}

function refuse(name: string, how: string): never {
  throw new FormatError(`column ${name} ${how}`, 0);
}
