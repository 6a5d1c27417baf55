import type { BitWriter } from './bit-writer.ts';
import { BurrowsWheeler } from './burrows-wheeler.ts';
import { blockMagic, bytesPerLevel, groupSymbols, maxSymbols, maxTables } from './format.ts';
import { canonicalCodes, codeLengths } from './huffman.ts';
import { moveToFront, placeOf } from './move-to-front.ts';

/** How often tables and the choice among them are fitted to each other; more gains nothing. */
const rounds = 4;

/** Compresses one block at a time; for reuse, since it takes 8 MB. */
export class BlockWriter {
  readonly #sorter = new BurrowsWheeler(9 * bytesPerLevel);
  readonly #lastColumn = new Uint8Array(9 * bytesPerLevel);
  readonly #symbols = new Uint16Array(9 * bytesPerLevel + 1);
  readonly #selectors = new Uint8Array(Math.ceil((9 * bytesPerLevel + 1) / groupSymbols));

  /**
   * @param block not empty, runs shortened
   * @param crc of its content
   */
  write(block: Uint8Array, crc: number, out: BitWriter): void {
    const row = this.#sorter.transform(block, this.#lastColumn);
    out.write(blockMagic[0], 24);
    out.write(blockMagic[1], 24);
    out.write32(crc);
    out.write(0, 1);
    out.write(row, 24);
    const bytes = bytesOf(block);
    writeMap(bytes, out);
    const count = this.#moveToFront(block.length, bytes);
    this.#writeSymbols(this.#symbols.subarray(0, count), bytes.length + 2, out);
  }

  /** Turns the last column into symbols, the end among them, and gives their number. */
  #moveToFront(length: number, bytes: readonly number[]): number {
    const column = this.#lastColumn;
    const symbols = this.#symbols;
    const list = Uint8Array.from(bytes);
    let count = 0;
    let front = list[0] as number;
    for (let index = 0; index < length; ) {
      const from = index;
      while (index < length && column[index] === front) index++;
      // Digits of a number without a zero.
      for (let repeats = index - from; repeats > 0; repeats = (repeats - 1) >> 1) {
        symbols[count++] = (repeats - 1) & 1;
      }
      if (index === length) break;
      const place = placeOf(list, column[index++] as number);
      front = moveToFront(list, place);
      symbols[count++] = place + 1;
    }
    symbols[count++] = bytes.length + 1;
    return count;
  }

  #writeSymbols(symbols: Uint16Array, alphabet: number, out: BitWriter): void {
    const tableCount = tableCountFor(symbols.length);
    const groups = Math.ceil(symbols.length / groupSymbols);
    const selectors = this.#selectors.subarray(0, groups);
    const tables = firstTables(symbols, alphabet, tableCount);
    for (let round = 0; round < rounds; round++) fit(symbols, tables, selectors);
    out.write(tableCount, 3);
    out.write(groups, 15);
    writeSelectors(selectors, tableCount, out);
    for (const lengths of tables) writeLengths(lengths, out);
    const codes = tables.map(canonicalCodes);
    for (let group = 0; group < groups; group++) {
      const table = selectors[group] as number;
      const code = codes[table] as Int32Array;
      const lengths = tables[table] as Uint8Array;
      const end = Math.min(symbols.length, (group + 1) * groupSymbols);
      for (let index = group * groupSymbols; index < end; index++) {
        const symbol = symbols[index] as number;
        out.write(code[symbol] as number, lengths[symbol] as number);
      }
    }
  }
}

/** The bytes that occur, in order. */
function bytesOf(block: Uint8Array): number[] {
  const occurs = new Uint8Array(256);
  for (let index = 0; index < block.length; index++) occurs[block[index] as number] = 1;
  const bytes: number[] = [];
  for (let byte = 0; byte < 256; byte++) if (occurs[byte] === 1) bytes.push(byte);
  return bytes;
}

