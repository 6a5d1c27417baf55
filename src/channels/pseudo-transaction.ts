import { defineChannel } from '../config/definition.ts';
import { type ConfigOf, integer } from '../config/field.ts';
import type {
  Channel,
  ChannelContext,
  Consumer,
  Range,
  Reservation,
  StreamStatus,
} from '../core/channel.ts';
import type { Json } from '../core/component.ts';
import type { EventBatch } from '../core/event-batch.ts';
import { EventQueue } from '../core/event-queue.ts';
import { Ledger } from '../core/ledger.ts';
import type { ChannelCounters } from '../core/metrics.ts';
import { PutRule } from '../core/put-rule.ts';
import { Room } from '../core/room.ts';

const fields = {
  capacity: integer({
    doc: 'The most events the channel holds; a put waits for room as long as it takes.',
    unit: 'events',
    min: 1,
    default: 50,
  }),
  keepAlive: integer({
    key: 'keep-alive',
    doc: 'How long a take waits in Flume.',
    unit: 's',
    default: 3,
    ignored: 'a sink is woken as soon as there is an event',
  }),
};

export const pseudoTransactionChannel = defineChannel({
  type: 'org.apache.flume.channel.PseudoTxnMemoryChannel',
  summary: 'For tests: keeps events in memory and nothing on disk; what is taken is gone.',
  notes: 'A sink that fails loses the batch it had. Use `memory` for anything else.',
  fields,
  keeps: 'nothing',
  example: 'capacity = 50',
  create: (config, context) => new PseudoTransactionChannel(config, context),
});

class PseudoTransactionChannel implements Channel {
  readonly name: string;
  readonly counters: ChannelCounters;
  readonly transactionCapacity = undefined;

  readonly #context: ChannelContext;
  readonly #room: Room;
  #isStopping = false;
  readonly #queue: EventQueue;
  readonly #ledger = new Ledger();
  readonly #rule: PutRule;

  constructor(config: ConfigOf<typeof fields>, context: ChannelContext) {
    this.name = context.name;
    this.counters = context.counters;
    this.counters.ChannelCapacity = config.capacity;
    this.#context = context;
    this.#room = new Room(context.clock, {
      channel: context.name,
      events: config.capacity,
      bytes: Number.POSITIVE_INFINITY,
      keepAliveMs: Number.POSITIVE_INFINITY,
    });
    this.#queue = new EventQueue(context.counters);
    this.#rule = new PutRule(context.name, this.#ledger, (stream, first) =>
      this.introduce(stream, null, first),
    );
  }

  prepareStop(): void {
    this.#isStopping = true;
  }

  async start(): Promise<void> {
    this.#isStopping = false;
    this.#room.open();
    this.counters.StartTime = this.#context.clock.now();
    this.counters.StopTime = 0;
  }

  async stop(): Promise<void> {
    this.#room.close();
    this.counters.StopTime = this.#context.clock.now();
  }

  streams(): ReadonlyMap<string, StreamStatus> {
    const names = [...this.#ledger.streamNames];
    return new Map(names.map((name) => [name, this.stream(name) as StreamStatus]));
  }

  /** What is held is as safe as it gets here: settled. */
  stream(name: string): StreamStatus | undefined {
    const status = this.#rule.status(name);
    return status && { ...status, settled: status.held };
  }

  introduce(stream: string, identity: Json, first: number): void {
    this.#ledger.apply({ streams: { [stream]: { identity, first } } });
  }

  retire(stream: string): void {
    this.#rule.forget(stream);
    this.#ledger.apply({ retired: [stream] });
  }

  skip(stream: string, to: number): void {
    this.#rule.skip(stream, to);
  }

  knowsSource(source: string): boolean {
    return this.#ledger.sources.has(source);
  }

  async attachSource(source: string): Promise<void> {
    this.#ledger.apply({ sources: [source] });
  }

  reserve(batch: EventBatch, signal?: AbortSignal): Promise<Reservation> {
    this.counters.EventPutAttemptCount += batch.length;
    return this.#room.reserve(batch.slab, batch.length, signal);
  }

  async put(batch: EventBatch, reservation: Reservation): Promise<void> {
    try {
      const fresh = this.#rule.admit(batch);
      this.counters.EventTrimCount += batch.length - fresh.length;
      this.#room.use(reservation, fresh.slab, fresh.length);
      if (fresh.length > 0) this.#queue.push(fresh);
      this.counters.ChannelSize += fresh.length;
      this.counters.EventPutSuccessCount += batch.length;
    } finally {
      reservation.release();
    }
  }

  sinkNames(): Iterable<string> {
    return this.#ledger.sinkNames;
  }

  consumer(sink: string): Consumer {
    const borrower = this.#queue.borrower();
    const apply = (delta = {}) => this.#ledger.apply({ sinks: { [sink]: delta } });
    const drop = (ranges: readonly Range[]) => {
      for (const { batch, count } of borrower.settle(ranges)) {
        this.#room.free(batch.slab, count);
        this.counters.ChannelSize -= count;
        this.counters.EventTakeSuccessCount += count;
      }
    };
    return {
      take: (max, signal) => borrower.take(max, signal),
      commit: async (ranges, delta) => {
        drop(ranges);
        apply(delta);
      },
      absorb: () => {},
      release: drop,
      state: this.#ledger.sinkState(sink),
      saveState: async (delta) => apply(delta),
      onSync: () => {},
      isPressed: () => this.#isStopping || this.#room.isWaitedFor,
      detach: () => drop(borrower.lent()),
    };
  }

  async settle(): Promise<void> {}
}
