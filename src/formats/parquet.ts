import { strict as assert } from 'node:assert';
import { defineSerializer } from '../config/definition.ts';
import { type ConfigOf, choice, integer, list, map } from '../config/field.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { SinkCounters } from '../core/metrics.ts';
import type { EventSerializer, SerializerContext } from '../core/serializer.ts';
import { ColumnWriter, type PendingChunk, type PendingPage } from './parquet/column-writer.ts';
import { type ColumnSpec, readColumns } from './parquet/columns.ts';
import { pageCodecs } from './parquet/compression.ts';
import {
  type ColumnChunk,
  encodeFooter,
  encodings,
  magic,
  type RowGroup,
} from './parquet/metadata.ts';
import { encodePageHeader } from './parquet/page-header.ts';
import { physicalTypeOf, schemaElement } from './parquet/types.ts';
import { vectorsOf } from './parquet/vectors.ts';

const fields = {
  columns: list({
    doc:
      'Names of the columns, in order. Empty: timestamp (from the header of that name), headers ' +
      '(all of them, as a JSON object) and body (its bytes).',
    default: [],
  }),
  columnOptions: map({
    key: 'columns.',
    doc:
      '`columns.<name>.from`: body, headers, header:<name> or json:<path> (`json:$.a.b[0]`, in a ' +
      'body that is JSON); default: what has the name of the column. `.type`: string, binary, ' +
      'json, int32, int64, float, double, boolean or timestamp. `.unit` of a timestamp that is a ' +
      'number: s, ms (default), us or ns. `.default`: what stands for a value that is absent or ' +
      'does not fit. `.required = true`: the column has a value in every row.',
  }),
  codec: choice({
    doc: 'How pages are compressed.',
    values: {
      none: 'As they are.',
      snappy: 'Fast, and read by everything.',
      gzip: 'Small, slow to write, and read by everything.',
      zstd: 'Smaller than gzip and faster; not read by Hive 2 and other old readers.',
      lz4_raw: 'As fast as snappy; read by newer readers only.',
    },
    default: 'snappy',
  }),
  level: integer({
    doc: 'How hard gzip (to 9) or zstd (to 19) try; 0 is their own default.',
    min: 0,
    max: 19,
    default: 0,
  }),
  rowGroupBytes: integer({
    doc: 'A row group ends with so much, before compression. So much memory does a file take, too.',
    unit: 'bytes',
    min: 65_536,
    max: 1_073_741_824,
    default: 16_777_216,
  }),
  pageBytes: integer({
    doc: 'A page ends with so much, before compression: the least that a reader must read.',
    unit: 'bytes',
    min: 1024,
    max: 16_777_216,
    default: 262_144,
  }),
  misfits: choice({
    doc: 'What becomes of an event with a value that does not fit its column.',
    values: {
      default:
        "The column's default, or nothing, is written, and the event counted in " +
        'EventMisfitCount. Text that is not UTF-8 is written with U+FFFD for what is not.',
      refuse: 'The write fails and names the event: all stay in the channel.',
    },
    default: 'default',
  }),
};

type Config = ConfigOf<typeof fields>;

export const parquetSerializer = defineSerializer({
  type: 'parquet',
  summary: 'A Parquet file: events as rows, parts of them as typed columns.',
  wholeFile: true,
  extension: '.parquet',
  notes:
    'A file is only readable with what stands at its end, so its events are committed when it is ' +
    'closed. Without a type, a body is binary, a header text (`timestamp`: a timestamp) and all ' +
    'headers together are JSON. A body as `string` is nicer to query; bytes that are not UTF-8 ' +
    'are lost then, so it is not the default: `columns.body.type = string`.',
  fields,
  example:
    'sink.serializer = parquet\n' +
    'sink.serializer.columns = time host status body\n' +
    'sink.serializer.columns.time.from = header:timestamp\n' +
    'sink.serializer.columns.status.from = json:$.http.status\n' +
    'sink.serializer.columns.status.type = int32',
  check: (config) => {
    const { problems } = columnsOf(config);
    const { maxLevel } = pageCodecs[config.codec];
    if (config.level <= maxLevel) return problems;
    const limit = maxLevel === 0 ? 'has no levels' : `has levels up to ${maxLevel}`;
    return [...problems, { key: 'level', problem: `${config.codec} ${limit}` }];
  },
  create: (config, context) => new ParquetSerializer(config, context),
});

/** The version is that of this writer; readers look for faults of certain ones. */
const createdBy = 'millrace version 1.0.0';

function columnsOf(config: Config): ReturnType<typeof readColumns> {
  return readColumns(config.columns, config.columnOptions, config.misfits === 'refuse');
}

