/**
 * A sink of one's own, in one file: it appends every event to a file as a line of JSON.
 * `custom-sink.properties` runs it. A file like this needs nothing installed: the agent that loads
 * it provides the package `millrace`.
 */
import { type FileHandle, open } from 'node:fs/promises';
import {
  type ConfigOf,
  defineSink,
  type EventBatch,
  integer,
  type Sink,
  type SinkContext,
  text,
} from 'millrace';

const fields = {
  path: text({ doc: 'The file to append to; it is made when it is not there.' }),
  batchSize: integer({
    doc: 'The most events of one write.',
    unit: 'events',
    min: 1,
    default: 100,
  }),
};

export default defineSink({
  type: 'json-lines',
  summary: 'Appends every event to a file as a line of JSON.',
  fields,
  // The agent commits what `write` has written. A crash in between writes some events again.
  settles: false,
  batchSize: ({ batchSize }) => batchSize,
  create: (config, context) => new JsonLinesSink(config, context),
});

class JsonLinesSink implements Sink {
  readonly batchSize: number;
  readonly #path: string;
  readonly #context: SinkContext;
  #file: FileHandle | undefined;

  constructor(config: ConfigOf<typeof fields>, context: SinkContext) {
    this.batchSize = config.batchSize;
    this.#path = config.path;
    this.#context = context;
  }

  /** When it rejects, the agent logs why and starts it again later. */
  async start(): Promise<void> {
    this.#file = await open(this.#path, 'a');
    this.#context.log.info({ path: this.#path }, 'File opened.');
  }

  /** When it rejects, the agent waits and gives it the same events again. */
  async write(batch: EventBatch): Promise<void> {
    let lines = '';
    for (const { headers, body } of batch) {
      lines += `${JSON.stringify({ headers, body: body.toString() })}\n`;
    }
    await this.#file?.appendFile(lines);
  }

  async stop(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }
}
