/*
 * UTF-8 as Java's decoder sees it: what is malformed, and how far. A sequence that breaks off is
 * malformed up to the byte that can't follow; an encoded surrogate as a whole. Each such stretch is
 * one replacement character.
 */

const replacement = Buffer.from('\ufffd');

/**
 * The length of the sequence that begins there: of a character, or negative, of a malformed
 * stretch.
 */
function sequenceAt(bytes: Buffer, at: number, end: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return -1;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const second = at + 1 < end ? (bytes[at + 1] as number) : -1;
  if (second < 0x80 || second > 0xbf) return -1;
  if (first === 0xe0 && second < 0xa0) return -1;
  if (first === 0xf0 && second < 0x90) return -1;
  if (first === 0xf4 && second > 0x8f) return -1;
  for (let next = 2; next < length; next++) {
    const byte = at + next < end ? (bytes[at + next] as number) : -1;
    if (byte < 0x80 || byte > 0xbf) return -next;
  }
  const surrogate = first === 0xed && second > 0x9f;
  return surrogate ? -3 : length;
}

/**
 * Where so many UTF-16 units end, counted from `begin`; `undefined` when there are fewer before
 * `end`. A pair of surrogates is not parted, so there may be one unit less; but there is at least
 * one character.
 *
 * @param ofMalformed the units that a malformed stretch counts for
 */
export function endOfUnits(
  bytes: Buffer,
  begin: number,
  end: number,
  units: number,
  ofMalformed: 0 | 1,
): number | undefined {
  let left = units;
  for (let at = begin; at < end; ) {
    // Most are ASCII.
    const length = (bytes[at] as number) < 0x80 ? 1 : sequenceAt(bytes, at, end);
    const own = length === 4 ? 2 : length > 0 ? 1 : ofMalformed;
    if (own > left && at > begin) return at;
    left -= own;
    at += Math.abs(length);
    if (left <= 0) return at;
  }
  return undefined;
}

/** Where the first malformed stretch in `[begin, end)` begins; `undefined`: there is none. */
export function malformedAt(bytes: Buffer, begin: number, end: number): number | undefined {
  for (let at = begin; at < end; ) {
    const length = sequenceAt(bytes, at, end);
    if (length < 0) return at;
    at += length;
  }
  return undefined;
}

/**
 * Copies `[begin, end)` without what is malformed, or with U+FFFD in its place. The copy has at
 * most three times as many bytes.
 *
 * @returns where the copy ends in `out`
 */
export function copyWellFormed(
  bytes: Buffer,
  begin: number,
  end: number,
  replaces: boolean,
  out: Buffer,
  outAt: number,
): number {
  let to = outAt;
  let from = begin;
  for (let at = begin; at < end; ) {
    const length = sequenceAt(bytes, at, end);
    if (length > 0) {
      at += length;
      continue;
    }
    to += bytes.copy(out, to, from, at);
    if (replaces) to += replacement.copy(out, to);
    at -= length;
    from = at;
  }
  return to + bytes.copy(out, to, from, end);
}
