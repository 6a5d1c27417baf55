import type { Range } from '../../../core/channel.ts';
import type { Disk } from '../../../core/disk.ts';
import { ChannelError } from '../../../core/errors.ts';
import { Ledger } from '../../../core/ledger.ts';
import { RangeSet } from '../../../core/range-set.ts';
import { dataOffset, type Segment } from '../segments.ts';
import { type Snapshot, Snapshots } from '../snapshots.ts';
import { type ChannelPlace, ReadingDisk } from './reading.ts';
import {
  type Damage,
  type ScannedPut,
  type ScannedRecord,
  type ScannedSegment,
  scanLog,
} from './scan.ts';

/*
 * What a log, as far as it can be read, adds up to, and what is missing. The rules are those of
 * replay, but where replay refuses, this goes on:
 *
 *  1. Segments follow each other as their first records say; where that can't be read, by number,
 *     if a record there knows of a later sync than any before. Others were abandoned.
 *  2. A segment counts up to where the next one, or a snapshot, says that it ended. Where nothing
 *     says so, what lies behind a gap counts if a later record says that the gap had been synced.
 *  3. Events that are neither committed nor in a put that can be read are lost.
 */

export interface LocatedPut extends ScannedPut {
  readonly segment: Segment;
  readonly offset: number;
  readonly bytes: number;
}

export interface Loss {
  /** Of the events: `[from, to)`. */
  readonly sequences: Range;
  /** What it was of which streams; `from` is not always known. */
  readonly streams: readonly {
    readonly stream: string;
    readonly from?: number;
    readonly to: number;
  }[];
}

export interface Survey {
  readonly damage: readonly Damage[];
  /** What looks like damage, and is none. */
  readonly notes: readonly Damage[];
  readonly segments: readonly Segment[];
  readonly records: number;
  /** The number of the last record. */
  readonly lastRecord: number;
  readonly ledger: Ledger;
  readonly nextSequence: number;
  readonly committed: RangeSet;
  /** Those that can be read, by sequence, committed or not. */
  readonly puts: readonly LocatedPut[];
  readonly lost: readonly Loss[];
  /** Records behind the snapshot are gone: commits may have been among them. */
  readonly mayLackCommits: boolean;
  /** Records behind the last put that can be read are gone: puts may have been among them. */
  readonly mayLackEnd: boolean;
}

interface Located {
  readonly segment: Segment;
  readonly record: ScannedRecord;
}

/**
 * @throws ChannelError when a file is of another version, or encrypted with a key that is not here
 */
export async function surveyChannel(place: ChannelPlace, disk: Disk): Promise<Survey> {
  const damage: Damage[] = [];
  const snapshot = await newestSnapshot(place, disk, damage);
  const scan = await scanLog(place, disk);
  damage.push(...scan.damage);
  const walk = new Walk(scan.segments, snapshot, damage);
  walk.run();
  return addUp(walk, snapshot, damage);
}

async function newestSnapshot(
  { checkpointDirectory }: ChannelPlace,
  disk: Disk,
  damage: Damage[],
): Promise<Snapshot | undefined> {
  try {
    const snapshots = new Snapshots(checkpointDirectory, new ReadingDisk(disk));
    const { snapshot, unreadable } = await snapshots.newest();
    const what = 'this snapshot is damaged; another one serves, and nothing is lost';
    for (const path of unreadable) damage.push({ path, what });
    return snapshot;
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    damage.push({ path: checkpointDirectory, what: error.message });
    return undefined;
  }
}

/** Goes through the records that count, and notes each gap between them. */
class Walk {
  readonly records: Located[] = [];
  readonly notes: Damage[] = [];
  chain: ScannedSegment[] = [];
  /** The number of the last record. */
  number = 0;
  /** The newest record that is missing. */
  newestGone = 0;
  readonly #all: readonly ScannedSegment[];
  readonly #snapshot: Snapshot | undefined;
  readonly #damage: Damage[];

  constructor(all: readonly ScannedSegment[], snapshot: Snapshot | undefined, damage: Damage[]) {
    this.#all = all.filter(({ records }) => records.length > 0);
    this.#snapshot = snapshot;
    this.#damage = damage;
  }

