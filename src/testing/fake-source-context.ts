import { strict as assert } from 'node:assert';
import type { StreamStatus } from '../core/channel.ts';
import type { Json } from '../core/component.ts';
import type { Disk } from '../core/disk.ts';
import { OriginGapError } from '../core/errors.ts';
import type { EventBatch } from '../core/event-batch.ts';
import { SourceCounters } from '../core/metrics.ts';
import { nodeDisk } from '../core/node-disk.ts';
import { RangeSet } from '../core/range-set.ts';
import type { SourceContext } from '../core/source.ts';
import { ManualClock } from './manual-clock.ts';
import { Prng } from './prng.ts';
import { RecordingLogger } from './recording-logger.ts';

/** An event that was handed on. */
export interface HandedOn {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What of which stream it was made from. */
  readonly stream: string | undefined;
  readonly from: number;
  readonly to: number;
}

interface FakeStream {
  identity: Json;
  readonly first: number;
  held: number;
  /** Committed, so that a crash leaves it. */
  readonly done: RangeSet;
}

/**
 * The context of a source under test: one channel in memory, which keeps the put rule and forgets
 * what is not committed when it crashes. It fails a test whose source emits an event across an
 * offset at which one ended before.
 */
export class FakeSourceContext implements SourceContext {
  readonly agent = 'a1';
  readonly name: string;
  readonly clock: ManualClock;
  readonly log = new RecordingLogger();
  readonly random: Prng;
  readonly counters = new SourceCounters();
  transactionCapacity = 10;
  disk: Disk = nodeDisk;
  /** How often the source asked to be polled. */
  wakeCount = 0;
  /** Called before a batch is taken: may wait, or throw to refuse it. */
  beforePut: ((batch: EventBatch) => void | Promise<void>) | undefined;
  /** In the channel, not committed. */
  pending: HandedOn[] = [];
  /** Committed, in that order. */
  readonly committed: HandedOn[] = [];
  settleCount = 0;
  readonly #streams = new Map<string, FakeStream>();

  constructor(name = 'r1', seed = 1) {
    this.name = name;
    this.clock = new ManualClock(Date.now());
    this.random = new Prng(seed);
  }

  /** Everything that was handed on, committed first. */
  get events(): readonly HandedOn[] {
    return [...this.committed, ...this.pending];
  }

  get bodies(): readonly string[] {
    return this.events.map((event) => event.body);
  }

  readonly streams = {
    all: () => new Map([...this.#streams.keys()].map((name) => [name, this.#status(name)])),
    get: (stream: string) => (this.#streams.has(stream) ? this.#status(stream) : undefined),
    introduce: (stream: string, identity: Json, first: number) => {
      const known = this.#streams.get(stream);
      const kept: Json = JSON.parse(JSON.stringify(identity));
      if (known) known.identity = kept;
      else this.#streams.set(stream, { identity: kept, first, held: first, done: new RangeSet() });
      return this.#status(stream);
    },
    retire: (stream: string) => {
      this.#streams.delete(stream);
    },
    settle: async () => {
      this.settleCount++;
    },
  };

  async emit(batch: EventBatch): Promise<void> {
    await this.beforePut?.(batch);
    this.#put(batch);
  }

  wake(): void {
    this.wakeCount++;
  }

  /** Commits pending events: all of them, or those that are chosen. */
  commit(chosen: (event: HandedOn) => boolean = () => true): void {
    const rest: HandedOn[] = [];
    for (const event of this.pending) {
      if (!chosen(event)) {
        rest.push(event);
        continue;
      }
      this.committed.push(event);
      if (event.stream !== undefined) {
        this.#streams.get(event.stream)?.done.add(event.from, event.to);
      }
    }
    this.pending = rest;
  }

  /** What the process held is gone: the channel has what was committed. */
  crash(): void {
    this.pending = [];
    for (const stream of this.#streams.values()) stream.held = stream.done.reach(stream.first);
  }

  #status(name: string): StreamStatus {
    const { identity, first, held, done } = this.#streams.get(name) as FakeStream;
    const islands = [...done].filter(([from]) => from > held);
    return { identity, first, held, settled: done.reach(first), islands };
  }

  #put(batch: EventBatch): void {
    const { origin } = batch;
    if (!origin) {
      for (const { body, headers } of batch) {
        this.pending.push({ body: `${body}`, headers, stream: undefined, from: 0, to: 0 });
      }
      return;
    }
    const stream = this.#streams.get(origin.stream);
    assert(stream, `${origin.stream} was not introduced`);
    if (origin.to <= stream.held) return;
    if (origin.from > stream.held) {
      throw new OriginGapError('fake', origin.stream, stream.held, origin.from);
    }
    let from = origin.from;
    for (let index = 0; index < batch.length; index++) {
      const to = origin.ends[index] as number;
      this.#putEvent(stream, batch, index, from, to);
      from = to;
    }
    stream.held = stream.done.reach(origin.to);
  }

  #putEvent(stream: FakeStream, batch: EventBatch, index: number, from: number, to: number): void {
    assert(from <= to);
    if (to <= stream.held || stream.done.covers(from, to)) return;
    const edges = [stream.held, ...[...stream.done].flat()];
    const spanned = edges.find((edge) => from < edge && edge < to);
    assert.equal(spanned, undefined, `event [${from}, ${to}) spans ${spanned}`);
    const body = batch.body(index).toString();
    const headers = batch.headersOf(index);
    this.pending.push({ body, headers, stream: batch.origin?.stream, from, to });
  }
}
