import {
  convertedTypes,
  type LogicalType,
  physicalTypes,
  repetitions,
  type SchemaElement,
} from './metadata.ts';
import type { PageBytes } from './page-bytes.ts';

/** One value of a column; a whole number that is no safe integer is a bigint. */
export type Scalar = string | number | bigint | boolean;

export type ColumnType = keyof typeof columnTypes;

/** How the types of columns are kept in a file. */
export const columnTypes = {
  string: { physical: 'byteArray', converted: convertedTypes.utf8, logical: 'string' },
  json: { physical: 'byteArray', converted: convertedTypes.json, logical: 'json' },
  binary: { physical: 'byteArray' },
  int32: { physical: 'int32' },
  int64: { physical: 'int64' },
  float: { physical: 'float' },
  double: { physical: 'double' },
  boolean: { physical: 'boolean' },
  timestamp: {
    physical: 'int64',
    converted: convertedTypes.timestampMillis,
    logical: 'timestamp-ms',
  },
} as const satisfies Readonly<
  Record<
    string,
    {
      readonly physical: (typeof physicalTypes)[number];
      readonly converted?: number;
      readonly logical?: LogicalType;
    }
  >
>;

export function physicalTypeOf(type: ColumnType): number {
  return physicalTypes.indexOf(columnTypes[type].physical);
}

export function schemaElement(name: string, type: ColumnType, isRequired: boolean): SchemaElement {
  const entry = columnTypes[type];
  return {
    name,
    type: physicalTypeOf(type),
    repetition: isRequired ? repetitions.required : repetitions.optional,
    ...('converted' in entry ? { convertedType: entry.converted } : {}),
    ...('logical' in entry ? { logicalType: entry.logical } : {}),
  };
}

/** Writes one value of a type in PLAIN; those of booleans are packed bits, and not written here. */
export function writerOf(type: ColumnType): (out: PageBytes, value: Scalar) => void {
  switch (columnTypes[type].physical) {
    case 'byteArray':
      return (out, value) => out.text(value as string);
    case 'int32':
      return (out, value) => out.i32(value as number);
    case 'int64':
      return (out, value) => out.i64(value as number | bigint);
    case 'float':
      return (out, value) => out.f32(value as number);
    case 'double':
      return (out, value) => out.f64(value as number);
    case 'boolean':
      return (out, value) => out.u8(value ? 1 : 0);
  }
}