/**
 * Apache Parquet, format version 2 with data pages of version 1, as most writers have it.
 * Source: parquet-format 2.11.
 */
class ParquetSerializer implements EventSerializer {
  readonly blockBytes: number;
  readonly #columns: readonly ColumnSpec[];
  readonly #writers: readonly ColumnWriter[];
  readonly #codec: number;
  readonly #refuses: boolean;
  readonly #counters: SinkCounters;
  readonly #rowGroups: RowGroup[] = [];
  #rowCount = 0;
  #offset = 0;
  /** Row groups follow each other in the order of the flushes. */
  #flushed: Promise<unknown> = Promise.resolve();

  constructor(config: Config, context: SerializerContext) {
    const { codec, level, pageBytes, rowGroupBytes, misfits } = config;
    const { id, compress } = pageCodecs[codec];
    this.blockBytes = rowGroupBytes;
    this.#columns = columnsOf(config).columns;
    this.#writers = this.#columns.map(
      (column) => new ColumnWriter(column, pageBytes, (page) => compress(page, level)),
    );
    this.#codec = id;
    this.#refuses = misfits === 'refuse';
    this.#counters = context.counters;
  }

  begin(): readonly Buffer[] {
    this.#offset = magic.length;
    return [magic];
  }

  /** @throws DeliveryError when misfits are refused; nothing of the batch is kept then */
  write(batch: EventBatch): readonly Buffer[] {
    if (batch.length === 0) return [];
    const { columns, misfitCount } = vectorsOf(batch, this.#columns, this.#refuses);
    for (const [index, vector] of columns.entries()) {
      this.#writers[index]?.append(vector, batch.length);
    }
    this.#rowCount += batch.length;
    this.#counters.EventMisfitCount += misfitCount;
    return [];
  }

  get heldBytes(): number {
    // A row of nothing but nulls takes room, too.
    return this.#writers.reduce((sum, writer) => sum + writer.heldBytes, this.#rowCount);
  }

  flush(): readonly Buffer[] | Promise<readonly Buffer[]> {
    if (this.#rowCount === 0) return [];
    const rowCount = this.#rowCount;
    this.#rowCount = 0;
    const chunks = this.#writers.map((writer) => writer.take());
    const flushed = this.#flushed.then(() => this.#rowGroup(chunks, rowCount));
    this.#flushed = flushed;
    return flushed;
  }

  async end(): Promise<readonly Buffer[]> {
    assert.equal(this.#rowCount, 0, 'a last flush comes before the end');
    await this.#flushed;
    const root = { name: 'schema', childCount: this.#columns.length };
    const footer = encodeFooter({
      schema: [
        root,
        ...this.#columns.map(({ name, type, isRequired }) => schemaElement(name, type, isRequired)),
      ],
      rowCount: this.#rowGroups.reduce((sum, group) => sum + group.rowCount, 0),
      rowGroups: this.#rowGroups,
      createdBy,
    });
    const length = Buffer.alloc(4);
    length.writeUInt32LE(footer.length);
    return [footer, length, magic];
  }

  async #rowGroup(chunks: readonly PendingChunk[], rowCount: number): Promise<Buffer[]> {
    const parts: Buffer[] = [];
    const written: ColumnChunk[] = [];
    for (const [index, chunk] of chunks.entries()) {
      written.push(await this.#chunk(this.#columns[index] as ColumnSpec, chunk, rowCount, parts));
    }
    const plainBytes = written.reduce((sum, chunk) => sum + chunk.plainBytes, 0);
    this.#rowGroups.push({ chunks: written, rowCount, plainBytes });
    return parts;
  }

  async #chunk(
    { name, type }: ColumnSpec,
    { dictionary, pages, statistics }: PendingChunk,
    valueCount: number,
    parts: Buffer[],
  ): Promise<ColumnChunk> {
    const start = this.#offset;
    let plainBytes = 0;
    const add = async ({ header, stored }: PendingPage) => {
      const { data, sum } = await stored;
      const encoded = encodePageHeader({ ...header, storedBytes: data.length, sum });
      parts.push(encoded, data);
      plainBytes += encoded.length + header.plainBytes;
      this.#offset += encoded.length + data.length;
    };
    if (dictionary) await add(dictionary);
    const dataOffset = this.#offset;
    for (const page of pages) await add(page);
    const used = new Set([
      encodings.plain,
      encodings.rle,
      ...pages.map((page) => page.header.encoding),
    ]);
    return {
      type: physicalTypeOf(type),
      encodings: [...used],
      path: [name],
      codec: this.#codec,
      valueCount,
      plainBytes,
      storedBytes: this.#offset - start,
      dataOffset,
      ...(dictionary ? { dictionaryOffset: start } : {}),
      statistics,
    };
  }
}
