import type { Compress } from '../../codecs/codec.ts';
import type { EventBatch } from '../../core/event-batch.ts';
import { compressAll } from './compress-all.ts';
import { keyBytes } from './keys.ts';
import { valueBytes, viewOf, type WriteFormat, writeValue } from './values.ts';
import { vintBytes, writeVint } from './vint.ts';

/** Records of one block, before they are compressed. */
interface Block {
  readonly keys: Buffer[];
  readonly values: Buffer[];
  /** Per record. */
  readonly valueLengths: number[];
}

/**
 * Writes records in blocks. The four parts of a block are compressed each by itself.
 *
 *   block => -1 sync count key_lengths keys value_lengths values
 *     sync                  => 16 bytes, behind -1 as INT32
 *     count                 => vint         records
 *     each part             => size member
 *       size                => vint         bytes of the member
 *     key_lengths, value_lengths            a vint per record
 */
export class CompressedBlocks {
  readonly #syncEscape: Buffer;
  readonly #format: WriteFormat;
  readonly #compress: Compress;
  readonly #blockBytes: number;
  /** Full ones, and the last one, which is not. */
  #blocks: Block[] = [];
  /** Of the last one: keys and values. */
  #lastBytes = 0;
  #heldBytes = 0;

  constructor(syncEscape: Buffer, format: WriteFormat, compress: Compress, blockBytes: number) {
    this.#syncEscape = syncEscape;
    this.#format = format;
    this.#compress = compress;
    this.#blockBytes = blockBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  write(batch: EventBatch, keys: Buffer): readonly Buffer[] {
    for (let from = 0; from < batch.length; ) from = this.#fill(batch, keys, from);
    return [];
  }

  async flush(): Promise<readonly Buffer[]> {
    const blocks = this.#blocks;
    this.#blocks = [];
    this.#lastBytes = 0;
    this.#heldBytes = 0;
    const members = await compressAll(this.#compress, blocks.flatMap(partsOf));
    return blocks.flatMap(({ valueLengths }, index) => [
      this.#syncEscape,
      encodeVints([valueLengths.length]),
      ...members
        .slice(index * partCount, (index + 1) * partCount)
        .flatMap((member) => [encodeVints([member.length]), member]),
    ]);
  }

  /** Puts events into the last block until it is full; gives the first event that is not in. */
  #fill(batch: EventBatch, keys: Buffer, from: number): number {
    if (this.#lastBytes === 0) this.#blocks.push({ keys: [], values: [], valueLengths: [] });
    const block = this.#blocks.at(-1) as Block;
    const first = block.valueLengths.length;
    let bytes = 0;
    let to = from;
    while (to < batch.length && this.#lastBytes < this.#blockBytes) {
      const body = (batch.ends[to] as number) - (batch.starts[to] as number);
      const length = valueBytes(this.#format, body);
      block.valueLengths.push(length);
      bytes += length;
      this.#lastBytes += keyBytes + length;
      to++;
    }
    const values = Buffer.allocUnsafe(bytes);
    const view = viewOf(values);
    let at = 0;
    for (let index = from; index < to; index++) {
      at = writeValue(this.#format, values, view, at, batch, index);
    }
    block.keys.push(keys.subarray(from * keyBytes, to * keyBytes));
    block.values.push(values);
    this.#heldBytes += bytes + (block.valueLengths.length - first) * keyBytes;
    if (this.#lastBytes >= this.#blockBytes) this.#lastBytes = 0;
    return to;
  }
}

const partCount = 4;

/** In the order of the file. */
function partsOf({ keys, values, valueLengths }: Block): (readonly Buffer[])[] {
  const keyLengths = Buffer.alloc(valueLengths.length, keyBytes);
  return [[keyLengths], keys, [encodeVints(valueLengths)], values];
}

function encodeVints(values: readonly number[]): Buffer {
  let bytes = 0;
  for (const value of values) bytes += vintBytes(value);
  const target = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const value of values) at = writeVint(target, at, value);
  return target;
}
