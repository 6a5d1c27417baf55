import { blank, greaterThan, lessThan, lineFeed } from './bytes.ts';
import type { Head } from './head.ts';
import type { KeptFields } from './keep-fields.ts';
import type { SyslogMessages } from './messages.ts';

/** A body takes at most this much more than its message: blanks, where the message had none. */
const extraBytes = 4;

/**
 * The bodies of a batch: parts of the bytes that came, as far as that can be; others are put
 * together. The parts are moved to the front of those bytes, a newline behind each, so that a sink
 * which writes lines can write them all as one piece.
 */
export class Bodies {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly #slab: Buffer;
  readonly #kept: KeptFields;
  /** Where the next body goes. */
  #to: number;
  /** Bodies that were put together, and the rows that they are of. */
  #made: Buffer = Buffer.alloc(0);
  #madeBytes = 0;
  readonly #madeRows: number[] = [];

  /** Bytes and bounds are changed: those of a message once its body is set. */
  constructor({ slab, starts, ends }: SyslogMessages, kept: KeptFields) {
    this.starts = starts;
    this.ends = ends;
    this.#slab = slab;
    this.#to = starts[0] ?? 0;
    this.#kept = kept;
  }

  /** The message as it came. */
  setRaw(row: number, { start, end }: Head): void {
    this.#move(row, start, end);
  }

  /** What is kept of a message of which all is known. Nothing: the message as it came. */
  set(row: number, head: Head): void {
    const kept = this.#kept;
    let from = kept === 'all' ? head.start : head.text;
    if (typeof kept === 'object') from = this.#keptFrom(head, kept);
    if (from < 0) this.#make(row, head);
    else this.#move(row, from === head.end ? head.start : from, head.end);
  }

  /** Bytes of the caller's. */
  setBytes(row: number, bytes: Buffer): void {
    this.#makeRoom(bytes.length);
    this.starts[row] = this.#madeBytes;
    this.#madeBytes += bytes.copy(this.#made, this.#madeBytes);
    this.ends[row] = this.#madeBytes;
    this.#madeRows.push(row);
  }

  /** The memory that the bounds are of. */
  finish(): Buffer {
    if (this.#madeRows.length === 0) return this.#slab;
    // One slab per batch: the others are copied to those that were put together.
    let made = 0;
    for (let row = 0; row < this.starts.length; row++) {
      if (row === this.#madeRows[made]) made++;
      else this.#moveToMade(row, this.starts[row] as number, this.ends[row] as number);
    }
    return this.#made.subarray(0, this.#madeBytes);
  }

  #move(row: number, from: number, end: number): void {
    const slab = this.#slab;
    // A message that begins with a newline right behind the last one has that for its own.
    const start = Math.min(this.#to, from);
    const to = start + end - from;
    if (from !== start) slab.copyWithin(start, from, end);
    this.starts[row] = start;
    this.ends[row] = to;
    // What is before the message's end is free by now, what is behind it may be the next one.
    if (to < end) slab[to] = lineFeed;
    this.#to = to < end || slab[to] === lineFeed ? to + 1 : to;
  }

  #moveToMade(row: number, from: number, to: number): void {
    this.#makeRoom(to - from);
    this.starts[row] = this.#madeBytes;
    this.#copy(from, to);
    this.ends[row] = this.#madeBytes;
  }

  /** Where the parts begin that are kept, if nothing else lies between them; else below 0. */
  #keptFrom(head: Head, kept: ReadonlySet<string>): number {
    const bytes = this.#slab;
    let from = head.text;
    if (kept.has('hostname')) {
      if (head.hostTo + 1 !== from || bytes[head.hostTo] !== blank) return -1;
      from = head.hostFrom;
    }
    if (kept.has('timestamp')) {
      if (head.timeTo + 1 !== from || bytes[head.timeTo] !== blank) return -1;
      from = head.timeFrom;
    }
    if (kept.has('version') && head.version >= 0) {
      if (head.version + 2 !== from || bytes[head.version + 1] !== blank) return -1;
      from = head.version;
    }
    if (!kept.has('priority')) return from;
    return head.afterPriority === from ? head.start : -1;
  }

  #make(row: number, head: Head): void {
    const kept = this.#kept as ReadonlySet<string>;
    this.#makeRoom(head.end - head.start + extraBytes);
    this.starts[row] = this.#madeBytes;
    if (kept.has('priority')) {
      this.#byte(lessThan);
      this.#copy(head.start + 1, head.afterPriority - 1);
      this.#byte(greaterThan);
    }
    if (kept.has('version') && head.version >= 0) this.#word(head.version, head.version + 1);
    if (kept.has('timestamp')) this.#word(head.timeFrom, head.timeTo);
    if (kept.has('hostname')) this.#word(head.hostFrom, head.hostTo);
    this.#copy(head.text, head.end);
    this.ends[row] = this.#madeBytes;
    this.#madeRows.push(row);
  }

  #word(from: number, to: number): void {
    this.#copy(from, to);
    this.#byte(blank);
  }

  #copy(from: number, to: number): void {
    this.#madeBytes += this.#slab.copy(this.#made, this.#madeBytes, from, to);
  }

  #byte(byte: number): void {
    this.#made[this.#madeBytes++] = byte;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#madeBytes + bytes;
    if (needed <= this.#made.length) return;
    const grown = Buffer.allocUnsafe(Math.max(4096, needed, this.#made.length * 2));
    this.#made.copy(grown, 0, 0, this.#madeBytes);
    this.#made = grown;
  }
}
