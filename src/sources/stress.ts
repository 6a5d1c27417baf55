import { backoffFields } from '../config/backoff-fields.ts';
import { defineSource } from '../config/definition.ts';
import type { ConfigOf } from '../config/field.ts';
import { integer } from '../config/field.ts';
import { EventBatch } from '../core/event-batch.ts';
import type { PollResult, Source, SourceContext } from '../core/source.ts';

const fields = {
  size: integer({
    doc: 'Length of each body, which is filled with the byte 0x7f.',
    unit: 'bytes',
    min: 0,
    max: 64 * 1024 * 1024,
    default: 500,
  }),
  batchSize: integer({
    doc: 'Events of one batch.',
    unit: 'events',
    min: 1,
    max: 1_000_000,
    default: 1,
  }),
  maxTotalEvents: integer({
    doc: 'Events sent until it stops, refused ones included; below 0: no limit.',
    unit: 'events',
    default: -1,
  }),
  maxSuccessfulEvents: integer({
    doc: 'Events that arrived until it stops, up to a batch more; below 0: no limit.',
    unit: 'events',
    default: -1,
  }),
  maxEventsPerSecond: integer({
    doc: 'The highest rate; 0 or less: no limit.',
    unit: 'events/s',
    default: 0,
  }),
  ...backoffFields,
};

export const stressSource = defineSource({
  type: 'stress',
  classes: ['org.apache.flume.source.StressSource'],
  summary: 'Makes events of one size as fast as they are taken. For load tests.',
  rereads: false,
  fields,
  example: `type = org.apache.flume.source.StressSource
size = 200
batchSize = 1000
maxTotalEvents = 1000000`,
  check: ({ size, batchSize }) =>
    size * batchSize <= mostBytes
      ? []
      : [{ key: 'batchSize', problem: `size × batchSize is more than ${mostBytes} bytes` }],
  batchSize: (config) => config.batchSize,
  create: (config, context) => new StressSource(config, context),
});

/** The most bytes of one batch. */
const mostBytes = 512 * 1024 * 1024;
/** Batches of one poll: a poll costs more than a small batch. */
const batchesPerPoll = 64;
const fill = 0x7f;

class StressSource implements Source {
  readonly #config: ConfigOf<typeof fields>;
  readonly #context: SourceContext;
  /** Every batch is this one, or its beginning. */
  #batch = EventBatch.empty;
  #total = 0;
  #successful = 0;
  /** When the next batch may be sent, on the monotonic clock. */
  #dueAt = 0;

  constructor(config: ConfigOf<typeof fields>, context: SourceContext) {
    this.#config = config;
    this.#context = context;
  }

  async start(): Promise<void> {
    const { size, batchSize } = this.#config;
    const starts = Uint32Array.from({ length: batchSize }, (_, row) => row * size);
    const ends = starts.map((start) => start + size);
    this.#batch = new EventBatch(Buffer.alloc(size * batchSize, fill), starts, ends);
  }

  async stop(): Promise<void> {
    this.#batch = EventBatch.empty;
  }

  async poll(signal: AbortSignal): Promise<PollResult> {
    const { maxTotalEvents, maxSuccessfulEvents } = this.#config;
    for (let batches = 0; batches < batchesPerPoll; batches++) {
      const left = maxTotalEvents < 0 ? this.#batch.length : maxTotalEvents - this.#total;
      if (left <= 0 || this.#batch.length === 0) return 'idle';
      if (maxSuccessfulEvents >= 0 && this.#successful >= maxSuccessfulEvents) return 'idle';
      const batch = this.#batch.slice(0, Math.min(left, this.#batch.length));
      await this.#keepRate(batch.length, signal);
      if (signal.aborted) break;
      this.#total += batch.length;
      await this.#context.emit(batch);
      this.#successful += batch.length;
    }
    return 'ready';
  }

  async #keepRate(count: number, signal: AbortSignal): Promise<void> {
    const { maxEventsPerSecond } = this.#config;
    if (maxEventsPerSecond <= 0) return;
    const { clock } = this.#context;
    const now = clock.monotonic();
    const due = Math.max(now, this.#dueAt);
    this.#dueAt = due + (count * 1000) / maxEventsPerSecond;
    if (due > now) await clock.sleep(due - now, signal);
  }
}
