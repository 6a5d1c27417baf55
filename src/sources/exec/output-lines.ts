import { appendLine, type LineRun, newRun } from '../../framing/line-run.ts';

const lineFeed = 10;
const carriageReturn = 13;
const nothing = Buffer.alloc(0);

/**
 * Cuts what a command writes into lines, as Java's readers do: LF, CR and CRLF end one. The
 * beginning of a line is kept until its end comes; a line that is longer than the limit is cut
 * there.
 */
export class OutputLines {
  readonly #maxBytes: number;
  readonly #take: (run: LineRun) => void;
  /** The beginning of a line, in memory of its own. */
  #kept = nothing;
  #keptBytes = 0;
  /** The last byte was a CR: an LF that follows belongs to it. */
  #afterCr = false;
  /** Where the next LF and the next CR of the chunk are; infinite where there is none. */
  #lf = -1;
  #cr = -1;
  readonly #run = newRun();

  /**
   * @param maxBytes the most bytes of a line, without what ends it
   * @param take is given every line, in order; a run is valid during the call only
   */
  constructor(maxBytes: number, take: (run: LineRun) => void) {
    this.#maxBytes = maxBytes;
    this.#take = take;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#lf = this.#cr = -1;
    let at = this.#afterCr && chunk[0] === lineFeed ? 1 : 0;
    this.#afterCr = false;
    while (this.#keptBytes > 0 && at < chunk.length) at = this.#complete(chunk, at);
    if (at < chunk.length) this.#split(chunk, at);
  }

  /** There is no more: what has begun is a line. */
  end(): void {
    this.#afterCr = false;
    if (this.#keptBytes > 0) this.#giveKept(0);
  }

  /** Goes on with the kept beginning; gives where the rest begins. */
  #complete(chunk: Buffer, at: number): number {
    const found = this.#lineEnd(chunk, at);
    const room = this.#maxBytes - this.#keptBytes;
    if (Math.min(found, chunk.length) - at > room) {
      const cut = cutBefore(chunk, at + room, at);
      this.#keep(chunk, at, cut);
      this.#giveKept(1);
      return cut;
    }
    this.#keep(chunk, at, Math.min(found, chunk.length));
    if (found > chunk.length) return chunk.length;
    this.#giveKept(0);
    return this.#behind(chunk, found);
  }

  #split(chunk: Buffer, from: number): void {
    const run = this.#run;
    run.bytes = chunk;
    run.count = 0;
    let begin = from;
    while (begin < chunk.length) {
      const found = this.#lineEnd(chunk, begin);
      const end = Math.min(found, chunk.length);
      while (end - begin > this.#maxBytes) {
        const cut = cutBefore(chunk, begin + this.#maxBytes, begin + 1);
        appendLine(run, begin, cut, 1);
        begin = cut;
      }
      if (found > chunk.length) {
        this.#keep(chunk, begin, end);
        break;
      }
      appendLine(run, begin, end, 0);
      begin = this.#behind(chunk, found);
    }
    if (run.count > 0) this.#take(run);
    run.bytes = nothing;
  }

  /** Where the line that goes on at `from` ends; infinite: not in this chunk. */
  #lineEnd(chunk: Buffer, from: number): number {
    if (this.#lf < from) this.#lf = indexOf(chunk, lineFeed, from);
    if (this.#cr < from) this.#cr = indexOf(chunk, carriageReturn, from);
    return Math.min(this.#lf, this.#cr);
  }

  /** Where the next line begins, of one that ends at `end`. */
  #behind(chunk: Buffer, end: number): number {
    if (chunk[end] === lineFeed) return end + 1;
    this.#afterCr = end + 1 === chunk.length;
    return chunk[end + 1] === lineFeed ? end + 2 : end + 1;
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    const needed = this.#keptBytes + to - from;
    if (needed > this.#kept.length) {
      const grown = Buffer.allocUnsafe(Math.min(this.#maxBytes, Math.max(256, needed * 2)));
      this.#kept.copy(grown, 0, 0, this.#keptBytes);
      this.#kept = grown;
    }
    chunk.copy(this.#kept, this.#keptBytes, from, to);
    this.#keptBytes = needed;
  }

  #giveKept(cut: 0 | 1): void {
    const run = this.#run;
    run.bytes = this.#kept;
    run.count = 0;
    appendLine(run, 0, this.#keptBytes, cut);
    this.#kept = nothing;
    this.#keptBytes = 0;
    this.#take(run);
  }
}

/** Where to cut so that no character of UTF-8 is parted: at most at `at`, not before `least`. */
function cutBefore(bytes: Buffer, at: number, least: number): number {
  let cut = at;
  while (cut > least && at - cut < 3 && ((bytes[cut] as number) & 0xc0) === 0x80) cut--;
  return ((bytes[cut] as number) & 0xc0) === 0x80 ? at : cut;
}

function indexOf(chunk: Buffer, byte: number, from: number): number {
  const found = chunk.indexOf(byte, from);
  return found < 0 ? Number.POSITIVE_INFINITY : found;
}
