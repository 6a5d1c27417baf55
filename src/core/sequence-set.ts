import type { Range } from './channel.ts';

/** Numbers that share a chunk. */
const chunkSize = 1024;
const wordBits = 32;

/** A bit per number. */
interface Chunk {
  readonly words: Uint32Array;
  /** Of its bits, how many are set. */
  count: number;
}

/**
 * A set of whole numbers that lie close together, a bit each: the sequences that are lent, or live.
 * Unlike in a `RangeSet`, it is of no matter how many pieces they form: the events of a batch may
 * go to many files, and each file's come and go by themselves.
 */
export class SequenceSet implements Iterable<Range> {
  /** By number / `chunkSize`; none is empty. */
  readonly #chunks = new Map<number, Chunk>();
  /** No chunk stands before the first of these, nor at the other or behind it. */
  #low = 0;
  #high = 0;
  /** A chunk that was emptied, for the next one that is needed. */
  #spare: Chunk | undefined;

  get empty(): boolean {
    return this.#chunks.size === 0;
  }

  /** The lowest number in the set; only of a set that is not empty. */
  get first(): number {
    return this.#next(this.#low * chunkSize);
  }

  add(from: number, to: number): void {
    if (from >= to) return;
    const low = Math.floor(from / chunkSize);
    const high = Math.floor((to - 1) / chunkSize) + 1;
    const { empty } = this;
    this.#low = empty ? low : Math.min(this.#low, low);
    this.#high = empty ? high : Math.max(this.#high, high);
    for (let index = low; index < high; index++) {
      let chunk = this.#chunks.get(index);
      if (!chunk) {
        chunk = this.#spare ?? { words: new Uint32Array(chunkSize / wordBits), count: 0 };
        this.#spare = undefined;
        this.#chunks.set(index, chunk);
      }
      change(chunk, from - index * chunkSize, to - index * chunkSize, true);
    }
  }

  delete(from: number, to: number): void {
    const low = Math.max(this.#low, Math.floor(from / chunkSize));
    const high = Math.min(this.#high, Math.ceil(to / chunkSize));
    for (let index = low; index < high; index++) {
      const chunk = this.#chunks.get(index);
      if (!chunk) continue;
      change(chunk, from - index * chunkSize, to - index * chunkSize, false);
      if (chunk.count > 0) continue;
      this.#chunks.delete(index);
      this.#spare = chunk;
    }
    while (this.#low < this.#high && !this.#chunks.has(this.#low)) this.#low++;
  }

  addAll(ranges: readonly Range[]): void {
    for (const [from, to] of ranges) this.add(from, to);
  }

  deleteAll(ranges: readonly Range[]): void {
    for (const [from, to] of ranges) this.delete(from, to);
  }

  /** Are all of `[from, to)` in the set? */
  covers(from: number, to: number): boolean {
    return from >= to || this.reach(from, to) >= to;
  }

  /** Is one of `[from, to)` in the set? */
  meets(from: number, to: number): boolean {
    return this.#next(from) < to;
  }

  /** The lowest number from `from` on that is not in the set; looked for up to `limit` or so. */
  reach(from: number, limit = Number.POSITIVE_INFINITY): number {
    let at = from;
    while (at < limit) {
      const chunk = this.#chunks.get(Math.floor(at / chunkSize));
      if (!chunk) return at;
      const bit = at % chunkSize;
      const found = chunk.count === chunkSize ? chunkSize : scan(chunk, bit, false);
      at += found - bit;
      if (found < chunkSize) break;
    }
    return at;
  }

  /** How many of `[from, to)` are in the set. */
  count(from: number, to: number): number {
    let count = 0;
    const high = Math.min(this.#high, Math.ceil(to / chunkSize));
    for (let index = Math.max(this.#low, Math.floor(from / chunkSize)); index < high; index++) {
      const chunk = this.#chunks.get(index);
      if (chunk) count += countBits(chunk, from - index * chunkSize, to - index * chunkSize);
    }
    return count;
  }

  /** What of `[from, to)` is in the set. */
  within(from: number, to: number): Range[] {
    const found: Range[] = [];
    for (let start = this.#next(from); start < to; ) {
      const end = Math.min(to, this.reach(start, to));
      found.push([start, end]);
      start = this.#next(end);
    }
    return found;
  }

  clear(): void {
    this.#chunks.clear();
    this.#low = 0;
    this.#high = 0;
  }

  *[Symbol.iterator](): Iterator<Range> {
    for (let start = this.#next(0); start < Number.POSITIVE_INFINITY; ) {
      const end = this.reach(start);
      yield [start, end];
      start = this.#next(end);
    }
  }

  /** The lowest number from `from` on that is in the set; infinite: there is none. */
  #next(from: number): number {
    let index = Math.max(this.#low, Math.floor(from / chunkSize));
    for (; index < this.#high; index++) {
      const chunk = this.#chunks.get(index);
      if (!chunk) continue;
      const found = scan(chunk, Math.max(0, from - index * chunkSize), true);
      if (found < chunkSize) return index * chunkSize + found;
    }
    return Number.POSITIVE_INFINITY;
  }
}

/** Sets or clears the bits `[from, to)`, as far as they lie in the chunk. */
function change(chunk: Chunk, from: number, to: number, isSet: boolean): void {
  const { words } = chunk;
  const end = Math.min(to, chunkSize);
  for (let start = Math.max(from, 0); start < end; ) {
    const word = start >>> 5;
    const next = Math.min(end, (word + 1) * wordBits);
    const mask = maskOf(start, next);
    const before = words[word] as number;
    const after = isSet ? before | mask : before & ~mask;
    words[word] = after;
    chunk.count += bitCount(after) - bitCount(before);
    start = next;
  }
}

/** How many of the bits `[from, to)` are set, as far as they lie in the chunk. */
function countBits({ words }: Chunk, from: number, to: number): number {
  let count = 0;
  const end = Math.min(to, chunkSize);
  for (let start = Math.max(from, 0); start < end; ) {
    const word = start >>> 5;
    const next = Math.min(end, (word + 1) * wordBits);
    count += bitCount((words[word] as number) & maskOf(start, next));
    start = next;
  }
  return count;
}

/** The bits `[from, to)` of one word; at least one. */
function maskOf(from: number, to: number): number {
  return (-1 >>> (wordBits - (to - from))) << (from % wordBits);
}

/** The first bit from `from` on that is set, or is not; `chunkSize`: there is none. */
function scan({ words }: Chunk, from: number, isSet: boolean): number {
  let ignored = (1 << (from % wordBits)) - 1;
  for (let word = Math.floor(from / wordBits); word < words.length; word++) {
    const bits = (isSet ? (words[word] as number) : ~(words[word] as number)) & ~ignored;
    if (bits !== 0) return word * wordBits + 31 - Math.clz32(bits & -bits);
    ignored = 0;
  }
  return chunkSize;
}

/** Sums up ever more of the bits, side by side. */
function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  const bytes = (nibbles + (nibbles >>> 4)) & 0x0f0f0f0f;
  return Math.imul(bytes, 0x01010101) >>> 24;
}
