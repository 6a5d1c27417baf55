import type { Disk } from '../../core/disk.ts';
import { ChannelError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { releaseSlab, SlabPool } from '../../core/slab-pool.ts';
import {
  alignment,
  decodeRecord,
  type LogRecord,
  mayBeRecord,
  numberOffset,
  openRecord,
} from './record.ts';
import { dataOffset, type Segment } from './segments.ts';

/*
 * Reading the log again. The order of segments is that of their `begin` records: each names the one
 * before and where that one's valid part ends, so what lies behind that was never durable. Of
 * several that name the same one, the highest is right: the others were abandoned before anything
 * in them was synced.
 *
 * In the last segment a record that can't be read is its torn end, unless a later one, which can,
 * says that it had been synced: then it is damage, and so is anything that can't be read before the
 * end of an earlier segment.
 */

/** What is read at once; a record may be larger. */
const replayBytes = 4 << 20;
/** Enough for the record with which a segment begins. */
const beginBytes = 4096;
const nothing = Buffer.alloc(0);

export interface Found {
  readonly segment: Segment;
  readonly offset: number;
  readonly record: LogRecord;
}

/** Damage in the log: nothing behind it may be read as if it were whole. */
export class DamageError extends ChannelError {
  readonly path: string;
  readonly offset: number;

  constructor(path: string, offset: number, what: string) {
    super(
      `${path} is damaged at byte ${offset}: ${what}. The channel does not start, so that ` +
        'nothing is lost unseen: see `millrace channel check` and `repair`',
    );
    this.path = path;
    this.offset = offset;
  }
}

interface Begun {
  readonly segment: Segment;
  readonly number: number;
  readonly previous: { readonly number: number; readonly end: number } | null;
}

export interface ReplayFrom {
  readonly segment: number;
  readonly offset: number;
  /** The number of the record before. */
  readonly record: number;
}

export class Replay {
  readonly #disk: Disk;
  readonly #log: Logger;
  /** The segments that begin with a record, by number. */
  readonly #begun = new Map<number, Begun>();
  #segments: readonly Segment[] = [];
  readonly #pool = new SlabPool(replayBytes, 1);
  /** The number of the last record that was given. */
  record = 0;

  constructor(disk: Disk, log: Logger) {
    this.#disk = disk;
    this.#log = log;
  }

  /** Looks into every segment; those that were made and never begun are left out. */
  async look(segments: readonly Segment[]): Promise<void> {
    this.#segments = segments;
    for (const segment of segments) {
      const first = await this.#recordAt(segment, dataOffset);
      if (first?.type !== 'begin') continue;
      const previous = JSON.parse(first.payload.toString()) as Begun['previous'];
      this.#begun.set(segment.number, { segment, number: first.number, previous });
    }
  }

  /** Where to begin without a snapshot: at the channel's first record, when that is still there. */
  get beginning(): ReplayFrom | undefined {
    const first = [...this.#begun.values()].filter(({ previous }) => previous === null).at(-1);
    return first && { segment: first.segment.number, offset: dataOffset, record: first.number - 1 };
  }

  get isEmpty(): boolean {
    return this.#begun.size === 0;
  }

  /** Every record behind a position, in order. @throws DamageError */
  async *from({ segment: number, offset, record }: ReplayFrom): AsyncGenerator<Found> {
    this.record = record;
    let begun = this.#begun.get(number);
    if (!begun) throw new ChannelError(`segment ${number}, with which replay begins, is missing`);
    let at = offset;
    for (;;) {
      const next = this.#successor(begun.segment.number);
      const end = next?.previous?.end;
      if (end !== undefined && end < at) {
        throw new DamageError(begun.segment.path, end, 'a snapshot has more of it than there is');
      }
      yield* this.#recordsOf(begun.segment, at, end);
      if (!next) return this.checkBehind(begun.segment.number);
      if (next.number !== this.record + 1) {
        const what = `it begins with record ${next.number}, not ${this.record + 1}`;
        throw new DamageError(next.segment.path, dataOffset, what);
      }
      begun = next;
      at = dataOffset;
    }
  }

  #successor(number: number): Begun | undefined {
    const candidates = [...this.#begun.values()].filter(
      ({ previous }) => previous?.number === number,
    );
    return candidates.sort((a, b) => a.segment.number - b.segment.number).at(-1);
  }

  async *#recordsOf(segment: Segment, from: number, end?: number): AsyncGenerator<Found> {
    const upTo = end ?? segment.capacity;
    const reader = new SegmentReader(this.#disk, segment, upTo, replayBytes, this.#pool);
    try {
      let at = from;
      for (;;) {
        const record = end === at ? undefined : await reader.at(at);
        if (record?.number !== this.record + 1) break;
        yield { segment, offset: at, record };
        this.record = record.number;
        at += record.bytes;
      }
      if (end !== undefined) {
        if (at < end) throw new DamageError(segment.path, at, 'a record that was synced is gone');
        return;
      }
      await this.#checkTornEnd(reader, segment, at);
    } finally {
      await reader.close();
    }
  }

  /**
   * Whatever stands in segments behind the last one that was read: they were made and never begun,
   * unless a record there says that what is missing had been synced.
   * @throws DamageError
   */
  async checkBehind(last: number): Promise<void> {
    for (const segment of this.#segments.filter(({ number }) => number > last)) {
      const end = segment.capacity;
      const reader = new SegmentReader(this.#disk, segment, end, replayBytes, this.#pool);
      try {
        const wanted = ({ synced }: LogRecord) => synced > this.record;
        const found = await reader.search(dataOffset, this.record, wanted);
        if (!found) continue;
        const what = `record ${this.record + 1}, which was synced, is gone`;
        throw new DamageError(segment.path, dataOffset, what);
      } finally {
        await reader.close();
      }
    }
  }

  /** Is what can't be read an end that was never synced? */
  async #checkTornEnd(reader: SegmentReader, segment: Segment, torn: number): Promise<void> {
    // It may have come to a part of it, with nothing behind; an old use of the place has another.
    let isTorn = (await reader.numberAt(torn)) === this.record + 1;
    // Any later record may be the witness: the next one need not know of the sync before it.
    const witness = await reader.search(torn + alignment, this.record, ({ synced }) => {
      isTorn = true;
      return synced > this.record;
    });
    if (witness) {
      throw new DamageError(
        segment.path,
        torn,
        `record ${this.record + 1}, which was synced, is gone`,
      );
    }
    if (!isTorn) return;
    this.#log.warn(
      { path: segment.path, offset: torn },
      'Cut an end of the log that was not durable when the power went.',
    );
  }

  async #recordAt(segment: Segment, offset: number): Promise<LogRecord | undefined> {
    const reader = new SegmentReader(this.#disk, segment, segment.capacity, beginBytes);
    try {
      return await reader.at(offset);
    } finally {
      await reader.close();
    }
  }
}

