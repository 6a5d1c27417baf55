/**
 * The positions of all suffixes of a text, in the order of the suffixes; a suffix that begins
 * another one stands before it. Time and memory are linear whatever the text: SA-IS (Nong, Zhang,
 * Chan: "Linear Suffix Array Construction by Almost Pure Induced-Sorting", 2009).
 *
 * A suffix is of type S when it is smaller than the next one, else of type L; the last one is L.
 * The first S of a row of S is an LMS suffix; there are at most half as many as letters. Their
 * order is found first, by sorting a text in which each piece from LMS to LMS is one letter. All
 * others follow in two passes: within the bucket of its first letter, an L stands in the order of
 * the suffixes behind its first letter, seen from the left, and an S in that order seen from the
 * right.
 *
 * @param suffixes receives as many positions as the text has letters
 * @param letters all letters are smaller
 */
export function sortSuffixes(
  text: Uint8Array | Int32Array,
  suffixes: Int32Array,
  letters: number,
): void {
  const { length } = text;
  const buckets = new Buckets(text, letters);
  const pieces = new Pieces(text);
  const { count, starts } = pieces;
  suffixes.fill(0, 0, length);
  buckets.toEnds();
  for (let index = 0; index < count; index++) {
    const start = starts[index] as number;
    suffixes[buckets.before(text[start] as number)] = start;
  }
  if (count > 1) {
    sortPieces(text, suffixes, buckets);
    const names = pieces.name(suffixes);
    const unique = names === count;
    // Where all pieces differ, their order is that of the suffixes.
    if (!unique) sortSuffixes(pieces.inOrder(), suffixes.subarray(0, count), names);
    suffixes.fill(0, count, length);
    buckets.toEnds();
    for (let index = count - 1; index >= 0; index--) {
      const entry = suffixes[index] as number;
      const start = unique ? entry : (starts[count - 1 - entry] as number);
      suffixes[index] = 0;
      suffixes[buckets.before(text[start] as number)] = start;
    }
  }
  sortAll(text, suffixes, buckets);
}

/** Pieces of so many letters are rare. */
const manyLetters = 255;

/** The pieces of a text from one LMS suffix to the next, whose first letter they share. */
class Pieces {
  readonly #text: Uint8Array | Int32Array;
  /** Where they start, the last one first. */
  readonly starts: Int32Array;
  readonly count: number;
  /** By half of the start: starts are at least two apart. From `manyLetters` on they are below. */
  readonly #lengths: Uint8Array;
  readonly #longLengths = new Map<number, number>();
  /** By half of the start. */
  readonly #names: Int32Array;

  constructor(text: Uint8Array | Int32Array) {
    this.#text = text;
    const starts = new Int32Array(text.length >> 1);
    // As small as can be: it is read in the order of the suffixes, beyond any cache.
    const lengths = new Uint8Array((text.length >> 1) + 1);
    let count = 0;
    let end = text.length;
    let next = text[text.length - 1] as number;
    let isS = false;
    for (let index = text.length - 2; index >= 0; index--) {
      const letter = text[index] as number;
      if (letter < next) isS = true;
      else if (letter > next) {
        if (isS) {
          starts[count++] = index + 1;
          lengths[(index + 1) >> 1] = Math.min(end - index, manyLetters);
          if (end - index >= manyLetters) this.#longLengths.set(index + 1, end - index);
          end = index + 1;
        }
        isS = false;
      }
      next = letter;
    }
    this.starts = starts;
    this.count = count;
    this.#lengths = lengths;
    this.#names = new Int32Array(lengths.length);
  }

  /**
   * Gives equal pieces the same number, from 0 on, in their order.
   *
   * @param suffixes with complemented starts, which are in the order of the pieces; they are
   *   gathered at its beginning
   * @returns how many numbers there are
   */
  name(suffixes: Int32Array): number {
    const text = this.#text;
    const lengths = this.#lengths;
    const ordered = this.#names;
    const { length } = text;
    let names = -1;
    let previous = 0;
    let previousLength = 0;
    let filled = 0;
    for (let index = 0; filled < this.count; index++) {
      const entry = suffixes[index] as number;
      if (entry >= 0) continue;
      const start = ~entry;
      suffixes[filled++] = start;
      let pieceLength = lengths[start >> 1] as number;
      if (pieceLength === manyLetters) pieceLength = this.#longLengths.get(start) as number;
      let equal = false;
      // The piece that reaches behind the text has the end as its last letter; none is like it.
      if (pieceLength === previousLength && Math.max(start, previous) + pieceLength <= length) {
        let offset = 0;
        while (offset < pieceLength && text[start + offset] === text[previous + offset]) offset++;
        equal = offset === pieceLength;
      }
      if (!equal) {
        names++;
        previousLength = pieceLength;
      }
      previous = start;
      ordered[start >> 1] = names;
    }
    return names + 1;
  }

