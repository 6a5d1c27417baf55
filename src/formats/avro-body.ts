import { randomBytes } from 'node:crypto';
import { defineSerializer, type FieldProblem } from '../config/definition.ts';
import { type ConfigOf, optionalText } from '../config/field.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { EventSerializer, SerializerContext } from '../core/serializer.ts';
import { ContainerWriter, syncBytes } from './avro/container.ts';
import { checkContainer, containerFields } from './avro/container-fields.ts';
import { checkAvroSchema, SchemaCache } from './avro/schema-cache.ts';

const urlHeader = 'flume.avro.schema.url';
const literalHeader = 'flume.avro.schema.literal';

const fields = {
  schemaURL: optionalText({
    doc: 'URL of the schema of events whose headers name none: hdfs, file, http or https.',
  }),
  schemaLiteral: optionalText({
    doc: 'That schema itself, as JSON, instead of its URL.',
    extra: true,
  }),
  ...containerFields,
};

type Config = ConfigOf<typeof fields>;

export const avroBodySerializer = defineSerializer({
  type: 'avro_body',
  classes: [
    'org.apache.flume.sink.hdfs.AvroEventSerializer',
    'org.apache.flume.sink.hdfs.AvroEventSerializer$Builder',
    'org.apache.flume.serialization.AvroEventSerializer',
    'org.apache.flume.serialization.AvroEventSerializer$Builder',
  ],
  summary:
    'An Avro container file of bodies that are Avro datums already. Headers are not written.',
  notes:
    `The first event of a file decides on its schema: by its header \`${urlHeader}\`, else ` +
    `its header \`${literalHeader}\`, else the options. Without any of these the file can not be ` +
    'begun, and the sink tries again. A schema that was read from a URL is used for a minute.\n\n' +
    'Bodies are not checked. An event whose headers name another schema than the first one did ' +
    'is written all the same, as in Flume, and makes the file unreadable from there on: it is ' +
    'counted (`EventMisfitCount`) and warned of. Keep schemas apart by path, as with ' +
    '`hdfs.path = /events/%{type}`.',
  fields,
  example:
    'sink.serializer = avro_body\nsink.serializer.schemaURL = file:///etc/schemas/click.avsc',
  check: (config) => [...checkSchema(config), ...checkContainer(config)],
  create: (config, context) => new AvroBodySerializer(config, context, randomBytes(syncBytes)),
});

function checkSchema({ schemaURL, schemaLiteral }: Config): readonly FieldProblem[] {
  if (schemaLiteral === undefined) return [];
  const key = 'schemaLiteral';
  if (schemaURL !== undefined) return [{ key, problem: 'there is schemaURL already: give one' }];
  try {
    checkAvroSchema(schemaLiteral, 'here');
    return [];
  } catch (error) {
    return [{ key, problem: (error as Error).message }];
  }
}

const schemas = new SchemaCache();

/** Where an event's schema is from: one of two headers, or `none`, which leaves it to options. */
interface SchemaSource {
  readonly from: 'url' | 'literal' | 'none';
  readonly text: string;
}

/**
 * A container of bodies. What it begins with stands before the first block, because no event was
 * there to decide on the schema earlier: a file without events is empty.
 */
export class AvroBodySerializer implements EventSerializer {
  readonly #config: Config;
  readonly #context: SerializerContext;
  readonly #container: ContainerWriter;
  /** Set by the first event. */
  #source: SchemaSource | undefined;
  #schema: Promise<string> = Promise.resolve('');
  #isBegun = false;
  #hasWarned = false;

  /** @param sync 16 random bytes; nothing in the file may look like them */
  constructor(config: Config, context: SerializerContext, sync: Buffer) {
    this.#config = config;
    this.#context = context;
    this.#container = new ContainerWriter(config, sync);
  }

  get heldBytes(): number {
    return this.#container.heldBytes;
  }

  get blockBytes(): number {
    return this.#container.blockBytes;
  }

  begin(): readonly Buffer[] {
    return [];
  }

  write(batch: EventBatch): readonly Buffer[] {
    if (batch.length === 0) return [];
    if (!this.#source) {
      this.#source = sourceOf(batch, 0);
      this.#schema = this.#read(this.#source);
      // It is flush that fails with it.
      this.#schema.catch(() => {});
    }
    this.#countMisfits(batch, this.#source);
    const { block } = this.#container;
    const { slab, starts, ends } = batch;
    for (let index = 0; index < batch.length; ) {
      const start = starts[index] as number;
      let end = ends[index++] as number;
      // Bodies side by side are copied at once.
      while (starts[index] === end) end = ends[index++] as number;
      block.bytes(slab, start, end);
    }
    this.#container.add(batch.length);
    return [];
  }

  /** @throws Error when there is no schema for the file's first event */
  async flush(): Promise<readonly Buffer[]> {
    const isFirst = !this.#isBegun && this.heldBytes > 0;
    if (isFirst) this.#isBegun = true;
    const [schema, block] = await Promise.all([this.#schema, this.#container.flush()]);
    return isFirst ? [this.#container.header(schema), ...block] : block;
  }

  async #read({ from, text }: SchemaSource): Promise<string> {
    const { schemaURL, schemaLiteral } = this.#config;
    const url = { url: text, literal: undefined, none: schemaURL }[from];
    if (url !== undefined) return schemas.read(url, (each) => this.#context.readUrl(each));
    const literal = from === 'literal' ? text : schemaLiteral;
    if (literal === undefined) {
      throw new Error(
        `the first event of a file has no Avro schema: it needs the header ${urlHeader} or ` +
          `${literalHeader}, or the serializer the option schemaURL`,
      );
    }
    checkAvroSchema(literal, from === 'literal' ? `in the header ${literalHeader}` : 'here');
    return literal;
  }

  #countMisfits(batch: EventBatch, expected: SchemaSource): void {
    const url = batch.headers.get(urlHeader);
    const literal = batch.headers.get(literalHeader);
    // Most batches have one schema throughout.
    const rows = typeof url === 'object' || typeof literal === 'object' ? batch.length : 1;
    let misfit: SchemaSource | undefined;
    for (let index = 0; index < rows; index++) {
      const source = sourceOf(batch, index);
      if (source.from === expected.from && source.text === expected.text) continue;
      misfit ??= source;
      this.#context.counters.EventMisfitCount += rows === 1 ? batch.length : 1;
    }
    if (!misfit || this.#hasWarned) return;
    this.#hasWarned = true;
    this.#context.log.warn(
      { fileSchema: told(expected), eventSchema: told(misfit) },
      'Events have another Avro schema than the file that they are in, which makes it unreadable.',
    );
  }
}

function sourceOf(batch: EventBatch, index: number): SchemaSource {
  const url = batch.header(index, urlHeader);
  if (url !== undefined) return { from: 'url', text: url };
  const literal = batch.header(index, literalHeader);
  return literal === undefined ? { from: 'none', text: '' } : { from: 'literal', text: literal };
}

/** Schemas can be long. */
function told({ from, text }: SchemaSource): string {
  return from === 'none' ? "the option's" : text.slice(0, 200);
}
