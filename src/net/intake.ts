import { ChannelError, MillraceError } from '../core/errors.ts';
import type { Column, EventBatch, Headers } from '../core/event-batch.ts';
import { releaseSlab, retainSlab, SlabPool } from '../core/slab-pool.ts';
import type { SourceContext } from '../core/source.ts';

/** Who sends events: a connection, a port. It is told what became of them. */
export interface Sender {
  /** What all of its events get. */
  readonly headers: ReadonlyMap<string, string>;
  /** All required channels have these of its events: so many, of so many bytes. */
  delivered(events: number, bytes: number): void;
  /** These are lost: the channels refused them, and nothing tries again. */
  refused(events: number, bytes: number, error: Error): void;
}

/** Messages that lie one after the other in some bytes. */
export interface MessageRun {
  readonly bytes: Buffer;
  readonly count: number;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** Messages of any senders, in the order in which they came. */
export interface Messages {
  readonly slab: Buffer;
  readonly count: number;
  /** Per message, where it begins and ends in the slab. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** Per message, what the source noted with it. */
  readonly notes: Uint8Array;
  /** What the senders' headers say, as columns. */
  readonly headers: Headers;
  /** When they came, in ms since 1970. */
  readonly at: number;
}

export interface IntakeOptions {
  /** Makes events of messages, one of each, in order. */
  readonly toBatch: (messages: Messages) => EventBatch;
  /** Are refused events emitted again until the source stops? Else the sender is told at once. */
  readonly retries: boolean;
}

/** Memory that messages are gathered in; a longer one gets memory of its own. */
const slabBytes = 256 << 10;
const maxFreeSlabs = 8;
/** Bytes of messages that are not delivered yet; beyond that nobody should send more. */
const maxPendingBytes = 8 << 20;
/** Batches emitted at once. */
const maxEmits = 32;
/** A channel that refused has waited its keep-alive: this only keeps a loop from spinning. */
const retryPauseMs = 50;
/** A batch has no more events than this, whatever channels take. */
const maxBatchEvents = 16_384;

/** What one sender has in a batch. */
interface Share {
  readonly sender: Sender;
  events: number;
  bytes: number;
}

interface Pending {
  readonly batch: EventBatch;
  readonly slab: Buffer;
  readonly shares: readonly Share[];
  readonly bytes: number;
}

/**
 * Where push sources bring what they receive. Messages that come in one turn of the event loop,
 * from however many senders, become one batch: so a thousand connections with one event each cost
 * one put. Batches are emitted in order, several at once; none has more events than the channels
 * take in one transaction.
 */
export class Intake {
  readonly #context: SourceContext;
  readonly #options: IntakeOptions;
  readonly #pool = new SlabPool(slabBytes, maxFreeSlabs);
  readonly #maxEvents: number;
  /** Memory that is being filled, and how far: batches of a few messages share it. */
  #slab: Buffer = Buffer.alloc(0);
  #used = 0;
  #gathering: Gathering | undefined;
  #flushScheduled = false;
  readonly #queue: Pending[] = [];
  #emits = 0;
  #pendingBytes = 0;
  #waiting: (() => void)[] = [];
  #stopping = new AbortController();

  constructor(context: SourceContext, options: IntakeOptions) {
    this.#context = context;
    this.#options = options;
    this.#maxEvents = Math.min(context.transactionCapacity, maxBatchEvents);
  }

  /** True: whoever can should send nothing until `room` resolves; UDP drops. */
  get isFull(): boolean {
    return this.#pendingBytes > maxPendingBytes;
  }

  /** Calls back when there is room again. */
  whenRoom(resume: () => void): void {
    this.#waiting.push(resume);
  }

