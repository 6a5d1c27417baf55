/** The longest code that is written; readers take codes of up to 20 bits. */
const maxWrittenBits = 17;
export const maxCodeBits = 20;

/**
 * Code lengths for symbols that occur so often, none longer than 17 bits.
 *
 * @param counts a symbol that does not occur gets a code as well; at least two, below 2^21 each
 */
export function codeLengths(counts: Int32Array, lengths: Uint8Array): void {
  const symbols = counts.length;
  const weights = counts.map((count) => Math.max(1, count));
  for (;;) {
    if (huffmanLengths(weights, lengths) <= maxWrittenBits) return;
    for (let symbol = 0; symbol < symbols; symbol++) {
      weights[symbol] = ((weights[symbol] as number) >> 1) + 1;
    }
  }
}

/**
 * Huffman's tree with two queues: the sorted leaves, and the inner nodes, whose weights grow as
 * they are made.
 *
 * @returns the longest length
 */
function huffmanLengths(weights: Int32Array, lengths: Uint8Array): number {
  const leaves = weights.length;
  // The symbol in the lowest nine bits: there are at most 258.
  const order = weights.map((weight, symbol) => weight * 512 + symbol).sort();
  const inner = new Int32Array(leaves - 1);
  const parents = new Int32Array(2 * leaves - 1);
  let leaf = 0;
  let taken = 0;
  for (let made = 0; made < leaves - 1; made++) {
    let sum = 0;
    for (let child = 0; child < 2; child++) {
      const weight = leaf < leaves ? (order[leaf] as number) >>> 9 : Number.POSITIVE_INFINITY;
      if (taken < made && (inner[taken] as number) < weight) {
        sum += inner[taken] as number;
        parents[leaves + taken++] = made;
      } else {
        sum += weight;
        parents[leaf++] = made;
      }
    }
    inner[made] = sum;
  }
  const depths = new Uint8Array(leaves - 1);
  for (let node = leaves - 3; node >= 0; node--) {
    depths[node] = (depths[parents[leaves + node] as number] as number) + 1;
  }
  let longest = 0;
  for (let index = 0; index < leaves; index++) {
    const depth = (depths[parents[index] as number] as number) + 1;
    lengths[(order[index] as number) & 511] = depth;
    longest = Math.max(longest, depth);
  }
  return longest;
}

/** The codes that belong to lengths: shorter ones first, by symbol among equals. */
export function canonicalCodes(lengths: Uint8Array): Int32Array {
  const codes = new Int32Array(lengths.length);
  let code = 0;
  for (let bits = 1; bits <= maxCodeBits; bits++) {
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] === bits) codes[symbol] = code++;
    }
    code <<= 1;
  }
  return codes;
}

/** Codes up to this length are found with one look. */
const quickBits = 10;

/** Finds the symbols of canonical codes. */
export class HuffmanDecoder {
  /** By the next ten bits: symbol << 5 | bits; 0: the code is longer, or there is none. */
  readonly #quick = new Uint16Array(1 << quickBits);
  /** By length: the first code that is too large for it, at the top of 20 bits. */
  readonly #limits = new Int32Array(maxCodeBits + 1);
  /** By length: what to add to a code to get the index of its symbol. */
  readonly #bases = new Int32Array(maxCodeBits + 1);
  readonly #symbols: Uint16Array;
  /** Set by `find`: the length of the code that it found. */
  bits = 0;

  /** @returns undefined where the lengths ask for more codes than there are */
  static of(lengths: Uint8Array): HuffmanDecoder | undefined {
    let space = 0;
    for (const bits of lengths) space += 1 << (maxCodeBits - bits);
    return space > 1 << maxCodeBits ? undefined : new HuffmanDecoder(lengths);
  }

  private constructor(lengths: Uint8Array) {
    this.#symbols = new Uint16Array(lengths.length);
    let code = 0;
    let index = 0;
    for (let bits = 1; bits <= maxCodeBits; bits++) {
      this.#bases[bits] = index - code;
      for (let symbol = 0; symbol < lengths.length; symbol++) {
        if (lengths[symbol] !== bits) continue;
        if (bits <= quickBits) {
          const from = code << (quickBits - bits);
          this.#quick.fill((symbol << 5) | bits, from, from + (1 << (quickBits - bits)));
        }
        this.#symbols[index++] = symbol;
        code++;
      }
      this.#limits[bits] = code << (maxCodeBits - bits);
      code <<= 1;
    }
  }

  /**
   * The symbol whose code the next 20 bits begin with, or -1; its length is in `bits` then.
   */
  find(next: number): number {
    const quick = this.#quick[next >>> (maxCodeBits - quickBits)] as number;
    if (quick !== 0) {
      this.bits = quick & 31;
      return quick >>> 5;
    }
    for (let bits = quickBits + 1; bits <= maxCodeBits; bits++) {
      if (next < (this.#limits[bits] as number)) {
        this.bits = bits;
        const code = next >>> (maxCodeBits - bits);
        return this.#symbols[code + (this.#bases[bits] as number)] as number;
      }
    }
    return -1;
  }
}
