import { defineSource, type FieldProblem } from '../config/definition.ts';
import { type ConfigOf, integer, list, map, optionalText, text } from '../config/field.ts';
import { RareLog } from '../core/rare-log.ts';
import type { Source, SourceContext } from '../core/source.ts';
import { keepFieldsField, keepFieldsProblems, keptFields } from '../formats/syslog/keep-fields.ts';
import { badReporter } from '../formats/syslog/messages.ts';
import { charsetNote, MultiportParser, maxCharsets } from '../formats/syslog/multiport-parser.ts';
import { framingNotes } from '../formats/syslog/notes.ts';
import { SyslogFrames } from '../framing/syslog-frames.ts';
import { FramedSender } from '../net/framed-sender.ts';
import { Intake } from '../net/intake.ts';
import { PeerHeaders, peerHeaderFields } from '../net/peer-headers.ts';
import { type Connection, maxConnectionsField, TcpServer } from '../net/tcp-server.ts';
import { tlsProblems, tlsServerFields, tlsServerOptions } from '../net/tls-fields.ts';
import { messageCharset } from './multiport-syslogtcp/charsets.ts';

const fields = {
  host: optionalText({
    doc: 'The address or name to listen on.',
    defaultText: 'all interfaces',
  }),
  ports: list({ doc: 'The ports to listen on.' }),
  eventSize: integer({
    doc: 'A message that reaches this size is cut there.',
    unit: 'bytes',
    min: 1,
    max: 1024 ** 3,
    default: 2500,
  }),
  keepFields: keepFieldsField,
  portHeader: optionalText({ doc: 'The header with the port that the message came to.' }),
  ...peerHeaderFields,
  charsetDefault: text({
    key: 'charset.default',
    doc: 'What the bytes of a message mean; bodies keep their bytes.',
    default: 'UTF-8',
  }),
  charsetPort: map({
    key: 'charset.port.',
    doc: 'The same for one port: `charset.port.<port> = ISO-8859-1`.',
  }),
  batchSize: integer({
    doc:
      'At most what the channels take at once, as Flume demands. Here all that comes at once is ' +
      'put at once, as far as they take it.',
    unit: 'events',
    min: 1,
    default: 100,
  }),
  readBufferBytes: integer({
    doc: 'The size of a read.',
    unit: 'bytes',
    default: 1024,
    ignored: 'the system gives up to 64 KiB at once',
  }),
  numProcessors: integer({
    doc: 'Threads that read.',
    default: 0,
    defaultText: 'by the number of processors',
    ignored:
      'all connections are read by one thread, which takes more than a million events a second',
  }),
  maxConnections: {
    ...maxConnectionsField,
    doc: 'Connections open at once per port; a further one is closed at once, and counted.',
  },
  ...tlsServerFields,
};

type Config = ConfigOf<typeof fields>;

/** Ports that could not be listened on are tried again after this time. */
const retryMs = 3_000;

export const multiportSyslogTcpSource = defineSource({
  type: 'multiport_syslogtcp',
  classes: ['org.apache.flume.source.MultiportSyslogTCPSource'],
  summary: 'Takes syslog messages over TCP or TLS, on several ports.',
  notes: `${framingNotes}

| header | value |
|---|---|
| \`Priority\`, \`Facility\`, \`Severity\` | from the priority |
| \`Version\` | \`1\`, where the message has that; there is no other |
| \`timestamp\` | ms since 1970; 0 when it is no time; for \`-\` that of arrival |
| \`host\` | as it stands in the message, also \`-\` |
| \`flume.syslog.status\` | \`Incomplete\`, or \`Invalid\`, then without any of the others |

The names are not those of syslogtcp, and the formats not quite: \`<PRI>[1 ]time host text\`, each
blank exactly one. A time of RFC 5424 needs a zone, and is in it; one of RFC 3164 is in UTC. If the
text is empty the body is the whole message. No byte of it is changed, and a CR at its end is kept.
A message that is no text in its charset is \`Invalid\`.

Ports that cannot be listened on are logged, tried again every 3 s, and don't keep the source from
the others.

Not as in Flume: an empty line, or a time that does not exist, costs no other message; Flume throws
away all that came with it. A time of RFC 3164 is in the year that puts it less than a month ahead;
Flume takes 2001 for what is more than a month ago. \`Nov 5\` with one blank is understood. What
follows a NUL is not thrown away. Octet counting is understood, blanks before a \`<\` are skipped,
and what a connection has begun when it ends is delivered. Flume drops what a channel refuses.`,
  rereads: false,
  fields,
  example: `type = multiport_syslogtcp
host = 0.0.0.0
ports = 10001 10002
portHeader = port`,
  check: (config) => [
    ...portProblems(config),
    ...charsetProblems(config),
    ...keepFieldsProblems(config.keepFields),
    ...tlsProblems(config),
  ],
  claims: ({ host = '0.0.0.0', ports }) =>
    ports.filter((port) => port !== '0').map((port) => `port ${host}:${Number(port)}`),
  batchSize: ({ batchSize }) => batchSize,
  create: (config, context) => new MultiportSyslogTcpSource(config, context),
});

