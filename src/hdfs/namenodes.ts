import type { Clock, Random } from '../core/clock.ts';
import { ConnectionError } from '../core/errors.ts';
import { type Logger, silentLogger } from '../core/log.ts';
import { RareLog } from '../core/rare-log.ts';
import type { Method } from './client-protocol.ts';
import { clientProtocolName } from './client-protocol.ts';
import type { HdfsConfig } from './config.ts';
import { RemoteError } from './errors.ts';
import { RpcConnection, type RpcPeer } from './rpc-connection.ts';

/** A single NameNode out of reach is tried again this often. */
const reconnectMs = 1_000;

/**
 * The NameNodes of a cluster, of which one is active: calls go to it, and are sent again, to the
 * next one if need be, while that may help. A call that is sent again keeps its client id and call
 * id and raises its retry count: the NameNodes share what they answered, so that no call takes
 * effect twice, whichever of them carried it out. Source: Hadoop 3.4.1, `RetryPolicies`,
 * `RetryCache`.
 */
export class NameNodes {
  readonly #config: HdfsConfig;
  readonly #clock: Clock;
  readonly #random: Random;
  /** Whoever waits for a call may give it up, and would not know what it waited for. */
  readonly #rare: RareLog;
  readonly #clientId: Buffer;
  readonly #connections: (Promise<RpcConnection> | undefined)[] = [];
  readonly #closed = new AbortController();
  #current = 0;
  #nextCallId = 0;

  constructor(config: HdfsConfig, clock: Clock, random: Random, log: Logger = silentLogger) {
    this.#rare = new RareLog(log, clock);
    this.#config = config;
    this.#clock = clock;
    this.#random = random;
    this.#clientId = random.bytes(16);
  }

  /**
   * @param signal gives the call up; it may take effect all the same
   * @throws RemoteError, or ConnectionError when no NameNode could be reached for long
   */
  async call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    signal?: AbortSignal,
  ): Promise<Response> {
    const callId = this.#nextCallId;
    this.#nextCallId = (callId + 1) % 2 ** 31;
    const encoded = method.request.encode(request);
    const attempts = { failovers: 0, retries: 0 };
    for (let retryCount = 0; ; retryCount++) {
      const index = this.#current;
      try {
        const connection = await this.#connection(index);
        const body = await connection.call({
          callId,
          clientId: this.#clientId,
          retryCount,
          methodName: method.name,
          protocol: method.protocol,
          request: encoded,
        });
        return method.response.decode(body);
      } catch (error) {
        const waitMs = this.#waitAfter(error, index, attempts);
        if (waitMs === undefined || this.#gone(signal)) throw error;
        const either = signal
          ? AbortSignal.any([signal, this.#closed.signal])
          : this.#closed.signal;
        await this.#clock.sleep(waitMs, either);
        if (this.#gone(signal)) throw error;
      }
    }
  }

  /** Calls that wait fail. */
  close(): void {
    this.#closed.abort();
    for (const connection of this.#connections) {
      connection?.then(
        (opened) => opened.close(),
        () => {},
      );
    }
  }

  #gone(signal: AbortSignal | undefined): boolean {
    return this.#closed.signal.aborted || signal?.aborted === true;
  }

  /** How long to wait before the call is sent again; undefined: it has failed. */
  #waitAfter(
    error: unknown,
    index: number,
    attempts: { failovers: number; retries: number },
  ): number | undefined {
    const { rpc, nameNodes } = this.#config;
    const reaction = reactionTo(error);
    if (reaction === 'fail') return undefined;
    if (reaction === 'retry') {
      this.#rare.warn({ error }, 'HDFS does not take calls for now; they wait.');
      return attempts.retries++ < rpc.maxRetries ? this.#backOff(attempts.retries) : undefined;
    }
    if (nameNodes.length === 1) {
      return attempts.failovers++ < rpc.maxConnectRetries ? reconnectMs : undefined;
    }
    // Another call may have moved on already.
    if (this.#current === index) this.#current = (index + 1) % nameNodes.length;
    if (attempts.failovers++ >= rpc.maxFailovers) return undefined;
    return attempts.failovers === 1 ? 0 : this.#backOff(attempts.failovers - 1);
  }

  #backOff(count: number): number {
    const { sleepBaseMs, sleepMaxMs } = this.#config.rpc;
    const most = Math.min(sleepMaxMs, sleepBaseMs * 2 ** (count - 1));
    return most * (0.5 + this.#random.next());
  }

  async #connection(index: number): Promise<RpcConnection> {
    if (this.#closed.signal.aborted) throw new ConnectionError('the HDFS client was closed');
    const held = this.#connections[index];
    // One that could not be opened has failed everybody who waited for it.
    const open = await held?.catch(() => undefined);
    if (open && !open.closed) return open;
    if (this.#connections[index] === held) this.#connections[index] = this.#open(index);
    const connection = await this.#connections[index];
    return connection ?? this.#connection(index);
  }

  async #open(index: number): Promise<RpcConnection> {
    const { nameNodes, rpc, user, proxyUser } = this.#config;
    const address = nameNodes[index];
    if (!address) throw new ConnectionError('no NameNode is configured');
    const peer: RpcPeer = {
      address,
      protocol: clientProtocolName,
      user: { effectiveUser: proxyUser ?? user, realUser: proxyUser && user },
      clientId: this.#clientId,
      config: rpc,
      clock: this.#clock,
    };
    const connection = await RpcConnection.open(peer);
    if (this.#closed.signal.aborted) connection.close();
    return connection;
  }
}

function reactionTo(error: unknown): RemoteError['reaction'] {
  if (error instanceof RemoteError) return error.reaction;
  if (error instanceof ConnectionError) return 'fail-over';
  return 'fail';
}
