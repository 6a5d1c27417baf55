import type { Lines } from './lines.ts';

export interface WideRules {
  readonly littleEndian: boolean;
  /** May the file begin with a byte order mark, which is no text? */
  readonly mark: boolean;
  readonly maxUnits: number;
}

/** Bytes of a file of UTF-16. */
interface WideChunk {
  readonly slab: Buffer;
  readonly length: number;
  readonly base: number;
  readonly final: boolean;
  readonly expected: number;
}

const newline = 10;

/** As `splitLines`, for UTF-16: bodies are what the file has, without the newline's two bytes. */
export function splitWideLines(chunk: WideChunk, rules: WideRules): Lines {
  const { slab, length, base, final } = chunk;
  const { littleEndian, mark, maxUnits } = rules;
  const starts: number[] = [];
  const ends: number[] = [];
  const offsets: number[] = [];
  const pieces: number[] = [];
  let begin = mark && base === 0 && length >= 2 && isMark(slab) ? 2 : 0;
  for (;;) {
    const found = newlineFrom(slab, begin, length, littleEndian);
    let end = found < 0 ? length : found;
    let next = found < 0 ? length : found + 2;
    // The newline is one of the characters.
    if (end - begin >= 2 * maxUnits) {
      end = next = cutOf(slab, begin, maxUnits, littleEndian);
      pieces.push(starts.length);
    } else if (found < 0 && (!final || begin >= length)) break;
    starts.push(begin);
    ends.push(end);
    offsets.push(base + next);
    begin = next;
  }
  return {
    count: starts.length,
    starts: Uint32Array.from(starts),
    ends: Uint32Array.from(ends),
    offsets: Float64Array.from(offsets),
    pieces,
  };
}

function isMark(slab: Buffer): boolean {
  const mark = slab.readUInt16LE(0);
  return mark === 0xfeff || mark === 0xfffe;
}

function newlineFrom(slab: Buffer, from: number, length: number, littleEndian: boolean): number {
  const own = littleEndian ? 0 : 1;
  for (let at = from; ; at++) {
    at = slab.indexOf(newline, at);
    if (at < 0 || at >= length) return -1;
    const first = at - own;
    // Units lie at even distances from where the line begins.
    if (first < from || (first - from) % 2 !== 0 || first + 1 >= length) continue;
    if (slab[first + 1 - own] === 0) return first;
  }
}

/** After so many units; a pair of surrogates is not parted. */
function cutOf(slab: Buffer, begin: number, units: number, littleEndian: boolean): number {
  const end = begin + 2 * units;
  const last = littleEndian ? slab.readUInt16LE(end - 2) : slab.readUInt16BE(end - 2);
  const high = last >= 0xd800 && last < 0xdc00;
  return high && units > 1 ? end - 2 : end;
}
