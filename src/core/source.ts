import type { StreamStatus } from './channel.ts';
import type { Component, ComponentContext, Json } from './component.ts';
import type { EventBatch } from './event-batch.ts';
import type { SourceCounters } from './metrics.ts';

/**
 * What a round of a pull source found: `ready` asks to be called again at once, `idle` to be called
 * later.
 */
export type PollResult = 'ready' | 'idle';

/**
 * Brings events in. A push source (sockets) calls `emit` whenever it has something; a pull source
 * has `poll`, and its runner owns the loop, the waiting and the retries.
 */
export interface Source extends Component {
  /**
   * Reads and emits what is there, within a bound, and resolves when all of that was emitted. It is
   * called from a runner, one call at a time. When it rejects, the runner logs, waits, calls again.
   */
  poll?(signal: AbortSignal): Promise<PollResult>;
}

/** The streams of one source, as its channels know them. Usable from `start` on. */
export interface SourceStreams {
  /**
   * Every known stream of this source: `held` and `settled` are the lowest of its required
   * channels.
   */
  all(): ReadonlyMap<string, StreamStatus>;
  get(stream: string): StreamStatus | undefined;
  /**
   * Makes a stream known to every channel, or gives it a new identity. `first` is where a stream
   * that no channel knows begins; the status says where to read from.
   */
  introduce(stream: string, identity: Json, first: number): StreamStatus;
  /** Forgets a stream whose input is gone and committed. */
  retire(stream: string): void;
  /** Asks the channels to settle what they hold by now: before input is destroyed. */
  settle(): Promise<void>;
}

export interface SourceContext extends ComponentContext {
  readonly counters: SourceCounters;
  readonly streams: SourceStreams;
  /** The most events of a batch that all channels take; infinite where they have no limit. */
  readonly transactionCapacity: number;
  /**
   * Hands a batch to every channel it is routed to, and resolves when all required ones have it.
   * Several may be in flight; per stream they must be emitted in order, and when one rejects, the
   * later ones of its stream reject too (OriginGapError): go back to `held`.
   *
   * @throws ChannelFullError, ChannelError, OriginGapError; what an interceptor throws
   */
  emit(batch: EventBatch): Promise<void>;
  /** Ends the idle wait of a pull source: something may be there. */
  wake(): void;
}
