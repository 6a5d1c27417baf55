import { defineSource } from '../../src/config/definition.ts';
import type { Range } from '../../src/core/channel.ts';
import { EventBatch } from '../../src/core/event-batch.ts';
import type { Source, SourceContext } from '../../src/core/source.ts';
import type { Prng } from '../../src/testing/prng.ts';

/** An input that can be read again: lines that cover offsets, of which a growing part is there. */
export interface ModelStream {
  readonly name: string;
  /** Where each line ends. */
  readonly lineEnds: readonly number[];
  /** How many lines are there to be read by now. */
  available: number;
  /** Up to where every channel has it, as the source that reads it now says. */
  held: number;
  reader: Source | undefined;
}

export function newStream(name: string, lines: number, prng: Prng): ModelStream {
  const lineEnds: number[] = [];
  let end = 0;
  for (let line = 0; line < lines; line++) {
    end += 1 + prng.integer(6);
    lineEnds.push(end);
  }
  return { name, lineEnds, available: 0, held: 0, reader: undefined };
}

/** Is this line dropped by the interceptor of the model? */
export function isSuppressed(stream: string, line: number): boolean {
  return hash(`${stream} ${line} drop`) % 5 === 0;
}

/** To which of two channels does a routing selector send this line? */
export function routeOf(stream: string, line: number): 'c1' | 'c2' | 'both' {
  return (['c1', 'c2', 'both'] as const)[hash(`${stream} ${line}`) % 3] as 'c1' | 'c2' | 'both';
}

function hash(text: string): number {
  let value = 7;
  for (const char of text) value = (Math.imul(value, 31) + char.charCodeAt(0)) >>> 0;
  return value >>> 3;
}

/**
 * A source as simple as one can be that keeps the rules of the contract: it reads from `held`, ends
 * events at the edges that channels name, has several emits in flight, and goes back when one fails. At
 * random it cuts a line in two where no later reading would: as a clock cuts one.
 */
export function modelSource(streams: readonly ModelStream[], prng: Prng) {
  return defineSource({
    type: 'model',
    summary: 'Reads the streams of the model.',
    fields: {},
    rereads: true,
    create: (_config, context) => new ReplayingSource(streams, prng, context),
  });
}

class ReplayingSource implements Source {
  readonly #streams: readonly ModelStream[];
  readonly #prng: Prng;
  readonly #context: SourceContext;
  readonly #cursors = new Map<ModelStream, number>();

  constructor(streams: readonly ModelStream[], prng: Prng, context: SourceContext) {
    this.#streams = streams;
    this.#prng = prng;
    this.#context = context;
  }

  async start(): Promise<void> {
    this.#cursors.clear();
    for (const stream of this.#streams) {
      const status = this.#context.streams.introduce(this.#named(stream), { of: stream.name }, 0);
      this.#cursors.set(stream, status.held);
      stream.held = status.held;
      stream.reader = this;
    }
  }

  async stop(): Promise<void> {}

  async poll(): Promise<'ready' | 'idle'> {
    const emits: Promise<void>[] = [];
    const emitted = new Set<ModelStream>();
    for (let count = 1 + this.#prng.integer(3); count > 0; count--) {
      const stream = this.#prng.pick(this.#streams);
      const batch = this.#next(stream);
      if (!batch) continue;
      emitted.add(stream);
      emits.push(this.#context.emit(batch));
    }
    const results = await Promise.allSettled(emits);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) {
      for (const stream of emitted) {
        const held = this.#context.streams.get(this.#named(stream))?.held ?? 0;
        this.#cursors.set(stream, held);
        if (stream.reader === this) stream.held = held;
      }
      throw failed.reason;
    }
    for (const stream of emitted) {
      // The agent of an earlier life may still have a last turn.
      if (stream.reader === this) stream.held = this.#cursors.get(stream) ?? 0;
    }
    return emits.length > 0 ? 'ready' : 'idle';
  }

  #named({ name }: ModelStream): string {
    return `${this.#context.name}/${name}`;
  }

  #next(stream: ModelStream): EventBatch | undefined {
    const from = this.#cursors.get(stream) ?? 0;
    const { lineEnds, available } = stream;
    const limit = available === 0 ? 0 : (lineEnds[available - 1] as number);
    const edges = this.#edges(stream);
    const events: { body: string; headers: Record<string, string> }[] = [];
    const ends: number[] = [];
    let at = from;
    for (let count = 1 + this.#prng.integer(5); count > 0 && at < limit; count--) {
      const line = lineEnds.findIndex((end) => end > at);
      let end = Math.min(lineEnds[line] as number, ...edges.filter((edge) => edge > at));
      // What a clock cuts ends anywhere in the line; what follows it in the batch would be the rest.
      const cut = end - at > 1 && this.#prng.chance(1 / 8);
      if (cut) end = at + 1 + this.#prng.integer(end - at - 1);
      const headers = { line: `${line}`, stream: stream.name };
      events.push({ body: `${stream.name} ${line} ${at} ${end}`, headers });
      ends.push(end);
      at = end;
    }
    if (events.length === 0) return undefined;
    this.#cursors.set(stream, at);
    const origin = { stream: this.#named(stream), from, to: at, ends: Float64Array.from(ends) };
    return EventBatch.of(events, origin);
  }

  #edges(stream: ModelStream): number[] {
    const status = this.#context.streams.get(this.#named(stream));
    if (!status) return [];
    return [status.held, ...status.islands.flatMap((range: Range) => [...range])];
  }
}
