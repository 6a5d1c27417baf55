import { crc32, crc32c } from '@node-rs/crc32';
import { checksumTypes } from './common-messages.ts';
import { type ChunkCrc, chunkCrc, maxChunkBytes } from './crc-module.ts';
import { UnsupportedError } from './errors.ts';

/** Of one chunk, 4 bytes. */
export const checksumBytes = 4;
const maxBytesPerChecksum = 1 << 20;
/** Reflected. */
const polynomials = { crc32: 0xedb88320, crc32c: 0x82f63b78 };
/** From so many chunks on, all at once is faster than one native call for each. */
const minChunksAtOnce = 7;

/** How the chunks of a block are checked: the kind of CRC and the bytes that share one. */
export class Checksums {
  readonly type: number;
  readonly bytesPerChecksum: number;
  readonly #crc: (chunk: Buffer, crcBefore?: number) => number;
  readonly #atOnce: ChunkCrc | undefined;
  /** What can be summed at once, in whole chunks. */
  readonly #atOnceBytes: number = 0;
  #computed: Buffer = Buffer.alloc(0);

  /** @throws UnsupportedError */
  constructor(type: number, bytesPerChecksum: number) {
    if (type !== checksumTypes.crc32 && type !== checksumTypes.crc32c) {
      throw new UnsupportedError(`blocks with checksums of type ${type} are not supported`);
    }
    if (bytesPerChecksum < 1 || bytesPerChecksum > maxBytesPerChecksum) {
      throw new UnsupportedError(`${bytesPerChecksum} bytes per checksum are not supported`);
    }
    this.type = type;
    this.bytesPerChecksum = bytesPerChecksum;
    const kind = type === checksumTypes.crc32c ? 'crc32c' : 'crc32';
    this.#crc = kind === 'crc32c' ? crc32c : crc32;
    if (bytesPerChecksum % 16 > 0 || bytesPerChecksum > maxChunkBytes) return;
    this.#atOnce = chunkCrc(polynomials[kind]);
    const room = this.#atOnce?.input.length ?? 0;
    this.#atOnceBytes = room - (room % bytesPerChecksum);
  }

  /** How many bytes the checksums of so many bytes take. */
  sizeOf(dataBytes: number): number {
    return Math.ceil(dataBytes / this.bytesPerChecksum) * checksumBytes;
  }

  /** Writes the checksums of data in several views, which begins with a chunk, at `at`. */
  write(views: readonly Buffer[], output: Buffer, at: number): void {
    let length = 0;
    for (const view of views) length += view.length;
    if (this.#atOnce && length >= minChunksAtOnce * this.bytesPerChecksum) {
      this.#writeAtOnce(this.#atOnce, views, output, at);
    } else {
      this.#writeEach(views, output, at);
    }
  }

  /** Whether these are the checksums of data in several views, which begins with a chunk. */
  verify(views: readonly Buffer[], sums: Buffer): boolean {
    let length = 0;
    for (const view of views) length += view.length;
    const size = this.sizeOf(length);
    if (size !== sums.length) return false;
    if (this.#computed.length < size) this.#computed = Buffer.allocUnsafe(size);
    this.write(views, this.#computed, 0);
    return this.#computed.compare(sums, 0, size, 0, size) === 0;
  }

  #writeAtOnce(crc: ChunkCrc, views: readonly Buffer[], output: Buffer, at: number): void {
    let offset = at;
    let filled = 0;
    for (const view of views) {
      let from = 0;
      while (from < view.length) {
        const to = Math.min(view.length, from + this.#atOnceBytes - filled);
        filled += view.copy(crc.input, filled, from, to);
        from = to;
        if (filled < this.#atOnceBytes) continue;
        offset = this.#sum(crc, filled, output, offset);
        filled = 0;
      }
    }
    if (filled > 0) this.#sum(crc, filled, output, offset);
  }

  /** Gives where the next sums go. */
  #sum(crc: ChunkCrc, filled: number, output: Buffer, at: number): number {
    const chunks = Math.floor(filled / this.bytesPerChecksum);
    output.set(crc.sums(this.bytesPerChecksum, chunks), at);
    const end = at + chunks * checksumBytes;
    const rest = chunks * this.bytesPerChecksum;
    if (rest === filled) return end;
    return output.writeUInt32BE(this.#crc(crc.input.subarray(rest, filled)), end);
  }

  #writeEach(views: readonly Buffer[], output: Buffer, at: number): void {
    const size = this.bytesPerChecksum;
    let offset = at;
    /** Of the chunk that began in an earlier view. */
    let sum = 0;
    let summed = 0;
    for (const view of views) {
      let from = 0;
      while (from < view.length) {
        const to = Math.min(view.length, from + size - summed);
        sum = this.#crc(view.subarray(from, to), sum);
        summed += to - from;
        from = to;
        if (summed < size) continue;
        offset = output.writeUInt32BE(sum, offset);
        sum = 0;
        summed = 0;
      }
    }
    if (summed > 0) output.writeUInt32BE(sum, offset);
  }
}
