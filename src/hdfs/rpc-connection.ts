import { connect, type OnReadOpts, type Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { asError, ConnectionError, FormatError } from '../core/errors.ts';
import type { Address, RpcConfig } from './config.ts';
import { RemoteError } from './errors.ts';
import {
  type Call,
  decodeResponse,
  encodeCall,
  encodeOpening,
  encodePing,
  maxFrameBytes,
  type RpcUser,
  rpcStatus,
} from './rpc-frames.ts';

export interface RpcPeer {
  readonly address: Address;
  readonly protocol: string;
  readonly user: RpcUser;
  /** 16 bytes, the same for all connections of a client. */
  readonly clientId: Buffer;
  readonly config: RpcConfig;
  readonly clock: Clock;
}

interface Pending {
  readonly methodName: string;
  resolve(body: Buffer): void;
  reject(error: Error): void;
}

/** One connection to a server, shared by any number of calls. It never reconnects. */
export class RpcConnection {
  readonly #peer: RpcPeer;
  readonly #socket: Socket;
  readonly #pending = new Map<number, Pending>();
  #received: Buffer = Buffer.alloc(0);
  #failure: Error | undefined;

  private constructor(peer: RpcPeer, socket: Socket) {
    this.#peer = peer;
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(this.#lost(error.message)));
    socket.on('close', () => this.#fail(this.#lost('the connection was closed')));
    socket.unref();
    socket.write(encodeOpening(peer.clientId, peer.protocol, peer.user));
  }

  /** @throws ConnectionError */
  static async open(peer: RpcPeer): Promise<RpcConnection> {
    return new RpcConnection(peer, await connectTo(peer.address, peer.config.connectTimeoutMs));
  }

  /** It failed or was closed: no call will succeed. */
  get closed(): boolean {
    return this.#failure !== undefined;
  }

  /**
   * Resolves with the encoded response.
   *
   * @throws RemoteError when the server says no, ConnectionError when the answer is unknown
   */
  async call(call: Call): Promise<Buffer> {
    if (this.#failure) throw this.#failure;
    const answered = new AbortController();
    const answer = new Promise<Buffer>((resolve, reject) => {
      this.#pending.set(call.callId, { methodName: call.methodName, resolve, reject });
    });
    this.#socket.ref();
    this.#socket.write(encodeCall(call));
    const watch = this.#watch(call, answered.signal);
    try {
      return await answer;
    } finally {
      this.#pending.delete(call.callId);
      if (this.#pending.size === 0) this.#socket.unref();
      answered.abort();
      await watch;
    }
  }

  close(): void {
    this.#fail(this.#lost('the client was closed'));
  }

  /** Pings while the answer is awaited, and gives the connection up after the time-out. */
  async #watch(call: Call, answered: AbortSignal): Promise<void> {
    const { clock, clientId, config } = this.#peer;
    const deadline = clock.monotonic() + config.rpcTimeoutMs;
    for (;;) {
      const left = Math.max(0, deadline - clock.monotonic());
      await clock.sleep(Math.min(config.pingIntervalMs, left), answered);
      // After a pause of this process the answer may be there, only not read yet.
      if (!answered.aborted && clock.monotonic() >= deadline) await clock.turn();
      if (answered.aborted) return;
      if (clock.monotonic() < deadline) this.#socket.write(encodePing(clientId));
      else break;
    }
    this.#fail(this.#lost(`${call.methodName} took more than ${config.rpcTimeoutMs} ms`));
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    try {
      for (;;) {
        if (this.#received.length < 4) return;
        const length = this.#received.readInt32BE(0);
        if (length < 0 || length > maxFrameBytes) {
          throw new FormatError(`a response of ${length} bytes`, 0);
        }
        if (this.#received.length < 4 + length) return;
        const frame = this.#received.subarray(4, 4 + length);
        this.#received = this.#received.subarray(4 + length);
        this.#answer(frame);
      }
    } catch (error) {
      this.#fail(asError(error));
    }
  }

  #answer(frame: Buffer): void {
    const { header, body } = decodeResponse(frame);
    const pending = this.#pending.get(header.callId);
    if (header.status === rpcStatus.success) {
      pending?.resolve(body);
      return;
    }
    const error = new RemoteError(
      pending?.methodName ?? 'the connection',
      this.#name,
      header.exceptionClassName ?? 'an error without a name',
      header.errorMsg ?? 'no message',
    );
    pending?.reject(error);
    if (header.status !== rpcStatus.error || !pending) this.#fail(error);
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#socket.destroy();
    for (const pending of this.#pending.values()) pending.reject(error);
  }

  #lost(why: string): ConnectionError {
    return new ConnectionError(`${this.#name}: ${why}`);
  }

  get #name(): string {
    return `${this.#peer.address.host}:${this.#peer.address.port}`;
  }
}

/**
 * @param onread who reads instead of the listeners of `data`
 * @throws ConnectionError
 */
export async function connectTo(
  { host, port }: Address,
  timeoutMs: number,
  onread?: OnReadOpts,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const options = { host, port, noDelay: true, keepAlive: true, timeout: timeoutMs };
    const socket = connect({ ...options, ...(onread && { onread }) });
    const failed = (why: string) => {
      socket.destroy();
      reject(new ConnectionError(`${host}:${port}: ${why}`));
    };
    const onError = (error: Error) => failed(error.message);
    socket.once('error', onError);
    socket.once('timeout', () => failed(`no connection within ${timeoutMs} ms`));
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      socket.removeListener('error', onError);
      resolve(socket);
    });
  });
}
