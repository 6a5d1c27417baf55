import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

/** How long something real may take. */
const patienceMs = 5_000;

/** A client of a source under test: sends bytes, and keeps what it is answered. */
export class FakePeer {
  readonly socket: Socket;
  answers = '';
  /** How the connection ended: by the other side (`end`), or with an error's code. */
  ended: string | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.answers += chunk.toString();
    });
    socket.on('end', () => {
      this.ended ??= 'end';
    });
    socket.on('error', (error) => {
      this.ended ??= 'code' in error ? String(error.code) : error.message;
    });
    socket.on('close', () => {
      this.ended ??= 'close';
    });
  }

  /** @param tls absent: in clear */
  static async connect(port: number, tls?: ConnectionOptions): Promise<FakePeer> {
    const options = { host: '127.0.0.1', port };
    const socket = tls ? connectTls({ ...options, ...tls }) : connect(options);
    const peer = new FakePeer(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once(tls ? 'secureConnect' : 'connect', resolve);
      socket.once('error', reject);
    });
    return peer;
  }

  /** Resolves when the system has taken it. */
  send(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(bytes, () => resolve());
    });
  }

  /** Sends nothing more, and still reads. */
  finish(): void {
    this.socket.end();
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    await until(condition, `${what}; answered: ${JSON.stringify(this.answers)}, ${this.ended}`);
  }

  /** Resolves when it was answered this, and nothing else so far. */
  async answered(expected: string): Promise<void> {
    await until(
      () => this.answers.length >= expected.length || this.ended !== undefined,
      `the answer ${JSON.stringify(expected)}`,
    );
    if (this.answers !== expected) {
      throw new Error(`answered ${JSON.stringify(this.answers)}, not ${JSON.stringify(expected)}`);
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Waits for what sockets do, which no test clock moves. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited for ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
