import { backoffFields } from '../config/backoff-fields.ts';
import { defineSource } from '../config/definition.ts';
import type { ConfigOf } from '../config/field.ts';
import { integer } from '../config/field.ts';
import { EventBatch } from '../core/event-batch.ts';
import type { PollResult, Source, SourceContext } from '../core/source.ts';

const fields = {
  totalEvents: integer({
    doc: 'Events made until it stops; 0: none.',
    unit: 'events',
    default: Number.MAX_SAFE_INTEGER,
    defaultText: 'no limit',
  }),
  batchSize: integer({ doc: 'Events of one batch.', unit: 'events', min: 1, default: 1 }),
  ...backoffFields,
};

export const seqSource = defineSource({
  type: 'seq',
  classes: ['org.apache.flume.source.SequenceGeneratorSource'],
  summary: 'Makes events that count: 0, 1, 2 … For trying things out.',
  notes: `The count begins at 0 whenever the agent starts. When a channel refuses events, the same
numbers are sent again.`,
  rereads: false,
  fields,
  example: `type = seq
totalEvents = 1000
batchSize = 100`,
  batchSize: (config) => config.batchSize,
  create: (config, context) => new SequenceSource(config, context),
});

/** Batches of one poll: a poll costs more than a small batch. */
const batchesPerPoll = 64;
/** A safe integer has at most this many digits. */
const mostDigits = 16;

class SequenceSource implements Source {
  readonly #config: ConfigOf<typeof fields>;
  readonly #context: SourceContext;
  #next = 0;

  constructor(config: ConfigOf<typeof fields>, context: SourceContext) {
    this.#config = config;
    this.#context = context;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  async poll(signal: AbortSignal): Promise<PollResult> {
    const { totalEvents, batchSize } = this.#config;
    for (let batches = 0; batches < batchesPerPoll; batches++) {
      const count = Math.min(batchSize, totalEvents - this.#next);
      if (count <= 0) return 'idle';
      if (signal.aborted) break;
      // One at a time, so that what is refused is followed by nothing.
      await this.#context.emit(numbers(this.#next, count));
      this.#next += count;
    }
    return 'ready';
  }
}

/** The numbers from `first` on, in decimal. */
function numbers(first: number, count: number): EventBatch {
  const slab = Buffer.allocUnsafe(Math.min(mostDigits, String(first + count).length) * count);
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  let end = 0;
  for (let row = 0; row < count; row++) {
    starts[row] = end;
    end += slab.write(String(first + row), end, 'latin1');
    ends[row] = end;
  }
  return new EventBatch(slab.subarray(0, end), starts, ends);
}
