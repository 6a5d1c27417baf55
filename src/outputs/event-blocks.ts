import type { Range } from '../core/channel.ts';
import type { EventBatch } from '../core/event-batch.ts';
import { splitRanges } from '../core/ranges.ts';
import type { EventSerializer } from '../core/serializer.ts';
import { RangeList } from './range-list.ts';

/**
 * Writes bytes behind all that was written before. With its call, the events with these sequences
 * are in its hands.
 */
export type WriteBlock = (buffers: readonly Buffer[], ranges: readonly Range[]) => Promise<void>;

const defaultBlockBytes = 1 << 20;
/** Blocks of a file that are being made or written, before `append` waits for them. */
const maxUnwritten = 4;

interface Block {
  readonly ranges: readonly Range[];
  /** What `heldBytes` said of it. */
  readonly bytes: number;
}

/**
 * The events of one file on their way through its serializer: gathered to blocks where the format
 * has such, and handed on in order when each is made, which may be beside the event loop.
 *
 * Every event that was appended is in these hands until `write` is called with it; after a failure
 * `abandon` says which are left.
 */
export class EventBlocks {
  /** The format is only readable when the file is ended: no event is handed on before. */
  readonly isWhole: boolean;
  readonly #serializer: EventSerializer;
  readonly #write: WriteBlock;
  /** Called when a block failed that nobody waits for. */
  readonly #onFailed: (error: unknown) => void;
  #begun = false;
  /** No event was ever taken. */
  isEmpty = true;
  /** Bytes that go before the next block: what a file begins with. */
  #ready: readonly Buffer[] = [];
  /** The events that the serializer holds; of a whole file, all. */
  readonly #held = new RangeList();
  /** Blocks that are being made, or wait to be written. */
  readonly #unwritten = new Set<Block>();
  #unwrittenBytes = 0;
  #turn: Promise<void> = Promise.resolve();
  /** Blocks that were not written yet: one of them is being written. */
  #waiting = 0;
  #failed = false;

  constructor(serializer: EventSerializer, write: WriteBlock, onFailed: (error: unknown) => void) {
    this.#serializer = serializer;
    this.#write = write;
    this.#onFailed = onFailed;
    this.isWhole = serializer.end !== undefined;
  }

  /** Bytes of events that are in no block yet. */
  get heldBytes(): number {
    return this.#failed ? 0 : (this.#serializer.heldBytes ?? 0);
  }

  /** Bytes of blocks that are being made or written, before compression. */
  get unwrittenBytes(): number {
    return this.#unwrittenBytes;
  }

  /**
   * Takes events, in order. Resolves when those that fill no block are held, and not too many
   * blocks are unwritten; what a format holds nothing of is written then.
   *
   * @throws DeliveryError when the serializer refuses events: those, and all behind them, were not
   *   taken, and the file is sound
   */
  async append(events: EventBatch, ranges: readonly Range[]): Promise<void> {
    if (!this.#begun) this.#ready = this.#serializer.begin();
    this.#begun = true;
    let rest = events;
    let restRanges = ranges;
    while (rest.length > 0) {
      const count = this.#fitting(rest);
      const [first, later] = splitRanges(restRanges, count);
      this.#take(rest.slice(0, count), first);
      rest = rest.slice(count);
      restRanges = later;
    }
    if (this.heldBytes === 0 || this.#unwritten.size > maxUnwritten) await this.#turn;
  }

  /** Ends the block: its events are handed on as soon as it is made. */
  endBlock(): void {
    const bytes = this.heldBytes;
    if (this.#failed || bytes === 0) return;
    const ranges = this.isWhole ? [] : this.#held.take();
    this.#enqueue(this.#flush(), ranges, bytes);
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#turn.catch(() => {});
  }

  /** Ends the last block and the file. Returns the events of a whole file. */
  async end(): Promise<readonly Range[]> {
    this.endBlock();
    const ending = this.#serializer.end?.();
    if (ending) this.#enqueue(ending, [], 0);
    await this.#turn;
    return this.#held.take();
  }

  /** Nothing is handed on any more. Returns the events that were not. */
  abandon(): readonly Range[] {
    this.#failed = true;
    const unwritten = [...this.#unwritten].flatMap((block) => block.ranges);
    this.#unwritten.clear();
    this.#unwrittenBytes = 0;
    return [...unwritten, ...this.#held.take()];
  }

  async #flush(): Promise<readonly Buffer[]> {
    return this.#serializer.flush();
  }

  /** So many events that a block is just full. */
  #fitting({ length, starts, ends }: EventBatch): number {
    const { heldBytes, blockBytes = defaultBlockBytes } = this.#serializer;
    if (heldBytes === undefined) return length;
    let bytes = heldBytes;
    let count = 0;
    while (count < length && bytes < blockBytes) {
      bytes += (ends[count] as number) - (starts[count] as number);
      count++;
    }
    return Math.max(1, count);
  }

  #take(events: EventBatch, ranges: readonly Range[]): void {
    const buffers = this.#serializer.write(events);
    this.isEmpty = false;
    this.#held.add(ranges);
    const { heldBytes = 0, blockBytes = defaultBlockBytes } = this.#serializer;
    if (heldBytes > 0 || this.isWhole) {
      if (buffers.length > 0) this.#enqueue(buffers, [], bytesOf(buffers));
      if (heldBytes >= blockBytes) this.endBlock();
    } else {
      this.#enqueue(buffers, this.#held.take(), bytesOf(buffers));
    }
  }

  #enqueue(
    made: readonly Buffer[] | Promise<readonly Buffer[]>,
    ranges: readonly Range[],
    bytes: number,
  ): void {
    const block: Block = { ranges, bytes };
    const before = this.#ready;
    this.#ready = [];
    this.#unwritten.add(block);
    this.#unwrittenBytes += bytes;
    // Several are made at once: one that fails must not do so unheard while another is waited for.
    if (made instanceof Promise) made.catch(() => {});
    const write = async () => {
      const buffers = made instanceof Promise ? await made : made;
      if (!this.#unwritten.delete(block)) throw new Error('the file was given up');
      this.#unwrittenBytes -= bytes;
      await this.#write(before.length > 0 ? [...before, ...buffers] : buffers, ranges);
      this.#waiting--;
    };
    // At once, where nothing comes before it. After a failure everything else does.
    const turn = this.#waiting++ === 0 ? write() : this.#turn.then(write);
    this.#turn = turn;
    turn.catch((error: unknown) => this.#onFailed(error));
  }
}

function bytesOf(buffers: readonly Buffer[]): number {
  let bytes = 0;
  for (const buffer of buffers) bytes += buffer.length;
  return bytes;
}
