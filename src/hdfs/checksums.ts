import { crc32, crc32c } from '@node-rs/crc32';
import { checksumTypes } from './common-messages.ts';
import { UnsupportedError } from './errors.ts';

/** Of one chunk, 4 bytes. */
export const checksumBytes = 4;
const maxBytesPerChecksum = 1 << 20;

/** How the chunks of a block are checked: the kind of CRC and the bytes that share one. */
export class Checksums {
  readonly type: number;
  readonly bytesPerChecksum: number;
  readonly #crc: (chunk: Buffer, crcBefore?: number) => number;

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
    this.#crc = type === checksumTypes.crc32c ? crc32c : crc32;
  }

  /** How many bytes the checksums of so many bytes take. */
  sizeOf(dataBytes: number): number {
    return Math.ceil(dataBytes / this.bytesPerChecksum) * checksumBytes;
  }

  /** Writes the checksums of data in several views, which begins with a chunk, at `at`. */
  write(views: readonly Buffer[], output: Buffer, at: number): void {
    let offset = at;
    this.#each(views, (sum) => {
      output.writeUInt32BE(sum, offset);
      offset += checksumBytes;
    });
  }

  /** Whether these are the checksums of data in several views, which begins with a chunk. */
  verify(views: readonly Buffer[], sums: Buffer): boolean {
    let offset = 0;
    let right = true;
    this.#each(views, (sum) => {
      right &&= offset + checksumBytes <= sums.length && sums.readUInt32BE(offset) === sum;
      offset += checksumBytes;
    });
    return right && offset === sums.length;
  }

  #each(views: readonly Buffer[], chunk: (sum: number) => void): void {
    const size = this.bytesPerChecksum;
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
        chunk(sum);
        sum = 0;
        summed = 0;
      }
    }
    if (summed > 0) chunk(sum);
  }
}