  /** Takes a copy of a message: `bytes[from, to)`. */
  add(sender: Sender, bytes: Buffer, from: number, to: number, note = 0): void {
    const length = to - from;
    if (this.#gathering && !this.#gathering.fits(length, this.#maxEvents)) this.flush();
    this.#gathering ??= this.#newGathering(length);
    this.#gathering.add(sender, bytes, from, to, note);
    this.#pendingBytes += length;
    this.#flushSoon();
  }

  /**
   * Takes a copy of several messages that lie one after the other in some bytes.
   *
   * @param notes absent: 0 for each
   * @returns the bytes taken, of which the sender is told when they are delivered
   */
  addRun(sender: Sender, run: MessageRun, notes?: Uint8Array): number {
    let taken = 0;
    for (let row = 0; row < run.count; ) {
      const length = (run.ends[row] as number) - (run.starts[row] as number);
      if (this.#gathering && !this.#gathering.fits(length, this.#maxEvents)) this.flush();
      this.#gathering ??= this.#newGathering(length);
      const before = this.#gathering.bytes;
      row = this.#gathering.addRun(sender, run, row, this.#maxEvents, notes);
      taken += this.#gathering.bytes - before;
    }
    this.#pendingBytes += taken;
    this.#flushSoon();
    return taken;
  }

  #flushSoon(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      this.flush();
    });
  }

  /** Emits what was gathered. */
  flush(): void {
    const gathered = this.#gathering;
    if (!gathered) return;
    this.#gathering = undefined;
    const batch = this.#options.toBatch(gathered.messages(this.#context.clock.now()));
    const { shares, bytes, slab, end } = gathered;
    this.#used = end;
    retainSlab(slab);
    this.#queue.push({ batch, slab, shares, bytes });
    this.#pump();
  }

