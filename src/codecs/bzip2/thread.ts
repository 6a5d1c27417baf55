import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { FormatError } from '../../core/errors.ts';
import type { Answer, Request } from './worker.ts';

interface Waiting {
  readonly resolve: (bytes: Buffer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The thread that does bzip2's work, one for the process. It starts when it is first asked, and
 * keeps the process alive only while it is at work. When it ends, for whatever reason, what it had
 * in hand fails, and the next stream starts another one.
 */
export class Bzip2Thread {
  static #current: Bzip2Thread | undefined;
  static #sessions = 0;

  /** The file's own ending: `.ts` among the sources, `.js` where they were built. */
  readonly #worker = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), {
    name: 'bzip2',
    execArgv: [],
  });
  readonly #waiting = new Map<number, Waiting>();
  #ended: Error | undefined;

  /** The thread, and the number of a new session with it. */
  static session(): { thread: Bzip2Thread; session: number } {
    Bzip2Thread.#current ??= new Bzip2Thread();
    Bzip2Thread.#sessions++;
    return { thread: Bzip2Thread.#current, session: Bzip2Thread.#sessions };
  }

  private constructor() {
    let cause: unknown;
    this.#worker.unref();
    this.#worker.on('message', (answer: Answer) => this.#settle(answer));
    this.#worker.on('error', (error) => {
      cause = error;
    });
    this.#worker.on('exit', () => {
      if (Bzip2Thread.#current === this) Bzip2Thread.#current = undefined;
      this.#ended = new Error('The thread that does bzip2 has ended.', { cause });
      for (const { reject } of this.#waiting.values()) reject(this.#ended);
      this.#waiting.clear();
    });
  }

  /**
   * @throws FormatError when the content cannot be decompressed
   */
  ask(request: Request & { task: 'compress' | 'decompress' }): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#ended) throw this.#ended;
      if (this.#waiting.size === 0) this.#worker.ref();
      this.#waiting.set(request.session, { resolve, reject });
      this.#worker.postMessage(request, request.content ? [request.content.buffer] : []);
    });
  }

  /** Forgets a stream that was being decompressed. */
  close(session: number): void {
    const request: Request = { task: 'close', session };
    this.#worker.postMessage(request);
  }

  /** Ends the thread, as a failure of it does. */
  terminate(): Promise<number> {
    return this.#worker.terminate();
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.session);
    this.#waiting.delete(answer.session);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('bytes' in answer) {
      const { buffer, byteOffset, length } = answer.bytes;
      waiting?.resolve(Buffer.from(buffer, byteOffset, length));
    } else {
      const error = new FormatError('', answer.offset);
      error.message = answer.problem;
      waiting?.reject(error);
    }
  }
}
