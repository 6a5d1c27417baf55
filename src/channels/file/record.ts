import { crc32c } from '@node-rs/crc32';
import type { Segment } from './segments.ts';

/*
 * One record of the log. Numbers are little-endian; offsets are multiples of `alignment`, so that a
 * reader can look for the next record behind one that can't be read.
 *
 *   record  => length crc number synced type reserved payload padding
 *     length   => UINT32   of the payload, in bytes
 *     crc      => UINT32   CRC-32C of everything from `number` to the payload's end, seeded with
 *     the
 *                          segment's salt: a body that holds a copy of a record is none, nor is
 *                          what an earlier use of the segment has left
 *     number   => FLOAT64  1 for the first record of the channel, then one more each
 *     synced   => FLOAT64  the newest record known to be synced when this one was written
 *     type     => UINT8    see `RecordType`
 *     reserved => 7 bytes, 0
 *     payload  => in an encrypted segment sealed, see cipher.ts
 *     padding  => zeros, up to a multiple of `alignment`
 */
export const headerBytes = 32;
export const alignment = 32;
/** From here to its end the header is summed up, and authenticated, with the payload. */
const headOffset = 8;
const typeOffset = 24;
/** Where a record says its number. */
export const numberOffset = headOffset;

const recordTypes = {
  /** The first of each segment: which segment came before, and where that one's valid part ends. */
  begin: 1,
  /** Events, with the sequence of the first. */
  put: 2,
  /** Sequences that a sink has taken out, with the change of its state. */
  commit: 3,
  /** A change of the ledger alone. */
  change: 4,
  /** Nothing: it says that what came before is synced, for a reader who finds a torn end. */
  witness: 5,
} as const;

export type RecordType = keyof typeof recordTypes;

const typeNames = new Map(
  Object.entries(recordTypes).map(([name, code]) => [code as number, name as RecordType]),
);

export interface LogRecord {
  readonly type: RecordType;
  readonly number: number;
  readonly synced: number;
  /** A view of what was read; of an encrypted segment, what `decodeRecord` gives is sealed. */
  readonly payload: Buffer;
  /** From this record's offset to the next one's. */
  readonly bytes: number;
}

/** How much of a segment a record with this payload takes. */
export function recordBytes(payloadBytes: number): number {
  return Math.ceil((headerBytes + payloadBytes) / alignment) * alignment;
}

const padding = Buffer.alloc(alignment);

/** The record's bytes, in parts; the payload's are those given, unless they are to be sealed. */
export function encodeRecord(
  type: RecordType,
  number: number,
  synced: number,
  payload: readonly Buffer[],
  { salt, cipher }: Pick<Segment, 'salt' | 'cipher'>,
): Buffer[] {
  const header = Buffer.alloc(headerBytes);
  writeHead(header, type, number, synced);
  const parts = cipher ? cipher.seal(header.subarray(headOffset), payload) : payload;
  let length = 0;
  for (const part of parts) length += part.length;
  header.writeUInt32LE(length, 0);
  let crc = crc32c(header.subarray(headOffset), salt);
  for (const part of parts) crc = crc32c(part, crc);
  header.writeUInt32LE(crc, 4);
  const rest = recordBytes(length) - headerBytes - length;
  return rest > 0 ? [header, ...parts, padding.subarray(0, rest)] : [header, ...parts];
}

/** The record with its payload opened; `undefined` when it was changed since it was sealed. */
export function openRecord(record: LogRecord, { cipher }: Segment): LogRecord | undefined {
  if (!cipher) return record;
  const header = Buffer.alloc(headerBytes);
  writeHead(header, record.type, record.number, record.synced);
  const payload = cipher.open(header.subarray(headOffset), record.payload);
  return payload && { ...record, payload };
}

function writeHead(header: Buffer, type: RecordType, number: number, synced: number): void {
  header.writeDoubleLE(number, headOffset);
  header.writeDoubleLE(synced, 16);
  header.writeUInt8(recordTypes[type], typeOffset);
}

/**
 * Could a record with a number above `above` begin here? Quickly, for a search through places most
 * of which hold none: what is no header, and what has an older number, is told without a sum.
 */
export function mayBeRecord(bytes: Buffer, offset: number, above: number): boolean {
  const type = bytes[offset + typeOffset] as number;
  if (!typeNames.has(type)) return false;
  for (let at = offset + typeOffset + 1; at < offset + headerBytes; at++) {
    if (bytes[at] !== 0) return false;
  }
  return bytes.readDoubleLE(offset + headOffset) > above;
}

/**
 * The record at an offset; `undefined` when there is none. `short`: the bytes end within what may
 * be one.
 */
export function decodeRecord(
  bytes: Buffer,
  offset: number,
  salt: number,
): LogRecord | 'short' | undefined {
  if (bytes.length - offset < headerBytes) return 'short';
  const length = bytes.readUInt32LE(offset);
  const type = typeNames.get(bytes.readUInt8(offset + typeOffset));
  if (type === undefined) return undefined;
  const payloadAt = offset + headerBytes;
  if (bytes.length - payloadAt < length) return 'short';
  const payload = bytes.subarray(payloadAt, payloadAt + length);
  const crc = crc32c(payload, crc32c(bytes.subarray(offset + headOffset, payloadAt), salt));
  if (crc !== bytes.readUInt32LE(offset + 4)) return undefined;
  const number = bytes.readDoubleLE(offset + headOffset);
  const synced = bytes.readDoubleLE(offset + 16);
  return { type, number, synced, payload, bytes: recordBytes(length) };
}
