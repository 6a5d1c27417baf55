import type { Stats } from 'node:fs';
import {
  close,
  closeSync,
  fstat,
  fstatSync,
  open,
  openSync,
  readv,
  readvSync,
  stat,
  statSync,
} from 'node:fs';
import { promisify } from 'node:util';

/*
 * Files that are read, in the calling thread where that is quick. Measured over 5,000 files in the
 * page cache: a trip through the thread pool costs the main thread 15 to 25 µs per call, the call
 * itself 1 to 5 µs. Rules:
 *   1. A call that took longer than `slowMs` means a slow disk: for `poolMs` all go through the
 *      pool, so the event loop waits for a slow disk once, for as long as one small call takes.
 *   2. Once a turn of the event loop has lasted `turnMs`, a call waits for the next one: else
 *      timers and sockets would wait until all is read.
 *   3. Reads of more than `smallBytes` always go through the pool: they are worth the trip, and run
 *      beside what is done with the bytes before.
 */
const slowMs = 10;
const poolMs = 1_000;
const turnMs = 5;
const smallBytes = 128 * 1024;

/** No descriptor has this number. */
const closed = 2 ** 31 - 1;

let slowUntilMs = 0;
let turnBeganMs: number | undefined;

/** May a call be made in this thread? Waits for the next turn first when this one is over. */
async function isQuick(): Promise<boolean> {
  let now = performance.now();
  if (now < slowUntilMs) return false;
  if (turnBeganMs !== undefined && now - turnBeganMs >= turnMs) {
    await new Promise((resolve) => setImmediate(resolve));
    now = performance.now();
  }
  if (turnBeganMs === undefined) {
    turnBeganMs = now;
    setImmediate(() => {
      turnBeganMs = undefined;
    });
  }
  return now >= slowUntilMs;
}

function timed<T>(call: () => T): T {
  const beganMs = performance.now();
  try {
    return call();
  } finally {
    const endMs = performance.now();
    if (endMs - beganMs > slowMs) slowUntilMs = endMs + poolMs;
  }
}

/** What the file system says of the file with this name; rejects as `stat` does. */
export async function statOf(path: string): Promise<Stats> {
  return (await isQuick()) ? timed(() => statSync(path)) : inPool.stat(path);
}

const inPool = {
  stat: promisify(stat),
  open: promisify(open),
  fstat: promisify(fstat),
  close: promisify(close),
  readv: (fd: number, buffers: readonly Buffer[], position: number): Promise<number> =>
    new Promise((resolve, reject) => {
      readv(fd, buffers, position, (error, bytesRead) => {
        if (error) reject(error);
        else resolve(bytesRead);
      });
    }),
};

/** A file that is open for reading. */
export class InputFile {
  #fd: number;
  /** Calls under way: the descriptor must not be given to another file before they end. */
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(fd: number) {
    this.#fd = fd;
  }

  static async open(path: string): Promise<InputFile> {
    const quick = await isQuick();
    return new InputFile(quick ? timed(() => openSync(path, 'r')) : await inPool.open(path, 'r'));
  }

  stat(): Promise<Stats> {
    return this.#until(this.#stat());
  }

  /** Fills the buffers from there, as far as the file and one call reach: how many bytes. */
  read(buffers: readonly Buffer[], position: number): Promise<number> {
    return this.#until(this.#read(buffers, position));
  }

  /** Afterwards everything rejects with EBADF. */
  async close(): Promise<void> {
    const fd = this.#fd;
    await Promise.allSettled(this.#underWay);
    const quick = await isQuick();
    if (fd === closed || this.#fd !== fd) return;
    this.#fd = closed;
    if (quick) timed(() => closeSync(fd));
    else await inPool.close(fd);
  }

  async #stat(): Promise<Stats> {
    return (await isQuick()) ? timed(() => fstatSync(this.#fd)) : inPool.fstat(this.#fd);
  }

  async #read(buffers: readonly Buffer[], position: number): Promise<number> {
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    const quick = bytes <= smallBytes && (await isQuick());
    if (quick) return timed(() => readvSync(this.#fd, buffers, position));
    return inPool.readv(this.#fd, buffers, position);
  }

  async #until<T>(call: Promise<T>): Promise<T> {
    this.#underWay.add(call);
    try {
      return await call;
    } finally {
      this.#underWay.delete(call);
    }
  }
}
