import { ChannelError, MillraceError } from '../core/errors.ts';
import type { EventBatch, Headers } from '../core/event-batch.ts';
import { RareLog } from '../core/rare-log.ts';
import { releaseSlab, retainSlab, SlabPool } from '../core/slab-pool.ts';
import type { SourceContext } from '../core/source.ts';
import { batchCostBytes, Gathering, type Share } from './gathering.ts';

/**
 * Who sends events: a connection, a port. It is told what became of them, in the order in which it
 * gave them, and counts what is lost (`EventDropCount`).
 */
export interface Sender {
  /** What all of its events get. */
  readonly headers: ReadonlyMap<string, string>;
  /** All required channels have these of its events; `bytes` as `add` and `addRun` gave them. */
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
  /** From the first message to the last it is theirs: bytes may be moved there. */
  readonly slab: Buffer;
  readonly count: number;
  /** Per message, where it begins and ends in the slab. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** Per message, what the source noted with it. */
  readonly notes: Uint8Array;
  /** What the senders' headers say, as columns. */
  readonly headers: Headers;
  /** When the first of them came, in ms since 1970. */
  readonly at: number;
}

export interface IntakeOptions {
  /** Makes events of messages, one of each, in order. */
  readonly toBatch: (messages: Messages) => EventBatch;
  /** Are refused events emitted again until the source stops? Else the sender is told at once. */
  readonly retries: boolean;
  /**
   * How long messages may wait for others; absent: until the end of the turn. Where few come in a
   * turn, as datagrams do, a batch costs many times what its events do.
   */
  readonly gatherMs?: number;
}

/** Who can't send while the intake is full. */
export interface Waiter {
  /** There is room again. */
  resume(): void;
}

/** Memory that messages are gathered in; a longer one gets memory of its own. */
const slabBytes = 256 << 10;
const maxFreeSlabs = 8;
/** What is not delivered yet, in bytes of memory; beyond that nobody should send more. */
export const maxPendingBytes = 8 << 20;
/** Batches emitted at once. */
export const maxEmits = 32;
/**
 * The wait after a refusal, twice as long each time: a channel has waited its keep-alive already,
 * so this only keeps a loop from spinning where that is 0.
 */
const firstPauseMs = 1;
const longestPauseMs = 64;
/** A batch has no more events than this, whatever channels take. */
const maxBatchEvents = 16_384;
/** What somebody who may send again is expected to bring at once. */
const readBytes = 64 << 10;

interface Pending {
  readonly batch: EventBatch;
  readonly slab: Buffer;
  readonly shares: readonly Share[];
  readonly cost: number;
  /** Absent: it is being emitted. */
  outcome: 'delivered' | Error | undefined;
  /** A channel refused it, and may yet take it. */
  refused: boolean;
}

/**
 * Where push sources bring what they receive. Messages that come in one turn of the event loop,
 * from however many senders, become one batch: so a thousand connections with one event each cost
 * one put. While the channels are slow, messages are gathered into whole batches. None has more
 * events than the channels take in one transaction.
 *
 * Order: batches are emitted in order, several at once. Once one is refused nothing newer is
 * emitted until it is in; so a sender's events can pass one another only within the `maxEmits`
 * batches that were under way when a channel refused one and, as its room became free, took a later
 * one. Senders are told in order whatever happens.
 */
export class Intake {
  readonly #context: SourceContext;
  readonly #options: IntakeOptions;
  readonly #rare: RareLog;
  readonly #pool = new SlabPool(slabBytes, maxFreeSlabs);
  /** Memory that is being filled, and how far: batches of a few messages share it. */
  #slab: Buffer = Buffer.alloc(0);
  #used = 0;
  readonly #gathering: Gathering;
  #flushScheduled = false;
  /** Whole batches that wait until one of those under way is in. */
  readonly #queue: Pending[] = [];
  /** Under way, in the order in which they were emitted first. */
  readonly #underWay: Pending[] = [];
  /** How many of these are being emitted, and how many were refused and are not in. */
  #emits = 0;
  #refused = 0;
  #retryScheduled = false;
  #lastWasRefused = false;
  #pauseMs = firstPauseMs;
  #pendingBytes = 0;
  readonly #waiting: Waiter[] = [];
  #resumeScheduled = false;
  #stopping = new AbortController();
  #whenIdle: (() => void) | undefined;

