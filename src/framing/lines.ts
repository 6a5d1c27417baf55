import { grown } from '../core/columns.ts';
/** Lines of a slab as columns: what `EventBatch` is made of. */
export interface Lines {
  readonly count: number;
  /** Where each body begins and ends in the slab: without its newline. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** Per line, the offset in the file just after its newline. */
  readonly offsets: Float64Array;
  /** The lines that are pieces: they go on in the next event. Nearly always empty. */
  readonly pieces: readonly number[];
}

/** What ends a line, beside its newline. */
export interface LineRules {
  /** A line of more bytes, without its newline, becomes pieces of this size. */
  readonly maxBytes: number;
  /**
   * Where a line of more bytes, or what is there of it, ends instead; `undefined`: nowhere yet.
   * Beyond `begin`.
   */
  readonly cutAt?: (slab: Buffer, begin: number, end: number) => number | undefined;
  /** Does a CR before the newline belong to the body? */
  readonly keepsCr: boolean;
}

const newline = 10;
const carriageReturn = 13;

/**
 * Finds the lines in the first `length` bytes of a slab.
 *
 * @param base the slab's offset in the file
 * @param final the rest after the last newline is a line as well; else it is left
 * @param expected about how many lines there will be
 */
export function splitLines(
  slab: Buffer,
  length: number,
  base: number,
  { maxBytes, cutAt, keepsCr }: LineRules,
  final: boolean,
  expected: number,
): Lines {
  let capacity = Math.max(4, Math.ceil(expected));
  let starts = new Uint32Array(capacity);
  let ends = new Uint32Array(capacity);
  let offsets = new Float64Array(capacity);
  const pieces: number[] = [];
  let count = 0;
  let begin = 0;
  for (;;) {
    const found = slab.indexOf(newline, begin);
    const ended = found >= 0 && found < length;
    let end = ended ? found : length;
    let next = ended ? found + 1 : length;
    const long = end - begin > maxBytes;
    const cut = long ? (cutAt ? cutAt(slab, begin, end) : begin + maxBytes) : undefined;
    if (cut !== undefined) {
      end = next = cut;
      pieces.push(count);
    } else if (!ended) {
      if (!final || begin === length) break;
    } else if (!keepsCr && end > begin && slab[end - 1] === carriageReturn) end--;
    if (count === capacity) {
      capacity *= 2;
      starts = grown(starts, new Uint32Array(capacity));
      ends = grown(ends, new Uint32Array(capacity));
      offsets = grown(offsets, new Float64Array(capacity));
    }
    starts[count] = begin;
    ends[count] = end;
    offsets[count] = base + next;
    count++;
    begin = next;
  }
  return { count, starts, ends, offsets, pieces };
}

/** Only the first of the lines. */
export function firstLines(lines: Lines, count: number): Lines {
  return {
    count,
    starts: lines.starts.subarray(0, count),
    ends: lines.ends.subarray(0, count),
    offsets: lines.offsets.subarray(0, count),
    pieces: lines.pieces.filter((row) => row < count),
  };
}
