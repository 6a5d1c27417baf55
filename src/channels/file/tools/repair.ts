import { dirname } from 'node:path';
import type { Range } from '../../../core/channel.ts';
import type { Seams } from '../../../core/component.ts';
import type { DiskFile } from '../../../core/disk.ts';
import { ChannelError } from '../../../core/errors.ts';
import { silentLogger } from '../../../core/log.ts';
import { RangeSet } from '../../../core/range-set.ts';
import { Log } from '../log.ts';
import { decodeRecord, openRecord } from '../record.ts';
import { type Segment, Segments } from '../segments.ts';
import { Snapshots } from '../snapshots.ts';
import { type ChannelPlace, keysOf, openForReading } from './reading.ts';
import { type LocatedPut, type Survey, surveyChannel } from './survey.ts';

/*
 * Writes all that can be read into new directories, and gives them the names of the old ones, which
 * are kept. Whatever stops it on the way, nothing is gone: before the first rename the new
 * directories (`….repaired`) may be deleted; between two of them the channel does not start, for
 * numbers of segments go on where the old log ended, so that old and new are never taken for one
 * log.
 *
 * Events keep their sequences. The new log's snapshot says which are there: it is written twice, as
 * any is kept twice.
 */

/** What is written at once. */
const groupBytes = 4 << 20;
const largestSegment = 64 << 20;
const minimumFreeBytes = 1 << 20;

export interface Repaired {
  readonly survey: Survey;
  readonly kept: number;
  /** Old directory → where it is now. Empty: there was no damage, and nothing was done. */
  readonly moved: ReadonlyMap<string, string>;
}

/**
 * @throws DirectoryInUseError while an agent has the channel; ChannelError when it can't be done
 */
export async function repairChannel(place: ChannelPlace, seams: Seams): Promise<Repaired> {
  const directories = [...new Set([place.checkpointDirectory, ...place.dataDirectories])];
  const unlocks: (() => Promise<void>)[] = [];
  try {
    for (const directory of directories) unlocks.push(await seams.disk.lock(directory));
    const survey = await surveyChannel(place, seams.disk);
    if (survey.damage.length === 0) return { survey, kept: 0, moved: new Map() };
    for (const directory of directories) await refuseMountPoint(directory, seams);
    const kept = await writeNew(place, survey, seams);
    return { survey, kept, moved: await swap(directories, seams) };
  } finally {
    for (const unlock of unlocks) await unlock();
  }
}

/** @throws ChannelError: a file system's root can't be given another name */
async function refuseMountPoint(directory: string, { disk }: Seams): Promise<void> {
  const [own, parent] = [await disk.stat(directory), await disk.stat(dirname(directory))];
  if (own.dev === parent.dev) return;
  throw new ChannelError(
    `${directory} is where a file system is mounted, and can't be replaced by a new directory: ` +
      'copy it to another place, repair it there, and copy the files back',
  );
}

const newName = (directory: string) => `${directory}.repaired`;

async function writeNew(place: ChannelPlace, survey: Survey, seams: Seams): Promise<number> {
  const fresh: ChannelPlace = {
    dataDirectories: place.dataDirectories.map(newName),
    checkpointDirectory: newName(place.checkpointDirectory),
    ...(place.encryption && { encryption: place.encryption }),
  };
  for (const directory of [...fresh.dataDirectories, fresh.checkpointDirectory]) {
    await seams.disk.makeDirectory(directory);
    if ((await seams.disk.readDirectory(directory)).length === 0) continue;
    throw new ChannelError(`${directory} is left from another repair: remove it, or move it away`);
  }
  const last = survey.segments.at(-1);
  const segments = new Segments(
    {
      ...(await keysOf(place, seams.disk)),
      directories: fresh.dataDirectories,
      segmentBytes: Math.min(last?.capacity ?? largestSegment, largestSegment),
      minimumFreeBytes,
      maxSpares: 0,
    },
    seams,
  );
  const uses = new Map<number, { number: number; end: number; first: number; next: number }>();
  const log = new Log(segments, seams.clock, silentLogger, () => {});
  const highest = await highestNumber(place, seams);
  await log.open({ last: undefined, record: survey.lastRecord, highest });
  const live = new RangeSet();
  const old = new OldRecords(seams);
  try {
    let group: Promise<void>[] = [];
    let bytes = 0;
    for (const put of survey.puts) {
      const ranges = uncommitted(put, survey.committed);
      if (ranges.length === 0) continue;
      for (const [from, to] of ranges) live.add(from, to);
      const { first, count } = put;
      const written = log.append('put', [await old.payload(put)], ({ segment, end }) => {
        const { number } = segment;
        uses.set(number, {
          number,
          end,
          first: uses.get(number)?.first ?? first,
          next: first + count,
        });
      });
      group.push(written);
      bytes += put.bytes;
      if (bytes < groupBytes) continue;
      await Promise.all(group);
      group = [];
      bytes = 0;
    }
    await Promise.all(group);
    await log.flushed();
    await writeSnapshots(fresh, survey, live, [...uses.values()], log, seams);
  } finally {
    await old.close();
    await log.close();
  }
  const { state } = await openForReading(fresh, seams.disk);
  const kept = [...live].reduce((sum, [from, to]) => sum + to - from, 0);
  if (state.live === kept) return kept;
  throw new ChannelError(
    `the new log has ${state.live} events and not ${kept}: nothing was changed`,
  );
}

