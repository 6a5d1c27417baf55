import { defineChannel } from '../config/definition.ts';
import { type ConfigOf, integer } from '../config/field.ts';
import type {
  Channel,
  ChannelContext,
  Consumer,
  Range,
  Reservation,
  StateDelta,
  StreamStatus,
  Taken,
} from '../core/channel.ts';
import type { Json } from '../core/component.ts';
import type { EventBatch } from '../core/event-batch.ts';
import { EventQueue, type Settled } from '../core/event-queue.ts';
import type { LedgerChange } from '../core/ledger.ts';
import type { ChannelCounters } from '../core/metrics.ts';
import { PutRule } from '../core/put-rule.ts';
import { addRange } from '../core/ranges.ts';
import { Room } from '../core/room.ts';
import { LedgerKeeper } from './memory/ledger-keeper.ts';
import { LedgerLog } from './memory/ledger-log.ts';

const fields = {
  capacity: integer({
    doc: 'The most events the channel holds, those lent to sinks included.',
    unit: 'events',
    min: 1,
    default: 100,
    lenient: true,
  }),
  transactionCapacity: integer({
    doc: 'The most events a source may put, or a sink take, at once; at most `capacity`.',
    unit: 'events',
    min: 1,
    default: 100,
    lenient: true,
  }),
  keepAlive: integer({
    key: 'keep-alive',
    doc: 'How long a put waits for room; 0: not at all.',
    unit: 's',
    min: 0,
    default: 3,
    lenient: true,
  }),
  byteCapacity: integer({
    doc: 'The most memory the bodies may keep alive; 0: no limit.',
    unit: 'bytes',
    min: 0,
    default: 64 << 20,
    defaultText: '67108864 (Flume: 80 % of the heap)',
    lenient: true,
  }),
  byteCapacityBufferPercentage: integer({
    doc: 'How much of `byteCapacity` is set aside for headers.',
    unit: '%',
    min: 0,
    max: 100,
    default: 20,
    lenient: true,
  }),
};

export const memoryChannel = defineChannel({
  type: 'memory',
  classes: ['org.apache.flume.channel.MemoryChannel'],
  summary: 'Keeps events in memory, and on disk a small ledger of what sinks have committed.',
  notes: `A crash loses what memory held, unless the source reads again (taildir, Kafka): then
nothing is lost and nothing doubled, since the ledger says what sinks have committed, and
file sinks cut their files back to that point.

A put that finds no room waits \`keep-alive\` seconds and is then refused; the source tries again.`,
  fields,
  keeps: 'ledger',
  example: 'capacity = 10000\ntransactionCapacity = 1000',
  check: ({ capacity, transactionCapacity }) =>
    transactionCapacity > capacity
      ? [
          {
            key: 'transactionCapacity',
            problem: `${transactionCapacity} is more than the capacity of ${capacity}`,
          },
        ]
      : [],
  create: (config, context) => new MemoryChannel(config, context),
});

class MemoryChannel implements Channel {
  readonly name: string;
  readonly counters: ChannelCounters;
  readonly transactionCapacity: number;

  readonly #context: ChannelContext;
  readonly #room: Room;
  #isStopping = false;
  readonly #queue: EventQueue;
  readonly #ledger: LedgerLog;
  readonly #keeper: LedgerKeeper;
  readonly #rule: PutRule;

