/** Clients of a victim: good ones, whose messages are counted, and bare sockets for bad ones. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { Victim } from './victim.ts';

/** Resolves when it is connected, or with the error when it can't be. */
export function open(port: number, tls?: ConnectionOptions): Promise<Socket> {
  const options = { host: '127.0.0.1', port };
  const socket = tls ? connectTls({ ...options, ...tls }) : connect(options);
  return new Promise((resolve) => {
    // Whatever becomes of it: bad clients are cut off.
    socket.on('error', () => resolve(socket));
    socket.once(tls ? 'secureConnect' : 'connect', () => resolve(socket));
  });
}

/** Many at a time, not all at once: the queue of connections that wait is short. */
export async function openMany(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const group = Math.min(200, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: group }, () => open(port)))));
  }
  return sockets;
}

export function closed(socket: Socket): Promise<void> {
  socket.resume();
  return socket.closed
    ? Promise.resolve()
    : new Promise((resolve) => socket.once('close', resolve));
}

/** Sends numbered messages, keeps what it is answered, and knows what must have arrived. */
export class GoodClient {
  readonly name: string;
  readonly #victim: Victim;
  #socket: Socket | undefined;
  #sent = 0;
  #answers = '';
  /** Per message, in order, as far as they were answered: taken or not. */
  readonly outcomes: boolean[] = [];
  #stopped = false;
  #loop: Promise<void> | undefined;

  private constructor(victim: Victim, name: string) {
    this.#victim = victim;
    this.name = name;
  }

  static async connect(victim: Victim, name: string, tls?: ConnectionOptions) {
    const client = new GoodClient(victim, name);
    const socket = await open(victim.port, tls);
    client.#socket = socket;
    socket.on('data', (chunk) => client.#take(chunk.toString()));
    return client;
  }

  get socket(): Socket {
    if (!this.#socket) throw new Error('not connected');
    return this.#socket;
  }

  get sent(): number {
    return this.#sent;
  }

  /** All messages it ever sent. */
  get messages(): string[] {
    return Array.from({ length: this.#sent }, (_, index) => `${this.name}-${index}`);
  }

  /** Those that were answered with OK. */
  get taken(): string[] {
    return this.messages.filter((_, index) => this.outcomes[index]);
  }

  /** Sends so many at once; false: the socket should be given time. */
  send(count: number): boolean {
    let bytes = '';
    for (let index = 0; index < count; index++) {
      bytes += this.#victim.subject.message(`${this.name}-${this.#sent++}`);
    }
    return this.socket.write(bytes);
  }

  /** Sends so many every 10 ms, until `finish`, or the connection ends. */
  keepSending(count = 3): void {
    this.#loop = (async () => {
      while (!this.#stopped && this.socket.writable) {
        this.send(count);
        await sleep(10);
      }
    })();
  }

  /** Sends as fast as the victim takes it, until so many are sent or the connection ends. */
  async flood(count: number, atOnce = 100): Promise<void> {
    const gone = closed(this.socket);
    let drained = () => {};
    this.socket.on('drain', () => drained());
    for (let left = count; left > 0 && this.socket.writable; left -= atOnce) {
      if (this.send(Math.min(atOnce, left))) continue;
      const room = new Promise<void>((resolve) => {
        drained = resolve;
      });
      await Promise.race([room, gone]);
    }
  }

  /** Sends no more; resolves when all is answered, or all has arrived where nothing is. */
  async finish(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
    if (this.#victim.subject.answers) {
      await this.#victim.until(
        `answers for ${this.name}`,
        () => this.outcomes.length === this.#sent,
      );
      return;
    }
    const last = `${this.name}-${this.#sent - 1}`;
    await this.#victim.until(`${last} arrives`, () => this.#victim.arrived().includes(last));
  }

  close(): void {
    this.#stopped = true;
    this.#socket?.destroy();
  }

  #take(text: string): void {
    const lines = (this.#answers + text).split('\n');
    this.#answers = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== 'OK' && !line.startsWith('FAILED: ')) throw new Error(`answered: ${line}`);
      this.outcomes.push(line === 'OK');
    }
  }
}
