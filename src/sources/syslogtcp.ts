import { defineSource } from '../config/definition.ts';
import { type ConfigOf, integer, optionalText } from '../config/field.ts';
import { RareLog } from '../core/rare-log.ts';
import type { Source, SourceContext } from '../core/source.ts';
import {
  customFormat,
  customFormatFields,
  customFormatProblems,
} from '../formats/syslog/custom-format.ts';
import { keepFieldsField, keepFieldsProblems, keptFields } from '../formats/syslog/keep-fields.ts';
import { badReporter } from '../formats/syslog/messages.ts';
import { framingNotes, sharedParserNotes } from '../formats/syslog/notes.ts';
import { SharedParser } from '../formats/syslog/shared-parser.ts';
import { SyslogFrames } from '../framing/syslog-frames.ts';
import { FramedSender } from '../net/framed-sender.ts';
import { Intake } from '../net/intake.ts';
import { PeerHeaders, peerHeaderFields } from '../net/peer-headers.ts';
import { type Connection, maxConnectionsField, TcpServer } from '../net/tcp-server.ts';
import { tlsProblems, tlsServerFields, tlsServerOptions } from '../net/tls-fields.ts';

/** Flume takes a smaller `eventSize` for this. */
const leastEventBytes = 10;

const fields = {
  host: optionalText({
    doc: 'The address or name to listen on.',
    defaultText: 'all interfaces',
  }),
  port: integer({ doc: 'The port to listen on.', min: 0, max: 65_535 }),
  eventSize: integer({
    doc: 'A message that reaches this size is cut there; less than 10 is 10.',
    unit: 'bytes',
    min: 1,
    max: 1024 ** 3,
    default: 2500,
  }),
  keepFields: keepFieldsField,
  ...peerHeaderFields,
  ...customFormatFields,
  maxConnections: maxConnectionsField,
  ...tlsServerFields,
};

type Config = ConfigOf<typeof fields>;

export const syslogTcpSource = defineSource({
  type: 'syslogtcp',
  classes: ['org.apache.flume.source.SyslogTcpSource'],
  summary: 'Takes syslog messages over TCP or TLS.',
  notes: `${framingNotes}

${sharedParserNotes}

Nor does Flume understand octet counting. Empty lines, and blanks before a \`<\` (Cisco sends
them), are skipped here. What a connection has begun when it ends is delivered. A line that ends
within its priority ends there; in Flume the next one becomes part of it. Flume drops what a full
channel refuses.`,
  rereads: false,
  fields,
  example: `type = syslogtcp
host = 0.0.0.0
port = 5140`,
  check: (config) => [
    ...keepFieldsProblems(config.keepFields),
    ...customFormatProblems(config),
    ...tlsProblems(config),
  ],
  claims: ({ host = '0.0.0.0', port }) => (port === 0 ? [] : [`port ${host}:${port}`]),
  create: (config, context) => new SyslogTcpSource(config, context),
});

class SyslogTcpSource implements Source {
  readonly #config: Config;
  readonly #context: SourceContext;
  readonly #rare: RareLog;
  readonly #intake: Intake;
  readonly #peers: PeerHeaders;
  #server: TcpServer | undefined;

  constructor(config: Config, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    this.#rare = new RareLog(context.log, context.clock);
    this.#peers = new PeerHeaders(config, context);
    const parser = new SharedParser({
      kept: keptFields(config.keepFields),
      format: customFormat(config),
      reportBad: badReporter(context.counters, this.#rare),
    });
    const toBatch = parser.toBatch.bind(parser);
    this.#intake = new Intake(context, { toBatch, retries: true });
  }

  async start(): Promise<void> {
    const { host, port, maxConnections } = this.#config;
    const tls = await tlsServerOptions(this.#config);
    const options = {
      ...(host !== undefined && { host }),
      port,
      tls,
      maxConnections,
      sharesReads: true,
    };
    const server = new TcpServer(options, this.#context, this.#intake, (connection) => {
      return this.#serve(connection);
    });
    await server.start();
    this.#server = server;
    this.#context.log.info({ host, port: server.port }, 'Listening.');
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
    await this.#intake.stop();
  }

  #serve(connection: Connection): FramedSender | Promise<FramedSender> {
    const headers = this.#peers.find(connection.remoteAddress);
    const serve = (found: ReadonlyMap<string, string>) => this.#sender(connection, found);
    return headers instanceof Promise ? headers.then(serve) : serve(headers);
  }

  #sender(connection: Connection, headers: ReadonlyMap<string, string>): FramedSender {
    const maxBytes = Math.max(leastEventBytes, this.#config.eventSize);
    return new FramedSender({
      connection,
      intake: this.#intake,
      headers,
      counters: this.#context.counters,
      rare: this.#rare,
      frame: (take) => new SyslogFrames({ maxBytes, keepsCarriageReturn: false }, take),
    });
  }
}
