import { createSocket, type Socket } from 'node:dgram';
import { type AddressInfo, isIPv6 } from 'node:net';
import type { ComponentContext } from '../core/component.ts';
import type { SourceCounters } from '../core/metrics.ts';
import { RareLog } from '../core/rare-log.ts';
import { listenAddress } from './listen-address.ts';
import { ManyDatagrams, type TakeDatagram } from './many-datagrams.ts';
import { descriptorOf, kernelDrops } from './udp-table.ts';

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

/** So many datagrams, each so soon after the other, are a stream: Node is not woken for each. */
const streamCount = 8;
const streamMs = 1;
/** Between two reads of a stream: the kernel must have room for what comes meanwhile. */
const shortPauseMs = 1;
const longPauseMs = 4;
/** So many at once are not the last: more are read in the next turn of the loop. */
const busyCount = 64;

/**
 * Receives datagrams. UDP knows no "wait": what nobody takes in time is lost, and counted in
 * `DatagramDropCount`, also what the kernel dropped because its buffer was full (Linux tells).
 *
 * While datagrams come one after the other, and where the system allows it, Node's socket is
 * closed, and what has come is read every few milliseconds, from another descriptor of the same
 * socket. When nothing has come, Node's socket is brought back.
 */
export class UdpPort {
  readonly #options: UdpPortOptions;
  readonly #context: ComponentContext & { readonly counters: SourceCounters };
  readonly #rare: RareLog;
  readonly #received: TakeDatagram;
  /** Absent while many datagrams are read at once. */
  #socket: Socket | undefined;
  #many: ManyDatagrams | undefined;
  /** Where it listens, while it does. */
  #address: AddressInfo | undefined;
  #stopping = new AbortController();
  #dropsSeen = 0;
  #receivedCount = 0;
  #inStream = 0;
  #pauseMs = shortPauseMs;
  #receivedAtMs = Number.NEGATIVE_INFINITY;

  /** @param received is given each datagram */
  constructor(
    options: UdpPortOptions,
    context: ComponentContext & { readonly counters: SourceCounters },
    received: TakeDatagram,
  ) {
    this.#options = options;
    this.#context = context;
    this.#rare = new RareLog(context.log, context.clock);
    this.#received = received;
  }

  /** The port it listens on: another than the configured one when that is 0. */
  get port(): number {
    return this.#address?.port ?? this.#options.port;
  }

  /** @throws the system's error, `EADDRINUSE` and others, with address and port */
  async start(): Promise<void> {
    const socket = await this.#bind();
    this.#stopping = new AbortController();
    this.#dropsSeen = 0;
    this.#address = socket.address();
    this.#listen(socket);
    void this.#watchDrops(this.#stopping.signal);
    await this.#openMany(this.#address);
  }

  async stop(): Promise<void> {
    if (!this.#address) return;
    await this.#countDrops();
    await this.#takeRest();
    this.#stopping.abort();
    this.#address = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) await new Promise<void>((resolve) => socket.close(() => resolve()));
    this.#many?.close();
    this.#many = undefined;
  }

  /** Where that can't be, each datagram is read by itself. */
  async #openMany({ address, port }: AddressInfo): Promise<void> {
    try {
      const descriptor = await descriptorOf(this.#context.disk, address, port);
      if (descriptor === undefined) return;
      const many = await ManyDatagrams.open(descriptor);
      const isLarge = many?.forceReceiveBuffer(receiveBufferBytes) === true;
      this.#pauseMs = isLarge ? longPauseMs : shortPauseMs;
      this.#many = many;
    } catch (error) {
      this.#context.log.debug({ error }, 'Datagrams are read one by one.');
    }
  }

  #listen(socket: Socket): void {
    this.#socket = socket;
    socket.on('error', (error) => this.#context.log.error({ error }, 'The port failed.'));
    socket.on('message', (datagram, { address, port }) => {
      this.#receivedCount++;
      const from = address.startsWith('::ffff:') ? address.replace(mappedPrefix, '') : address;
      this.#received(datagram, from, port);
      if (this.#many) this.#watchForStream(socket);
    });
  }

  #watchForStream(socket: Socket): void {
    const now = performance.now();
    this.#inStream = now - this.#receivedAtMs < streamMs ? this.#inStream + 1 : 0;
    this.#receivedAtMs = now;
    if (this.#inStream < streamCount || this.#socket !== socket) return;
    this.#inStream = 0;
    this.#socket = undefined;
    socket.close();
    setImmediate(this.#receiveMany);
  }

  readonly #receiveMany = (): void => {
    const many = this.#many;
    // A stop, or a start after it, has come between.
    if (!many || this.#socket) return;
    try {
      const count = many.receive(this.#received);
      this.#receivedCount += count;
      if (count >= busyCount) setImmediate(this.#receiveMany);
      else if (count > 0) setTimeout(this.#receiveMany, this.#pauseMs);
      else this.#awaitNext(many);
    } catch (error) {
      this.#rare.error({ error }, 'The port failed, and is tried again.');
      setTimeout(this.#receiveMany, this.#pauseMs);
    }
  };

  /** @throws the system's error, when it has no descriptor left */
  #awaitNext(many: ManyDatagrams): void {
    const socket = createSocket(this.#address?.family === 'IPv6' ? 'udp6' : 'udp4');
    socket.bind({ fd: many.descriptor() });
    this.#listen(socket);
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
      if (!this.#socket && this.#many) this.#receivedCount += this.#many.receive(this.#received);
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
    if (!this.#address) return;
    const { address, port } = this.#address;
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
