import { defineSource, type FieldProblem } from '../config/definition.ts';
import { boolean, type ConfigOf, type Field, integer, text } from '../config/field.ts';
import { EventBatch } from '../core/event-batch.ts';
import type { SourceCounters } from '../core/metrics.ts';
import { RareLog } from '../core/rare-log.ts';
import type { Source, SourceContext } from '../core/source.ts';
import type { LineRun } from '../framing/line-run.ts';
import { StreamLines } from '../framing/stream-lines.ts';
import { isUtf8, type ToUtf8, toUtf8 } from '../framing/to-utf8.ts';
import { Intake, type Sender } from '../net/intake.ts';
import {
  type Connection,
  type ConnectionHandler,
  maxConnectionsField,
  TcpServer,
} from '../net/tcp-server.ts';
import { tlsProblems, tlsServerFields, tlsServerOptions } from '../net/tls-fields.ts';

const fields = {
  bind: text({ doc: 'The address or host name to listen on; `0.0.0.0`: all interfaces.' }),
  port: integer({ doc: 'The port to listen on.', min: 0, max: 65_535 }),
  maxLineLength: integer({
    key: 'max-line-length',
    doc: 'A line of more characters, its newline included, is not taken: it ends the connection.',
    unit: 'characters',
    min: 1,
    max: 256 << 20,
    default: 512,
  }),
  ackEveryEvent: boolean({
    key: 'ack-every-event',
    doc: 'Answers `OK` to each line once the channels have it.',
    default: true,
  }),
  encoding: text({
    doc: 'What the bytes of a line mean; bodies are UTF-8.',
    default: 'utf-8',
  }),
  maxConnections: maxConnectionsField,
  // Flume has these for other sources.
  ...allExtra(tlsServerFields),
};

type Config = ConfigOf<typeof fields>;

function allExtra<F extends Readonly<Record<string, Field<unknown>>>>(from: F): F {
  const entries = Object.entries(from).map(([name, field]) => [name, { ...field, extra: true }]);
  // Sound: the same names, and fields of the same types.
  return Object.fromEntries(entries) as F;
}

export const netcatSource = defineSource({
  type: 'netcat',
  classes: ['org.apache.flume.source.NetcatSource'],
  summary: 'Takes lines over TCP, and answers OK to each.',
  notes: `Each line is an event: without its newline, but with a CR before it. Empty lines are
events too. What stands after the last newline when the peer goes away is thrown away, and counted
in \`EventReadFail\`.

\`OK\` means that every required channel has the line. One that a channel refuses is answered with
\`FAILED: \` and the reason, also where \`ack-every-event\` is false, and counted in
\`EventDropCount\`: the peer may send it again. A line that is too long is answered with
\`FAILED: Event exceeds the maximum length\` after all lines before it; then the connection ends.

A peer waits while much of what it sent is not stored yet, and while it does not read its answers.

Not as in Flume: lines that came together are put into the channel together, and so may be refused
together. Bytes that are not UTF-8 are kept as they are, where Flume ends the connection and loses
the lines that came with them.`,
  rereads: false,
  fields,
  example: 'type = netcat\nbind = 127.0.0.1\nport = 44444',
  check: (config) => [...encodingProblems(config), ...tlsProblems(config)],
  claims: ({ bind, port }) => (port === 0 ? [] : [`port ${bind}:${port}`]),
  create: (config, context) => new NetcatSource(config, context),
});

function encodingProblems({ encoding }: Config): readonly FieldProblem[] {
  if (toUtf8(encoding)) return [];
  return [{ key: 'encoding', problem: `${encoding} is no encoding that is known here` }];
}

class NetcatSource implements Source {
  readonly #config: Config;
  readonly #context: SourceContext;
  readonly #rare: RareLog;
  readonly #intake: Intake;
  #server: TcpServer | undefined;

  constructor(config: Config, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    this.#rare = new RareLog(context.log, context.clock);
    this.#intake = new Intake(context, {
      toBatch: ({ slab, starts, ends, headers }) => new EventBatch(slab, starts, ends, headers),
      retries: false,
    });
  }

  async start(): Promise<void> {
    const { bind: host, port, maxConnections } = this.#config;
    const tls = await tlsServerOptions(this.#config);
    const options = { host, port, tls, maxConnections, answers: true, sharesReads: true };
    const { counters, log } = this.#context;
    const peers = { config: this.#config, intake: this.#intake, counters, rare: this.#rare };
    const server = new TcpServer(options, this.#context, this.#intake, (connection) => {
      return new LineConnection(connection, peers);
    });
    await server.start();
    this.#server = server;
    log.info({ bind: host, port: server.port }, 'Listening.');
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
    await this.#intake.stop();
  }
}

