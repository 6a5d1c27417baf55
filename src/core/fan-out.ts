import type { Channel, Reservation } from './channel.ts';
import type { Clock } from './clock.ts';
import { MillraceError, OriginGapError } from './errors.ts';
import { EventBatch } from './event-batch.ts';
import type { Interceptor } from './interceptor.ts';
import type { Logger } from './log.ts';
import type { SourceCounters } from './metrics.ts';
import type { Selector } from './selector.ts';

/** How long a put that failed is tried again for events that can't be read again. */
const retryMs = 10_000;
const retryPauseMs = 100;

export interface FanOutParts {
  readonly source: string;
  /** All channels of the source, by name. */
  readonly channels: ReadonlyMap<string, Channel>;
  readonly interceptors: readonly Interceptor[];
  readonly selector: Selector;
  readonly counters: SourceCounters;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The way of a batch from its source into the channels: interceptors, selector, then room in every
 * required channel, in the order of their names, before any of them is written: so a full channel
 * refuses a batch before another has it.
 */
export class FanOut {
  readonly #parts: FanOutParts;
  readonly #required: readonly Channel[];
  readonly #optional: readonly Channel[];
  /**
   * Optional channels that let a whole keep-alive pass: they aren't waited for until there is room.
   */
  readonly #stalled = new Set<Channel>();
  readonly #stop = new AbortController();
  /** Batches enter interceptors in turn, so that slow ones keep the order of each stream. */
  #turn: Promise<unknown> | undefined;

