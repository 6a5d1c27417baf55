import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { constants, crc32, deflateRawSync, zstdCompressSync } from 'node:zlib';
import { Writer } from '../bytes/writer.ts';
import { defineSerializer } from '../config/definition.ts';
import { type ConfigOf, integer, text } from '../config/field.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { EventSerializer } from '../core/serializer.ts';
import { JavaHeaderOrder } from './java-map-order.ts';

const fields = {
  syncIntervalBytes: integer({
    doc: 'A block ends when it holds this much, besides at each flush.',
    unit: 'bytes',
    min: 32,
    max: 1_073_741_824,
    default: 2_048_000,
  }),
  compressionCodec: text({
    doc: 'null, deflate, snappy or zstandard; with any other name nothing is compressed.',
    default: 'null',
  }),
};

/** What becomes of a block's bytes, by Avro's name of the codec. */
const codecs: Readonly<Record<string, (block: Buffer) => Buffer>> = {
  null: (block) => block,
  deflate: (block) => deflateRawSync(block, { level: constants.Z_DEFAULT_COMPRESSION }),
  snappy: snappyWithSum,
  zstandard: (block) => zstdCompressSync(block),
};

export const avroEventSerializer = defineSerializer({
  type: 'avro_event',
  classes: [
    'org.apache.flume.serialization.FlumeEventAvroEventSerializer',
    'org.apache.flume.serialization.FlumeEventAvroEventSerializer$Builder',
  ],
  summary: 'An Avro container file of events: a map of headers and the body as bytes.',
  notes:
    'A block ends with each batch, so small batches make many small blocks. Headers stand in the ' +
    'order of a Java hash map, as in Flume.',
  fields,
  example: 'sink.serializer = avro_event\nsink.serializer.compressionCodec = snappy',
  check: ({ compressionCodec }) =>
    Object.hasOwn(codecs, compressionCodec)
      ? []
      : [
          {
            key: 'compressionCodec',
            problem: `${compressionCodec} is not a codec here; the file will not be compressed`,
            severity: 'warning',
          },
        ],
  create: (config) => new AvroEventSerializer(config, randomBytes(syncBytes)),
});

const syncBytes = 16;

const schema =
  '{"type":"record","name":"Event","fields":[' +
  '{"name":"headers","type":{"type":"map","values":"string"}},' +
  '{"name":"body","type":"bytes"}]}';

/**
 * Avro's object container file, with the schema that Flume writes.
 * Source: Avro 1.11 specification, "Object Container Files"; file of a Flume 1.11.
 *
 *   file   => "Obj" 01 metadata sync [block]
 *     metadata => map of bytes     avro.schema, and avro.codec if the codec is known
 *     sync     => 16 bytes         random, the same throughout the file
 *   block  => count size data sync
 *     count    => zigzag           events
 *     size     => zigzag           bytes of data, as they stand
 *     data     => codec([event])
 *   event  => headers body
 *     headers  => map of strings
 *     body     => length bytes
 *   map    => [ count [key value] ] 00      one block, or none when it is empty
 */
export class AvroEventSerializer implements EventSerializer {
  readonly #syncIntervalBytes: number;
  readonly #codecName: string;
  readonly #compress: (block: Buffer) => Buffer;
  readonly #sync: Buffer;
  readonly #order = new JavaHeaderOrder();
  readonly #names = new Map<string, Buffer>();
  readonly #block = new Writer(64 * 1024);
  #count = 0;

  /** @param sync 16 random bytes; nothing in the file may look like them */
  constructor(config: ConfigOf<typeof fields>, sync: Buffer) {
    this.#syncIntervalBytes = config.syncIntervalBytes;
    this.#codecName = config.compressionCodec;
    const codec = Object.hasOwn(codecs, this.#codecName) ? codecs[this.#codecName] : undefined;
    this.#compress = codec ?? ((block) => block);
    this.#sync = sync;
  }

  begin(): readonly Buffer[] {
    const header = new Writer();
    const known = Object.hasOwn(codecs, this.#codecName);
    header.bytes(Buffer.from('Obj\x01'));
    header.zigzag(known ? 2 : 1);
    writeText(header, 'avro.schema');
    writeText(header, schema);
    if (known) {
      writeText(header, 'avro.codec');
      writeText(header, this.#codecName);
    }
    header.zigzag(0);
    header.bytes(this.#sync);
    return [header.take()];
  }

  write(batch: EventBatch): readonly Buffer[] {
    const blocks: Buffer[] = [];
    const constant = this.#constantHeaders(batch);
    for (let index = 0; index < batch.length; index++) {
      if (constant) this.#block.bytes(constant);
      else this.#writeHeaders(this.#block, batch, index);
      const start = batch.starts[index] as number;
      const end = batch.ends[index] as number;
      this.#block.zigzag(end - start);
      this.#block.bytes(batch.slab, start, end);
      this.#count++;
      if (this.#block.length >= this.#syncIntervalBytes) blocks.push(...this.flush());
    }
    return blocks;
  }

  flush(): readonly Buffer[] {
    if (this.#count === 0) return [];
    const data = this.#compress(this.#block.take());
    const head = new Writer(20);
    head.zigzag(this.#count);
    head.zigzag(data.length);
    this.#count = 0;
    return [head.take(), data, this.#sync];
  }

  /** The encoded headers that all events of the batch have in common, if they have them all. */
  #constantHeaders(batch: EventBatch): Buffer | undefined {
    for (const column of batch.headers.values()) if (typeof column !== 'string') return undefined;
    const headers = new Writer(256);
    this.#writeHeaders(headers, batch, 0);
    return headers.take();
  }

  #writeHeaders(writer: Writer, batch: EventBatch, index: number): void {
    const names = this.#order.namesOf(batch, index);
    if (names.length > 0) {
      writer.zigzag(names.length);
      for (const name of names) {
        writer.bytes(this.#encodedName(name));
        writeText(writer, batch.header(index, name) ?? '');
      }
    }
    writer.zigzag(0);
  }

  #encodedName(name: string): Buffer {
    const known = this.#names.get(name);
    if (known) return known;
    const writer = new Writer(name.length + 8);
    writeText(writer, name);
    const encoded = writer.take();
    if (this.#names.size < maxKnownNames) this.#names.set(name, encoded);
    return encoded;
  }
}

/** Header names whose encoded form is kept; there are few, unless a source makes them up. */
const maxKnownNames = 1000;

function writeText(writer: Writer, value: string): void {
  writer.zigzag(Buffer.byteLength(value));
  writer.text(value);
}

const require = createRequire(import.meta.url);

/** Avro's snappy: the plain data's CRC-32 follows the compressed block, highest byte first. */
function snappyWithSum(block: Buffer): Buffer {
  // Native code, that is loaded by those who use it only.
  const snappy: typeof import('snappy') = require('snappy');
  const sum = Buffer.allocUnsafe(4);
  sum.writeUInt32BE(crc32(block));
  return Buffer.concat([snappy.compressSync(block), sum]);
}
