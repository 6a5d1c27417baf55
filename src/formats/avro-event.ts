import { randomBytes } from 'node:crypto';
import { Writer } from '../bytes/writer.ts';
import { defineSerializer } from '../config/definition.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { EventSerializer } from '../core/serializer.ts';
import { type ContainerOptions, ContainerWriter, syncBytes, writeText } from './avro/container.ts';
import { checkContainer, containerFields } from './avro/container-fields.ts';
import { JavaHeaderOrder } from './java-map-order.ts';

export const avroEventSerializer = defineSerializer({
  type: 'avro_event',
  classes: [
    'org.apache.flume.serialization.FlumeEventAvroEventSerializer',
    'org.apache.flume.serialization.FlumeEventAvroEventSerializer$Builder',
  ],
  summary: 'An Avro container file of events: a map of headers and the body as bytes.',
  notes: 'Headers stand in the order of a Java hash map, as in Flume.',
  fields: containerFields,
  example: 'sink.serializer = avro_event\nsink.serializer.compressionCodec = snappy',
  check: checkContainer,
  create: (config) => new AvroEventSerializer(config, randomBytes(syncBytes)),
});

const schema =
  '{"type":"record","name":"Event","fields":[' +
  '{"name":"headers","type":{"type":"map","values":"string"}},' +
  '{"name":"body","type":"bytes"}]}';

/**
 * A container with the schema that Flume writes.
 * Source: Avro 1.11 specification; file of a Flume 1.11.
 *
 *   event  => headers body
 *     headers  => map of strings
 *     body     => length bytes
 *   map    => [ count [key value] ] 00      one block, or none when it is empty
 */
export class AvroEventSerializer implements EventSerializer {
  readonly #container: ContainerWriter;
  readonly #order = new JavaHeaderOrder();
  readonly #names = new Map<string, Buffer>();

  /** @param sync 16 random bytes; nothing in the file may look like them */
  constructor(options: ContainerOptions, sync: Buffer) {
    this.#container = new ContainerWriter(options, sync);
  }

  get heldBytes(): number {
    return this.#container.heldBytes;
  }

  get blockBytes(): number {
    return this.#container.blockBytes;
  }

  begin(): readonly Buffer[] {
    return [this.#container.header(schema)];
  }

  write(batch: EventBatch): readonly Buffer[] {
    if (batch.length === 0) return [];
    const { block } = this.#container;
    const constant = this.#constantHeaders(batch);
    for (let index = 0; index < batch.length; index++) {
      if (constant) block.bytes(constant);
      else this.#writeHeaders(block, batch, index);
      const start = batch.starts[index] as number;
      const end = batch.ends[index] as number;
      block.zigzag(end - start);
      block.bytes(batch.slab, start, end);
    }
    this.#container.add(batch.length);
    return [];
  }

  flush(): Promise<readonly Buffer[]> {
    return this.#container.flush();
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
