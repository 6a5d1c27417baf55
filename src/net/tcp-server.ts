import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { ComponentContext } from '../core/component.ts';
import type { SourceCounters } from '../core/metrics.ts';
import type { Intake } from './intake.ts';

export interface TcpServerOptions {
  /** The address to listen on; absent: all interfaces. */
  readonly host?: string;
  readonly port: number;
  /** Absent: in clear. */
  readonly tls?: TlsOptions;
}

/** What a source does with one connection. */
export interface ConnectionHandler {
  /** Bytes that came; a view that may be kept. Whatever is in them goes to the intake at once. */
  data(chunk: Buffer): void;
  /** Nothing comes any more: the peer has closed, or the server stops. */
  end(): void;
}

/** Not delivered yet of one connection: beyond that it is not read until half of it is delivered. */
const maxHeldBytes = 256 << 10;
/** So many connections at once; a further one is closed at once, and counted. */
const maxConnections = 16_384;
/** A peer that reads no answers is cut off: so much may wait for it. */
const maxAnswerBytes = 1 << 20;
/** How long a TLS handshake may take. */
const handshakeMs = 10_000;

/** One peer, as its handler sees it. */
export class Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  readonly #socket: Socket;
  readonly #intake: Intake;
  #held = 0;
  #paused = false;
  /** Will be called when the intake has room. */
  #waits = false;

  constructor(socket: Socket, intake: Intake) {
    this.#socket = socket;
    this.#intake = intake;
    // An IPv4 peer of a socket for both is named as such.
    this.remoteAddress = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
    this.remotePort = socket.remotePort ?? 0;
    this.localPort = socket.localPort ?? 0;
  }

  /** Bytes given to the intake; `delivered` takes them back. */
  hold(bytes: number): void {
    this.#held += bytes;
  }

  /** Bytes that are not the connection's any more. */
  delivered(bytes: number): void {
    this.#held -= bytes;
    this.#resumeIfRoom();
  }

  /** Answers the peer; one that does not read its answers is cut off. */
  answer(text: string): void {
    if (this.#socket.writable) this.#socket.write(text);
    if (this.#socket.writableLength > maxAnswerBytes) this.#socket.destroy();
  }

  /** Ends the connection after what was answered. */
  close(): void {
    this.#socket.end();
    this.#socket.destroySoon();
  }

  /** Called after each chunk: reads no more while too much is under way. */
  pauseIfFull(): void {
    if (this.#paused || (this.#held <= maxHeldBytes && !this.#intake.isFull)) return;
    this.#paused = true;
    this.#socket.pause();
    this.#resumeIfRoom();
  }

  #resumeIfRoom(): void {
    if (!this.#paused || this.#waits || this.#held > maxHeldBytes / 2) return;
    if (this.#intake.isFull) {
      this.#waits = true;
      this.#intake.whenRoom(() => {
        this.#waits = false;
        this.#resumeIfRoom();
      });
      return;
    }
    this.#paused = false;
    this.#socket.resume();
  }
}

/**
 * Listens for connections, and reads them no faster than the channels take what they bring: a full
 * channel pauses its senders by TCP's own means.
 */
export class TcpServer {
  readonly #options: TcpServerOptions;
  readonly #context: ComponentContext & { readonly counters: SourceCounters };
  readonly #intake: Intake;
  readonly #handlerOf: (connection: Connection) => ConnectionHandler;
  readonly #sockets = new Map<Socket, ConnectionHandler>();
  #server: Server | undefined;

  constructor(
    options: TcpServerOptions,
    context: ComponentContext & { readonly counters: SourceCounters },
    intake: Intake,
    handlerOf: (connection: Connection) => ConnectionHandler,
  ) {
    this.#options = options;
    this.#context = context;
    this.#intake = intake;
    this.#handlerOf = handlerOf;
  }

  /** The port it listens on: another than the configured one when that is 0. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address ? address.port : this.#options.port;
  }

  /** @throws the system's error, `EADDRINUSE` and others, with address and port */
  async start(): Promise<void> {
    const { host, port, tls } = this.#options;
    const server = tls
      ? createTlsServer({ ...tls, handshakeTimeout: handshakeMs })
      : createServer();
    server.maxConnections = maxConnections;
    server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => this.#accept(socket));
    server.on('drop', (peer) => {
      this.#context.log.warn(
        { peer: peer?.remoteAddress, maxConnections },
        'Too many connections.',
      );
    });
    server.on('tlsClientError', (error: Error, socket: Socket) => {
      this.#context.counters.EventReadFail++;
      const peer = socket.remoteAddress;
      this.#context.log.warn({ peer, error: error.message }, 'A TLS handshake failed.');
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, ...(host !== undefined && { host }) }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', (error) => this.#context.log.error({ error }, 'The server failed.'));
    this.#server = server;
  }

  /** Accepts and reads nothing any more; what came until now is in the intake. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const [socket, handler] of [...this.#sockets]) {
      this.#gone(socket, handler);
      socket.destroySoon();
    }
    await closed;
  }

  #accept(socket: Socket): void {
    socket.setNoDelay(true);
    const connection = new Connection(socket, this.#intake);
    const handler = this.#handlerOf(connection);
    this.#sockets.set(socket, handler);
    this.#context.counters.OpenConnectionCount = this.#sockets.size;
    socket.on('data', (chunk) => {
      if (!this.#sockets.has(socket)) return;
      handler.data(chunk);
      connection.pauseIfFull();
    });
    socket.on('error', (error) => {
      this.#context.log.debug({ peer: connection.remoteAddress, error }, 'A connection broke.');
    });
    socket.on('end', () => this.#gone(socket, handler));
    socket.on('close', () => this.#gone(socket, handler));
  }

  #gone(socket: Socket, handler: ConnectionHandler): void {
    if (!this.#sockets.delete(socket)) return;
    this.#context.counters.OpenConnectionCount = this.#sockets.size;
    handler.end();
  }
}
