import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import type { Disk } from '../../../core/disk.ts';
import { ChannelError } from '../../../core/errors.ts';
import type { LedgerChange } from '../../../core/ledger.ts';
import { decodePut } from '../backlog.ts';
import { alignment, decodeRecord, type LogRecord, openRecord } from '../record.ts';
import {
  dataOffset,
  encryptionIn,
  type Segment,
  Segments,
  type SegmentsOptions,
} from '../segments.ts';
import type { CommitChange } from '../state.ts';
import { type ChannelPlace, keysOf, ReadingDisk, readingOptions, seams } from './reading.ts';

/*
 * Reads all that can be read of a log, damaged or not: every record of every segment, also behind
 * what can't be read. What of it counts is for `survey.ts`.
 */

/** Where these lie in a segment's header, which see. */
const saltOffset = 20;
const crcOffset = 32;

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

/** What a segment says of the one before. */
export interface Previous {
  readonly number: number;
  readonly end: number;
}

export interface ScannedRecord {
  readonly offset: number;
  readonly bytes: number;
  readonly number: number;
  readonly synced: number;
  readonly put?: ScannedPut;
  readonly commit?: CommitChange;
  readonly change?: LedgerChange;
  readonly begin?: Previous | null;
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
 * @throws ChannelError when a file is of another version, or encrypted with a key that is not here
 */
export async function scanLog(place: ChannelPlace, disk: Disk): Promise<Scan> {
  const reading = new ReadingDisk(disk);
  const keys = await keysOf(place, disk);
  const segments: ScannedSegment[] = [];
  const damage: Damage[] = [];
  for (const directory of place.dataDirectories) {
    for (const name of await reading.readDirectory(directory)) {
      if (!/^segment-\d+$/.test(name)) continue;
      const bytes = await reading.readFile(join(directory, name));
      const segment = await headerOf(
        directory,
        name,
        bytes,
        { ...readingOptions, ...keys },
        reading,
        damage,
      );
      segments.push({ segment, records: recordsOf(bytes, segment) });
    }
  }
  segments.sort((a, b) => a.segment.number - b.segment.number);
  return { segments, damage };
}

function recordsOf(bytes: Buffer, segment: Segment): ScannedRecord[] {
  const records: ScannedRecord[] = [];
  for (let offset = dataOffset; offset < bytes.length; ) {
    const record = decodeRecord(bytes, offset, segment.salt);
    if (record !== undefined && record !== 'short') {
      records.push(describe(record, offset, segment));
      offset += record.bytes;
    } else offset += alignment;
  }
  return records;
}

/** A header that can't be read is damage, and what can be known without it is used. */
async function headerOf(
  directory: string,
  name: string,
  bytes: Buffer,
  options: Omit<SegmentsOptions, 'directories'>,
  reading: ReadingDisk,
  damage: Damage[],
): Promise<Segment> {
  const path = join(directory, name);
  const number = Number(name.slice('segment-'.length));
  const capacity = bytes.length;
  try {
    const only = new OneFileDisk(reading, name);
    const own = { ...options, directories: [directory] };
    const [segment] = await new Segments(own, { ...seams, disk: only }).find();
    if (!segment) throw new ChannelError(`${path} is not there any more`);
    if (capacity < segment.capacity) {
      const what = `the file ends here, and not at byte ${segment.capacity}`;
      damage.push({ path, offset: capacity, what });
    }
    return segment;
  } catch (error) {
    // What is whole and not understood is of another version, or wants a key: not for guesses.
    if (!(error instanceof ChannelError) || isHeaderWhole(bytes)) throw error;
  }
  damage.push({ path, offset: 0, what: "its header can't be read" });
  const written = bytes.length < crcOffset ? 0 : bytes.readUInt32LE(saltOffset);
  const salt = saltOf(bytes) ?? written;
  const encryption = encryptionIn(bytes, salt);
  const cipher = encryption && options.keys?.forStored(encryption, salt, path);
  return { number, path, salt, capacity, ...(cipher && { cipher }) };
}

function isHeaderWhole(bytes: Buffer): boolean {
  if (bytes.length < crcOffset + 4) return false;
  return crc32c(bytes.subarray(0, crcOffset)) === bytes.readUInt32LE(crcOffset);
}

/** Shows one file alone, so that another one's damage is not in the way. */
class OneFileDisk extends ReadingDisk {
  readonly #name: string;

  constructor(disk: Disk, name: string) {
    super(disk);
    this.#name = name;
  }

  override async readDirectory(path: string): Promise<string[]> {
    return (await super.readDirectory(path)).filter((name) => name === this.#name);
  }
}

/**
 * The salt that makes the first record of a segment right: a CRC follows from its seed bit by bit,
 * so the seed follows from the CRC. `undefined` when no second record agrees.
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

function describe(sealed: LogRecord, offset: number, segment: Segment): ScannedRecord {
  const { type, number, synced, bytes } = sealed;
  const record: ScannedRecord = { offset, bytes, number, synced };
  const payload = openRecord(sealed, segment)?.payload;
  if (!payload) return { ...record, problem: 'it was changed since it was encrypted' };
  try {
    if (type === 'put') {
      const { first, batch } = decodePut(payload);
      const { stream, from, to } = batch.origin ?? { stream: '', from: 0, to: 0 };
      return {
        ...record,
        put: { first, count: batch.length, origin: batch.origin && { stream, from, to } },
      };
    }
    const text = payload.toString();
    if (type === 'commit') return { ...record, commit: JSON.parse(text) as CommitChange };
    if (type === 'change') return { ...record, change: JSON.parse(text) as LedgerChange };
    if (type === 'begin') return { ...record, begin: JSON.parse(text) as Previous | null };
    return record;
  } catch (error) {
    return { ...record, problem: `what it says is not understood: ${String(error)}` };
  }
}
