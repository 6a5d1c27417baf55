import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { ComponentContext } from '../core/component.ts';
import type { SourceCounters } from '../core/metrics.ts';
import { kernelDrops } from './kernel-drops.ts';

export interface UdpPortOptions {
  /** The address to listen on; absent: all interfaces. */
  readonly host?: string;
  readonly port: number;
}

/** What the kernel may keep for us while the loop is busy; it gives less where its limit is lower. */
const receiveBufferBytes = 4 << 20;
const dropPollMs = 1_000;

/**
 * Receives datagrams. UDP knows no "wait": what nobody takes in time is lost, and counted in
 * `DatagramDropCount`, also what the kernel dropped because its buffer was full (Linux tells).
 */
export class UdpPort {
  readonly #options: UdpPortOptions;
  readonly #context: ComponentContext & { readonly counters: SourceCounters };
  readonly #received: (datagram: Buffer, address: string, port: number) => void;
  #socket: Socket | undefined;
  #stopping = new AbortController();
  #dropsSeen = 0;

  constructor(
    options: UdpPortOptions,
    context: ComponentContext & { readonly counters: SourceCounters },
    received: (datagram: Buffer, address: string, port: number) => void,
  ) {
    this.#options = options;
    this.#context = context;
    this.#received = received;
  }

  /** The port it listens on: another than the configured one when that is 0. */
  get port(): number {
    return this.#socket?.address().port ?? this.#options.port;
  }

  /** @throws the system's error, `EADDRINUSE` and others, with address and port */
  async start(): Promise<void> {
    const { host, port } = this.#options;
    // Without an address one socket serves IPv4 and IPv6, where the machine has the latter.
    const type = host === undefined || isIPv6(host) ? 'udp6' : 'udp4';
    const socket = createSocket({ type, recvBufferSize: receiveBufferBytes });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ port, ...(host !== undefined && { address: host }) }, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    socket.on('error', (error) => this.#context.log.error({ error }, 'The port failed.'));
    socket.on('message', (datagram, { address, port: from }) => {
      this.#received(datagram, address.replace(/^::ffff:(?=\d+\.)/, ''), from);
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
    this.#stopping.abort();
    this.#socket = undefined;
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }

  async #watchDrops(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#context.clock.sleep(dropPollMs, signal);
      await this.#countDrops();
    }
  }

  async #countDrops(): Promise<void> {
    if (!this.#socket) return;
    const drops = await kernelDrops(this.#context.disk, this.port);
    if (drops <= this.#dropsSeen) return;
    const dropped = drops - this.#dropsSeen;
    this.#dropsSeen = drops;
    this.#context.counters.DatagramDropCount += dropped;
    this.#context.log.warn({ dropped, port: this.port }, 'The kernel dropped datagrams.');
  }
}
