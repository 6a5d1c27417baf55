/** Sinks of one agent, to HDFS and to local files: every format with every codec. */
import type { PythonReader } from './hdfs-formats-python.ts';
import type { Kind } from './hdfs-formats-source.ts';

type Reader = PythonReader | 'hadoop' | 'fs -text';

export interface Output {
  readonly name: string;
  readonly place: 'hdfs' | 'local' | 'file_roll';
  readonly keys: Readonly<Record<string, string>>;
  readonly from?: Kind;
  readonly is: 'text' | 'json' | 'sequence' | 'avro' | 'parquet' | 'datums';
  /** Of the file as a whole. */
  readonly codec?: string;
  /** Values of a SequenceFile are Text. */
  readonly isText?: boolean;
  readonly readers: readonly Reader[];
}

export function nameOf({ place, name }: Output): string {
  return `${place} ${name}`;
}

const bySuffix = ['hadoop', 'fs -text'] as const;
const streamCodecs = ['gzip', 'bzip2', 'snappy', 'lz4', 'deflate', 'zstd'];
const readersOf = (codec: string) => (codec === 'zstd' ? (['zstandard'] as const) : bySuffix);

function streams(place: Output['place']): Output[] {
  return streamCodecs.map((codec) => ({
    name: `stream-${codec}`,
    place,
    keys:
      place === 'file_roll'
        ? { 'sink.compression': codec, 'sink.compression.bytes': '300000' }
        : { 'hdfs.fileType': 'CompressedStream', 'hdfs.codeC': codec },
    is: 'text',
    codec,
    readers: readersOf(codec),
  }));
}

/** With the codecs that Hadoop reads without its native library. */
function sequenceFiles(): Output[] {
  const codecs = ['default', 'gzip', 'bzip2', 'snappy', 'lz4'];
  return [
    sequenceFile('none', 'BLOCK', 'Writable', bySuffix),
    sequenceFile('none', 'BLOCK', 'Text', bySuffix),
    sequenceFile('zstd', 'BLOCK', 'Writable', ['blocks']),
    ...codecs.flatMap((codec) => [
      // It takes seconds to show a megabyte as hex; Text it shows at once.
      sequenceFile(codec, 'BLOCK', 'Writable', ['hadoop']),
      sequenceFile(codec, 'BLOCK', 'Text', bySuffix),
      sequenceFile(codec, 'RECORD', 'Text', bySuffix),
    ]),
  ];
}

function sequenceFile(
  codec: string,
  type: 'BLOCK' | 'RECORD',
  format: 'Writable' | 'Text',
  readers: readonly Reader[],
): Output {
  return {
    name: `sequence-${codec}-${type}-${format}`,
    place: 'hdfs',
    keys: {
      'hdfs.codeC': codec,
      'hdfs.writeFormat': format,
      'serializer.compressionType': type,
      'serializer.blockBytes': '100000',
    },
    is: 'sequence',
    isText: format === 'Text',
    readers,
  };
}

function avroFiles(place: Output['place'], codecs: readonly string[]): Output[] {
  const key = place === 'file_roll' ? 'sink.serializer' : 'serializer';
  return codecs.map((codec) => ({
    name: `avro-${codec}`,
    place,
    keys: {
      [key]: 'avro_event',
      [`${key}.compressionCodec`]: codec,
      ...(place === 'file_roll' ? {} : { 'hdfs.fileType': 'DataStream' }),
    },
    is: 'avro',
    // Hadoop and the second library of Python lack zstandard.
    readers: codec === 'zstandard' ? ['avro'] : ['hadoop', 'avro', 'fastavro', ...textOf(place)],
  }));
}

function textOf(place: Output['place']): readonly Reader[] {
  return place === 'hdfs' ? ['fs -text'] : [];
}

function parquetFiles(place: Output['place'], codecs: readonly string[]): Output[] {
  return codecs.map((codec) => ({
    name: `parquet-${codec}`,
    place,
    keys:
      place === 'file_roll'
        ? { 'sink.serializer': 'parquet', 'sink.serializer.codec': codec }
        : { 'hdfs.fileType': 'Parquet', 'hdfs.codeC': codec, 'serializer.pageBytes': '20000' },
    is: 'parquet',
    readers: ['arrow', 'duckdb'],
  }));
}

const dataStream = { 'hdfs.fileType': 'DataStream' };
export const outputs: readonly Output[] = [
  ...streams('hdfs'),
  { ...streams('local')[0], name: 'stream-gzip', place: 'local' } as Output,
  ...streams('file_roll'),
  ...sequenceFiles(),
  {
    name: 'sequence-snappy',
    place: 'local',
    keys: { 'hdfs.fileType': 'SequenceFile', 'hdfs.codeC': 'snappy' },
    is: 'sequence',
    readers: ['hadoop'],
  },
  {
    name: 'sequence-bzip2',
    place: 'file_roll',
    keys: { 'sink.serializer': 'sequence_file', 'sink.serializer.codec': 'bzip2' },
    is: 'sequence',
    readers: ['hadoop'],
  },
  ...avroFiles('hdfs', ['null', 'deflate', 'snappy', 'bzip2', 'zstandard']),
  ...avroFiles('file_roll', ['snappy', 'zstandard']),
  ...parquetFiles('hdfs', ['none', 'snappy', 'gzip', 'zstd', 'lz4']),
  ...parquetFiles('local', ['zstd']),
  ...parquetFiles('file_roll', ['lz4_raw']),
  { name: 'text', place: 'hdfs', keys: dataStream, from: 'texts', is: 'text', readers: bySuffix },
  {
    name: 'sequence-texts',
    place: 'hdfs',
    keys: { 'hdfs.writeFormat': 'Text' },
    from: 'texts',
    is: 'sequence',
    isText: true,
    readers: bySuffix,
  },
  {
    name: 'json',
    place: 'hdfs',
    keys: { ...dataStream, serializer: 'json' },
    is: 'json',
    readers: ['json'],
  },
  {
    name: 'datums',
    place: 'hdfs',
    keys: {
      ...dataStream,
      serializer: 'avro_body',
      'serializer.compressionCodec': 'deflate',
      'serializer.syncIntervalBytes': '1000',
      'hdfs.path': '<folder>/%{type}',
    },
    from: 'datums',
    is: 'datums',
    readers: ['hadoop', 'fs -text'],
  },
];