  constructor(context: SourceContext, options: IntakeOptions) {
    this.#context = context;
    this.#options = options;
    this.#rare = new RareLog(context.log, context.clock);
    this.#gathering = new Gathering(Math.min(context.transactionCapacity, maxBatchEvents));
  }

  /** True: whoever can should send nothing until it is resumed; UDP drops. */
  get isFull(): boolean {
    return this.#pendingBytes > maxPendingBytes;
  }

  /** True: everybody must stop at once, since many senders bring much in one turn. */
  get isOverfull(): boolean {
    return this.#pendingBytes > maxPendingBytes * 2;
  }

  /** Will be resumed once, when there is room again: not all at once where many wait. */
  whenRoom(waiter: Waiter): void {
    this.#waiting.push(waiter);
  }

  /**
   * Takes a copy of a message: `bytes[from, to)`.
   *
   * @returns the bytes it counts, of which the sender is told when it is delivered
   */
  add(sender: Sender, bytes: Buffer, from: number, to: number, note = 0): number {
    const cost = this.#gatheringFor(to - from).add(sender, bytes, from, to, note);
    this.#pendingBytes += cost;
    this.#flushSoon();
    return cost;
  }

  /**
   * Takes a copy of several messages that lie one after the other in some bytes.
   *
   * @param notes absent: 0 for each
   * @returns the bytes they count, of which the sender is told when they are delivered
   */
  addRun(sender: Sender, run: MessageRun, notes?: Uint8Array): number {
    let cost = 0;
    for (let row = 0; row < run.count; ) {
      const length = (run.ends[row] as number) - (run.starts[row] as number);
      const gathering = this.#gatheringFor(length);
      const before = gathering.cost;
      row = gathering.addRun(sender, run, row, notes);
      cost += gathering.cost - before;
    }
    this.#pendingBytes += cost;
    this.#flushSoon();
    return cost;
  }

