import type { Disk } from '../../core/disk.ts';
import { ChannelError } from '../../core/errors.ts';
import type { LedgerChange } from '../../core/ledger.ts';
import type { Logger } from '../../core/log.ts';
import { decodePut } from './backlog.ts';
import type { LogEnd } from './log.ts';
import { type Found, Replay } from './replay.ts';
import { dataOffset, type Segment, type Segments } from './segments.ts';
import type { Snapshot, Snapshots } from './snapshots.ts';
import { type CommitChange, LogState } from './state.ts';

export interface OpenedLog {
  readonly state: LogState;
  readonly end: LogEnd;
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
  if (!from) {
    if (!replay.isEmpty)
      throw new ChannelError('no snapshot is there, nor the log from its beginning');
    return { state, end: { last: undefined, record: 0 }, unused: found };
  }
  if (snapshot && !byNumber.has(from.segment)) {
    throw new ChannelError(`segment ${from.segment}, with which replay begins, is missing`);
  }
  for await (const each of replay.from(from)) apply(state, each);
  const { last, record } = replay;
  // A segment that replay has no use for may still serve the older snapshot: it goes like any other.
  const done = found.filter(({ number }) => number <= (last?.number ?? 0));
  for (const segment of done) state.keep(segment);
  const unused = found.filter((segment) => !done.includes(segment));
  return { state, end: { last, record }, unused };
}

function fromSnapshot(snapshot: Snapshot | undefined) {
  if (!snapshot) return undefined;
  const { segment, offset, record } = snapshot;
  return { segment, offset, record };
}

function apply(state: LogState, { segment, offset, record }: Found): void {
  const use = state.use(segment.number) ?? state.begin(segment, dataOffset);
  use.end = offset + record.bytes;
  if (record.type === 'put') {
    const { batch } = decodePut(record.payload);
    state.put(use, batch.length, batch.origin);
  } else if (record.type === 'commit') {
    state.commit(JSON.parse(record.payload.toString()) as CommitChange);
  } else if (record.type === 'change') {
    state.ledger.apply(JSON.parse(record.payload.toString()) as LedgerChange);
  }
}
