import { defineSink } from '../config/definition.ts';
import { type ConfigOf, integer } from '../config/field.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { Sink, SinkContext } from '../core/sink.ts';
import { headersText, JavaHeaderOrder } from '../formats/java-map-order.ts';

const fields = {
  maxBytesToLog: integer({
    doc: 'How much of a body is shown, from its beginning; 0 shows the headers only.',
    unit: 'bytes',
    min: 0,
    default: 16,
    lenient: true,
  }),
};

export const loggerSink = defineSink({
  type: 'logger',
  classes: ['org.apache.flume.sink.LoggerSink'],
  summary: "Writes every event into the agent's log; for trying things out.",
  notes: 'Events are shown as Flume shows them: headers, then bytes in hexadecimal and as ASCII.',
  fields,
  example: 'type = logger',
  settles: false,
  create: (config, context) => new LoggerSink(config, context),
});

/** The most events of one write: they are lent together, and a crash shows them again. */
const batchSize = 100;
const rowBytes = 16;

class LoggerSink implements Sink {
  readonly batchSize = batchSize;
  readonly #maxBytes: number;
  readonly #context: SinkContext;
  readonly #order = new JavaHeaderOrder();

  constructor(config: ConfigOf<typeof fields>, context: SinkContext) {
    this.#maxBytes = config.maxBytesToLog;
    this.#context = context;
  }

  async start(): Promise<void> {}

  async write(batch: EventBatch): Promise<void> {
    for (let index = 0; index < batch.length; index++) {
      const headers = headersText(batch, index, this.#order);
      const shown = batch.body(index).subarray(0, this.#maxBytes);
      // The event is what this sink is asked to log: the sentence is Flume's, not a constant one.
      this.#context.log.info({}, `Event: { headers:${headers} body:${dump(shown)} }`);
    }
  }

  async stop(): Promise<void> {}
}

/**
 * Rows of 16 bytes: the offset in all but the first, each byte in hexadecimal, and the bytes that
 * are printable ASCII. Begins with a blank, unless there is nothing to show.
 */
function dump(bytes: Buffer): string {
  const rows: string[] = [];
  for (let offset = 0; offset < bytes.length; offset += rowBytes) {
    const row = bytes.subarray(offset, offset + rowBytes);
    const label = offset === 0 ? '' : `${hex(offset, 8)} `;
    const codes = Array.from(row, (byte) => `${hex(byte, 2)} `).join('');
    const text = Array.from(row, (byte) => (isPrintable(byte) ? String.fromCharCode(byte) : '.'));
    rows.push(`${label}${codes.padEnd(rowBytes * 3)}${text.join('')}`);
  }
  return rows.length === 0 ? '' : ` ${rows.join('\n')}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte <= 0x7e;
}
