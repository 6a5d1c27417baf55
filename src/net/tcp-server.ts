import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { integer } from '../config/field.ts';
import type { ComponentContext } from '../core/component.ts';
import type { SourceCounters } from '../core/metrics.ts';
import { RareLog } from '../core/rare-log.ts';
import { Connection, type ConnectionHandler, type ConnectionOwner } from './connection.ts';
import type { Intake } from './intake.ts';
import { listenAddress } from './listen-address.ts';
import { openFileLimit } from './open-file-limit.ts';
import { withSharedReads } from './shared-reads.ts';

export { Connection, type ConnectionHandler } from './connection.ts';

export interface TcpServerOptions {
  /** The address or name to listen on; absent, or `0.0.0.0` as in Java: all interfaces. */
  readonly host?: string;
  readonly port: number;
  /** Absent: in clear. */
  readonly tls?: TlsOptions | undefined;
  /**
   * Does the source answer its peers? Then a stop reads nothing more, and ends a connection when
   * everything is answered. Else it ends it at once on its side, and takes what the peer has sent
   * until it notices.
   */
  readonly answers?: boolean;
  /** So many connections at once, if the process may open that many files. */
  readonly maxConnections?: number;
  /**
   * Do the handlers keep nothing of a chunk beyond the call? Then all connections in clear are read
   * into the same memory.
   */
  readonly sharesReads?: boolean;
}

export type HandlerOf = (connection: Connection) => ConnectionHandler | Promise<ConnectionHandler>;

/** The option of a source for how many peers it serves at once. */
export const maxConnectionsField = integer({
  key: 'maxConnections',
  doc: 'Connections open at once; a further one is closed at once, and counted.',
  unit: 'connections',
  min: 1,
  default: 16_384,
  extra: true,
});
/** Files that the rest of the process may need open, unless too few connections would be left. */
const reservedFiles = 512;
const leastConnections = 64;
/** How long a TLS handshake may take. */
const handshakeMs = 10_000;
/** After so long without a byte the system asks whether the peer is still there. */
const keepAliveMs = 10 * 60_000;
/** What a socket keeps of answers that its peer does not read, before it is read no more itself. */
const maxAnswerBytes = 16 << 10;
/** A stop waits for peers this long. */
const stopMs = 2_000;

/**
 * Listens for connections, and reads them no faster than the channels take what they bring: a full
 * channel pauses its senders by TCP's own means. A peer costs its connection and what it has begun
 * to send; there is no limit on how long it may do nothing.
 */
export class TcpServer implements ConnectionOwner {
  readonly intake: Intake;
  readonly #options: TcpServerOptions;
  readonly #context: ComponentContext & { readonly counters: SourceCounters };
  readonly #rare: RareLog;
  readonly #handlerOf: HandlerOf;
  readonly #connections = new Set<Connection>();
  /** Those whose TLS handshake is not over included. */
  readonly #sockets = new Set<Socket>();
  /** Connections with answers that were not sent yet. */
  readonly #answering: Connection[] = [];
  #server: Server | undefined;
  #whenEmpty: (() => void) | undefined;

  constructor(
    options: TcpServerOptions,
    context: ComponentContext & { readonly counters: SourceCounters },
    intake: Intake,
    handlerOf: HandlerOf,
  ) {
    this.#options = options;
    this.#context = context;
    this.#rare = new RareLog(context.log, context.clock);
    this.intake = intake;
    this.#handlerOf = handlerOf;
  }

  /** The port it listens on: another than the configured one when that is 0. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address ? address.port : this.#options.port;
  }

  /** @throws the system's error, `EADDRINUSE` and others, with address and port */
  async start(): Promise<void> {
    const { host, port, tls, maxConnections = maxConnectionsField.default } = this.#options;
    const options = {
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
      highWaterMark: maxAnswerBytes,
    };
    const sharesReads = Boolean(this.#options.sharesReads) && !tls;
    const server = tls
      ? createTlsServer({ ...options, ...tls, handshakeTimeout: handshakeMs })
      : createServer({ ...options, pauseOnConnect: sharesReads });
    const fileLimit = await openFileLimit(this.#context.disk);
    server.maxConnections = Math.min(
      maxConnections ?? Number.POSITIVE_INFINITY,
      Math.max(leastConnections, fileLimit - reservedFiles),
    );
    server.on('connection', (accepted: Socket) => {
      const socket = sharesReads ? withSharedReads(accepted, options) : accepted;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      if (!tls) this.#accept(socket);
    });
    server.on('secureConnection', (socket: Socket) => this.#accept(socket));
    server.on('drop', (peer) => this.#dropped(server, peer?.remoteAddress));
    server.on('tlsClientError', (error: Error, { remoteAddress }: Socket) => {
      this.#context.counters.HandshakeFailCount++;
      const fields = { peer: remoteAddress, error: error.message };
      this.#rare.warn(fields, 'A TLS handshake failed.');
    });
    const address = await listenAddress(host);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, ...(address && { host: address }) }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', (error) => this.#context.log.error({ error }, 'The server failed.'));
    this.#server = server;
  }

  /**
   * Accepts nothing more, and ends what is open: what was read is in the intake, and where the
   * source answers it is answered.
   */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = Promise.all([
      new Promise<void>((resolve) => server.close(() => resolve())),
      this.#empty(),
    ]);
    for (const connection of [...this.#connections]) {
      if (this.#options.answers) connection.finish();
      else connection.endOwnSide();
    }
    const over = new AbortController();
    await Promise.race([closed, this.#context.clock.sleep(stopMs, over.signal)]);
    over.abort();
    for (const connection of [...this.#connections]) connection.destroy();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** For a connection: it is over. */
  closed(connection: Connection): void {
    if (this.#connections.delete(connection)) this.#context.counters.OpenConnectionCount--;
    if (this.#connections.size === 0) this.#whenEmpty?.();
  }

  /** For a connection: it has answers, which are sent when this turn has no more of them. */
  hasAnswers(connection: Connection): void {
    this.#answering.push(connection);
    if (this.#answering.length === 1) process.nextTick(this.#sendAnswers);
  }

  /** For a connection: too much came from many at once. */
  pauseAll(): void {
    for (const connection of this.#connections) connection.pause();
  }

  /** For a connection: it sleeps on the clock of the rest. */
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.#context.clock.sleep(ms, signal);
  }

  #empty(): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenEmpty = resolve;
    });
  }

  readonly #sendAnswers = (): void => {
    for (const connection of this.#answering.splice(0)) connection.sendAnswers();
  };

  #accept(socket: Socket): void {
    const connection = new Connection(socket, this);
    this.#connections.add(connection);
    // Other servers of the same source count there too.
    this.#context.counters.OpenConnectionCount++;
    socket.on('error', (error) => {
      this.#context.log.debug({ peer: connection.remoteAddress, error }, 'A connection broke.');
    });
    const handler = this.#handlerOf(connection);
    if (!(handler instanceof Promise)) {
      connection.open(handler);
      return;
    }
    handler.then(
      (made) => connection.open(made),
      (error: unknown) => {
        this.#context.counters.GenericProcessingFail++;
        this.#rare.error({ error }, 'A connection could not be served.');
        connection.destroy();
      },
    );
  }

  #dropped({ maxConnections }: Server, peer: string | undefined): void {
    this.#context.counters.ConnectionDropCount++;
    this.#rare.warn({ peer, maxConnections }, 'Too many connections: a further one was closed.');
  }
}
