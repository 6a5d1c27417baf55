import { defineSink } from '../config/definition.ts';
import { type ConfigOf, integer } from '../config/field.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { Sink, SinkContext } from '../core/sink.ts';

const fields = {
  batchSize: integer({
    doc: 'The most events of one take.',
    unit: 'events',
    min: 1,
    default: 100,
  }),
  logEveryNEvents: integer({
    doc: 'Logs the count each time that so many more events were dropped.',
    unit: 'events',
    min: 1,
    default: 10_000,
  }),
};

export const nullSink = defineSink({
  type: 'null',
  classes: ['org.apache.flume.sink.NullSink'],
  summary: 'Drops every event; for trying and measuring what comes before it.',
  fields,
  example: 'type = null',
  settles: false,
  batchSize: ({ batchSize }) => batchSize,
  create: (config, context) => new NullSink(config, context),
});

class NullSink implements Sink {
  readonly batchSize: number;
  readonly #logEvery: number;
  readonly #context: SinkContext;
  #count = 0;

  constructor(config: ConfigOf<typeof fields>, context: SinkContext) {
    this.batchSize = config.batchSize;
    this.#logEvery = config.logEveryNEvents;
    this.#context = context;
  }

  async start(): Promise<void> {}

  async write(batch: EventBatch): Promise<void> {
    const before = Math.floor(this.#count / this.#logEvery);
    this.#count += batch.length;
    const due = Math.floor(this.#count / this.#logEvery) > before;
    if (due) this.#context.log.info({ events: this.#count }, 'Events dropped.');
  }

  async stop(): Promise<void> {}
}
