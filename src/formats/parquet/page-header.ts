import { encodings, pageTypes } from './metadata.ts';
import { type ThriftReader, ThriftWriter } from './thrift.ts';

/**
 * What stands before each page. Source: parquet-format 2.11, `PageHeader` in `parquet.thrift`.
 */
export interface PageHeader {
  readonly type: number;
  readonly plainBytes: number;
  readonly storedBytes: number;
  /** CRC-32 of the page as it is stored. */
  readonly sum?: number;
  readonly valueCount: number;
  readonly encoding: number;
  /** Of levels, in a data page of version 1. */
  readonly levelEncoding?: number;
  /** Of a data page of version 2: its levels stand before what is compressed. */
  readonly v2?: {
    readonly definitionBytes: number;
    readonly repetitionBytes: number;
    readonly isCompressed: boolean;
  };
}

/** Of a dictionary, or of data in version 1. */
export function encodePageHeader(header: PageHeader): Buffer {
  const out = new ThriftWriter();
  out.i32(1, header.type);
  out.i32(2, header.plainBytes);
  out.i32(3, header.storedBytes);
  if (header.sum !== undefined) out.i32(4, header.sum | 0);
  const isDictionary = header.type === pageTypes.dictionary;
  out.struct(isDictionary ? 7 : 5, () => {
    out.i32(1, header.valueCount);
    out.i32(2, header.encoding);
    if (isDictionary) return;
    out.i32(3, encodings.rle);
    out.i32(4, encodings.rle);
  });
  return out.end();
}

export function readPageHeader(reader: ThriftReader): PageHeader {
  const header: { -readonly [Key in keyof PageHeader]?: PageHeader[Key] } = {};
  reader.fields((id) => {
    if (id === 1) header.type = reader.count();
    else if (id === 2) header.plainBytes = reader.count();
    else if (id === 3) header.storedBytes = reader.count();
    else if (id === 4) header.sum = reader.int() >>> 0;
    else if (id === 5) Object.assign(header, readContent(reader, true));
    else if (id === 7) Object.assign(header, readContent(reader, false));
    else if (id === 8) Object.assign(header, readContentV2(reader));
    else return false;
    return true;
  });
  const { type, plainBytes, storedBytes } = header;
  if (type === undefined || plainBytes === undefined || storedBytes === undefined) {
    return reader.fail('the header of a page lacks something');
  }
  // A page of a type without values, such as an index, is passed over.
  return { valueCount: 0, encoding: 0, ...header, type, plainBytes, storedBytes };
}

/** @param hasLevels a dictionary has none: there the third field says whether it is sorted */
function readContent(reader: ThriftReader, hasLevels: boolean): Partial<PageHeader> {
  let valueCount = 0;
  let encoding = 0;
  let levelEncoding: number = encodings.rle;
  reader.struct((id) => {
    if (id === 1) valueCount = reader.count();
    else if (id === 2) encoding = reader.count();
    else if (id === 3 && hasLevels) levelEncoding = reader.count();
    else return false;
    return true;
  });
  return { valueCount, encoding, levelEncoding };
}

function readContentV2(reader: ThriftReader): Partial<PageHeader> {
  let valueCount = 0;
  let encoding = 0;
  let definitionBytes = 0;
  let repetitionBytes = 0;
  let isCompressed = true;
  reader.struct((id) => {
    if (id === 1) valueCount = reader.count();
    else if (id === 4) encoding = reader.count();
    else if (id === 5) definitionBytes = reader.count();
    else if (id === 6) repetitionBytes = reader.count();
    else if (id === 7) isCompressed = reader.boolean();
    else return false;
    return true;
  });
  return { valueCount, encoding, v2: { definitionBytes, repetitionBytes, isCompressed } };
}
