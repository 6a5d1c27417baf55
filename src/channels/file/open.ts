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
 * Reads what a channel has on disk: the newest snapshot, then every record behind it. Records
 * behind the last that is known to have been synced are whole, but perhaps only the kernel has
 * them, and after a sync that failed not even that will write them: so they are written again,
 * where they are, and synced, before anything goes on behind them.
 *
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
  if (snapshot) state.restore(snapshot.state, byNumber);
  const replay = new Replay(disk, log);
  await replay.look(found);
  const from = fromSnapshot(snapshot) ?? replay.beginning;
  const highest = found.at(-1)?.number ?? 0;
  if (!from) {
    if (!replay.isEmpty)
      throw new ChannelError('no snapshot is there, nor the beginning of the log');
    await replay.checkBehind(0);
    const end = { last: undefined, record: 0, highest };
    return { state, end, unused: found };
  }
  if (!byNumber.has(from.segment)) {
    throw new ChannelError(`segment ${from.segment}, with which replay begins, is missing`);
  }
  let last = { number: from.segment, end: from.offset };
  let doubtful: Found[] = [];
  for await (const each of replay.from(from)) {
    apply(state, each);
    last = { number: each.segment.number, end: each.offset + each.record.bytes };
    doubtful.push(each);
    if (each.record.synced >= (doubtful[0]?.record.number ?? 0)) {
      doubtful = doubtful.filter(({ record }) => record.number > each.record.synced);
    }
  }
  const missing = state.forgetMissing();
  if (missing.length > 0) {
    throw new ChannelError(`segments ${missing.join(', ')}, with events in them, are missing`);
  }
  await writeAgain(doubtful, disk);
  // A segment that replay has no use for may still serve the older snapshot: it goes like any
  // other.
  const known = found.filter(({ number }) => number <= last.number);
  for (const segment of known) state.keep(segment);
  return {
    state,
    end: { last, record: replay.record, highest },
    unused: found.filter((segment) => !known.includes(segment)),
  };
}

/** Makes records durable that may not be. */
async function writeAgain(records: readonly Found[], disk: Disk): Promise<void> {
  for (const segment of new Set(records.map((each) => each.segment))) {
    const own = records.filter((each) => each.segment === segment);
    const from = own[0]?.offset ?? 0;
    const to = own.reduce((_, { offset, record }) => offset + record.bytes, from);
    const file = await disk.open(segment.path, 'r+');
    try {
      const bytes = Buffer.allocUnsafe(to - from);
      for (let at = 0; at < bytes.length; ) {
        const read = await file.read(bytes, at, bytes.length - at, from + at);
        if (read === 0) throw new ChannelError(`${segment.path} ends before byte ${to}`);
        at += read;
      }
      await file.write([bytes], from);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

function fromSnapshot(snapshot: Snapshot | undefined) {
  if (!snapshot) return undefined;
  const { segment, offset, record } = snapshot;
  return { segment, offset, record };
}

function apply(state: LogState, { segment, offset, record }: Found): void {
  const use = state.use(segment.number) ?? state.begin(segment, dataOffset);
  use.end = offset + record.bytes;
  const { type, payload } = record;
  if (type === 'put') {
    const { batch } = decodePut(payload);
    state.put(use, batch.length, batch.origin);
  } else if (type === 'commit') {
    state.commit(JSON.parse(payload.toString()) as CommitChange);
  } else if (type === 'change') {
    state.ledger.apply(JSON.parse(payload.toString()) as LedgerChange);
  }
}