  /** The names in the order of the text. */
  inOrder(): Int32Array {
    const names = new Int32Array(this.count);
    for (let index = 0; index < this.count; index++) {
      const start = this.starts[this.count - 1 - index] as number;
      names[index] = this.#names[start >> 1] as number;
    }
    return names;
  }
}

/** Where the suffixes that begin with a letter go: a range per letter, filled from either end. */
class Buckets {
  readonly #counts: Int32Array;
  /** Per letter: the next free place from the left, or the last one taken from the right. */
  readonly #at: Int32Array;

  constructor(text: Uint8Array | Int32Array, letters: number) {
    const counts = new Int32Array(letters);
    for (let index = 0; index < text.length; index++) {
      const letter = text[index] as number;
      counts[letter] = (counts[letter] as number) + 1;
    }
    this.#counts = counts;
    this.#at = new Int32Array(letters);
  }

  toStarts(): void {
    let sum = 0;
    for (let letter = 0; letter < this.#at.length; letter++) {
      this.#at[letter] = sum;
      sum += this.#counts[letter] as number;
    }
  }

  toEnds(): void {
    let sum = 0;
    for (let letter = 0; letter < this.#at.length; letter++) {
      sum += this.#counts[letter] as number;
      this.#at[letter] = sum;
    }
  }

  /** The next place from the left, after `toStarts`. */
  after(letter: number): number {
    const place = this.#at[letter] as number;
    this.#at[letter] = place + 1;
    return place;
  }

  /** The next place from the right, after `toEnds`. */
  before(letter: number): number {
    const place = (this.#at[letter] as number) - 1;
    this.#at[letter] = place;
    return place;
  }
}

/**
 * From LMS suffixes in their buckets to the LMS suffixes in the order of their pieces. In the
 * first pass an entry that leads to an S is complemented, so that it is left for the second; there
 * an entry that is LMS is. What has led to another one is cleared; 0 is empty.
 */
function sortPieces(text: Uint8Array | Int32Array, suffixes: Int32Array, buckets: Buckets): void {
  const { length } = text;
  buckets.toStarts();
  const last = length - 1;
  const lastLetter = text[last] as number;
  suffixes[buckets.after(lastLetter)] = (text[last - 1] as number) < lastLetter ? ~last : last;
  for (let index = 0; index < length; index++) {
    const entry = suffixes[index] as number;
    if (entry > 0) {
      const position = entry - 1;
      const letter = text[position] as number;
      suffixes[index] = 0;
      const leadsToS = position > 0 && (text[position - 1] as number) < letter;
      suffixes[buckets.after(letter)] = leadsToS ? ~position : position;
    } else if (entry < 0) suffixes[index] = ~entry;
  }
  buckets.toEnds();
  for (let index = length - 1; index >= 0; index--) {
    const entry = suffixes[index] as number;
    if (entry > 0) {
      const position = entry - 1;
      const letter = text[position] as number;
      suffixes[index] = 0;
      const isLms = position > 0 && (text[position - 1] as number) > letter;
      suffixes[buckets.before(letter)] = isLms ? ~position : position;
    }
  }
}

/** From sorted LMS suffixes in their buckets to all; as `sortPieces`, but nothing is cleared. */
function sortAll(text: Uint8Array | Int32Array, suffixes: Int32Array, buckets: Buckets): void {
  const { length } = text;
  buckets.toStarts();
  const last = length - 1;
  const lastLetter = text[last] as number;
  suffixes[buckets.after(lastLetter)] =
    last > 0 && (text[last - 1] as number) < lastLetter ? ~last : last;
  for (let index = 0; index < length; index++) {
    const entry = suffixes[index] as number;
    suffixes[index] = ~entry;
    if (entry > 0) {
      const position = entry - 1;
      const letter = text[position] as number;
      const leadsToS = position > 0 && (text[position - 1] as number) < letter;
      suffixes[buckets.after(letter)] = leadsToS ? ~position : position;
    }
  }
  buckets.toEnds();
  for (let index = length - 1; index >= 0; index--) {
    const entry = suffixes[index] as number;
    if (entry > 0) {
      const position = entry - 1;
      const letter = text[position] as number;
      const leadsToS = position > 0 && (text[position - 1] as number) <= letter;
      suffixes[buckets.before(letter)] = leadsToS ? position : ~position;
    } else suffixes[index] = ~entry;
  }
}
