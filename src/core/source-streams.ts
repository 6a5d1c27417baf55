import type { Channel, Range, StreamStatus } from './channel.ts';
import type { Json } from './component.ts';
import type { SourceStreams } from './source.ts';

/**
 * The streams of one source over its channels. What one channel lacks decides from where the source
 * reads; what another has more of is an edge at which events end as they did before.
 */
export class ChannelStreams implements SourceStreams {
  readonly #prefix: string;
  readonly #source: string;
  readonly #required: readonly Channel[];
  readonly #channels: readonly Channel[];

  /** @param required the channels that must get everything; `optional` ones follow as they can */
  constructor(source: string, required: readonly Channel[], optional: readonly Channel[]) {
    this.#source = source;
    this.#prefix = `${source}/`;
    this.#required = required.length > 0 ? required : optional;
    this.#channels = [...required, ...optional];
  }

  /**
   * Makes each channel know what the others know, and that the source is wired to it. A channel
   * that was wired all along and doesn't know a stream lacks all of it; a new one begins where the
   * one that lacks most is.
   */
  async attach(): Promise<void> {
    for (const [stream, status] of this.all())
      this.introduce(stream, status.identity, status.first);
    await Promise.all(this.#channels.map((channel) => channel.attachSource(this.#source)));
  }

  all(): ReadonlyMap<string, StreamStatus> {
    const names = this.#channels.flatMap((channel) => [...channel.streams().keys()]);
    const own = new Set(names.filter((name) => name.startsWith(this.#prefix)));
    const streams = new Map<string, StreamStatus>();
    for (const name of own) {
      const status = this.get(name);
      if (status) streams.set(name, status);
    }
    return streams;
  }

  get(stream: string): StreamStatus | undefined {
    const known = this.#required.flatMap((channel) => channel.stream(stream) ?? []);
    const [any] = known.length > 0 ? known : this.#channels.flatMap((c) => c.stream(stream) ?? []);
    if (!any) return undefined;
    if (known.length < 2) return any;
    const held = Math.min(...known.map((status) => status.held));
    const settled = Math.min(...known.map((status) => status.settled));
    const further = known.map((status): Range => [held, status.held]);
    const islands = [...further, ...known.flatMap((status) => status.islands)];
    return { ...any, held, settled, islands: islands.filter(([from, to]) => from < to) };
  }

  introduce(stream: string, identity: Json, first: number): StreamStatus {
    const known = this.#channels.flatMap((channel) => channel.stream(stream) ?? []);
    const begin = known[0]?.first ?? first;
    const lowest = known.length > 0 ? Math.min(...known.map(({ held }) => held)) : first;
    for (const channel of this.#channels) {
      const status = channel.stream(stream);
      const from = channel.knowsSource(this.#source) ? begin : lowest;
      channel.introduce(stream, identity, status?.first ?? from);
    }
    return this.get(stream) as StreamStatus;
  }

  retire(stream: string): void {
    for (const channel of this.#channels) channel.retire(stream);
  }

  async settle(): Promise<void> {
    await Promise.all(this.#required.map((channel) => channel.settle()));
  }
}
