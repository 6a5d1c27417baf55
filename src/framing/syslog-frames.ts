import { appendLine, type LineRun, newRun } from './line-run.ts';

/** Messages within some bytes, without what ends them; cut: not whole, for whatever reason. */
export interface FrameRun extends LineRun {
  /** How many are not whole. */
  cutCount: number;
}

export interface FrameOptions {
  /** A message that reaches this size without its end is cut there. */
  readonly maxBytes: number;
  /** Does the CR of CR LF belong to the message? */
  readonly keepsCarriageReturn: boolean;
}

const nul = 0;
const lineFeed = 10;
const carriageReturn = 13;
const blank = 32;
const zero = 48;
const lessThan = 60;
const greaterThan = 62;

/** A longer count of octets is none: nobody sends frames of 10 MB. */
const maxCountDigits = 7;
/** A count, its blank and a priority: what must be seen to know where a frame begins. */
const headBytes = maxCountDigits + ' <191>'.length;
/** What can't be told yet, or isn't there. */
const unknown = -1;

const nothing = Buffer.alloc(0);
/**
 * One for all: a run is valid during the call that gives it only, so that thousands of connections
 * that were busy once don't keep columns each.
 */
const run: FrameRun = { ...newRun(), cutCount: 0 };

/**
 * Cuts what comes from one peer into syslog messages, in either way of RFC 6587, told apart by how
 * the connection begins:
 *
 *   octet counting => {MSG-LEN SP SYSLOG-MSG}: digits, a blank, `<` and a digit
 *   other senders  => {SYSLOG-MSG TRAILER}, where TRAILER is LF, CR LF or NUL
 *
 * Messages without content are skipped, and so are blanks before a `<`, which Cisco's devices
 * send. A message that reaches the limit is cut there; what follows is a message of its own. Where
 * a count was wrong, what lies between the end of its frame and the next LF, or the next thing that
 * looks like the beginning of a frame, is a message. The same bytes give the same messages,
 * however they arrive. No peer makes this keep more than the limit and a few bytes.
 */
export class SyslogFrames {
  readonly #maxBytes: number;
  readonly #keepsCarriageReturn: boolean;
  readonly #take: (run: FrameRun) => void;
  /** Are octets counted? Unknown until enough of the first message has come. */
  #counted: boolean | undefined;
  /** Octets of the frame in hand that were not taken yet. */
  #left = 0;
  /** Was the message before cut, so that this one is the rest of it? */
  #goesOn = false;
  /** What has come of a message whose end has not, in memory of its own. */
  #kept: Buffer = nothing;
  #keptBytes = 0;
  /** How much of it was looked through for its end. */
  #searched = 0;
  /** Where the next message begins, in the bytes at hand. */
  #next = 0;
  /** The first of each in the bytes at hand that may matter; the length where there is none. */
  #nul = unknown;
  #lineFeed = unknown;

  /** @param take is given every message, in order; a run is valid during the call only */
  constructor(options: FrameOptions, take: (run: FrameRun) => void) {
    this.#maxBytes = options.maxBytes;
    this.#keepsCarriageReturn = options.keepsCarriageReturn;
    this.#take = take;
  }

