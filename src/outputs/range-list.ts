import { Writer } from '../bytes/writer.ts';
import type { Range } from '../core/channel.ts';

const firstBytes = 64;

/**
 * Ranges in the order in which they come, one that follows the one before joined to it. Many of
 * them are kept for long where the events of each batch go to many files: here a range next to the
 * one before takes two bytes, as a pair of numbers fifty.
 */
export class RangeList {
  /** Per range the distance from the end of the one before, and the length. */
  #bytes = new Writer(firstBytes);
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
    this.#writeLast();
    const bytes = this.#bytes.take();
    const ranges: Range[] = [];
    let end = 0;
    for (let at = 0; at < bytes.length; ) {
      const distance = zigzagAt(bytes, at);
      const length = zigzagAt(bytes, distance.next);
      const from = end + distance.value;
      end = from + length.value;
      ranges.push([from, end]);
      at = length.next;
    }
    this.#bytes = new Writer(firstBytes);
    this.#written = 0;
    this.#from = 0;
    this.#end = 0;
    return ranges;
  }

  #writeLast(): void {
    if (this.#from === this.#end) return;
    this.#bytes.zigzag(this.#from - this.#written);
    this.#bytes.zigzag(this.#end - this.#from);
    this.#written = this.#end;
  }
}

/** What `Writer.zigzag` wrote. */
function zigzagAt(bytes: Buffer, from: number): { value: number; next: number } {
  let rest = 0;
  for (let at = from, scale = 1; ; at++, scale *= 128) {
    const byte = bytes[at] as number;
    rest += (byte % 128) * scale;
    if (byte > 127) continue;
    const half = Math.floor(rest / 2);
    return { value: rest % 2 === 0 ? half : -half - 1, next: at + 1 };
  }
}