/** Reads records of one segment, in rising order, a chunk at a time. */
export class SegmentReader {
  readonly #disk: Disk;
  readonly #segment: Segment;
  /** Nothing is read from there on; may be raised. */
  end: number;
  readonly #chunkBytes: number;
  readonly #pool: SlabPool | undefined;
  #open: ReturnType<Disk['open']> | undefined;
  #chunk: Buffer = nothing;
  #chunkAt = 0;

  /** @param pool what is read lies in slabs of `chunkBytes` from there: retain what is kept */
  constructor(disk: Disk, segment: Segment, end: number, chunkBytes: number, pool?: SlabPool) {
    this.#disk = disk;
    this.#segment = segment;
    this.#chunkBytes = chunkBytes;
    this.#pool = pool;
    this.end = end;
  }

  /**
   * The record at an offset, as a view of memory that nobody else writes; or that there is none.
   * @throws DamageError when it was sealed, and changed since
   */
  async at(offset: number): Promise<LogRecord | undefined> {
    for (let wanted = this.#chunkBytes; ; wanted *= 2) {
      if (offset >= this.end) return undefined;
      const inChunk = offset >= this.#chunkAt && offset < this.#chunkAt + this.#chunk.length;
      const found = inChunk
        ? decodeRecord(this.#chunk, offset - this.#chunkAt, this.#segment.salt)
        : 'short';
      if (found === undefined) return undefined;
      if (found !== 'short') return this.#opened(found, offset);
      const atEnd = inChunk && this.#chunkAt + this.#chunk.length >= this.end;
      if (atEnd) return undefined;
      const whole = inChunk && offset === this.#chunkAt ? wanted : this.#chunkBytes;
      await this.#read(offset, Math.min(whole, this.end - offset));
    }
  }

  /**
   * The first record from an offset on that is wanted, of those with a number above `above`: what
   * an earlier use of the segment has left is passed over without being summed up.
   */
  async search(
    from: number,
    above: number,
    wanted: (record: LogRecord) => boolean,
  ): Promise<LogRecord | undefined> {
    for (let offset = from; offset + alignment <= this.end; offset += alignment) {
      if (offset < this.#chunkAt || offset + alignment > this.#chunkAt + this.#chunk.length) {
        await this.#read(offset, Math.min(this.#chunkBytes, this.end - offset));
      }
      if (!mayBeRecord(this.#chunk, offset - this.#chunkAt, above)) continue;
      const record = await this.at(offset);
      if (record && wanted(record)) return record;
    }
    return undefined;
  }

  /** The number that stands where a record's would, whole or not. */
  async numberAt(offset: number): Promise<number | undefined> {
    if (offset + alignment > this.end) return undefined;
    await this.#read(offset, alignment);
    return this.#chunk.readDoubleLE(numberOffset);
  }

  async close(): Promise<void> {
    const file = await this.#open?.catch(() => undefined);
    this.#open = undefined;
    this.#replaceChunk(nothing);
    await file?.close();
  }

  #opened(record: LogRecord, offset: number): LogRecord {
    const opened = openRecord(record, this.#segment);
    if (opened) return opened;
    const what = 'its checksum is right, but it is not what was encrypted: it was changed';
    throw new DamageError(this.#segment.path, offset, what);
  }

  async #read(offset: number, length: number): Promise<void> {
    this.#open ??= this.#disk.open(this.#segment.path, 'r');
    const file = await this.#open;
    const chunk = this.#memoryFor(length);
    let filled = 0;
    while (filled < length) {
      const read = await file.read(chunk, filled, length - filled, offset + filled);
      if (read === 0) break;
      filled += read;
    }
    chunk.fill(0, filled);
    this.#replaceChunk(chunk);
    this.#chunkAt = offset;
  }

  #memoryFor(length: number): Buffer {
    const isWhole = length > this.#chunkBytes / 2 && length <= this.#chunkBytes;
    if (this.#pool && isWhole) return this.#pool.take().subarray(0, length);
    return Buffer.allocUnsafeSlow(length);
  }

  #replaceChunk(chunk: Buffer): void {
    releaseSlab(this.#chunk);
    this.#chunk = chunk;
  }
}
