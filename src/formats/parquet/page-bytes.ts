import { releaseSlab, SlabPool } from '../../core/slab-pool.ts';

/** Memory of pages, used again: by size, shared between files. */
const pools = new Map<number, SlabPool>();
/** So much of it is kept for later. */
const spareBytes = 8 * 1024 * 1024;
/** A page that is larger than this becomes a large one, most likely. */
const smallBytes = 32 * 1024;

function poolOf(pageBytes: number): SlabPool {
  const pool = pools.get(pageBytes) ?? new SlabPool(pageBytes, Math.ceil(spareBytes / pageBytes));
  pools.set(pageBytes, pool);
  return pool;
}

/**
 * Bytes that grow, in Parquet's PLAIN encoding: numbers little-endian, a byte array behind its
 * length as u32. Source: parquet-format 2.11, "Encodings".
 */
export class PageBytes {
  #buffer: Buffer = Buffer.allocUnsafe(initialBytes);
  #length = 0;
  readonly #pageBytes: number;

  /** @param pageBytes what it usually holds at most; 0: no pages, little memory */
  constructor(pageBytes = 0) {
    this.#pageBytes = pageBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Where it is written to: what was written is its beginning, until more is written. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  /** What was written so far: a view, valid until more is written. */
  get view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  u8(value: number): void {
    this.reserve(1);
    this.#buffer[this.#length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
  }

  i32(value: number): void {
    this.u32(value >>> 0);
  }

  /** A whole number: one that is no safe integer comes as a bigint. */
  i64(value: number | bigint): void {
    this.reserve(8);
    if (typeof value === 'bigint') {
      this.#length = this.#buffer.writeBigInt64LE(value, this.#length);
      return;
    }
    const buffer = this.#buffer;
    let at = this.#length;
    // The lower half is what is left modulo 2^32, of negative numbers, too.
    for (const half of [value >>> 0, Math.floor(value / 2 ** 32)]) {
      buffer[at] = half;
      buffer[at + 1] = half >>> 8;
      buffer[at + 2] = half >>> 16;
      buffer[at + 3] = half >>> 24;
      at += 4;
    }
    this.#length = at;
  }

  f32(value: number): void {
    this.reserve(4);
    this.#length = this.#buffer.writeFloatLE(value, this.#length);
  }

  f64(value: number): void {
    this.reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  /** 7 bits per byte, lowest first; below 2^32. */
  varint(value: number): void {
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.u8((rest & 127) | 128);
    this.u8(rest);
  }

  bytes(source: Uint8Array): void {
    this.reserve(source.length);
    this.#buffer.set(source, this.#length);
    this.#length += source.length;
  }

  /** UTF-8 behind its length. */
  text(value: string): void {
    // One UTF-16 unit takes at most three bytes.
    this.reserve(4 + value.length * 3);
    const length = this.#buffer.write(value, this.#length + 4);
    this.#buffer.writeUInt32LE(length, this.#length);
    this.#length += 4 + length;
  }

  /**
   * Parts of a slab, each behind its length, from one index on, until one does not fit a page, or
   * up to another index. Gives the index where it stopped: the first one always fits an empty page.
   */
  byteArrays(
    slab: Buffer,
    starts: Uint32Array,
    ends: Uint32Array,
    from: number,
    to: number,
  ): number {
    let index = from;
    for (; index < to; index++) {
      const start = starts[index] as number;
      const end = ends[index] as number;
      const length = end - start;
      const at = this.#length;
      if (at > 0 && at + 4 + length > this.#pageBytes) break;
      this.reserve(4 + length);
      const buffer = this.#buffer;
      buffer[at] = length;
      buffer[at + 1] = length >>> 8;
      buffer[at + 2] = length >>> 16;
      buffer[at + 3] = length >>> 24;
      slab.copy(buffer, at + 4, start, end);
      this.#length = at + 4 + length;
    }
    return index;
  }

  /** Room for so many bytes, that the caller writes in `buffer`; gives where it begins. */
  extend(bytes: number): number {
    this.reserve(bytes);
    const at = this.#length;
    this.#length += bytes;
    return at;
  }

  /**
   * Everything since the last `take`: the caller's from now on, who may give it back with
   * `releaseSlab`.
   */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    // Little in a large buffer is copied out, so that it does not keep the large one alive.
    if (taken.length < this.#buffer.length / 2) return Buffer.from(taken);
    this.#buffer = Buffer.allocUnsafe(initialBytes);
    return taken;
  }

  reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const isPage = needed > smallBytes && needed <= this.#pageBytes;
    const larger = isPage
      ? poolOf(this.#pageBytes).take()
      : Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    releaseSlab(this.#buffer);
    this.#buffer = larger;
  }
}

const initialBytes = 512;