  /** Emits what was gathered, or lines it up behind what waits. */
  flush(): void {
    const { isEmpty, end, cost } = this.#gathering;
    if (isEmpty) return;
    const { messages, shares } = this.#gathering.finish();
    const { slab } = messages;
    this.#used = end;
    retainSlab(slab);
    this.#queue.push({
      batch: this.#options.toBatch(messages),
      slab,
      shares,
      cost: cost + batchCostBytes,
      outcome: undefined,
      refused: false,
    });
    this.#pump();
  }

  /**
   * Resolves when everything is delivered; what is refused meanwhile is lost, and its senders are
   * told.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.flush();
    while (this.#underWay.length > 0 || this.#queue.length > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    this.#stopping = new AbortController();
  }

  /** The batch that a message of that length goes into. */
  #gatheringFor(length: number): Gathering {
    if (this.#gathering.fits(length)) return this.#gathering;
    this.flush();
    // A newline goes behind it.
    if (this.#used + length + 1 > this.#slab.length) {
      releaseSlab(this.#slab);
      this.#slab = length < slabBytes ? this.#pool.take() : Buffer.allocUnsafe(length + 1);
      this.#used = 0;
    }
    this.#pendingBytes += batchCostBytes;
    this.#gathering.begin(this.#slab, this.#used, this.#context.clock.now());
    return this.#gathering;
  }

  #flushSoon(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    const { gatherMs } = this.#options;
    if (gatherMs === undefined) setImmediate(this.#flushNow);
    else setTimeout(this.#flushNow, gatherMs);
  }

  /** While as much is under way as may be, a batch waits for more messages instead. */
  readonly #flushNow = (): void => {
    this.#flushScheduled = false;
    if (this.#mayEmit || this.#stopping.signal.aborted) this.flush();
  };

  get #mayEmit(): boolean {
    return this.#refused === 0 && this.#underWay.length < maxEmits;
  }

  #pump(): void {
    while (this.#mayEmit) {
      const next = this.#queue.shift();
      if (!next) break;
      this.#underWay.push(next);
      this.#start(next);
    }
    if (this.#mayEmit && !this.#flushScheduled) this.flush();
  }

  #start(pending: Pending): void {
    this.#emits++;
    pending.outcome = undefined;
    this.#context.emit(pending.batch).then(
      () => this.#settled(pending, 'delivered'),
      (error: unknown) => {
        this.#settled(pending, error instanceof Error ? error : new ChannelError(String(error)));
      },
    );
  }

  #settled(pending: Pending, outcome: 'delivered' | Error): void {
    this.#emits--;
    pending.outcome = outcome;
    this.#lastWasRefused = outcome !== 'delivered' && isRetryable(outcome);
    if (!this.#lastWasRefused) this.#pauseMs = firstPauseMs;
    if (this.#lastWasRefused && !pending.refused) {
      pending.refused = true;
      this.#refused++;
    }
    this.#tell();
    this.#pump();
    this.#resumeSome();
    if (this.#underWay.length === 0 && this.#queue.length === 0) this.#whenIdle?.();
  }

  /** Tells senders what became of their events, in order, as far as that is known for good. */
  #tell(): void {
    for (let first = this.#underWay[0]; first?.outcome; first = this.#underWay[0]) {
      const { outcome, shares, slab, cost } = first;
      if (outcome !== 'delivered' && this.#retries && isRetryable(outcome)) {
        this.#retry(first, outcome);
        return;
      }
      this.#underWay.shift();
      if (first.refused) this.#refused--;
      releaseSlab(slab);
      this.#pendingBytes -= cost;
      if (outcome === 'delivered') {
        for (const { sender, events, bytes } of shares) sender.delivered(events, bytes);
      } else this.#lose(first, outcome);
    }
  }

  #lose({ batch, shares }: Pending, error: Error): void {
    if (!isRetryable(error)) {
      this.#context.counters.GenericProcessingFail++;
      const sentence = 'Events could not be handed on: they are lost.';
      this.#rare.error({ error, events: batch.length }, sentence);
    }
    for (const { sender, events, bytes } of shares) sender.refused(events, bytes, error);
  }

  get #retries(): boolean {
    return this.#options.retries && !this.#stopping.signal.aborted;
  }

  /** After the others under way have had their say, so that those refused follow in order. */
  #retry(pending: Pending, error: Error): void {
    if (this.#emits > 0 || this.#retryScheduled) return;
    if (!this.#lastWasRefused) {
      this.#start(pending);
      return;
    }
    this.#rare.warn({ error }, 'A channel takes nothing: what it refused is put again.');
    this.#retryScheduled = true;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    void this.#context.clock.sleep(pauseMs, this.#stopping.signal).then(() => {
      this.#retryScheduled = false;
      this.#start(pending);
    });
  }

  /** As many as the room is for, a few at a time: who is resumed may have nothing to send. */
  #resumeSome(): void {
    if (this.#waiting.length === 0 || this.isFull || this.#resumeScheduled) return;
    const room = Math.ceil((maxPendingBytes - this.#pendingBytes) / readBytes);
    for (const waiter of this.#waiting.splice(0, Math.max(1, room))) waiter.resume();
    if (this.#waiting.length === 0) return;
    this.#resumeScheduled = true;
    setImmediate(() => {
      this.#resumeScheduled = false;
      this.#resumeSome();
    });
  }
}

function isRetryable(error: Error): boolean {
  return error instanceof MillraceError && error.retryable;
}
