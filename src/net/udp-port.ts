import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { ComponentContext } from '../core/component.ts';
import type { SourceCounters } from '../core/metrics.ts';
import { RareLog } from '../core/rare-log.ts';
import { kernelDrops } from './kernel-drops.ts';
import { listenAddress } from './listen-address.ts';

export interface UdpPortOptions {
  /** The address or name to listen on; absent, or `0.0.0.0` as in Java: all interfaces. */
  readonly host?: string;
  readonly port: number;
}

/** What the kernel may keep for us while the loop is busy, if its own limit is not lower. */
const receiveBufferBytes = 4 << 20;
const dropPollMs = 1_000;
/** How an IPv4 address is spelled on a socket for both. */
const mappedPrefix = /^::ffff:(?=\d+\.)/;
/** A stop takes what the kernel has by then, within so many turns of the loop. */
const maxStopTurns = 1_000;

/**
 * Receives datagrams. UDP knows no "wait": what nobody takes in time is lost, and counted in
 * `DatagramDropCount`, also what the kernel dropped because its buffer was full (Linux tells).
 */
export class UdpPort {
  readonly #options: UdpPortOptions;
  readonly #context: ComponentContext & { readonly counters: SourceCounters };
  readonly #rare: RareLog;
  readonly #received: (datagram: Buffer, address: string, port: number) => void;
  #socket: Socket | undefined;
  #stopping = new AbortController();
  #dropsSeen = 0;
  #receivedCount = 0;

  /** @param received is given each datagram: a view that may be kept, the sender's address, port */
  constructor(
    options: UdpPortOptions,
    context: ComponentContext & { readonly counters: SourceCounters },
    received: (datagram: Buffer, address: string, port: number) => void,
  ) {
    this.#options = options;
    this.#context = context;
    this.#rare = new RareLog(context.log, context.clock);
    this.#received = received;
  }

  /** The port it listens on: another than the configured one when that is 0. */
  get port(): number {
    return this.#socket?.address().port ?? this.#options.port;
  }

  /** @throws the system's error, `EADDRINUSE` and others, with address and port */
  async start(): Promise<void> {
    const socket = await this.#bind();
    socket.on('error', (error) => this.#context.log.error({ error }, 'The port failed.'));
    socket.on('message', (datagram, { address, port }) => {
      this.#receivedCount++;
      const from = address.startsWith('::ffff:') ? address.replace(mappedPrefix, '') : address;
      this.#received(datagram, from, port);
    });
    this.#socket = socket;
    this.#stopping = new AbortController();
    this.#dropsSeen = 0;
    void this.#watchDrops(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    const socket = this.#socket;
    if (!socket) return;
    await this.#countDrops();
    await this.#takeRest();
    this.#stopping.abort();
    this.#socket = undefined;
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }

  /** Without an address one socket serves IPv4 and IPv6, where the machine has the latter. */
  async #bind(): Promise<Socket> {
    const { host, port } = this.#options;
    const address = await listenAddress(host);
    if (address !== undefined) return bound(isIPv6(address) ? 'udp6' : 'udp4', port, address);
    try {
      return await bound('udp6', port);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL' && code !== 'EINVAL') throw error;
      return bound('udp4', port);
    }
  }

  /** What the kernel has received is nowhere else: it is read until a turn brings nothing. */
  async #takeRest(): Promise<void> {
    for (let turns = 0; turns < maxStopTurns; turns++) {
      const before = this.#receivedCount;
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#receivedCount === before && turns > 0) return;
    }
  }

  async #watchDrops(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#context.clock.sleep(dropPollMs, signal);
      await this.#countDrops();
    }
  }

  async #countDrops(): Promise<void> {
    if (!this.#socket) return;
    const { address, port } = this.#socket.address();
    const drops = await kernelDrops(this.#context.disk, address, port);
    if (drops <= this.#dropsSeen) return;
    const dropped = drops - this.#dropsSeen;
    this.#dropsSeen = drops;
    this.#context.counters.DatagramDropCount += dropped;
    this.#rare.warn({ port }, 'The kernel dropped datagrams: nobody read them in time.', dropped);
  }
}

/** A socket that listens. @throws the system's error, with everything released */
function bound(type: 'udp4' | 'udp6', port: number, address?: string): Promise<Socket> {
  const socket = createSocket({ type, recvBufferSize: receiveBufferBytes });
  return new Promise<Socket>((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ port, ...(address !== undefined && { address }) }, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
