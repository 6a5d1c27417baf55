import { grown } from '../../core/columns.ts';
import { EventBatch, type Headers, noHeaders } from '../../core/event-batch.ts';
import { releaseSlab, SlabPool } from '../../core/slab-pool.ts';
import type { LineRun } from '../../framing/line-run.ts';

/** Memory that lines are gathered in; a longer line gets memory of its own. */
const slabBytes = 256 << 10;
const maxFreeSlabs = 4;
/** What waits at most, but for one chunk more; beyond that the command is not read. */
const maxPendingBytes = 1 << 20;
/** What a line costs beside its bytes. */
const rowBytes = 16;
const minRows = 64;
/** The header of an event whose line goes on in the next event, and its value. */
const lineHeader = 'millrace.line';
const lineGoesOn = 'cut';

/** Lines in one piece of memory. */
interface Block {
  readonly slab: Buffer;
  used: number;
  starts: Uint32Array;
  ends: Uint32Array;
  cut: Uint8Array;
  count: number;
  /** So many were handed on. */
  taken: number;
}

/** Lines that wait to be handed on, as a batch takes them: in one slab, with two bounds each. */
export class PendingLines {
  readonly #pool = new SlabPool(slabBytes, maxFreeSlabs);
  /** The last one is being filled. */
  readonly #blocks: Block[] = [];
  #count = 0;
  #bytes = 0;
  /** Events of the batch that `next` gave last. */
  #lent = 0;

  get count(): number {
    return this.#count;
  }

  /** Is there so much that no more should be read? */
  get isFull(): boolean {
    return this.#bytes > maxPendingBytes;
  }

  /** Takes a copy of lines that lie one after the other. */
  add(run: LineRun): void {
    for (let row = 0; row < run.count; ) {
      const length = (run.ends[row] as number) - (run.starts[row] as number);
      const block = this.#blockFor(length);
      const before = block.used;
      const next = fill(block, run, row);
      this.#count += next - row;
      this.#bytes += block.used - before + (next - row) * rowBytes;
      row = next;
    }
  }

  /**
   * The oldest lines, at most so many; the same again until `taken` is called. Several batches are
   * needed where the lines do not lie in one slab.
   */
  next(max: number): EventBatch {
    const [block] = this.#blocks;
    if (!block) return EventBatch.empty;
    const { slab, starts, ends, cut, taken, count } = block;
    const to = Math.min(count, taken + max);
    this.#lent = to - taken;
    const headers = headersOf(cut.subarray(taken, to));
    return new EventBatch(slab, starts.subarray(taken, to), ends.subarray(taken, to), headers);
  }

  /** The batch that `next` gave is handed on. */
  taken(): void {
    const [block] = this.#blocks;
    if (!block || this.#lent === 0) return;
    const { starts, ends, taken } = block;
    const last = taken + this.#lent - 1;
    this.#bytes -= (ends[last] as number) - (starts[taken] as number) + this.#lent * rowBytes;
    this.#count -= this.#lent;
    block.taken += this.#lent;
    this.#lent = 0;
    if (block.taken === block.count && this.#blocks.length > 1) this.#drop();
    // What lies between the lines is not worth counting one by one.
    if (this.#count === 0) this.#bytes = 0;
  }

  /** Forgets everything; gives how many lines that were. */
  clear(): number {
    const count = this.#count;
    while (this.#blocks.length > 0) this.#drop();
    this.#count = this.#bytes = this.#lent = 0;
    return count;
  }

  #drop(): void {
    const block = this.#blocks.shift();
    if (block) releaseSlab(block.slab);
  }

  #blockFor(length: number): Block {
    const last = this.#blocks.at(-1);
    if (last && last.used + length <= last.slab.length) return last;
    const slab = length > slabBytes ? Buffer.allocUnsafe(length) : this.#pool.take();
    const [starts, ends] = [new Uint32Array(minRows), new Uint32Array(minRows)];
    const block = { slab, used: 0, starts, ends, cut: new Uint8Array(minRows), count: 0, taken: 0 };
    if (last && last.taken === last.count) this.#drop();
    this.#blocks.push(block);
    return block;
  }
}

/**
 * Copies as many lines as fit, at least the one at `first`, with what lies between them; gives the
 * row of the first that does not.
 */
function fill(block: Block, { bytes, count, starts, ends, cut }: LineRun, first: number): number {
  const from = starts[first] as number;
  const shift = block.used - from;
  const room = block.slab.length - shift;
  let row = first;
  for (; row < count; row++) {
    const end = ends[row] as number;
    if (end > room) break;
    if (block.count === block.starts.length) growRows(block);
    block.starts[block.count] = (starts[row] as number) + shift;
    block.ends[block.count] = end + shift;
    block.cut[block.count] = cut[row] as number;
    block.count++;
  }
  block.used += bytes.copy(block.slab, block.used, from, ends[row - 1]);
  return row;
}

function growRows(block: Block): void {
  const capacity = block.count * 2;
  block.starts = grown(block.starts, new Uint32Array(capacity));
  block.ends = grown(block.ends, new Uint32Array(capacity));
  block.cut = grown(block.cut, new Uint8Array(capacity));
}

function headersOf(cut: Uint8Array): Headers {
  if (!cut.includes(1)) return noHeaders;
  const column = Array.from(cut, (is) => (is === 1 ? lineGoesOn : undefined));
  return new Map([[lineHeader, column]]);
}