function writeMap(bytes: readonly number[], out: BitWriter): void {
  const groups = new Uint16Array(16);
  for (const byte of bytes)
    groups[byte >> 4] = (groups[byte >> 4] as number) | (0x8000 >> (byte & 15));
  let occurs = 0;
  for (const [index, group] of groups.entries()) if (group !== 0) occurs |= 0x8000 >> index;
  out.write(occurs, 16);
  for (const group of groups) if (group !== 0) out.write(group, 16);
}

/** More tables pay only when there are many symbols; the thresholds are bzip2's. */
function tableCountFor(symbolCount: number): number {
  const thresholds = [200, 600, 1200, 2400];
  return 2 + thresholds.filter((threshold) => symbolCount >= threshold).length;
}

/** Tables to begin with: each is for a range of symbols, which make up its share of all. */
function firstTables(symbols: Uint16Array, alphabet: number, tableCount: number): Uint8Array[] {
  const counts = new Int32Array(alphabet);
  for (let index = 0; index < symbols.length; index++) count(counts, symbols[index] as number);
  const tables: Uint8Array[] = [];
  let symbol = 0;
  let left = symbols.length;
  for (let table = 0; table < tableCount; table++) {
    const share = left / (tableCount - table);
    const lengths = new Uint8Array(alphabet).fill(15);
    let sum = 0;
    do {
      lengths[symbol] = 0;
      sum += counts[symbol++] as number;
    } while (sum < share && symbol < alphabet);
    if (symbol === alphabet) symbol--;
    left -= sum;
    tables.push(lengths);
  }
  return tables;
}

function count(counts: Int32Array, symbol: number): void {
  counts[symbol] = (counts[symbol] as number) + 1;
}

/** Chooses the best table for each group, then makes each table anew for the groups it got. */
function fit(symbols: Uint16Array, tables: Uint8Array[], selectors: Uint8Array): void {
  const alphabet = (tables[0] as Uint8Array).length;
  const counts = tables.map(() => new Int32Array(alphabet));
  // Costs of three tables in one number: 50 codes of at most 17 bits take less than 10 bits.
  const costs = new Int32Array(maxSymbols * 2);
  for (let symbol = 0; symbol < alphabet; symbol++) {
    for (let table = 0; table < maxTables; table++) {
      const bits = tables[table]?.[symbol] ?? 0;
      const slot = symbol * 2 + (table < 3 ? 0 : 1);
      costs[slot] = (costs[slot] as number) | (bits << ((table % 3) * 10));
    }
  }
  for (let group = 0; group < selectors.length; group++) {
    const start = group * groupSymbols;
    const end = Math.min(symbols.length, start + groupSymbols);
    let low = 0;
    let high = 0;
    for (let index = start; index < end; index++) {
      const slot = (symbols[index] as number) * 2;
      low += costs[slot] as number;
      high += costs[slot + 1] as number;
    }
    let best = 0;
    let bestCost = low & 1023;
    for (let table = 1; table < tables.length; table++) {
      const cost = ((table < 3 ? low : high) >> ((table % 3) * 10)) & 1023;
      if (cost < bestCost) {
        best = table;
        bestCost = cost;
      }
    }
    selectors[group] = best;
    const chosen = counts[best] as Int32Array;
    for (let index = start; index < end; index++) count(chosen, symbols[index] as number);
  }
  for (const [table, lengths] of tables.entries())
    codeLengths(counts[table] as Int32Array, lengths);
}

function writeSelectors(selectors: Uint8Array, tableCount: number, out: BitWriter): void {
  const list = Array.from({ length: tableCount }, (_, table) => table);
  for (const selector of selectors) {
    const place = list.indexOf(selector);
    list.splice(place, 1);
    list.unshift(selector);
    out.write((1 << (place + 1)) - 2, place + 1);
  }
}

function writeLengths(lengths: Uint8Array, out: BitWriter): void {
  let current = lengths[0] as number;
  out.write(current, 5);
  for (const bits of lengths) {
    for (; current < bits; current++) out.write(0b10, 2);
    for (; current > bits; current--) out.write(0b11, 2);
    out.write(0, 1);
  }
}