/** What all connections of a source share. */
interface Shared {
  readonly config: Config;
  readonly intake: Intake;
  readonly counters: SourceCounters;
  readonly rare: RareLog;
}

const noHeaders = new Map<string, string>();
/** The most bytes of UTF-8 that one character of Java, half of an astral one, can stand for. */
const maxCharacterBytes = 3;

class LineConnection implements ConnectionHandler, Sender {
  readonly headers = noHeaders;
  readonly #connection: Connection;
  readonly #shared: Shared;
  readonly #lines: StreamLines;
  readonly #toUtf8: ToUtf8 | undefined;
  #closed = false;
  /** A line that has not ended can't be too long while it has fewer bytes. */
  #suspectBytes: number;

  constructor(connection: Connection, shared: Shared) {
    const { maxLineLength, encoding } = shared.config;
    this.#connection = connection;
    this.#shared = shared;
    const maxBytes = Math.max(1, (maxLineLength - 1) * maxCharacterBytes);
    this.#lines = new StreamLines(maxBytes, (run) => this.#take(run));
    this.#toUtf8 = isUtf8(encoding) ? undefined : toUtf8(encoding);
    this.#suspectBytes = maxLineLength;
  }

  data(chunk: Buffer): void {
    this.#lines.push(this.#toUtf8 ? this.#toUtf8(chunk) : chunk);
    this.#checkKept();
  }

  end(): void {
    if (this.#closed || this.#lines.kept.length === 0) return;
    this.#lines.clear();
    this.#shared.counters.EventReadFail++;
  }

  delivered(events: number, bytes: number): void {
    if (this.#shared.config.ackEveryEvent) this.#connection.answer('OK\n'.repeat(events));
    this.#connection.delivered(bytes);
  }

  refused(events: number, bytes: number, error: Error): void {
    const { counters, rare } = this.#shared;
    counters.EventDropCount += events;
    rare.warn({ error }, 'Lines were refused, and their senders told.', events);
    const reason = error.message.replaceAll(/\s+/g, ' ');
    this.#connection.answer(`FAILED: ${reason}\n`.repeat(events));
    this.#connection.delivered(bytes);
  }

  #take(run: LineRun): void {
    if (this.#closed) return;
    this.#suspectBytes = this.#shared.config.maxLineLength;
    const { count } = run;
    const long = this.#firstTooLong(run);
    run.count = long;
    if (long > 0) this.#connection.hold(this.#shared.intake.addRun(this, run));
    if (long < count) this.#closeTooLong();
  }

  #firstTooLong({ bytes, count, starts, ends, cut }: LineRun): number {
    const { maxLineLength } = this.#shared.config;
    for (let row = 0; row < count; row++) {
      const start = starts[row] as number;
      const end = ends[row] as number;
      if (end - start < maxLineLength && cut[row] === 0) continue;
      if (cut[row] === 1 || charactersIn(bytes, start, end) >= maxLineLength) return row;
    }
    return count;
  }

  /** What has not ended may be too long already. */
  #checkKept(): void {
    const { kept } = this.#lines;
    if (kept.length < this.#suspectBytes) return;
    const { maxLineLength } = this.#shared.config;
    const left = maxLineLength - charactersIn(kept, 0, kept.length);
    if (left <= 0) this.#closeTooLong();
    else this.#suspectBytes = kept.length + left;
  }

  #closeTooLong(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lines.clear();
    const { config, counters, rare } = this.#shared;
    counters.EventReadFail++;
    const peer = this.#connection.remoteAddress;
    rare.warn({ peer }, 'A line exceeds max-line-length: the connection ends.');
    const limit = `${config.maxLineLength} chars, including newline`;
    this.#connection.close(`FAILED: Event exceeds the maximum length (${limit})\n`);
  }
}

/** As Java counts: UTF-16. Bytes that continue a character don't count, long ones count twice. */
function charactersIn(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let index = from; index < to; index++) {
    const byte = bytes[index] as number;
    if (byte < 0x80 || byte >= 0xc0) count += byte >= 0xf0 ? 2 : 1;
  }
  return count;
}
