/** The formats of the kill loop's files, and the options that write them. */
import type { Prng } from '../../src/testing/prng.ts';

export const formats = {
  text: 'text',
  sequence: 'SequenceFiles of snappy blocks',
  gzip: 'text in gzip members',
  avro: 'Avro files',
  parquet: 'Parquet files',
} as const;
export type Format = keyof typeof formats;

/** Small blocks, so that many of them happen. */
export interface FormatOptions {
  readonly format: Format;
  /** Inside of the file; of formats that leave the choice. */
  readonly codec: string;
  readonly blockBytes: number;
  readonly flushInterval: number;
  /** Of the values in SequenceFiles. */
  readonly writeFormat: string;
}

const innerCodecs: Readonly<Partial<Record<Format, readonly string[]>>> = {
  sequence: ['snappy'],
  gzip: ['gzip'],
  avro: ['deflate', 'snappy'],
  parquet: ['snappy', 'gzip', 'zstd', 'none'],
};
/** The least that a row group can have. */
const rowGroupBytes = 65_536;

export function randomFormatOptions(format: Format, random: Prng): FormatOptions {
  return {
    format,
    codec: random.pick(innerCodecs[format] ?? ['none']),
    blockBytes: random.pick([1_000, 5_000, 40_000]),
    flushInterval: random.pick([100, 300, 1_000]),
    writeFormat: random.pick(['Writable', 'Text']),
  };
}

/** Options of the serializer, by their names below its own. */
function serializerOptions(options: FormatOptions): Readonly<Record<string, string | number>> {
  const { format, codec, blockBytes } = options;
  switch (format) {
    case 'text':
    case 'gzip':
      return {};
    case 'sequence':
      return { blockBytes };
    case 'avro':
      return { compressionCodec: codec, syncIntervalBytes: blockBytes };
    case 'parquet':
      return { codec, rowGroupBytes, pageBytes: Math.max(1_024, blockBytes) };
  }
}

/** The lines of a sink of type hdfs. */
export function hdfsFormatLines(options: FormatOptions): string[] {
  const { format, codec, blockBytes, flushInterval, writeFormat } = options;
  const types = {
    text: ['hdfs.fileType = DataStream'],
    sequence: [`hdfs.codeC = ${codec}`, `hdfs.writeFormat = ${writeFormat}`],
    gzip: [
      'hdfs.fileType = CompressedStream',
      `hdfs.codeC = ${codec}`,
      `hdfs.compression.bytes = ${blockBytes}`,
    ],
    avro: ['hdfs.fileType = DataStream', 'serializer = avro_event'],
    parquet: ['hdfs.fileType = Parquet'],
  };
  return [
    ...types[format],
    `hdfs.flushInterval = ${flushInterval}`,
    ...linesOf('serializer', serializerOptions(options)),
  ];
}

/** The lines of a sink of type file_roll. */
export function fileRollFormatLines(options: FormatOptions): string[] {
  const { format, codec, blockBytes, flushInterval, writeFormat } = options;
  const types = {
    text: [],
    sequence: [
      'sink.serializer = sequence_file',
      ...linesOf('sink.serializer', { codec, writeFormat }),
    ],
    gzip: [`sink.compression = ${codec}`, `sink.compression.bytes = ${blockBytes}`],
    avro: ['sink.serializer = avro_event'],
    parquet: ['sink.serializer = parquet'],
  };
  return [
    ...types[format],
    `sink.flushInterval = ${flushInterval}`,
    ...linesOf('sink.serializer', serializerOptions(options)),
  ];
}

function linesOf(prefix: string, options: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(options).map(([key, value]) => `${prefix}.${key} = ${value}`);
}