  push(chunk: Buffer): void {
    let at = this.#keptBytes === 0 ? 0 : this.#complete(chunk);
    if (at === chunk.length) return;
    this.#begin(chunk);
    while (at < chunk.length && this.#found(chunk, at, false)) at = this.#next;
    this.#give();
    if (at < chunk.length) this.#keep(chunk, at, chunk.length);
  }

  /** Nothing comes any more: what is there of a message is all there will be of it. */
  end(): void {
    if (this.#keptBytes === 0) return;
    const bytes = this.#kept.subarray(0, this.#keptBytes);
    this.#begin(bytes);
    for (let at = 0; at < bytes.length; at = this.#next) this.#found(bytes, at, true);
    this.#give();
    this.#forget();
  }

  /** Goes on with what is kept; gives where in the chunk the rest begins. */
  #complete(chunk: Buffer): number {
    let copied = 0;
    for (;;) {
      // No more than the longest message may need: the rest stays where it is.
      const wanted = Math.max(1, this.#maxBytes + headBytes - this.#keptBytes);
      const to = Math.min(chunk.length, copied + wanted);
      this.#keep(chunk, copied, to);
      copied = to;
      const bytes = this.#kept.subarray(0, this.#keptBytes);
      this.#begin(bytes);
      const found = this.#found(bytes, 0, false);
      this.#give();
      if (!found && copied < chunk.length) continue;
      if (!found) return copied;
      const unused = this.#keptBytes - this.#next;
      if (unused <= copied) {
        this.#forget();
        return copied - unused;
      }
      // The next message, too, begins in what was kept before.
      this.#kept.copyWithin(0, this.#next, this.#keptBytes);
      this.#keptBytes = unused;
    }
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    const needed = this.#keptBytes + to - from;
    if (needed > this.#kept.length) {
      const most = this.#maxBytes + headBytes;
      const size = Math.max(needed, Math.min(most, Math.max(256, needed * 2)));
      const grown = Buffer.allocUnsafe(size);
      this.#kept.copy(grown, 0, 0, this.#keptBytes);
      this.#kept = grown;
    }
    bytes.copy(this.#kept, this.#keptBytes, from, to);
    this.#keptBytes = needed;
  }

  #forget(): void {
    this.#kept = nothing;
    this.#keptBytes = 0;
    this.#searched = 0;
  }

  /**
   * Goes on at `at`: adds a message to the run, or steps over what is none. Sets where to go on
   * then. False: more must come first.
   *
   * @param final nothing follows these bytes
   */
  #found(bytes: Buffer, at: number, final: boolean): boolean {
    if (this.#counted === false) return this.#foundLine(bytes, at, final);
    if (this.#left > 0) return this.#foundFrame(bytes, at, final);
    const byte = bytes[at] as number;
    if (isTrailer(byte) || (byte === blank && this.#counted)) {
      this.#next = at + 1;
      return true;
    }
    const end = endOfCount(bytes, at);
    const known = this.#counted ?? startsCounting(bytes, at, end);
    if (!final && (known === undefined || end === bytes.length)) return false;
    this.#counted = known ?? false;
    if (!this.#counted) return this.#foundLine(bytes, at, final);
    if (end === at || bytes[end] !== blank) return this.#foundStray(bytes, at, final);
    this.#left = numberIn(bytes, at, end);
    this.#next = end + 1;
    return true;
  }

  #foundLine(bytes: Buffer, at: number, final: boolean): boolean {
    const end = this.#endOfLine(bytes, at + this.#searched);
    if (end - at >= this.#maxBytes) return this.#add(bytes, at, at + this.#maxBytes, 1);
    if (end === bytes.length && !final) {
      this.#searched = end - at;
      return false;
    }
    this.#add(bytes, at, end, 0);
    this.#next = end + 1;
    return true;
  }

  #foundFrame(bytes: Buffer, at: number, final: boolean): boolean {
    const size = Math.min(this.#left, this.#maxBytes);
    const there = Math.min(size, bytes.length - at);
    if (there < size && !final) return false;
    this.#left -= there;
    return this.#add(bytes, at, at + there, this.#left === 0 ? 0 : 1);
  }

  /** What is no frame where one should begin: up to the end of its line, or the next frame. */
  #foundStray(bytes: Buffer, at: number, final: boolean): boolean {
    const from = at + Math.max(0, this.#searched - headBytes);
    const end = this.#endOfLine(bytes, from);
    const limit = Math.min(end, at + this.#maxBytes);
    const frame = frameWithin(bytes, at, Math.max(at + 1, from), limit);
    if (frame !== unknown) return this.#add(bytes, at, frame, 0);
    const ended = end < bytes.length || final;
    if (!ended && bytes.length - at < this.#maxBytes + headBytes) {
      this.#searched = end - at;
      return false;
    }
    if (limit < end) return this.#add(bytes, at, limit, 1);
    this.#add(bytes, at, limit, 0);
    this.#next = limit + 1;
    return true;
  }

  /** Where the LF or NUL is; the end of the bytes when there is none. */
  #endOfLine(bytes: Buffer, from: number): number {
    if (this.#nul < from) this.#nul = indexOr(bytes, nul, from, bytes.length);
    if (this.#lineFeed < from) this.#lineFeed = indexOr(bytes, lineFeed, from, bytes.length);
    return Math.min(this.#nul, this.#lineFeed);
  }

  /** Always true: what was found ends at `to`, and the next begins there. */
  #add(bytes: Buffer, from: number, to: number, cut: 0 | 1): true {
    this.#searched = 0;
    this.#next = to;
    let start = from;
    let end = to;
    if (cut === 0 && (this.#counted || !this.#keepsCarriageReturn)) {
      while (end > start && isTrailer(bytes[end - 1] as number)) end--;
    }
    if (bytes[start] === blank && !this.#goesOn) {
      let first = start + 1;
      while (first < end && bytes[first] === blank) first++;
      if (first < end && bytes[first] === lessThan) start = first;
    }
    this.#goesOn = cut === 1;
    const isEmpty = start === end || (end - start === 1 && bytes[start] === carriageReturn);
    if (!isEmpty) append(start, end, cut);
    return true;
  }

  #begin(bytes: Buffer): void {
    run.bytes = bytes;
    run.count = 0;
    run.cutCount = 0;
    this.#nul = unknown;
    this.#lineFeed = unknown;
  }

  #give(): void {
    if (run.count > 0) this.#take(run);
    run.bytes = nothing;
  }
}

function append(start: number, end: number, cut: 0 | 1): void {
  appendLine(run, start, end, cut);
  run.cutCount += cut;
}

function isTrailer(byte: number): boolean {
  return byte === lineFeed || byte === carriageReturn || byte === nul;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= zero + 9;
}

function indexOr(bytes: Buffer, byte: number, from: number, otherwise: number): number {
  const index = bytes.indexOf(byte, from);
  return index < 0 ? otherwise : index;
}

/** Where the digits end that may be a count: `at` itself when none can begin there. */
function endOfCount(bytes: Buffer, at: number): number {
  if (bytes[at] === zero) return at;
  let end = at;
  while (isDigit(bytes[end])) if (++end - at > maxCountDigits) return at;
  return end;
}

/** Do octets count from here on? Undefined: more must come first. */
function startsCounting(bytes: Buffer, at: number, end: number): boolean | undefined {
  if (end === at) return false;
  for (const [index, isExpected] of countedHead.entries()) {
    const byte = bytes[end + index];
    if (byte === undefined) return undefined;
    if (!isExpected(byte)) return false;
  }
  return true;
}

/** What follows the count of a connection's first frame. */
const countedHead: readonly ((byte: number) => boolean)[] = [
  (byte) => byte === blank,
  (byte) => byte === lessThan,
  isDigit,
];

function numberIn(bytes: Buffer, from: number, to: number): number {
  let number = 0;
  for (let at = from; at < to; at++) number = number * 10 + (bytes[at] as number) - zero;
  return number;
}

/**
 * Where the first frame begins after `after`, and before `to`: its count, a blank, a priority.
 * Looked for from `from` on. Unknown when there is none, or not enough of one.
 */
function frameWithin(bytes: Buffer, after: number, from: number, to: number): number {
  const last = Math.min(bytes.length, to + headBytes);
  for (let at = bytes.indexOf(lessThan, from); at >= 0 && at < last; ) {
    if (bytes[at - 1] === blank && isPriority(bytes, at)) {
      let begin = at - 1;
      while (begin - 1 > after && isDigit(bytes[begin - 1])) begin--;
      while (bytes[begin] === zero) begin++;
      const digits = at - 1 - begin;
      if (digits > 0 && digits <= maxCountDigits && begin < to) return begin;
    }
    at = bytes.indexOf(lessThan, at + 1);
  }
  return unknown;
}

function isPriority(bytes: Buffer, at: number): boolean {
  let end = at + 1;
  while (isDigit(bytes[end]) && end - at <= 3) end++;
  return end > at + 1 && bytes[end] === greaterThan;
}