async function writeSnapshots(
  fresh: ChannelPlace,
  { ledger, nextSequence }: Survey,
  live: RangeSet,
  uses: readonly { number: number; end: number; first: number; next: number }[],
  log: Log,
  { disk }: Seams,
): Promise<void> {
  const { position } = log;
  if (!position) throw new ChannelError('the new log has no record');
  const { number: segment, end: offset, record } = position;
  // Whatever is not there any more counts as committed: so nothing waits for it.
  const committed = RangeSet.of([[0, nextSequence]]);
  for (const [from, to] of live) committed.delete(from, to);
  const state = {
    ledger: ledger.snapshot(),
    nextSequence,
    committed: [...committed],
    segments: uses,
  };
  const snapshots = new Snapshots(fresh.checkpointDirectory, disk);
  await snapshots.write({ segment, offset, record, state });
  await snapshots.write({ segment, offset, record, state });
}

/** The highest number that any segment has, used or not. */
async function highestNumber({ dataDirectories }: ChannelPlace, { disk }: Seams): Promise<number> {
  let highest = 0;
  for (const directory of dataDirectories) {
    for (const name of await disk.readDirectory(directory)) {
      const number = /^segment-(\d+)$/.exec(name)?.[1];
      highest = Math.max(highest, Number(number ?? 0));
    }
  }
  return highest;
}

function uncommitted({ first, count }: LocatedPut, committed: RangeSet): Range[] {
  const left = RangeSet.of([[first, first + count]]);
  for (const [from, to] of committed) left.delete(from, to);
  return [...left];
}

/** Reads records of the old log, one after the other. */
class OldRecords {
  readonly #seams: Seams;
  #open: { readonly segment: Segment; readonly file: DiskFile } | undefined;

  constructor(seams: Seams) {
    this.#seams = seams;
  }

  async payload({ segment, offset, bytes }: LocatedPut): Promise<Buffer> {
    if (this.#open?.segment !== segment) {
      await this.close();
      this.#open = { segment, file: await this.#seams.disk.open(segment.path, 'r') };
    }
    const buffer = Buffer.alloc(bytes);
    for (let at = 0; at < bytes; ) {
      const read = await this.#open.file.read(buffer, at, bytes - at, offset + at);
      if (read === 0) break;
      at += read;
    }
    const record = decodeRecord(buffer, 0, segment.salt);
    const opened = record && record !== 'short' && openRecord(record, segment);
    if (opened) return opened.payload;
    throw new ChannelError(`${segment.path} could be read at byte ${offset}, and now it can't`);
  }

  async close(): Promise<void> {
    await this.#open?.file.close();
    this.#open = undefined;
  }
}

async function swap(directories: readonly string[], { disk, clock }: Seams) {
  const moved = new Map<string, string>();
  const stamp = new Date(clock.now()).toISOString().replaceAll(':', '').replace(/\..*$/, '');
  for (const directory of directories) {
    const away = `${directory}.damaged-${stamp}`;
    await disk.rename(directory, away);
    await disk.rename(newName(directory), directory);
    await disk.syncDirectory(dirname(directory));
    moved.set(directory, away);
  }
  return moved;
}
