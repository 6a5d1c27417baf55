import type { StreamStatus } from '../../../core/channel.ts';
import type { Json } from '../../../core/component.ts';
import { lockHolder } from '../../../core/directory-lock.ts';
import type { Disk } from '../../../core/disk.ts';
import { dataOffset } from '../segments.ts';
import { liveEvents } from './export.ts';
import { type ChannelPlace, openForReading } from './reading.ts';

export interface ChannelStatus {
  /** The process that has it, if any does. */
  readonly holder: string | undefined;
  readonly events: number;
  /** Of the segments that hold events. */
  readonly liveBytes: number;
  readonly nextSequence: number;
  /** Every event before this sequence is committed. */
  readonly committedTo: number;
  readonly oldest:
    | {
        readonly sequence: number;
        readonly stream: string | undefined;
        readonly offset: number | undefined;
        /** The `timestamp` header, in ms since 1970. */
        readonly timestamp: number | undefined;
      }
    | undefined;
  readonly segments: readonly {
    readonly path: string;
    readonly capacity: number;
    readonly live: number;
    readonly isLast: boolean;
  }[];
  /** Segments that were made ahead of need. */
  readonly unused: readonly string[];
  readonly streams: ReadonlyMap<string, StreamStatus>;
  readonly sinks: ReadonlyMap<string, ReadonlyMap<string, Json>>;
}

/**
 * Reads alone: it may be called beside a running agent.
 * @throws DamageError, ChannelError; what the agent does meanwhile may look like damage for once
 */
export async function channelStatus(place: ChannelPlace, disk: Disk): Promise<ChannelStatus> {
  const holder = await holderOfAny(place);
  const opened = await openForReading(place, disk);
  const { state, end, unused } = opened;
  const uses = [...state.segments];
  const [firstCommitted] = state.snapshot().committed;
  let oldest: ChannelStatus['oldest'];
  for await (const { sequence, stream, offset, headers } of liveEvents(opened, disk)) {
    const timestamp = Number(headers['timestamp'] ?? Number.NaN);
    oldest = { sequence, stream, offset, timestamp: timestamp > 0 ? timestamp : undefined };
    break;
  }
  const streams = new Map<string, StreamStatus>();
  for (const name of state.ledger.streamNames) {
    const status = state.ledger.stream(name);
    if (status) streams.set(name, status);
  }
  return {
    holder,
    events: state.live,
    liveBytes: uses.reduce((sum, use) => sum + (use.live > 0 ? use.end - dataOffset : 0), 0),
    nextSequence: state.nextSequence,
    committedTo: firstCommitted?.[0] === 0 ? firstCommitted[1] : 0,
    oldest,
    segments: uses.map(({ segment, live }) => {
      const isLast = segment.number === end.last?.number;
      return { path: segment.path, capacity: segment.capacity, live, isLast };
    }),
    unused: unused.map(({ path }) => path),
    streams,
    sinks: new Map([...state.ledger.sinkNames].map((name) => [name, state.ledger.sinkState(name)])),
  };
}

/** The process that has one of the channel's directories. */
export async function holderOfAny(place: ChannelPlace): Promise<string | undefined> {
  for (const directory of place.dataDirectories) {
    const holder = await lockHolder(directory);
    if (holder !== undefined) return holder;
  }
  return undefined;
}
