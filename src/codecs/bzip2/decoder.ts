import { FormatError } from '../../core/errors.ts';
import { BitReader } from './bit-reader.ts';
import { type Block, maxBlockBits, readBlock } from './block-reader.ts';
import { combinedCrc, crcOf, crcStart } from './crc.ts';
import { blockMagic, bytesPerLevel, endMagic, runBytes } from './format.ts';

/** The largest piece of content that `read` gives. */
const pieceBytes = 2 ** 20;
const magicBits = 48;

/** Of all decoders of a thread: each uses it within one call only. */
const sharedPiece = new Uint8Array(pieceBytes);

/**
 * Decompresses any number of streams, given in pieces. A block is read when all that it can take
 * is there, or the input has ended; so reading never stops half-way. With an input of up to two
 * blocks' size and a block's rows it takes up to 15 MB.
 */
export class Bzip2Decoder {
  readonly #input = new BitReader();
  #pieceLength = 0;
  #ended = false;
  readonly #allRows = new Int32Array(9 * bytesPerLevel);
  /** As many as a block of the stream that is being read may have; none between streams. */
  #rows: Int32Array | undefined;
  #streamCrc = 0;
  #block: BlockContent | undefined;
  #failure: unknown;

  add(bytes: Uint8Array): void {
    this.#input.add(bytes);
  }

  /** Nothing is added any more. */
  end(): void {
    this.#ended = true;
  }

  /**
   * The next up to 1 MiB of content; empty when more input is needed, or there is none.
   *
   * @throws FormatError for what is broken or cut off, when all that is before was given
   */
  read(): Uint8Array<ArrayBuffer> {
    this.#pieceLength = 0;
    if (this.#failure === undefined) {
      try {
        while (this.#pieceLength < pieceBytes && this.#advance());
      } catch (error) {
        this.#failure = error;
      }
    }
    if (this.#failure !== undefined && this.#pieceLength === 0) throw this.#failure;
    return sharedPiece.slice(0, this.#pieceLength);
  }

  /** Reads the next structure, or expands the block that was read; false if there is nothing. */
  #advance(): boolean {
    if (this.#block) {
      this.#pieceLength = this.#block.expand(sharedPiece, this.#pieceLength);
      if (this.#block.ended) {
        const { crc } = this.#block;
        if (!this.#block.sound) this.#fail('a block has a wrong sum');
        this.#streamCrc = combinedCrc(this.#streamCrc, crc);
        this.#block = undefined;
      }
      return true;
    }
    const needed = this.#rows ? magicBits + maxBlockBits(this.#rows.length) : 32;
    if (this.#input.left < needed && !this.#ended) return false;
    if (this.#rows) this.#readNext(this.#rows);
    else {
      if (this.#input.left === 0) return false;
      this.#readHeader();
    }
    return true;
  }

  #readHeader(): void {
    const { offset } = this.#input;
    const magic = this.#input.read(24);
    const level = this.#input.read(8) - 0x30;
    if (magic !== 0x425a68 || level < 1 || level > 9) {
      throw new FormatError('bzip2: this is no stream', offset);
    }
    this.#rows = this.#allRows.subarray(0, level * bytesPerLevel);
    this.#streamCrc = 0;
  }

  #readNext(rows: Int32Array): void {
    const high = this.#input.read(24);
    const low = this.#input.read(24);
    if (high === blockMagic[0] && low === blockMagic[1]) {
      this.#block = new BlockContent(readBlock(this.#input, rows));
      return;
    }
    if (high !== endMagic[0] || low !== endMagic[1]) this.#fail('neither a block nor the end');
    if (this.#input.read32() !== this.#streamCrc) this.#fail('a stream has a wrong sum');
    if (!this.#input.align()) this.#fail('a stream ends with other bits than 0');
    this.#rows = undefined;
  }

  #fail(what: string): never {
    throw new FormatError(`bzip2: ${what}`, this.#input.offset);
  }
}

/** A block whose content is written out bit by bit. */
class BlockContent {
  readonly crc: number;
  readonly #rows: Int32Array;
  #row: number;
  #left: number;
  #sum = crcStart;
  #byte = -1;
  /** How often `#byte` came in a row; after four of them comes how often it still comes. */
  #equal = 0;
  #repeats = 0;

  constructor({ length, crc, rows, row }: Block) {
    this.crc = crc;
    this.#rows = rows;
    this.#row = row;
    this.#left = length;
  }

  get ended(): boolean {
    return this.#left === 0 && this.#repeats === 0;
  }

  /** Was all of it what the file says? */
  get sound(): boolean {
    return ~this.#sum === this.crc;
  }

  /** Writes as much as there is room for, and gives where that ends. */
  expand(into: Uint8Array, from: number): number {
    const rows = this.#rows;
    let row = this.#row;
    let left = this.#left;
    let sum = this.#sum;
    let byte = this.#byte;
    let equal = this.#equal;
    let repeats = this.#repeats;
    let to = from;
    while (to < into.length) {
      if (repeats > 0) {
        const end = Math.min(into.length, to + repeats);
        repeats -= end - to;
        into.fill(byte, to, end);
        for (; to < end; to++) sum = crcOf(sum, byte);
        continue;
      }
      if (left === 0) break;
      left--;
      const entry = rows[row] as number;
      row = entry >>> 8;
      const next = entry & 255;
      if (equal === runBytes) {
        repeats = next;
        equal = 0;
        continue;
      }
      equal = next === byte ? equal + 1 : 1;
      byte = next;
      into[to++] = byte;
      sum = crcOf(sum, byte);
    }
    this.#row = row;
    this.#left = left;
    this.#sum = sum;
    this.#byte = byte;
    this.#equal = equal;
    this.#repeats = repeats;
    return to;
  }
}
