import { defineSource } from '../config/definition.ts';
import { boolean, type ConfigOf, integer, text } from '../config/field.ts';
import { EventBatch } from '../core/event-batch.ts';
import type { Source, SourceContext } from '../core/source.ts';
import { type LineRun, StreamLines } from '../framing/stream-lines.ts';
import { Intake, type Sender } from '../net/intake.ts';
import { type Connection, type ConnectionHandler, TcpServer } from '../net/tcp-server.ts';

const fields = {
  bind: text({ doc: 'The address or host name to listen on; `0.0.0.0`: all interfaces.' }),
  port: integer({ doc: 'The port to listen on.', min: 0, max: 65_535 }),
  maxLineLength: integer({
    key: 'max-line-length',
    doc: 'A longer line, newline included, is answered with FAILED and ends the connection.',
    unit: 'bytes',
    min: 1,
    default: 512,
  }),
  ackEveryEvent: boolean({
    key: 'ack-every-event',
    doc: 'Answers OK to each line that is stored.',
    default: true,
  }),
  encoding: text({
    doc: 'What the bytes of a line are; bodies are UTF-8.',
    default: 'utf-8',
  }),
};

type Config = ConfigOf<typeof fields>;

export const netcatSource = defineSource({
  type: 'netcat',
  classes: ['org.apache.flume.source.NetcatSource'],
  summary: 'Takes lines over TCP, and answers OK to each.',
  notes: 'draft',
  rereads: false,
  fields,
  example: 'type = netcat\nbind = 127.0.0.1\nport = 44444',
  claims: ({ bind, port }) => (port === 0 ? [] : [`port ${bind}:${port}`]),
  create: (config, context) => new NetcatSource(config, context),
});

class NetcatSource implements Source {
  readonly #config: Config;
  readonly #intake: Intake;
  readonly #server: TcpServer;

  constructor(config: Config, context: SourceContext) {
    this.#config = config;
    this.#intake = new Intake(context, {
      toBatch: ({ slab, starts, ends, headers }) => new EventBatch(slab, starts, ends, headers),
      retries: false,
    });
    const { bind: host, port } = config;
    this.#server = new TcpServer({ host, port }, context, this.#intake, (connection) => {
      return new LineConnection(connection, this.#config, this.#intake);
    });
  }

  start(): Promise<void> {
    return this.#server.start();
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    await this.#intake.stop();
  }
}

const noHeaders = new Map<string, string>();

class LineConnection implements ConnectionHandler, Sender {
  readonly headers = noHeaders;
  readonly #connection: Connection;
  readonly #config: Config;
  readonly #intake: Intake;
  readonly #lines: StreamLines;

  constructor(connection: Connection, config: Config, intake: Intake) {
    this.#connection = connection;
    this.#config = config;
    this.#intake = intake;
    this.#lines = new StreamLines(config.maxLineLength - 1, (run) => this.#take(run));
  }

  data(chunk: Buffer): void {
    this.#lines.push(chunk);
  }

  end(): void {}

  delivered(events: number, bytes: number): void {
    this.#connection.delivered(bytes);
    if (this.#config.ackEveryEvent) this.#connection.answer('OK\n'.repeat(events));
  }

  refused(events: number, bytes: number, error: Error): void {
    this.#connection.delivered(bytes);
    this.#connection.answer(`FAILED: ${error.message}\n`.repeat(events));
  }

  #take(run: LineRun): void {
    this.#connection.hold(this.#intake.addRun(this, run));
  }
}