  /**
   * Resolves when everything is delivered; what is refused meanwhile is lost, and its senders are
   * told.
   */
  async stop(): Promise<void> {
    this.flush();
    this.#stopping.abort();
    while (this.#emits > 0 || this.#queue.length > 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #newGathering(length: number): Gathering {
    if (this.#used + length > this.#slab.length) {
      releaseSlab(this.#slab);
      this.#slab = length > slabBytes ? Buffer.allocUnsafe(length) : this.#pool.take();
      this.#used = 0;
    }
    return new Gathering(this.#slab, this.#used, this.#maxEvents);
  }

  #pump(): void {
    while (this.#emits < maxEmits) {
      const next = this.#queue.shift();
      if (!next) return;
      this.#emits++;
      void this.#deliver(next);
    }
  }

  async #deliver(pending: Pending): Promise<void> {
    const { batch, slab, shares, bytes } = pending;
    const failure = await this.#emit(batch);
    releaseSlab(slab);
    this.#emits--;
    this.#pendingBytes -= bytes;
    for (const share of shares) {
      if (failure) share.sender.refused(share.events, share.bytes, failure);
      else share.sender.delivered(share.events, share.bytes);
    }
    this.#pump();
    if (this.#waiting.length === 0 || (this.isFull && !this.#stopping.signal.aborted)) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  /** @returns why it is lost; `undefined` when it is not */
  async #emit(batch: EventBatch): Promise<Error | undefined> {
    const { clock, log, counters } = this.#context;
    for (;;) {
      try {
        await this.#context.emit(batch);
        return undefined;
      } catch (error) {
        const again = error instanceof MillraceError && error.retryable;
        if (!again) {
          counters.GenericProcessingFail++;
          log.error(
            { error, events: batch.length },
            'Events could not be handed on: they are lost.',
          );
        }
        if (!again || !this.#options.retries || this.#stopping.signal.aborted) {
          return error instanceof Error ? error : new ChannelError(String(error));
        }
        await clock.sleep(retryPauseMs, this.#stopping.signal);
      }
    }
  }
}

/** Messages that are gathered for one batch. */
class Gathering {
  readonly slab: Buffer;
  readonly shares: Share[] = [];
  /** Up to where the slab is used. */
  end: number;
  readonly #begin: number;
  #count = 0;
  #starts: Uint32Array;
  #ends: Uint32Array;
  #notes: Uint8Array;
  /** Per message, which of the shares it is of. */
  #senders: Uint32Array;

  constructor(slab: Buffer, begin: number, maxEvents: number) {
    this.slab = slab;
    this.#begin = begin;
    this.end = begin;
    const capacity = Math.min(maxEvents, 64);
    this.#starts = new Uint32Array(capacity);
    this.#ends = new Uint32Array(capacity);
    this.#notes = new Uint8Array(capacity);
    this.#senders = new Uint32Array(capacity);
  }

  get bytes(): number {
    return this.end - this.#begin;
  }

  fits(length: number, maxEvents: number): boolean {
    return this.#count < maxEvents && this.end + length <= this.slab.length;
  }

  add(sender: Sender, bytes: Buffer, from: number, to: number, note: number): void {
    this.#note(this.end, this.end + to - from, note);
    this.end += bytes.copy(this.slab, this.end, from, to);
    this.#share(sender, 1, to - from);
  }

  /**
   * Takes as many of the messages as fit, at least the one at `first`, which does; gives the row of
   * the first that does not.
   */
  addRun(
    sender: Sender,
    { bytes, count, starts, ends }: MessageRun,
    first: number,
    maxEvents: number,
    notes: Uint8Array | undefined,
  ): number {
    const from = starts[first] as number;
    const last = Math.min(count, first + maxEvents - this.#count);
    const shift = this.end - from;
    const room = this.slab.length - shift;
    let row = first;
    for (; row < last; row++) {
      const end = ends[row] as number;
      if (end > room) break;
      this.#note((starts[row] as number) + shift, end + shift, notes?.[row] ?? 0);
    }
    const taken = bytes.copy(this.slab, this.end, from, ends[row - 1]);
    this.end += taken;
    this.#share(sender, row - first, taken);
    return row;
  }

  #note(start: number, end: number, note: number): void {
    const row = this.#count++;
    if (row === this.#starts.length) this.#grow();
    this.#starts[row] = start;
    this.#ends[row] = end;
    this.#notes[row] = note;
    this.#senders[row] = this.shares.length;
  }

  /** Whose the last messages are. */
  #share(sender: Sender, events: number, bytes: number): void {
    const last = this.shares.at(-1);
    if (last?.sender === sender) {
      last.events += events;
      last.bytes += bytes;
      this.#senders.fill(this.shares.length - 1, this.#count - events, this.#count);
    } else this.shares.push({ sender, events, bytes });
  }

  messages(at: number): Messages {
    const count = this.#count;
    return {
      slab: this.slab,
      count,
      starts: this.#starts.subarray(0, count),
      ends: this.#ends.subarray(0, count),
      notes: this.#notes.subarray(0, count),
      headers: this.#headers(),
      at,
    };
  }

  /** One table where all messages are of one sender: that one's. */
  #headers(): Headers {
    const [first] = this.shares;
    if (!first) return new Map();
    if (this.shares.every(({ sender }) => sender.headers === first.sender.headers)) {
      return first.sender.headers;
    }
    const headers = new Map<string, Column>();
    const names = new Set(this.shares.flatMap(({ sender }) => [...sender.headers.keys()]));
    for (const name of names) {
      const column: (string | undefined)[] = [];
      for (let row = 0; row < this.#count; row++) {
        const share = this.shares[this.#senders[row] as number];
        column.push(share?.sender.headers.get(name));
      }
      headers.set(name, column);
    }
    return headers;
  }

  #grow(): void {
    const capacity = this.#starts.length * 2;
    this.#starts = grown(this.#starts, new Uint32Array(capacity));
    this.#ends = grown(this.#ends, new Uint32Array(capacity));
    this.#notes = grown(this.#notes, new Uint8Array(capacity));
    this.#senders = grown(this.#senders, new Uint32Array(capacity));
  }
}

function grown<A extends Uint32Array | Uint8Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
