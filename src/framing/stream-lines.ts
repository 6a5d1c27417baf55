import { appendLine, type LineRun, newRun } from './line-run.ts';

const newline = 10;
const nothing = Buffer.alloc(0);
const firstKeptBytes = 64;

/**
 * One for all: a run is valid only during the call that gives it, and thousands of peers need no
 * columns each.
 */
const run = newRun();

/**
 * Cuts what comes from one peer into lines. The beginning of a line is kept until its end comes; a
 * line that reaches the limit is cut there, so no peer makes this keep more than that.
 */
export class StreamLines {
  readonly #maxBytes: number;
  readonly #take: (run: LineRun) => void;
  /** The beginning of a line, in memory of its own. */
  #kept: Buffer = nothing;
  #keptBytes = 0;

  /**
   * @param maxBytes the most bytes of a line, without its newline; at least 1
   * @param take is given every line, in order; a run is valid during the call only
   */
  constructor(maxBytes: number, take: (run: LineRun) => void) {
    this.#maxBytes = maxBytes;
    this.#take = take;
  }

  /** What has come of a line that has not ended: a view, until the next call. */
  get kept(): Buffer {
    return this.#kept.subarray(0, this.#keptBytes);
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (this.#keptBytes > 0 && at < chunk.length) at = this.#complete(chunk, at);
    if (at < chunk.length) this.#split(chunk, at);
  }

  /** The line that has begun ends here: there will be no more of it. */
  end(): void {
    if (this.#keptBytes > 0) this.#giveKept(0);
  }

  /** Forgets the line that has begun. */
  clear(): void {
    this.#kept = nothing;
    this.#keptBytes = 0;
  }

  /** Goes on with the kept beginning; gives where the rest begins. */
  #complete(chunk: Buffer, at: number): number {
    const found = chunk.indexOf(newline, at);
    const end = found < 0 ? chunk.length : found;
    const room = this.#maxBytes - this.#keptBytes;
    if (end - at > room) {
      this.#keep(chunk, at, at + room);
      this.#giveKept(1);
      return at + room;
    }
    this.#keep(chunk, at, end);
    if (found < 0) return chunk.length;
    this.#giveKept(0);
    return found + 1;
  }

  #split(chunk: Buffer, from: number): void {
    run.bytes = chunk;
    run.count = 0;
    let begin = from;
    while (begin < chunk.length) {
      const found = chunk.indexOf(newline, begin);
      const end = found < 0 ? chunk.length : found;
      while (end - begin > this.#maxBytes) {
        appendLine(run, begin, begin + this.#maxBytes, 1);
        begin += this.#maxBytes;
      }
      if (found < 0) break;
      appendLine(run, begin, end, 0);
      begin = end + 1;
    }
    this.#giveRun();
    if (begin < chunk.length) this.#keep(chunk, begin, chunk.length);
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    const needed = this.#keptBytes + to - from;
    if (needed > this.#kept.length) {
      const bytes = Math.min(this.#maxBytes, Math.max(firstKeptBytes, needed * 2));
      // Not of the shared pool: a few bytes that wait for long would keep much more of it.
      const grown = Buffer.allocUnsafeSlow(Math.max(bytes, needed));
      this.#kept.copy(grown, 0, 0, this.#keptBytes);
      this.#kept = grown;
    }
    chunk.copy(this.#kept, this.#keptBytes, from, to);
    this.#keptBytes = needed;
  }

  #giveKept(cut: 0 | 1): void {
    const end = this.#keptBytes;
    run.bytes = this.#kept;
    run.count = 0;
    appendLine(run, 0, end, cut);
    this.clear();
    this.#giveRun();
  }

  #giveRun(): void {
    if (run.count > 0) this.#take(run);
    run.bytes = nothing;
  }
}