  constructor(parts: FanOutParts) {
    this.#parts = parts;
    const sorted = [...parts.channels.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#required = sorted.filter(({ name }) => !parts.selector.optional.has(name));
    this.#optional = sorted.filter(({ name }) => parts.selector.optional.has(name));
  }

  /** Resolves when all required channels have what is routed to them. See SourceContext.emit. */
  async emit(batch: EventBatch): Promise<void> {
    const { counters } = this.#parts;
    counters.EventReceivedCount += batch.length;
    counters.AppendBatchReceivedCount++;
    const intercepted = this.#intercept(batch);
    const ready = intercepted instanceof EventBatch ? intercepted : await intercepted;
    const routes = this.#route(ready);
    await this.#putRequired(routes, ready.origin !== undefined);
    for (const channel of this.#optional) await this.#putOptional(channel, routes);
    counters.AppendBatchAcceptedCount++;
    counters.EventAcceptedCount += batch.length;
  }

  /** Gives up every put that waits. */
  stop(): void {
    this.#stop.abort();
  }

  #intercept(batch: EventBatch): EventBatch | Promise<EventBatch> {
    if (this.#turn) return this.#interceptInTurn(batch);
    let current = batch;
    for (const [index, interceptor] of this.#parts.interceptors.entries()) {
      const next = interceptor(current);
      if (!(next instanceof EventBatch)) return this.#interceptInTurn(next, index + 1);
      current = next;
    }
    return current;
  }

  #interceptInTurn(batch: EventBatch | Promise<EventBatch>, from = 0): Promise<EventBatch> {
    const before = this.#turn ?? Promise.resolve();
    const result = before.then(async () => {
      let current = await batch;
      for (const interceptor of this.#parts.interceptors.slice(from)) {
        current = await interceptor(current);
      }
      return current;
    });
    const turn = result
      .catch(() => {})
      .then(() => {
        if (this.#turn === turn) this.#turn = undefined;
      });
    this.#turn = turn;
    return result;
  }

  /** What each channel gets: at least the offsets, which it must know to trim what comes again. */
  #route(batch: EventBatch): ReadonlyMap<string, EventBatch> {
    const routes = new Map<string, EventBatch>();
    for (const { channel, batch: part } of this.#parts.selector.route(batch)) {
      routes.set(channel, part);
    }
    if (batch.origin && routes.size < this.#parts.channels.size) {
      const offsets = batch.pick([]);
      for (const name of this.#parts.channels.keys()) {
        if (!routes.has(name)) routes.set(name, offsets);
      }
    }
    return routes;
  }

  /**
   * Events with an origin are simply emitted again when a put fails: each channel trims for itself.
   * For others a channel that has them is left alone while the rest is tried again; who gives up
   * then says that doubles are possible.
   */
  async #putRequired(routes: ReadonlyMap<string, EventBatch>, rereads: boolean): Promise<void> {
    const { clock, counters } = this.#parts;
    const deadline = clock.monotonic() + retryMs;
    let missing = routes;
    for (;;) {
      const failures = await this.#putEach(missing);
      const [failure] = failures;
      if (!failure) return;
      const [channel, error] = failure;
      const stored = this.#required.length - failures.size;
      const again = stored > 0 && !rereads && error instanceof MillraceError && error.retryable;
      if (!again || clock.monotonic() > deadline || this.#stop.signal.aborted) {
        if (stored > 0 && !rereads) {
          counters.PossibleDoubleCount += routes.get(channel)?.length ?? 0;
        }
        counters.ChannelWriteFail++;
        throw error;
      }
      missing = new Map([...missing].filter(([name]) => failures.has(name)));
      await clock.sleep(retryPauseMs, this.#stop.signal);
    }
  }

  /** @returns per channel that has not got its part, why */
  async #putEach(routes: ReadonlyMap<string, EventBatch>): Promise<Map<string, unknown>> {
    const failures = new Map<string, unknown>();
    const puts: { channel: Channel; batch: EventBatch; reservation: Reservation }[] = [];
    for (const channel of this.#required) {
      const batch = routes.get(channel.name);
      if (!batch) continue;
      try {
        puts.push({
          channel,
          batch,
          reservation: await channel.reserve(batch, this.#stop.signal),
        });
      } catch (error) {
        // Nothing is written anywhere unless there is room everywhere.
        for (const { reservation } of puts) reservation.release();
        for (const name of routes.keys()) failures.set(name, error);
        return failures;
      }
    }
    const store = async ({ channel, batch, reservation }: (typeof puts)[number]) => {
      try {
        await channel.put(batch, reservation);
      } catch (error) {
        reservation.release();
        failures.set(channel.name, error);
      }
    };
    if (puts.length === 1 && puts[0]) await store(puts[0]);
    else await Promise.all(puts.map(store));
    return failures;
  }

  /** An optional channel never fails a source: what it can't take it does without, counted. */
  async #putOptional(channel: Channel, routes: ReadonlyMap<string, EventBatch>): Promise<void> {
    const batch = routes.get(channel.name);
    if (!batch) return;
    try {
      const stop = this.#stalled.has(channel) ? AbortSignal.abort() : this.#stop.signal;
      const reservation = await channel.reserve(batch, stop);
      this.#stalled.delete(channel);
      await this.#putOverGap(channel, batch, reservation);
    } catch (error) {
      if (!(error instanceof MillraceError) || !error.retryable) throw error;
      if (!this.#stalled.has(channel)) {
        this.#parts.log.warn(
          { channel: channel.name, error },
          'An optional channel misses events.',
        );
      }
      this.#stalled.add(channel);
      this.#parts.counters.OptionalChannelMissCount += batch.length;
      if (batch.origin) channel.skip(batch.origin.stream, batch.origin.to);
    }
  }

  async #putOverGap(channel: Channel, batch: EventBatch, reservation: Reservation): Promise<void> {
    const { origin } = batch;
    const held = origin && channel.stream(origin.stream)?.held;
    if (origin && held !== undefined && origin.from > held) {
      this.#parts.log.warn(
        {
          channel: channel.name,
          error: new OriginGapError(channel.name, origin.stream, held, origin.from),
        },
        'An optional channel steps over a gap.',
      );
      channel.skip(origin.stream, origin.from);
    }
    await channel.put(batch, reservation);
  }
}
