import { isAscii, isUtf8 } from 'node:buffer';
import type { Charset, Decode, OnBadBytes } from './charset.ts';
import { decoderOf } from './charset.ts';
import type { LineRules, Lines } from './lines.ts';
import { firstLines, splitLines } from './lines.ts';
import { copyWellFormed, endOfUnits, malformedAt } from './utf8.ts';
import { splitWideLines } from './wide-lines.ts';

export interface TextRules {
  /** What the bytes are. */
  readonly charset: Charset;
  /** Are bodies the bytes as they are? Else they are UTF-8. */
  readonly keepsBytes: boolean;
  readonly onBadBytes: OnBadBytes;
  /**
   * A line of so many characters (UTF-16 units), its newline included, is whole; a longer one is
   * cut after so many.
   */
  readonly maxUnits: number;
}

/** Bytes of a file, from where an event begins. */
export interface TextChunk {
  readonly slab: Buffer;
  readonly length: number;
  /** The slab's offset in the file. */
  readonly base: number;
  /** Is the rest after the last newline a line as well? */
  readonly final: boolean;
  /** About how many lines there will be. */
  readonly expected: number;
}

export interface FoundLines {
  /** Where the bodies lie: in the chunk's own slab, or in one of their own. */
  readonly slab: Buffer;
  readonly lines: Lines;
  /** Where in the file bytes are no character, if that is to fail: the lines end before. */
  readonly badAt?: number;
}

/** The most characters of a line, whatever the rules say: a line is held in memory. */
const mostUnits = 16 * 1024 * 1024;

/** The most bytes of a line: no charset has more for so many characters, unless they are bad. */
export function mostLineBytes(maxUnits: number): number {
  return 4 * (Math.min(maxUnits, mostUnits) + 1);
}

const newline = 10;
const newlineBytes = Buffer.from('\n');

/**
 * Finds the lines of one file: in UTF-8 where they lie, in other charsets by decoding them. Between
 * two lines there is a newline always, so that they can be joined where they lie.
 */
export class TextLines {
  readonly #rules: TextRules;
  readonly #maxUnits: number;
  readonly #maxBytes: number;
  readonly #line: LineRules;
  readonly #utf8: LineRules;
  readonly #littleEndian: boolean;
  /** Made when it is needed: most files are ASCII. */
  #decode: Decode | undefined;
  /** What of a chunk is there, while it is split, and whether more follows. */
  #length = 0;
  #final = false;