function isPort(word: string): boolean {
  return /^\d{1,5}$/.test(word) && Number(word) <= 65_535;
}

function portProblems({ ports, charsetPort }: Config): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (ports.length === 0) problems.push({ key: 'ports', problem: 'it names no port' });
  for (const word of ports) {
    if (!isPort(word)) problems.push({ key: 'ports', problem: `it has ${word}, which is no port` });
  }
  for (const word of charsetPort.keys()) {
    const key = `charset.port.${word}`;
    if (!isPort(word)) problems.push({ key, problem: `the key ends in ${word}, which is no port` });
    else if (!ports.includes(word)) {
      problems.push({
        key,
        problem: `it is for port ${word}, which is none of ports`,
        severity: 'warning',
      });
    }
  }
  return problems;
}

function charsetProblems({ charsetDefault, charsetPort }: Config): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const check = (key: string, name: string) => {
    try {
      messageCharset(name);
    } catch (error) {
      problems.push({ key, problem: error instanceof Error ? error.message : String(error) });
    }
  };
  check('charset.default', charsetDefault);
  for (const [port, name] of charsetPort) check(`charset.port.${port}`, name);
  if (new Set(charsetPort.values()).size >= maxCharsets) {
    const problem = `more than ${maxCharsets - 1} charsets for ports`;
    problems.push({ key: 'charset.port.', problem });
  }
  return problems;
}

class MultiportSyslogTcpSource implements Source {
  readonly #config: Config;
  readonly #context: SourceContext;
  readonly #rare: RareLog;
  readonly #intake: Intake;
  readonly #peers: PeerHeaders;
  /** The charsets by name, the default first. */
  readonly #charsets: readonly string[];
  readonly #servers: TcpServer[] = [];
  #stopping = new AbortController();
  #retrying: Promise<void> = Promise.resolve();

  constructor(config: Config, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    this.#rare = new RareLog(context.log, context.clock);
    this.#peers = new PeerHeaders(config, context);
    this.#charsets = [...new Set([config.charsetDefault, ...config.charsetPort.values()])];
    const parser = new MultiportParser({
      kept: keptFields(config.keepFields),
      charsets: this.#charsets.map(messageCharset),
      reportBad: badReporter(context.counters, this.#rare),
    });
    const toBatch = parser.toBatch.bind(parser);
    this.#intake = new Intake(context, { toBatch, retries: true });
  }

  /** As in Flume a port that can't be listened on does not keep the source from the others. */
  async start(): Promise<void> {
    const { host, ports, maxConnections } = this.#config;
    const tls = await tlsServerOptions(this.#config);
    const failed: TcpServer[] = [];
    let failure: unknown;
    for (const port of new Set(ports.map(Number))) {
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
      try {
        await this.#listen(server);
      } catch (error) {
        failure = error;
        failed.push(server);
        this.#context.log.error({ host, port, error }, 'A port cannot be listened on.');
      }
    }
    if (this.#servers.length === 0) throw failure;
    this.#stopping = new AbortController();
    this.#retrying = this.#retry(failed, this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#retrying;
    await Promise.all(this.#servers.splice(0).map((server) => server.stop()));
    await this.#intake.stop();
  }

  async #listen(server: TcpServer): Promise<void> {
    await server.start();
    this.#servers.push(server);
    this.#context.log.info({ host: this.#config.host, port: server.port }, 'Listening.');
  }

  /** Whoever has the port may let go of it. */
  async #retry(failed: readonly TcpServer[], signal: AbortSignal): Promise<void> {
    let left = failed;
    while (left.length > 0) {
      await this.#context.clock.sleep(retryMs, signal);
      if (signal.aborted) return;
      const again: TcpServer[] = [];
      for (const server of left) await this.#listen(server).catch(() => again.push(server));
      left = again;
    }
  }

  #serve(connection: Connection): FramedSender | Promise<FramedSender> {
    const headers = this.#peers.find(connection.remoteAddress);
    const serve = (found: ReadonlyMap<string, string>) => this.#sender(connection, found);
    return headers instanceof Promise ? headers.then(serve) : serve(headers);
  }

  #sender(connection: Connection, peer: ReadonlyMap<string, string>): FramedSender {
    const { eventSize, portHeader, charsetPort, charsetDefault } = this.#config;
    const port = String(connection.localPort);
    const charset = charsetPort.get(port) ?? charsetDefault;
    return new FramedSender({
      connection,
      intake: this.#intake,
      headers: portHeader ? new Map([[portHeader, port], ...peer]) : peer,
      note: charsetNote(this.#charsets.indexOf(charset)),
      counters: this.#context.counters,
      rare: this.#rare,
      frame: (take) => new SyslogFrames({ maxBytes: eventSize, keepsCarriageReturn: true }, take),
    });
  }
}
