import type { Range, StateDelta, StreamStatus } from './channel.ts';
import type { Json } from './component.ts';
import { RangeSet } from './range-set.ts';

/**
 * What a channel remembers beyond its events: per stream how far it has it, per sink a keyed map.
 * One change may touch all of it, and is then kept whole or not at all. A change is also how a
 * ledger is stored: applying the changes in order to an empty ledger gives the ledger. JSON
 * throughout.
 */
export interface LedgerChange {
  /** Sources that are wired to the channel from now on. */
  readonly sources?: readonly string[];
  /** Streams that become known, or whose identity changes. */
  readonly streams?: Readonly<Record<string, { readonly identity: Json; readonly first: number }>>;
  /** Per stream, offsets that the channel is done with: `[from, to)`. */
  readonly done?: Readonly<Record<string, readonly Range[]>>;
  readonly retired?: readonly string[];
  /** Per sink, what changes in its state. */
  readonly sinks?: Readonly<Record<string, StateDelta>>;
}

interface Stream {
  identity: Json;
  readonly first: number;
  readonly done: RangeSet;
}

/**
 * The state itself: changes go in, questions are answered. Keeps nothing durable: its owner does.
 */
export class Ledger {
  readonly sources = new Set<string>();
  readonly #streams = new Map<string, Stream>();
  readonly #sinks = new Map<string, Map<string, Json>>();

  apply(change: LedgerChange): void {
    for (const source of change.sources ?? []) this.sources.add(source);
    for (const name of change.retired ?? []) this.#streams.delete(name);
    for (const [name, { identity, first }] of Object.entries(change.streams ?? {})) {
      const stream = this.#streams.get(name);
      if (stream) stream.identity = identity;
      else this.#streams.set(name, { identity, first, done: new RangeSet() });
    }
    for (const [name, ranges] of Object.entries(change.done ?? {})) {
      this.#streams.get(name)?.done.addAll([...RangeSet.of(ranges)]);
    }
    for (const [sink, delta] of Object.entries(change.sinks ?? {})) {
      const state = this.sinkState(sink);
      for (const key of delta.delete ?? []) state.delete(key);
      for (const [key, value] of Object.entries(delta.set ?? {})) state.set(key, value);
    }
  }

  /** The one change that makes this ledger out of an empty one. */
  snapshot(): LedgerChange {
    const streams: Record<string, { identity: Json; first: number }> = {};
    const done: Record<string, Range[]> = {};
    for (const [name, stream] of this.#streams) {
      streams[name] = { identity: stream.identity, first: stream.first };
      if (!stream.done.empty) done[name] = [...stream.done];
    }
    const sinks: Record<string, StateDelta> = {};
    for (const [sink, state] of this.#sinks) sinks[sink] = { set: Object.fromEntries(state) };
    return { sources: [...this.sources], streams, done, sinks };
  }

  get streamNames(): Iterable<string> {
    return this.#streams.keys();
  }

  /** `undefined` for a stream that is not known. The status of a ledger alone: held is settled. */
  stream(name: string): StreamStatus | undefined {
    const stream = this.#streams.get(name);
    if (!stream) return undefined;
    const held = stream.done.reach(stream.first);
    const islands = [...stream.done].filter(([from]) => from > held);
    return { identity: stream.identity, first: stream.first, held, settled: held, islands };
  }

  /** Are the offsets `[from, to)` of the stream done? */
  isDone(name: string, from: number, to: number): boolean {
    return this.#streams.get(name)?.done.covers(from, to) ?? false;
  }

  get sinkNames(): Iterable<string> {
    return this.#sinks.keys();
  }

  /** The live map of a sink's state: changed by `apply` alone. */
  sinkState(sink: string): Map<string, Json> {
    const known = this.#sinks.get(sink);
    if (known) return known;
    const state = new Map<string, Json>();
    this.#sinks.set(sink, state);
    return state;
  }
}

/** Gathers changes into one. */
export class ChangeBuilder {
  readonly #sources = new Set<string>();
  readonly #streams = new Map<string, { identity: Json; first: number }>();
  readonly #done = new Map<string, RangeSet>();
  readonly #retired = new Set<string>();
  /** Per sink, key → value, `undefined` where the key goes. */
  readonly #sinks = new Map<string, Map<string, Json | undefined>>();
  #empty = true;

  get empty(): boolean {
    return this.#empty;
  }

  add(change: LedgerChange): void {
    this.#empty = false;
    for (const source of change.sources ?? []) this.#sources.add(source);
    for (const name in change.streams) {
      this.#streams.set(name, change.streams[name] as { identity: Json; first: number });
    }
    for (const name in change.done) {
      const done = this.#done.get(name) ?? new RangeSet();
      this.#done.set(name, done);
      done.addAll([...RangeSet.of(change.done[name] ?? [])]);
    }
    for (const name of change.retired ?? []) {
      this.#retired.add(name);
      this.#streams.delete(name);
      this.#done.delete(name);
    }
    for (const sink in change.sinks) this.#addState(sink, change.sinks[sink] as StateDelta);
  }

  build(): LedgerChange {
    const done = [...this.#done].map(([name, ranges]) => [name, [...ranges]] as const);
    const sinks = [...this.#sinks].map(([sink, state]) => {
      const entries = [...state];
      const set = entries.filter(([, value]) => value !== undefined);
      const gone = entries.filter(([, value]) => value === undefined).map(([key]) => key);
      return [
        sink,
        { set: Object.fromEntries(set) as Record<string, Json>, delete: gone },
      ] as const;
    });
    return {
      ...(this.#sources.size > 0 && { sources: [...this.#sources] }),
      ...(this.#streams.size > 0 && { streams: Object.fromEntries(this.#streams) }),
      ...(done.length > 0 && { done: Object.fromEntries(done) }),
      ...(this.#retired.size > 0 && { retired: [...this.#retired] }),
      ...(sinks.length > 0 && { sinks: Object.fromEntries(sinks) }),
    };
  }

  #addState(sink: string, delta: StateDelta): void {
    const state = this.#sinks.get(sink) ?? new Map<string, Json | undefined>();
    this.#sinks.set(sink, state);
    for (const key of delta.delete ?? []) state.set(key, undefined);
    for (const key in delta.set) state.set(key, delta.set[key] as Json);
  }
}