  /** @param head the file's first bytes, at least two where it has them */
  constructor(rules: TextRules, head: Buffer) {
    this.#rules = rules;
    const { charset } = rules;
    const maxUnits = Math.min(rules.maxUnits, mostUnits);
    this.#maxUnits = maxUnits;
    this.#maxBytes = mostLineBytes(maxUnits);
    // A line of fewer bytes has fewer characters.
    const common = { maxBytes: maxUnits - 1, keepsCr: true };
    this.#utf8 = { ...common, cutAt: (slab, begin, end) => this.#cutUtf8(slab, begin, end) };
    this.#line = {
      ...common,
      cutAt: (slab, begin, end) => this.#cut(slab, begin, end),
    };
    const littleMark = head[0] === 0xff && head[1] === 0xfe;
    this.#littleEndian = charset.order === 'little' || (charset.order === 'bom' && littleMark);
  }

  find(chunk: TextChunk): FoundLines {
    this.#length = chunk.length;
    this.#final = chunk.final;
    const { slab, length, base, final, expected } = chunk;
    const { charset, keepsBytes } = this.#rules;
    if (charset.kind === 'wide') {
      const maxUnits = this.#maxUnits;
      const options = { littleEndian: this.#littleEndian, mark: charset.order === 'bom', maxUnits };
      return this.#decoded(slab, base, splitWideLines(chunk, options));
    }
    const there = slab.subarray(0, length);
    const isUtf8Already =
      charset.kind === 'utf-8' ||
      (charset.kind !== 'stateful' && charset.name !== 'shift_jis' && isAscii(there));
    if (isUtf8Already) {
      const lines = splitLines(slab, length, base, this.#utf8, final, expected);
      return this.#wellFormed(slab, base, lines);
    }
    const lines = splitLines(slab, length, base, this.#line, final, expected);
    return keepsBytes ? this.#kept(slab, base, lines) : this.#decoded(slab, base, lines);
  }

  /** Is the end of these bytes, two of them or more, the end of a line? */
  endsLine(bytes: Buffer): boolean {
    if (this.#rules.charset.kind !== 'wide') return bytes.at(-1) === newline;
    const [low, high] = this.#littleEndian ? [-2, -1] : [-1, -2];
    return bytes.at(low) === newline && bytes.at(high) === 0;
  }

  #cutUtf8(slab: Buffer, begin: number, end: number): number | undefined {
    const { onBadBytes } = this.#rules;
    // A character of which the rest is not here yet is no malformed one.
    const known = end === this.#length && !this.#final ? end - unfinished(slab, begin, end) : end;
    const limit = Math.min(known, begin + this.#maxBytes);
    const ofBad = onBadBytes === 'ignore' ? 0 : 1;
    const cut = endOfUnits(slab, begin, limit, this.#maxUnits, ofBad);
    return cut ?? (limit < known ? limit : undefined);
  }

  #cut(slab: Buffer, begin: number, end: number): number | undefined {
    const { charset } = this.#rules;
    const maxUnits = this.#maxUnits;
    const limit = Math.min(end, begin + this.#maxBytes);
    const longest = limit < end ? limit : undefined;
    if (charset.kind === 'single') return begin + maxUnits <= limit ? begin + maxUnits : longest;
    // So many bytes have no more characters, and none is begun when they have all that is missing;
    // of those before, one byte may complete a pair of surrogates.
    const decoder = new TextDecoder(charset.name, { ignoreBOM: true });
    let left = maxUnits;
    let at = begin;
    while (at < limit && left > 0) {
      const step = Math.min(Math.max(1, left - 1), limit - at);
      left -= decoder.decode(slab.subarray(at, at + step), { stream: true }).length;
      at += step;
    }
    return left <= 0 ? at : longest;
  }

  /** The lines where they lie, in UTF-8. */
  #wellFormed(slab: Buffer, base: number, lines: Lines): FoundLines {
    const { onBadBytes } = this.#rules;
    const { count, starts, ends, offsets } = lines;
    const end = count === 0 ? 0 : (offsets[count - 1] as number) - base;
    if (isUtf8(slab.subarray(0, end))) return { slab, lines };
    if (onBadBytes === 'fail') {
      const bad = malformedAt(slab, 0, end) ?? end;
      return { slab, lines: linesBefore(lines, base + bad), badAt: base + bad };
    }
    const replaces = onBadBytes === 'replace';
    const out = Buffer.allocUnsafe(end * (replaces ? 3 : 1) + 1);
    const cut = new Set(lines.pieces);
    let to = 0;
    for (let row = 0; row < count; row++) {
      const from = to;
      to = copyWellFormed(slab, starts[row] as number, ends[row] as number, replaces, out, to);
      starts[row] = from;
      ends[row] = to;
      if (!cut.has(row)) out[to++] = newline;
    }
    return { slab: out, lines };
  }

  /** The lines where they lie, in another charset. */
  #kept(slab: Buffer, base: number, lines: Lines): FoundLines {
    const { count, offsets } = lines;
    const end = count === 0 ? 0 : (offsets[count - 1] as number) - base;
    if (this.#rules.onBadBytes !== 'fail' || this.#attempt(slab.subarray(0, end)) !== undefined) {
      return { slab, lines };
    }
    const { lines: good, badAt } = this.#lineByLine(slab, base, lines);
    return { slab, lines: firstLines(lines, good.count), badAt: badAt ?? base + end };
  }

  #decoded(slab: Buffer, base: number, lines: Lines): FoundLines {
    const { count, starts, ends } = lines;
    if (count === 0) return { slab, lines };
    const text = this.#attempt(slab.subarray(starts[0] as number, ends[count - 1] as number));
    if (text === undefined || lines.pieces.length > 0) return this.#lineByLine(slab, base, lines);
    const out = Buffer.from(text);
    const rules = { maxBytes: Number.POSITIVE_INFINITY, keepsCr: true };
    const found = splitLines(out, out.length, 0, rules, true, count);
    // An empty last line has nothing to be found by; other differences can't be, but would cost.
    if (found.count !== count) return this.#lineByLine(slab, base, lines);
    return { slab: out, lines: { ...lines, starts: found.starts, ends: found.ends } };
  }

  #lineByLine(slab: Buffer, base: number, lines: Lines): FoundLines {
    const { count, starts, ends } = lines;
    const cut = new Set(lines.pieces);
    const parts: Buffer[] = [];
    const [newStarts, newEnds] = [new Uint32Array(count), new Uint32Array(count)];
    let end = 0;
    for (let row = 0; row < count; row++) {
      const text = this.#attempt(slab.subarray(starts[row], ends[row]));
      if (text === undefined) {
        const good = { ...firstLines(lines, row), starts: newStarts, ends: newEnds };
        const badAt = base + (starts[row] as number);
        return { slab: Buffer.concat(parts), lines: firstLines(good, row), badAt };
      }
      const body = Buffer.from(text);
      newStarts[row] = end;
      newEnds[row] = end += body.length;
      parts.push(body);
      if (cut.has(row)) continue;
      parts.push(newlineBytes);
      end++;
    }
    return { slab: Buffer.concat(parts), lines: { ...lines, starts: newStarts, ends: newEnds } };
  }

  /** `undefined`: there are bytes that are no character, and that is to fail. */
  #attempt(bytes: Buffer): string | undefined {
    const { charset, onBadBytes } = this.#rules;
    const wide = this.#littleEndian ? 'utf-16le' : 'utf-16be';
    this.#decode ??= decoderOf(charset.kind === 'wide' ? wide : charset.name, onBadBytes);
    try {
      return this.#decode(bytes);
    } catch (error) {
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  }
}

/** The lines that end at or before an offset. */
function linesBefore(lines: Lines, offset: number): Lines {
  let count = 0;
  while (count < lines.count && (lines.offsets[count] as number) <= offset) count++;
  return firstLines(lines, count);
}

/** How many bytes at the end are the beginning of a character that goes on. */
function unfinished(bytes: Buffer, begin: number, end: number): number {
  for (let back = 1; back <= 3 && end - back >= begin; back++) {
    const byte = bytes[end - back] as number;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? back : 0;
  }
  return 0;
}