  run(): void {
    this.chain = chainOf(this.#all);
    for (const [index, { segment, records }] of this.chain.entries()) {
      const end = this.#endOf(index);
      // Where the end is not known, numbers that the next segment has were given again.
      const next = this.#firstOf(index + 1) ?? Number.POSITIVE_INFINITY;
      this.#beginSegment(index);
      let at = dataOffset;
      for (const record of records) {
        const isBeyond = end === undefined ? record.number >= next : record.offset >= end;
        if (isBeyond) break;
        const isNext =
          record.offset === at && (this.number === 0 || record.number === this.number + 1);
        if (!isNext && !this.#stepOver(index, at, record, end)) break;
        if (record.problem) {
          this.#damage.push({ path: segment.path, offset: record.offset, what: record.problem });
        }
        this.records.push({ segment, record });
        this.number = record.number;
        at = record.offset + record.bytes;
      }
      if (end !== undefined && at < end) this.#gap(segment, at, end, next - 1);
    }
    const newest = this.#snapshot?.record ?? 0;
    if (this.number >= newest) return;
    const path = this.chain.at(-1)?.segment.path ?? 'the log';
    this.#damage.push({ path, what: `records ${this.number + 1} to ${newest} are gone` });
    this.number = newest;
  }

  /** Records between segments may be gone with segments that nothing needed any more. */
  #beginSegment(index: number): void {
    const [first] = this.chain[index]?.records ?? [];
    if (!first || first.offset !== dataOffset || this.number === 0) return;
    const gone = first.number - 1;
    const { path } = this.chain[index]?.segment ?? { path: '' };
    if (gone > this.number && gone > (this.#snapshot?.record ?? 0)) {
      const what = `before it, records ${this.number + 1} to ${gone} are gone, with their segment`;
      this.#damage.push({ path, offset: dataOffset, what });
      this.newestGone = gone;
    }
    if (gone > this.number) this.number = gone;
  }

  /** False: what lies behind was never durable. */
  #stepOver(index: number, at: number, record: ScannedRecord, end: number | undefined): boolean {
    const { segment } = this.chain[index] as ScannedSegment;
    const later = this.chain.slice(index).flatMap(({ records }) => records);
    const isWitnessed = later.some(({ synced }) => synced > this.number);
    if (record.number <= this.number || (end === undefined && !isWitnessed)) {
      this.notes.push({ path: segment.path, offset: at, what: 'an end that was never durable' });
      return false;
    }
    this.#gap(segment, at, record.offset, record.number - 1);
    return true;
  }

  #gap({ path }: Segment, from: number, to: number, last: number): void {
    const first = this.number + 1;
    const which = last <= first ? `record ${first} is` : `records ${first} to ${last} are`;
    const gone = this.number === 0 && last < 1 ? 'its first record is' : which;
    const what = `${to - from} bytes can't be read, up to byte ${to}: ${gone} gone`;
    this.#damage.push({ path, offset: from, what });
    this.newestGone = Math.max(this.newestGone, last, first);
  }

  #firstOf(index: number): number | undefined {
    return this.chain[index]?.records[0]?.number;
  }

  /** Where the valid part of a segment ends, when anything says so. */
  #endOf(index: number): number | undefined {
    const number = this.chain[index]?.segment.number;
    const next = this.chain[index + 1];
    const previous = next && previousOf(next);
    if (previous?.number === number) return previous?.end;
    const { segment = 0, state } = this.#snapshot ?? {};
    return state?.segments.find((use) => use.number === number && number < segment)?.end;
  }
}

function previousOf({ records: [first] }: ScannedSegment) {
  return first?.offset === dataOffset ? first.begin : undefined;
}

function chainOf(all: readonly ScannedSegment[]): ScannedSegment[] {
  const chain: ScannedSegment[] = [];
  let current = newestTwin(all, all[0]);
  while (current) {
    chain.push(current);
    const { number } = current.segment;
    const last = current.records.at(-1)?.number ?? 0;
    const later = all.filter(({ segment }) => segment.number > number);
    const named = later.filter((each) => previousOf(each)?.number === number).at(-1);
    const isSyncedBeyond = ({ records }: ScannedSegment) =>
      records.some(({ synced }) => synced > last);
    current = named ?? newestTwin(later, later.find(isSyncedBeyond));
  }
  return chain;
}

/** Of several that follow the same segment, the newest counts. */
function newestTwin(all: readonly ScannedSegment[], first: ScannedSegment | undefined) {
  const previous = first && previousOf(first);
  if (!previous) return first;
  return all.filter((each) => previousOf(each)?.number === previous.number).at(-1);
}

