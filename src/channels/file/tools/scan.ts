import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import type { Disk } from '../../../core/disk.ts';
import type { LedgerChange } from '../../../core/ledger.ts';
import { decodePut } from '../backlog.ts';
import { alignment, decodeRecord, type LogRecord } from '../record.ts';
import { dataOffset, decodeHeader, type Segment, segmentHeaderBytes } from '../segments.ts';
import type { CommitChange } from '../state.ts';
import { type ChannelPlace, ReadingDisk } from './reading.ts';

/*
 * Reads all that can be read of a log, damaged or not: every record of every segment, also behind what
 * can't be read. What of it counts is for `survey.ts`.
 */

/** What is wrong, and where. */
export interface Damage {
  readonly path: string;
  readonly offset?: number;
  readonly what: string;
}

export interface ScannedPut {
  readonly first: number;
  readonly count: number;
  readonly origin:
    | { readonly stream: string; readonly from: number; readonly to: number }
    | undefined;
}

export interface ScannedRecord {
  readonly offset: number;
  readonly bytes: number;
  readonly number: number;
  readonly synced: number;
  readonly put?: ScannedPut;
  readonly commit?: CommitChange;
  readonly change?: LedgerChange;
  readonly begin?: { readonly number: number; readonly end: number } | null;
  /** It is whole, and what it says is not understood. */
  readonly problem?: string;
}

export interface ScannedSegment {
  readonly segment: Segment;
  /** Every record that can be read, in order. */
  readonly records: readonly ScannedRecord[];
}

export interface Scan {
  /** Lowest number first. */
  readonly segments: readonly ScannedSegment[];
  readonly damage: readonly Damage[];
}

/**
 * @throws ChannelError when a file is of another version
 */
export async function scanLog(place: ChannelPlace, disk: Disk): Promise<Scan> {
  const reading = new ReadingDisk(disk);
  const segments: ScannedSegment[] = [];
  const damage: Damage[] = [];
  for (const directory of place.dataDirectories) {
    for (const name of await reading.readDirectory(directory)) {
      const number = /^segment-(\d+)$/.exec(name)?.[1];
      if (number === undefined) continue;
      const path = join(directory, name);
      segments.push(await scanSegment(path, Number(number), await reading.readFile(path), damage));
    }
  }
  segments.sort((a, b) => a.segment.number - b.segment.number);
  return { segments, damage };
}

/** The records of a segment's bytes; a header that can't be read is damage, and used as it is. */
async function scanSegment(
  path: string,
  number: number,
  bytes: Buffer,
  damage: Damage[],
): Promise<ScannedSegment> {
  const segment = headerOf(path, number, bytes, damage);
  const records: ScannedRecord[] = [];
  for (let offset = dataOffset; offset < bytes.length; ) {
    const record = decodeRecord(bytes, offset, segment.salt);
    if (record !== undefined && record !== 'short') {
      records.push(describe(record, offset));
      offset += record.bytes;
    } else offset += alignment;
  }
  return { segment, records };
}

function headerOf(path: string, number: number, bytes: Buffer, damage: Damage[]): Segment {
  const capacity = bytes.length;
  if (bytes.length < segmentHeaderBytes) {
    damage.push({ path, offset: 0, what: 'its header is cut off' });
    return { number, path, salt: 0, capacity };
  }
  const sum = crc32c(bytes.subarray(0, segmentHeaderBytes - 4));
  const isSound = sum === bytes.readUInt32LE(segmentHeaderBytes - 4);
  // What is sound and not understood is another version, or renamed: that is not for guesses.
  if (isSound) return decodeHeader(bytes.subarray(0, segmentHeaderBytes), path);
  damage.push({ path, offset: 0, what: "its header can't be read" });
  const salt = saltOf(bytes) ?? bytes.readUInt32LE(20);
  return { number, path, salt, capacity };
}

/**
 * The salt that makes the first record of a segment right: a CRC follows from its seed bit by bit, so
 * the seed follows from the CRC. `undefined` when no second record agrees.
 */
function saltOf(bytes: Buffer): number | undefined {
  if (bytes.length < dataOffset + alignment) return undefined;
  const length = bytes.readUInt32LE(dataOffset);
  const end = dataOffset + alignment + length;
  if (end > bytes.length) return undefined;
  const summed = bytes.subarray(dataOffset + 8, end);
  const wanted = bytes.readUInt32LE(dataOffset + 4);
  const plain = crc32c(summed, 0);
  const columns = Array.from({ length: 32 }, (_, bit) => (crc32c(summed, 2 ** bit) ^ plain) >>> 0);
  const salt = solve(columns, (wanted ^ plain) >>> 0);
  const first = salt === undefined ? undefined : decodeRecord(bytes, dataOffset, salt);
  if (salt === undefined || first === undefined || first === 'short') return undefined;
  const second = decodeRecord(bytes, dataOffset + first.bytes, salt);
  return second === undefined || second === 'short' ? undefined : salt;
}

/** Which of 32 columns, by bit of the result, add up (without carry) to the sum. */
function solve(columns: readonly number[], sum: number): number | undefined {
  const rows = columns.map((value, bit) => ({ value, chosen: 2 ** bit }));
  let rest = sum;
  let chosen = 0;
  for (let bit = 31; bit >= 0; bit--) {
    const isSet = (value: number) => ((value >>> bit) & 1) === 1;
    const at = rows.findIndex(({ value }) => isSet(value));
    const [row] = at < 0 ? [] : rows.splice(at, 1);
    if (!row) continue;
    for (const other of rows) {
      if (!isSet(other.value)) continue;
      other.value = (other.value ^ row.value) >>> 0;
      other.chosen = (other.chosen ^ row.chosen) >>> 0;
    }
    if (isSet(rest)) {
      rest = (rest ^ row.value) >>> 0;
      chosen = (chosen ^ row.chosen) >>> 0;
    }
  }
  return rest === 0 ? chosen : undefined;
}

function describe({ type, number, synced, payload, bytes }: LogRecord, offset: number) {
  const record: ScannedRecord = { offset, bytes, number, synced };
  try {
    switch (type) {
      case 'put': {
        const { first, batch } = decodePut(payload);
        const { stream, from, to } = batch.origin ?? { stream: '', from: 0, to: 0 };
        const origin = batch.origin && { stream, from, to };
        return { ...record, put: { first, count: batch.length, origin } };
      }
      case 'commit':
        return { ...record, commit: JSON.parse(payload.toString()) as CommitChange };
      case 'change':
        return { ...record, change: JSON.parse(payload.toString()) as LedgerChange };
      case 'begin':
        return { ...record, begin: JSON.parse(payload.toString()) as ScannedRecord['begin'] & {} };
      default:
        return record;
    }
  } catch (error) {
    return { ...record, problem: `what it says is not understood: ${String(error)}` };
  }
}