  constructor(config: ConfigOf<typeof fields>, context: ChannelContext) {
    const { name, counters, stateDirectory, clock, log } = context;
    this.name = name;
    this.counters = counters;
    this.transactionCapacity = config.transactionCapacity;
    this.#context = context;
    const bytes = config.byteCapacity * (1 - config.byteCapacityBufferPercentage / 100);
    this.#room = new Room(clock, {
      channel: name,
      events: config.capacity,
      bytes: bytes < 1 ? Number.POSITIVE_INFINITY : bytes,
      keepAliveMs: config.keepAlive * 1000,
    });
    this.#queue = new EventQueue(counters);
    this.#ledger = new LedgerLog(stateDirectory, context, log);
    this.#keeper = new LedgerKeeper(this.#ledger, clock, log);
    this.#rule = new PutRule(name, this.#ledger.ledger, (stream, first) =>
      this.introduce(stream, null, first),
    );
    counters.ChannelCapacity = config.capacity;
  }

  prepareStop(): void {
    this.#isStopping = true;
  }

  async start(): Promise<void> {
    this.#isStopping = false;
    await this.#ledger.open();
    this.#keeper.start();
    this.counters.StartTime = this.#context.clock.now();
    this.counters.StopTime = 0;
  }

  async stop(): Promise<void> {
    this.#room.close();
    await this.#keeper.stop();
    await this.#ledger.close();
    this.counters.StopTime = this.#context.clock.now();
  }

  streams(): ReadonlyMap<string, StreamStatus> {
    const streams = new Map<string, StreamStatus>();
    for (const name of this.#ledger.ledger.streamNames) {
      const status = this.stream(name);
      if (status) streams.set(name, status);
    }
    return streams;
  }

  stream(name: string): StreamStatus | undefined {
    const status = this.#rule.status(name);
    return status && { ...status, settled: this.#ledger.marked.stream(name)?.held ?? status.first };
  }

  introduce(stream: string, identity: Json, first: number): void {
    const isNew = !this.#ledger.ledger.stream(stream);
    this.#append({ streams: { [stream]: { identity, first } } });
    // Where a new stream begins must be known before anything of it is committed.
    if (isNew) this.#keeper.hurry();
  }

  retire(stream: string): void {
    this.#rule.forget(stream);
    this.#append({ retired: [stream] });
  }

  skip(stream: string, to: number): void {
    const from = this.#rule.skip(stream, to);
    if (from < to) this.#append({ done: { [stream]: [[from, to]] } });
  }

  knowsSource(source: string): boolean {
    return this.#ledger.ledger.sources.has(source);
  }

  async attachSource(source: string): Promise<void> {
    if (!this.knowsSource(source)) await this.#ledger.save({ sources: [source] });
  }

  reserve(batch: EventBatch, signal?: AbortSignal): Promise<Reservation> {
    this.counters.EventPutAttemptCount += batch.length;
    return this.#room.reserve(batch.slab, batch.length, signal);
  }

  async put(batch: EventBatch, reservation: Reservation): Promise<void> {
    try {
      const fresh = this.#rule.admit(batch);
      this.counters.EventTrimCount += batch.length - fresh.length;
      const { origin } = fresh;
      if (fresh.length > 0) {
        this.#room.use(reservation, fresh.slab, fresh.length);
        this.#queue.push(fresh);
        this.counters.ChannelSize += fresh.length;
      } else if (origin && origin.from < origin.to) {
        this.#append({ done: { [origin.stream]: [[origin.from, origin.to]] } });
      }
      this.counters.EventPutSuccessCount += batch.length;
    } finally {
      reservation.release();
    }
  }

  sinkNames(): Iterable<string> {
    return this.#ledger.ledger.sinkNames;
  }

  consumer(sink: string): Consumer {
    const borrower = this.#queue.borrower();
    return {
      take: (max, signal): Promise<Taken | undefined> => borrower.take(max, signal),
      commit: async (ranges, delta) => this.#commit(sink, borrower.settle(ranges), delta),
      // They are nowhere else.
      absorb: () => {},
      release: (ranges) => borrower.release(ranges),
      state: this.#ledger.ledger.sinkState(sink),
      saveState: (delta) => this.#ledger.save({ sinks: { [sink]: delta } }),
      onSync: (sync) => this.#keeper.onSync(sink, sync),
      isPressed: () => this.#isStopping || this.#room.isWaitedFor,
      detach: () => borrower.releaseAll(),
    };
  }

  settle(): Promise<void> {
    return this.#keeper.markNow();
  }

  #commit(sink: string, settled: readonly Settled[], delta: StateDelta | undefined): void {
    const done: Record<string, Range[]> = {};
    let events = 0;
    for (const { batch, count, ranges } of settled) {
      events += count;
      this.#room.free(batch.slab, count);
      if (!batch.origin) continue;
      const { stream } = batch.origin;
      const known = done[stream] ?? [];
      done[stream] = known;
      for (const range of ranges) addRange(known, range);
    }
    this.counters.ChannelSize -= events;
    this.counters.EventTakeSuccessCount += events;
    this.#append(delta ? { done, sinks: { [sink]: delta } } : { done });
  }

  #append(change: LedgerChange): void {
    this.#ledger.append(change);
    this.#keeper.changed();
  }
}