function addUp(walk: Walk, snapshot: Snapshot | undefined, damage: Damage[]): Survey {
  const ledger = new Ledger();
  if (snapshot) ledger.apply(snapshot.state.ledger);
  const committed = RangeSet.of(snapshot?.state.committed ?? []);
  let nextSequence = snapshot?.state.nextSequence ?? 0;
  const puts: LocatedPut[] = [];
  for (const { segment, record } of walk.records) {
    const { put, commit, change, offset, bytes } = record;
    const isNew = record.number > (snapshot?.record ?? 0);
    if (put) {
      const known = puts.at(-1);
      if (known && put.first < known.first + known.count) {
        const what = `its events have the sequence ${put.first}, which was given before`;
        damage.push({ path: segment.path, offset, what });
        continue;
      }
      puts.push({ ...put, segment, offset, bytes });
      nextSequence = Math.max(nextSequence, put.first + put.count);
      if (isNew && put.origin) {
        ledger.apply({ done: { [put.origin.stream]: [[put.origin.from, put.origin.to]] } });
      }
    }
    if (isNew && commit) {
      for (const [from, to] of commit.ranges) committed.add(from, to);
      if (commit.delta) ledger.apply({ sinks: { [commit.sink]: commit.delta } });
      if (commit.done) ledger.apply({ done: commit.done });
    }
    if (isNew && change) ledger.apply(change);
  }
  const isWhole = walk.records[0]?.record.begin === null;
  if (!snapshot && !isWhole && puts[0]) {
    const what = 'no snapshot is left: what was committed before the oldest segment is not known';
    damage.push({ path: puts[0].segment.path, what });
    committed.add(0, puts[0].first);
  }
  const mayLackCommits = walk.newestGone > (snapshot?.record ?? 0);
  const lastPut = walk.records.findLast(({ record }) => record.put)?.record.number ?? 0;
  const mayLackEnd = mayLackCommits && walk.newestGone > lastPut;
  const segments = walk.chain.map(({ segment }) => segment);
  const base = { damage, notes: walk.notes, segments, ledger, nextSequence, committed, puts };
  settleDelivered(base);
  const lost = lostOf(base);
  return {
    ...base,
    lost,
    mayLackCommits,
    mayLackEnd,
    records: walk.records.length,
    lastRecord: walk.number,
  };
}

type Sums = Pick<Survey, 'ledger' | 'nextSequence' | 'committed' | 'puts'>;

/** What a put held that is gone, and was committed before, must not be read again by its source. */
function settleDelivered({ ledger, nextSequence, committed, puts }: Sums): void {
  const absent = RangeSet.of([[0, nextSequence]]);
  for (const { first, count } of puts) absent.delete(first, first + count);
  for (const range of absent) {
    if (!committed.covers(...range)) continue;
    for (const { stream, from, to } of streamsWithin(range, puts, ledger)) {
      if (from !== undefined) ledger.apply({ done: { [stream]: [[from, to]] } });
    }
  }
}

function lostOf(sums: Sums): Loss[] {
  const lost = RangeSet.of([[0, sums.nextSequence]]);
  for (const [from, to] of sums.committed) lost.delete(from, to);
  for (const { first, count } of sums.puts) lost.delete(first, first + count);
  return [...lost].map((sequences) => {
    return { sequences, streams: streamsWithin(sequences, sums.puts, sums.ledger) };
  });
}

/** The parts of streams that sequences without a put must have been of, by the puts around. */
function streamsWithin([first, next]: Range, puts: readonly LocatedPut[], ledger: Ledger) {
  const before = new Map<string, number>();
  const after = new Map<string, number>();
  let reached = 0;
  for (const put of puts) {
    const { origin } = put;
    // With a hole between, what lies in it may have been of any stream.
    if (put.first < first && put.first !== reached) before.clear();
    reached = put.first + put.count;
    if (!origin) continue;
    if (put.first < first) before.set(origin.stream, origin.to);
    else if (put.first >= next && !after.has(origin.stream)) after.set(origin.stream, origin.from);
  }
  const found: { stream: string; from?: number; to: number }[] = [];
  for (const stream of new Set([...before.keys(), ...after.keys(), ...ledger.streamNames])) {
    const status = ledger.stream(stream);
    const from = before.get(stream) ?? (first === 0 ? status?.first : undefined);
    const to = after.get(stream) ?? status?.held ?? 0;
    if (from === undefined && !after.has(stream)) continue;
    if (from === undefined) found.push({ stream, to });
    else if (from < to) found.push({ stream, from, to });
  }
  return found;
}
