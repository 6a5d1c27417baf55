import { PageBytes } from './page-bytes.ts';
import type { BinaryBounds, NumberBounds } from './statistics.ts';
import type { Scalar } from './types.ts';

/** A larger dictionary is given up: it costs memory, and repeats little. */
const maxBytes = 512 * 1024;
/** From so many entries on, each must serve two values on average. */
const minEntries = 1024;

/** The distinct values of a column, numbered in the order in which they come. */
export class Dictionary {
  readonly #indices = new Map<Scalar, number>();
  readonly #plain = new PageBytes();
  readonly #write: (out: PageBytes, value: Scalar) => void;
  readonly #bounds: BinaryBounds | NumberBounds;
  #used = 0;
  #last: Scalar | undefined;
  #lastIndex = 0;

  constructor(write: (out: PageBytes, value: Scalar) => void, bounds: BinaryBounds | NumberBounds) {
    this.#write = write;
    this.#bounds = bounds;
  }

  /** How many values it has. */
  get size(): number {
    return this.#indices.size;
  }

  /** The number of a value; -1: a dictionary does not pay here. */
  indexOf(value: Scalar): number {
    this.#used++;
    if (value === this.#last) return this.#lastIndex;
    const index = this.#indices.get(value) ?? this.#add(value);
    this.#last = value;
    this.#lastIndex = index;
    return index;
  }

  /** Bytes of its page. */
  get length(): number {
    return this.#plain.length;
  }

  /** Its page, and begins anew. */
  take(): Buffer {
    const plain = this.#plain.take();
    this.#indices.clear();
    this.#used = 0;
    this.#last = undefined;
    return plain;
  }

  #add(value: Scalar): number {
    const size = this.#indices.size;
    if (this.#plain.length > maxBytes) return -1;
    if (size >= minEntries && size * 2 > this.#used) return -1;
    const from = this.#plain.length;
    this.#write(this.#plain, value);
    if (typeof value === 'string') {
      const { buffer, length } = this.#plain;
      (this.#bounds as BinaryBounds).add(buffer, from + 4, length);
      // Not the value itself: it may be part of a text that is much larger.
      this.#indices.set(buffer.toString('utf8', from + 4, length), size);
    } else {
      (this.#bounds as NumberBounds).add(value);
      this.#indices.set(value, size);
    }
    return size;
  }
}
