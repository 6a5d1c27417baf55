import type { Disk } from '../../core/disk.ts';
import { ChannelError } from '../../core/errors.ts';
import type { LedgerChange } from '../../core/ledger.ts';
import type { Logger } from '../../core/log.ts';
import { decodePut } from './backlog.ts';
import type { LogEnd } from './log.ts';
import type { RecordType } from './record.ts';
import { type Found, Replay } from './replay.ts';
import { dataOffset, type Segment, type Segments } from './segments.ts';
import type { Snapshot, Snapshots } from './snapshots.ts';
import { type CommitChange, LogState, type SegmentUse } from './state.ts';

/** A record that was read, and is to be appended again. */
export interface TailRecord {
  readonly type: RecordType;
  readonly payload: Buffer;
}

export interface OpenedLog {
  /** What the records up to `end` add up to. */
  readonly state: LogState;
  readonly end: LogEnd;
  /**
   * Records behind the last that is known to have been synced. They are whole, but only the kernel
   * may have them, or not even that keeps them if a sync had failed: so they are appended anew, and
   * the old ones don't count.
   */
  readonly tail: readonly TailRecord[];
  /** Segments that were made and never begun. */
  readonly unused: readonly Segment[];
}

/**
 * Reads what a channel has on disk: the newest snapshot, then every record behind it.
 * @throws DamageError, ChannelError: the channel must not start
 */
export async function openLog(
  segments: Segments,
  snapshots: Snapshots,
  disk: Disk,
  log: Logger,
): Promise<OpenedLog> {
  const found = await segments.find();
  const byNumber = new Map(found.map((segment) => [segment.number, segment]));
  const { snapshot, unreadable } = await snapshots.newest();
  for (const path of unreadable) log.error({ path }, 'A snapshot is damaged; an older one serves.');
  const state = new LogState();
  const { missing } = snapshot ? state.restore(snapshot.state, byNumber) : { missing: [] };
  if (missing.length > 0) {
    throw new ChannelError(`segments ${missing.join(', ')}, with events in them, are missing`);
  }
  const replay = new Replay(disk, log);
  await replay.look(found);
  const from = fromSnapshot(snapshot) ?? replay.beginning;
  const highest = found.at(-1)?.number ?? 0;
  if (!from) {
    if (!replay.isEmpty)
      throw new ChannelError('no snapshot is there, nor the beginning of the log');
    const end = { last: undefined, record: 0, highest };
    return { state, end, tail: [], unused: found };
  }
  if (!byNumber.has(from.segment)) {
    throw new ChannelError(`segment ${from.segment}, with which replay begins, is missing`);
  }
  let last = { number: from.segment, end: from.offset };
  let record = from.record;
  const tail: Found[] = [];
  for await (const each of replay.from(from)) {
    tail.push(each);
    for (let first = tail[0]; first; first = tail[0]) {
      if (first.record.number > each.record.synced) break;
      apply(state, first);
      last = { number: first.segment.number, end: first.offset + first.record.bytes };
      record = first.record.number;
      tail.shift();
    }
  }
  // A segment that replay has no use for may still serve the older snapshot: it goes like any other.
  const known = found.filter(({ number }) => record > 0 && number <= last.number);
  for (const segment of known) state.keep(segment);
  return {
    state,
    // Before the first record that is known to be synced, the log has not begun.
    end: { last: record === 0 ? undefined : last, record, highest },
    tail: tail.map(({ record: { type, payload } }) => ({ type, payload })),
    unused: found.filter((segment) => !known.includes(segment)),
  };
}

function fromSnapshot(snapshot: Snapshot | undefined) {
  if (!snapshot) return undefined;
  const { segment, offset, record } = snapshot;
  return { segment, offset, record };
}

function apply(state: LogState, { segment, offset, record }: Found): void {
  const use = state.use(segment.number) ?? state.begin(segment, dataOffset);
  use.end = offset + record.bytes;
  applyRecord(state, use, record.type, record.payload);
}

/** What a durable record in a segment does to the state. */
export function applyRecord(
  state: LogState,
  use: SegmentUse,
  type: RecordType,
  payload: Buffer,
): void {
  if (type === 'put') {
    const { batch } = decodePut(payload);
    state.put(use, batch.length, batch.origin);
  } else if (type === 'commit') {
    state.commit(JSON.parse(payload.toString()) as CommitChange);
  } else if (type === 'change') {
    state.ledger.apply(JSON.parse(payload.toString()) as LedgerChange);
  }
}
