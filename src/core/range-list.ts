import type { Range } from './channel.ts';

/**
 * Ranges in the order in which they come, one that follows the one before joined to it. Many of
 * them are kept for long where the events of each batch go to many files: here a range next to the
 * one before takes two bytes, as a pair of numbers fifty.
 */
export class RangeList {
  /** Per range the distance from the end of the one before, and the length. */
  #bytes = Buffer.alloc(0);
  #length = 0;
  /** Where the last range that is in `bytes` ends. */
  #written = 0;
  /** The last range; empty: there is none. */
  #from = 0;
  #end = 0;

  add(ranges: readonly Range[]): void {
    for (const [from, to] of ranges) {
      if (from !== this.#end) {
        this.#writeLast();
        this.#from = from;
      }
      this.#end = to;
    }
  }

  /** All of them; none are left. */
  take(): Range[] {
    const ranges: Range[] = [];
    let end = 0;
    for (let at = 0; at < this.#length; ) {
      const distance = this.#read(at);
      const length = this.#read(distance.next);
      // Even numbers are distances forward, odd ones backward.
      const half = Math.floor(distance.value / 2);
      const from = end + (distance.value % 2 === 0 ? half : -half - 1);
      end = from + length.value;
      ranges.push([from, end]);
      at = length.next;
    }
    if (this.#from < this.#end) ranges.push([this.#from, this.#end]);
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
    this.#written = 0;
    this.#from = 0;
    this.#end = 0;
    return ranges;
  }

  #writeLast(): void {
    if (this.#from === this.#end) return;
    if (this.#length + maxRangeBytes > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(64, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    const distance = this.#from - this.#written;
    this.#write(distance >= 0 ? distance * 2 : -distance * 2 - 1);
    this.#write(this.#end - this.#from);
    this.#written = this.#end;
  }

  /** 7 bits a byte, lowest first; not by bits, which numbers have only 32 of. */
  #write(value: number): void {
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
    }
    this.#bytes[this.#length++] = rest;
  }

  #read(from: number): { value: number; next: number } {
    let value = 0;
    for (let at = from, scale = 1; ; at++, scale *= 128) {
      const byte = this.#bytes[at] as number;
      value += (byte % 128) * scale;
      if (byte < 128) return { value, next: at + 1 };
    }
  }
}

/** Two numbers of 53 bits. */
const maxRangeBytes = 16;
