import type { Component, ComponentContext, Json } from './component.ts';
import type { EventBatch } from './event-batch.ts';
import type { ChannelCounters } from './metrics.ts';

/** Offsets or sequences `[from, to)`. */
export type Range = readonly [from: number, to: number];

/** What a channel knows of one stream. */
export interface StreamStatus {
  /** What the source knows it by; the channel only keeps it. */
  readonly identity: Json;
  /** Where the stream began for this agent: 0, or the end of a file that was to be skipped. */
  readonly first: number;
  /** The channel has everything before this, in itself or already committed. Emit from here. */
  readonly held: number;
  /**
   * Everything before this is as safe as the channel makes it: what destroys input follows this.
   */
  readonly settled: number;
  /** Committed islands beyond `held`; no event read again may span an edge of one. */
  readonly islands: readonly Range[];
}

/** Room that is kept for one `put`. */
export interface Reservation {
  /** Gives the room back; does nothing once it was used. */
  release(): void;
}

/** Part of what a channel remembers for a sink: a keyed map, changed by deltas. */
export interface StateDelta {
  readonly set?: Readonly<Record<string, Json>>;
  readonly delete?: readonly string[];
}

/** Events lent to one sink, with the sequences `[first, first + events.length)`. */
export interface Taken {
  readonly first: number;
  readonly events: EventBatch;
}

/** A channel as one of its sinks sees it. */
export interface Consumer {
  /**
   * Waits for events and lends 1 to `max` of them, oldest first; `undefined` once `signal` aborts.
   * Only events made from one offset, which are never separated, may exceed `max`.
   */
  take(max: number, signal: AbortSignal): Promise<Taken | undefined>;
  /**
   * Removes lent events for good and changes the sink's state, both or neither. Resolves when that
   * is as safe as this channel promises.
   */
  commit(ranges: readonly Range[], delta?: StateDelta): Promise<void>;
  /**
   * The sink keeps what it needs of these events itself, as far as they are still lent: a channel
   * that has them elsewhere drops them from memory. They stay lent; released after all, they come
   * back as they were.
   */
  absorb(ranges: readonly Range[]): void;
  /** Puts lent events back, in order. What a sink never settled comes back with `detach`. */
  release(ranges: readonly Range[]): void;
  /** What the sink saved, as it was when the channel opened and as changed since. */
  readonly state: ReadonlyMap<string, Json>;
  /**
   * Changes the state alone. Resolves when that survives the process, and, of keys that are new, a
   * power loss too. A key that goes, or changes, may be back as it was after a power loss, until
   * `settle`: the data that made it superfluous may have gone as well. An empty delta changes
   * nothing: it resolves when all that was committed before survives the process.
   */
  saveState(delta: StateDelta): Promise<void>;
  /**
   * How the channel has the sink's written data made durable before it calls commits safe from a
   * power loss. Must cover all that was committed before the call.
   */
  onSync(sync: () => Promise<void>): void;
  /**
   * Do puts, or other events, wait for room, or does the agent stop? Then a sink should not hold
   * back what it could settle.
   */
  isPressed(): boolean;
  /** Releases everything that is still lent. */
  detach(): void;
}

/**
 * The buffer between sources and sinks; the only place where an event is owned by the agent.
 * It opens its ledger in `start`; everything else may be called between `start` and `stop`.
 */
export interface Channel extends Component {
  /**
   * The agent is about to stop, sources first: from now on sinks are pressed, and a put does not
   * wait long for a disk that fails, so that the stop ends.
   */
  prepareStop?(): void;
  readonly name: string;
  readonly counters: ChannelCounters;
  /** The most events of one put or take; `undefined`: no limit of its own. */
  readonly transactionCapacity: number | undefined;
  /** Every stream that is known, by name. */
  streams(): ReadonlyMap<string, StreamStatus>;
  stream(name: string): StreamStatus | undefined;
  /**
   * Makes a stream known, or gives a known one a new identity. `first` counts for a new one only.
   */
  introduce(stream: string, identity: Json, first: number): void;
  /** Forgets a stream of which everything is committed. */
  retire(stream: string): void;
  /** Gives up a stream up to `to`: an optional channel steps over what it can't have. */
  skip(stream: string, to: number): void;
  /** Was this source wired to the channel when the ledger was last written? */
  knowsSource(source: string): boolean;
  /**
   * Remembers, durably, that the source is wired to the channel, with all streams introduced so
   * far. Nothing is emitted before every channel of a source has done so: else one that missed the
   * first batches would pass for new.
   */
  attachSource(source: string): Promise<void>;

  /**
   * Keeps room for a batch, waiting up to the keep-alive. Waiters are served in order.
   * @throws ChannelFullError when there is still no room
   */
  reserve(batch: EventBatch, signal?: AbortSignal): Promise<Reservation>;
  /**
   * Stores the whole batch or none of it, and resolves when it is as safe as this channel promises:
   * on disk for the file channel, in memory for the memory channel. What the channel has of the
   * batch's stream already is trimmed: that is the put rule, the only place where doubles are
   * dropped. Events of one stream put in order leave in order.
   * The channel retains the batch's slab until the last of its events is committed (slab-pool).
   *
   * @throws OriginGapError when the batch begins beyond `held`; ChannelError when it can't be
   *   stored
   */
  put(batch: EventBatch, reservation: Reservation): Promise<void>;
  /** Every sink that has ever saved a state here, whether or not it is still there. */
  sinkNames(): Iterable<string>;
  /** The channel as the sink of that name sees it. */
  consumer(sink: string): Consumer;
  /** Makes everything that is put or committed by now settled, as soon as it can be. */
  settle(): Promise<void>;
}

export interface ChannelContext extends ComponentContext {
  /** Where this channel may keep its ledger; made on first use. */
  readonly stateDirectory: string;
  readonly counters: ChannelCounters;
}
