import { BitWriter } from './bit-writer.ts';
import { BlockWriter } from './block-writer.ts';
import { combinedCrc, crcOf, crcStart } from './crc.ts';
import { bytesPerLevel, endMagic, maxRunBytes, runBytes } from './format.ts';

/** What the last run may add to a block that was not full before. */
const spareBytes = 19;

/** All encoders of a thread share its memory: each uses it within one call only. */
let sharedBlockWriter: BlockWriter | undefined;

/** Compresses one stream, given in pieces. */
export class Bzip2Encoder {
  readonly #out = new BitWriter();
  readonly #block: Uint8Array;
  #length = 0;
  #crc = crcStart;
  #streamCrc = 0;
  /** The byte that was seen last, and how often in a row; the block gets it when this ends. */
  #run = 0;
  #runLength = 0;

  /** @param level 1 to 9: the size of blocks, in 100,000 bytes */
  constructor(level: number) {
    this.#block = new Uint8Array(level * bytesPerLevel);
    for (const character of `BZh${level}`) this.#out.write(character.charCodeAt(0), 8);
  }

  add(content: Uint8Array): void {
    const block = this.#block;
    const full = block.length - spareBytes;
    let run = this.#run;
    let runLength = this.#runLength;
    let length = this.#length;
    let crc = this.#crc;
    for (let index = 0; index < content.length; index++) {
      const byte = content[index] as number;
      if (runLength === 1 && byte !== run && length < full) {
        block[length++] = run;
        crc = crcOf(crc, run);
        run = byte;
      } else if (byte === run && runLength > 0 && runLength < maxRunBytes) runLength++;
      else {
        this.#length = length;
        this.#crc = crc;
        this.#endRun(run, runLength);
        if (this.#length >= full) this.#endBlock();
        length = this.#length;
        crc = this.#crc;
        run = byte;
        runLength = 1;
      }
    }
    this.#run = run;
    this.#runLength = runLength;
    this.#length = length;
    this.#crc = crc;
  }

  /** Ends the stream; nothing is added any more. */
  end(): void {
    this.#endRun(this.#run, this.#runLength);
    this.#endBlock();
    this.#out.write(endMagic[0], 24);
    this.#out.write(endMagic[1], 24);
    this.#out.write32(this.#streamCrc);
    this.#out.align();
  }

  /** What is complete of the stream: all of it once it has ended. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#out.take();
  }

  #endRun(byte: number, length: number): void {
    for (let index = 0; index < length; index++) this.#crc = crcOf(this.#crc, byte);
    const written = Math.min(length, runBytes);
    for (let index = 0; index < written; index++) this.#block[this.#length++] = byte;
    if (written === runBytes) this.#block[this.#length++] = length - runBytes;
  }

  #endBlock(): void {
    if (this.#length === 0) return;
    sharedBlockWriter ??= new BlockWriter();
    sharedBlockWriter.write(this.#block.subarray(0, this.#length), ~this.#crc, this.#out);
    this.#streamCrc = combinedCrc(this.#streamCrc, ~this.#crc);
    this.#length = 0;
    this.#crc = crcStart;
  }
}
