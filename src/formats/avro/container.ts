import { Writer } from '../../bytes/writer.ts';
import { blockCodecs } from './block-codec.ts';

/*
 * Avro's object container file.
 * Source: Avro 1.11 specification, "Object Container Files".
 *
 *   file   => "Obj" 01 metadata sync [block]
 *     metadata => map of bytes     avro.schema, and avro.codec if the data is compressed
 *     sync     => 16 bytes         random, the same throughout the file
 *   block  => count size data sync
 *     count    => zigzag           of datums
 *     size     => zigzag           bytes of data, as they stand
 *     data     => codec([datum])
 *   map    => [ count [key value] ] 00
 */
export const magic = Buffer.from('Obj\x01');
export const syncBytes = 16;

/** What the writers of containers have as options. */
export interface ContainerOptions {
  readonly syncIntervalBytes: number;
  /** Avro's name; with one that is not known nothing is compressed. */
  readonly compressionCodec: string;
  /** 0: the codec's default. */
  readonly compressionLevel: number;
}

/** A container on its way into a file, block by block. */
export class ContainerWriter {
  /** With so much held a block is full. */
  readonly blockBytes: number;
  readonly #codecName: string;
  readonly #level: number;
  readonly #sync: Buffer;
  /** Absent between blocks: there may be thousands of files, and most of them idle. */
  #block: Writer | undefined;
  /** What the block before needed, and a little more. */
  #capacity = 1024;
  #count = 0;

  /** @param sync 16 random bytes; nothing in the file may look like them */
  constructor(options: ContainerOptions, sync: Buffer) {
    this.blockBytes = options.syncIntervalBytes;
    this.#codecName = options.compressionCodec;
    this.#level = options.compressionLevel;
    this.#sync = sync;
  }

  /** The datums of the next block; `add` is called after each, or after several. */
  get block(): Writer {
    this.#block ??= new Writer(this.#capacity);
    return this.#block;
  }

  /** Size of the next block so far, before compression; 0: it has no datum. */
  get heldBytes(): number {
    // A datum may take no byte.
    return Math.max(this.#block?.length ?? 0, this.#count);
  }

  /** What the file begins with. A codec that is not known is not named, as in Flume. */
  header(schema: string): Buffer {
    const header = new Writer();
    const known = blockCodecs.has(this.#codecName);
    header.bytes(magic);
    header.zigzag(known ? 2 : 1);
    writeText(header, 'avro.schema');
    writeText(header, schema);
    if (known) {
      writeText(header, 'avro.codec');
      writeText(header, this.#codecName);
    }
    header.zigzag(0);
    header.bytes(this.#sync);
    return header.take();
  }

  /** So many datums were written to `block`. */
  add(count: number): void {
    this.#count += count;
  }

  /** Ends the block. Its bytes are made beside the event loop; the next one may be begun. */
  async flush(): Promise<readonly Buffer[]> {
    if (this.#count === 0) return [];
    const count = this.#count;
    this.#count = 0;
    const plain = this.block.take();
    this.#block = undefined;
    this.#capacity = Math.ceil(plain.length * 1.1) + 64;
    const codec = blockCodecs.get(this.#codecName);
    const data = codec ? await codec.compress(plain, this.#level) : plain;
    const head = new Writer(20);
    head.zigzag(count);
    head.zigzag(data.length);
    return [head.take(), data, this.#sync];
  }
}

/** A string as Avro has it: its length in bytes, then UTF-8. */
export function writeText(writer: Writer, value: string): void {
  writer.zigzag(Buffer.byteLength(value));
  writer.text(value);
}
