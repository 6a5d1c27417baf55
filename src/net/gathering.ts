import { grown } from '../core/columns.ts';
import type { Column, Headers } from '../core/event-batch.ts';
import type { MessageRun, Messages, Sender } from './intake.ts';

/** What an event costs in memory beside its body: its places in the columns, an answer. */
const eventCostBytes = 32;
/** What a batch costs beside its events. */
export const batchCostBytes = 2_048;

/** What one sender has in a batch: messages one after the other. */
export interface Share {
  readonly sender: Sender;
  events: number;
  bytes: number;
}

/**
 * Stands behind the last message of each sender. Sinks that write lines look there, and may do so
 * while the memory behind is filled with what comes next.
 */
const newline = 10;
const firstCapacity = 256;
const nothing = Buffer.alloc(0);

/**
 * Messages that are gathered for one batch after the other, in the order in which they came. The
 * columns are used again: a batch gets copies of the size it needs.
 */
export class Gathering {
  readonly #maxEvents: number;
  #slab: Buffer = nothing;
  /** Up to where the slab is used. */
  #end = 0;
  #cost = 0;
  #at = 0;
  #shares: Share[] = [];
  #count = 0;
  #starts = new Uint32Array(firstCapacity);
  #ends = new Uint32Array(firstCapacity);
  #notes = new Uint8Array(firstCapacity);

  constructor(maxEvents: number) {
    this.#maxEvents = maxEvents;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Up to where the slab is used. */
  get end(): number {
    return this.#end;
  }

  /** The memory that its messages count for. */
  get cost(): number {
    return this.#cost;
  }

  fits(length: number): boolean {
    return this.#count < this.#maxEvents && this.#end + length < this.#slab.length;
  }

  /** The next batch's bodies go into this memory, from there on. */
  begin(slab: Buffer, from: number, at: number): void {
    this.#slab = slab;
    this.#end = from;
    this.#at = at;
  }

  /** Takes a message that fits; gives what it costs. */
  add(sender: Sender, bytes: Buffer, from: number, to: number, note: number): number {
    this.#makeRoom(1);
    const row = this.#count++;
    this.#starts[row] = this.#end;
    this.#end += bytes.copy(this.#slab, this.#end, from, to);
    this.#ends[row] = this.#end;
    this.#slab[this.#end++] = newline;
    this.#notes[row] = note;
    return this.#share(sender, 1, to - from);
  }

  /**
   * Takes as many of the messages as fit, at least the one at `first`, which does; gives the row of
   * the first that does not.
   */
  addRun(
    sender: Sender,
    { bytes, count, starts, ends }: MessageRun,
    first: number,
    notes: Uint8Array | undefined,
  ): number {
    const last = Math.min(count, first + this.#maxEvents - this.#count);
    this.#makeRoom(last - first);
    const ownStarts = this.#starts;
    const ownEnds = this.#ends;
    const shift = this.#end - (starts[first] as number);
    const room = this.#slab.length - shift;
    const before = this.#count;
    let own = before;
    let row = first;
    for (; row < last; row++, own++) {
      const end = ends[row] as number;
      if (end >= room) break;
      ownStarts[own] = (starts[row] as number) + shift;
      ownEnds[own] = end + shift;
    }
    this.#count = own;
    if (notes) this.#notes.set(notes.subarray(first, row), before);
    else this.#notes.fill(0, before, own);
    const copied = bytes.copy(this.#slab, this.#end, starts[first], ends[row - 1]);
    this.#end += copied;
    this.#slab[this.#end++] = newline;
    this.#share(sender, row - first, copied);
    return row;
  }

  /** What was gathered, and whose it is; then it is empty. */
  finish(): { readonly messages: Messages; readonly shares: readonly Share[] } {
    const count = this.#count;
    const shares = this.#shares;
    const messages = {
      slab: this.#slab,
      count,
      starts: this.#starts.slice(0, count),
      ends: this.#ends.slice(0, count),
      notes: this.#notes.subarray(0, count),
      headers: headersOf(shares, count),
      at: this.#at,
    };
    this.#shares = [];
    this.#count = 0;
    this.#cost = 0;
    this.#slab = nothing;
    return { messages, shares };
  }

  /** Whose the last messages are; gives what they cost. */
  #share(sender: Sender, events: number, bodyBytes: number): number {
    const bytes = bodyBytes + events * eventCostBytes;
    this.#cost += bytes;
    const last = this.#shares.at(-1);
    if (last?.sender === sender) {
      last.events += events;
      last.bytes += bytes;
    } else this.#shares.push({ sender, events, bytes });
    return bytes;
  }

  #makeRoom(more: number): void {
    const needed = this.#count + more;
    if (needed <= this.#starts.length) return;
    const capacity = Math.max(needed, this.#starts.length * 2);
    this.#starts = grown(this.#starts, new Uint32Array(capacity));
    this.#ends = grown(this.#ends, new Uint32Array(capacity));
    this.#notes = grown(this.#notes, new Uint8Array(capacity));
  }
}

/** One table where all messages are of senders with the same: that one. */
function headersOf(shares: readonly Share[], count: number): Headers {
  const [first] = shares;
  if (!first) return new Map();
  const { headers } = first.sender;
  if (shares.every(({ sender }) => sender.headers === headers)) return headers;
  const names = new Set(shares.flatMap(({ sender }) => [...sender.headers.keys()]));
  return new Map([...names].map((name) => [name, columnOf(shares, count, name)]));
}

function columnOf(shares: readonly Share[], count: number, name: string): Column {
  const first = shares[0]?.sender.headers.get(name);
  if (first !== undefined && shares.every(({ sender }) => sender.headers.get(name) === first)) {
    return first;
  }
  const column = new Array<string | undefined>(count);
  let row = 0;
  for (const { sender, events } of shares) {
    column.fill(sender.headers.get(name), row, row + events);
    row += events;
  }
  return column;
}
