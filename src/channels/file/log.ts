import type { Clock } from '../../core/clock.ts';
import type { DiskFile } from '../../core/disk.ts';
import { ChannelError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { encodeRecord, headerBytes, type RecordType, recordBytes } from './record.ts';
import { dataOffset, type Segment, type Segments } from './segments.ts';

/*
 * The log's end, where records are appended. Invariants:
 *
 *  1. Group commit: one write and one sync cover everything that arrived while the last ones ran.
 *     Nothing resolves before its sync.
 *  2. Records are numbered without gaps over all segments, and lie one after the other. A segment
 *     begins with a record that says which one came before and where that one's valid part ends.
 *  3. After a write or a sync that failed, the segment is never written or synced again: what was
 *     synced in it is its valid part, and every record that is not resolved goes into the next
 *     segment. So what was refused never comes back, and what is unresolved is in memory.
 *  4. The next segment is made ahead of need. A put is let in only while it, and all that was let
 *     in before it, have room in what is made already, and leave half a segment for commits: with
 *     that a full disk is drained. So no put ever waits, with commits behind it, for a segment that
 *     can't be made.
 *  5. When nothing is left to write, an unsynced witness says up to where all was synced.
 */

/** The most bytes of one group, unless one record has more. */
const groupBytes = 4 << 20;
/** How much is written in one call. */
const writeBytes = 1 << 20;
/** Waits after a failure: the first, and the longest. */
const firstRetryMs = 100;
const longestRetryMs = 5_000;
/** A put that is not durable after this long fails its caller, who must take it as unknown. */
const unknownMs = 30_000;
/** The same, and the longest wait after a failure, while the agent stops. */
const hurriedUnknownMs = 2_000;
const hurriedRetryMs = 500;
/** What puts leave of a segment for commits. */
const commitShare = 1 / 2;
/** What the record with which a segment begins takes, its payload included, at most. */
const beginRecordBytes = recordBytes(headerBytes * 4);
/** The same reason to refuse puts is said again after this long. */
const sayAgainMs = 60_000;

export interface Position {
  readonly segment: Segment;
  /** Where the record lies in it. */
  readonly offset: number;
  /** Where the next one does. */
  readonly end: number;
  readonly number: number;
}

interface Item {
  readonly type: RecordType;
  readonly payload: readonly Buffer[];
  readonly bytes: number;
  readonly since: number;
  readonly durable: (position: Position) => void;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Room that is kept for one put until it is durable; released once, or more often. */
export interface PutRoom {
  release(): void;
}

/** A put that waits for room. */
interface Waiting {
  readonly bytes: number;
  readonly letIn: (room: PutRoom) => void;
  readonly refuse: (error: Error) => void;
}

interface Active {
  readonly segment: Segment;
  readonly file: DiskFile;
  /** Where the next record goes. */
  end: number;
}

export interface LogEnd {
  /** The last segment that counts, and where its valid part ends; none at the beginning. */
  readonly last: { readonly number: number; readonly end: number } | undefined;
  /** The last record there. */
  readonly record: number;
  /** The highest number that a segment has had. */
  readonly highest: number;
}

export class Log {
  readonly #segments: Segments;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Called with each segment that is begun. */
  readonly #onBegin: (segment: Segment) => void;
  /** Called when no segment can be made: segments that nothing needs should be given up. */
  readonly #onShortage: () => void;
  #queue: Item[] = [];
  #running: Promise<void> | undefined;
  #active: Active | undefined;
  #next: { segment: Segment; file: DiskFile } | undefined;
  #preparing: Promise<void> | undefined;
  /** Bytes of the puts that were let in and are not durable. */
  #reserved = 0;
  readonly #waiting: Waiting[] = [];
  #refusal: { readonly kind: string; readonly saidAt: number } | undefined;
  #refusing = false;
  /** The newest record that was written, and the newest that is synced. */
  #record = 0;
  #synced = 0;
  /** Where the newest synced record ends: what the next segment to begin says of the one before. */
  #syncedAt: LogEnd['last'];
  #told: { readonly number: number; readonly end: number; readonly record: number } | undefined;
  #number = 0;
  #failure: string | undefined;
  #stopping = new AbortController();
  /** Aborted while the agent stops. */
  #hurry = new AbortController();

  constructor(
    segments: Segments,
    clock: Clock,
    log: Logger,
    onBegin: (segment: Segment) => void,
    onShortage: () => void = () => {},
  ) {
    this.#segments = segments;
    this.#clock = clock;
    this.#log = log;
    this.#onBegin = onBegin;
    this.#onShortage = onShortage;
  }

  /** Goes on behind what replay has found, in a new segment. */
  async open({ last, record, highest }: LogEnd): Promise<void> {
    this.#stopping = new AbortController();
    this.#hurry = new AbortController();
    this.#syncedAt = last;
    this.#told = last && { ...last, record };
    this.#number = highest;
    this.#record = record;
    this.#synced = record;
    this.#next = await this.#segments.make(++this.#number, 0);
    await this.append('witness', []);
    this.#prepareNext();
  }

  /**
   * Resolves when the record is durable; `durable` is called just before, in the order of records.
   * @throws ChannelError when that takes too long: whether it will come to be durable is unknown
   */
  append(
    type: RecordType,
    payload: readonly Buffer[],
    durable: (position: Position) => void = () => {},
  ): Promise<void> {
    let length = 0;
    for (const part of payload) length += part.length;
    return new Promise((resolve, reject) => {
      const since = this.#clock.monotonic();
      const bytes = recordBytes(length + this.#segments.sealBytes);
      this.#queue.push({ type, payload, bytes, since, durable, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when everything appended so far is durable. */
  async flushed(): Promise<void> {
    if (this.#running) await this.append('witness', []);
  }

  /**
   * Keeps room for a put with that many bytes of payload, in the order of the calls. It waits while
   * puts before it become durable, and while the next segment is made.
   *
   * @throws what keeps the next segment from being made: NoSpaceError, or an error of the disk
   */
  reserve(payloadBytes: number): Promise<PutRoom> {
    const bytes = recordBytes(payloadBytes + this.#segments.sealBytes);
    return new Promise((letIn, refuse) => {
      this.#waiting.push({ bytes, letIn, refuse });
      if (this.#failure && this.#hurry.signal.aborted)
        this.#refuse(new ChannelError('the disk fails'));
      else this.#serve();
    });
  }

  /** From now on only sinks wait long for a disk that fails, so that a stop ends. */
  hurry(): void {
    this.#hurry.abort();
  }

  /**
   * Where the newest record ends that is synced and was told to be durable: what a snapshot taken
   * now has. `undefined` before the first.
   */
  get position():
    | { readonly number: number; readonly end: number; readonly record: number }
    | undefined {
    return this.#told;
  }

  async close(): Promise<void> {
    // A commit that is not durable by now is neither that nor refused: the next start finds out.
    this.#stopping.abort();
    this.hurry();
    await this.#running;
    await this.#preparing;
    this.#refuse(new ChannelError('the log is closed'));
    await this.#active?.file.close();
    await this.#next?.file.close();
    if (this.#next) await this.#segments.giveUp(this.#next.segment);
    this.#active = undefined;
    this.#next = undefined;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#takeGroup();
      const positions = await this.#store(group);
      if (!positions) break;
      for (const [index, item] of group.entries()) item.durable(positions[index] as Position);
      this.#told = this.#syncedAt && { ...this.#syncedAt, record: this.#synced };
      for (const item of group) item.resolve();
      if (this.#queue.length === 0) await this.#witness();
    }
    this.#running = undefined;
  }

  #takeGroup(): Item[] {
    let bytes = 0;
    let count = 0;
    for (const item of this.#queue) {
      bytes += item.bytes;
      if (count > 0 && bytes > groupBytes) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  /** Tries until the group is durable, each time in another segment; or until the log is closed. */
  async #store(group: readonly Item[]): Promise<Position[] | undefined> {
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
      try {
        const positions = await this.#write(group);
        if (this.#failure) this.#log.info({}, 'The log is written again.');
        this.#failure = undefined;
        return positions;
      } catch (error) {
        const failure = kindOf(error);
        if (failure !== this.#failure) {
          this.#log.error({ error }, 'The log can not be written: it is tried again.');
        }
        this.#failure = failure;
        await this.#abandon();
        this.#onShortage();
        this.#failLate(group, error);
        if (this.#stopping.signal.aborted) return undefined;
        if (this.#hurry.signal.aborted) {
          await this.#clock.sleep(Math.min(waitMs, hurriedRetryMs), this.#stopping.signal);
        } else await this.#clock.sleep(waitMs, this.#hurry.signal);
      }
    }
  }

  async #write(group: readonly Item[]): Promise<Position[]> {
    let bytes = 0;
    for (const item of group) bytes += item.bytes;
    const active = await this.#activeFor(bytes);
    try {
      return await this.#writeTo(active, group);
    } catch (cause) {
      throw new ChannelError(`write ${active.segment.path}`, { cause });
    }
  }

  async #writeTo(active: Active, group: readonly Item[]): Promise<Position[]> {
    const positions: Position[] = [];
    let parts: Buffer[] = [];
    let partBytes = 0;
    let end = active.end;
    for (const { type, payload, bytes: length } of group) {
      const number = ++this.#record;
      parts.push(...encodeRecord(type, number, this.#synced, payload, active.segment));
      positions.push({ segment: active.segment, offset: end, end: end + length, number });
      end += length;
      partBytes += length;
      if (partBytes >= writeBytes) {
        await active.file.write(parts, end - partBytes);
        parts = [];
        partBytes = 0;
      }
    }
    if (partBytes > 0) await active.file.write(parts, end - partBytes);
    const record = this.#record;
    await active.file.sync();
    active.end = end;
    this.#synced = record;
    this.#syncedAt = { number: active.segment.number, end };
    return positions;
  }

  /**
   * The segment to write to, with room for that many bytes: the next one begins where it has not.
   */
  async #activeFor(bytes: number): Promise<Active> {
    const now = this.#active;
    if (now && now.end + bytes <= now.segment.capacity) return now;
    await this.#active?.file.close();
    // A witness behind the last sync is no part of it.
    this.#record = this.#synced;
    this.#active = undefined;
    const { segment: made, file } = await this.#takeNext(bytes);
    const begin = Buffer.from(JSON.stringify(this.#syncedAt ?? null));
    const parts = encodeRecord('begin', this.#record + 1, this.#synced, [begin], made);
    const end = dataOffset + recordBytes(begin.length + this.#segments.sealBytes);
    const active = { segment: made, file, end };
    this.#active = active;
    await file.write(parts, dataOffset).catch((cause: unknown) => {
      throw new ChannelError(`write ${made.path}`, { cause });
    });
    this.#record++;
    this.#onBegin(made);
    this.#prepareNext();
    return active;
  }

  async #takeNext(bytes: number): Promise<{ segment: Segment; file: DiskFile }> {
    // The begin record needs room beside the group.
    const needed = bytes + beginRecordBytes;
    await this.#preparing;
    if (this.#next && dataOffset + needed > this.#next.segment.capacity) {
      await this.#next.file.close();
      await this.#segments.giveUp(this.#next.segment);
      this.#next = undefined;
    }
    const next = this.#next ?? (await this.#segments.make(++this.#number, needed));
    this.#next = undefined;
    return next;
  }

  /** Nothing after the last sync counts; the segment is left as it is. */
  async #abandon(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    this.#record = this.#synced;
    await active?.file.close().catch(() => {});
  }

  #failLate(group: readonly Item[], cause: unknown): void {
    const hurries = this.#hurry.signal.aborted;
    const late = this.#clock.monotonic() - (hurries ? hurriedUnknownMs : unknownMs);
    for (const item of [...group, ...this.#queue]) {
      // A commit can't be given up: its events must not be lent again if it comes to be durable.
      const waits = item.type === 'put' || (hurries && item.type !== 'commit');
      if (!waits || item.since > late) continue;
      item.reject(new ChannelError('not durable yet, and perhaps never: unknown', { cause }));
    }
    if (hurries) this.#refuse(new ChannelError('the disk fails', { cause }));
  }

  async #witness(): Promise<void> {
    const active = this.#active;
    const bytes = recordBytes(this.#segments.sealBytes);
    if (!active || active.end + bytes > active.segment.capacity) return;
    const parts = encodeRecord('witness', this.#record + 1, this.#synced, [], active.segment);
    try {
      await active.file.write(parts, active.end);
      this.#record++;
      active.end += bytes;
    } catch {
      // Its number may be on the disk. The next group begins a segment, or finds out, and says so.
      await this.#abandon();
    }
  }

  /** Lets in who waits, as far as there is room, or sees to it that there will be. */
  #serve(): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const { bytes, letIn } = first;
      if (!this.#hasRoom(bytes)) {
        this.#prepareNext(bytes);
        return;
      }
      this.#waiting.shift();
      this.#reserved += bytes;
      let kept = true;
      const release = () => {
        if (!kept) return;
        kept = false;
        this.#reserved -= bytes;
        this.#serve();
      };
      if (this.#refusing) this.#log.info({}, 'Puts are let in again.');
      this.#refusing = false;
      letIn({ release });
    }
  }

  #hasRoom(bytes: number): boolean {
    const needed = this.#reserved + bytes + this.#commitBytes;
    // With a next segment, all may have to go there: the group that did not fit goes as a whole.
    if (this.#next) return needed <= usableBytes(this.#next.segment.capacity);
    const active = this.#active;
    return active !== undefined && needed <= active.segment.capacity - active.end;
  }

  get #commitBytes(): number {
    return Math.ceil(usableBytes(this.#segments.segmentBytes) * commitShare);
  }

  /** @param bytes of a record that must have room in it */
  #prepareNext(bytes = 0): void {
    if (this.#preparing || this.#stopping.signal.aborted) return;
    const needed = bytes === 0 ? 0 : bytes + this.#commitBytes + beginRecordBytes;
    if (this.#next && dataOffset + needed <= this.#next.segment.capacity) return;
    this.#preparing = this.#segments
      .make(++this.#number, needed)
      .then(async (next) => {
        const smaller = this.#next;
        this.#next = next;
        await smaller?.file.close();
        if (smaller) await this.#segments.giveUp(smaller.segment);
      })
      .catch((error: Error) => {
        this.#onShortage();
        if (this.#waiting.length > 0) this.#sayRefusal(error);
        this.#refuse(error);
      })
      .finally(() => {
        this.#preparing = undefined;
        this.#serve();
      });
  }

  #refuse(error: Error): void {
    for (const { refuse } of this.#waiting.splice(0)) refuse(error);
  }

  #sayRefusal(error: Error): void {
    const kind = kindOf(error);
    const now = this.#clock.monotonic();
    if (this.#refusal?.kind === kind && now - this.#refusal.saidAt < sayAgainMs) return;
    this.#refusal = { kind, saidAt: now };
    this.#refusing = true;
    this.#log.error({ error }, 'No further segment can be made: puts are refused until one can.');
  }
}

/** What a segment of that size has for records behind the one with which it begins. */
function usableBytes(capacity: number): number {
  return capacity - dataOffset - beginRecordBytes;
}

/** Two failures of one kind in a row need saying once. */
function kindOf(error: unknown): string {
  let first = error;
  while (first instanceof Error && first.cause !== undefined) first = first.cause;
  if (!(first instanceof Error)) return String(first);
  return 'code' in first ? `${first.name} ${String(first.code)}` : first.name;
}
