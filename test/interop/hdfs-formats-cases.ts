/** Configurations of the hdfs sink's formats and codecs on which Flume and Millrace agree. */
import { avroCases } from './hdfs-formats-avro-cases.ts';
import { binary, type FormatCase, fixedTime, messages } from './hdfs-formats-input.ts';

const manyLines = Array.from({ length: 2_000 }, (_, index) => `${index}:${'abc '.repeat(75)}`);

const sequenceFile = { 'hdfs.fileType': null };

/** Every one that Hadoop has without native code; its gzip is refused here by Flume. */
const sequenceCodecs = [
  'DefaultCodec',
  'deflate',
  'org.apache.hadoop.io.compress.BZip2Codec',
  'snappy',
  'LZ4',
];

function shortName(codec: string): string {
  return (codec.split('.').at(-1) ?? '').replace('Codec', '').toLowerCase();
}

const sequenceFiles: readonly FormatCase[] = [
  {
    name: 'sequence',
    holds: 'with nothing set, files are SequenceFiles of BytesWritable',
    sink: sequenceFile,
    read: 'sequence',
    input: messages(9),
  },
  {
    name: 'sequence-text',
    holds: 'writeFormat = Text makes the values Text',
    sink: { 'hdfs.fileType': 'SequenceFile', 'hdfs.writeFormat': 'Text', 'hdfs.rollCount': '4' },
    read: 'sequence',
    input: messages(9),
  },
  ...sequenceCodecs.flatMap((codec) =>
    ['Writable', 'Text'].map((format): FormatCase => {
      return {
        name: `sequence-${shortName(codec)}-${format}`,
        holds: `a SequenceFile of ${format} in blocks of ${codec}`,
        sink: {
          ...sequenceFile,
          'hdfs.codeC': codec,
          'hdfs.writeFormat': format,
          'hdfs.rollCount': '12',
        },
        read: 'sequence',
        input: messages(30),
      };
    }),
  ),
  {
    name: 'sequence-binary',
    holds: 'bodies are any bytes',
    sink: { ...sequenceFile, 'hdfs.rollSize': '2000' },
    source: 'TAILDIR',
    interceptors: [fixedTime],
    read: 'sequence',
    input: binary,
  },
  {
    name: 'sequence-binary-text',
    holds: 'also where they are called Text, and in blocks',
    sink: { ...sequenceFile, 'hdfs.writeFormat': 'Text', 'hdfs.codeC': 'deflate' },
    source: 'TAILDIR',
    interceptors: [fixedTime],
    read: 'sequence',
    input: binary,
  },
  {
    name: 'sequence-clock',
    holds: 'events without a timestamp have the time of writing as their key',
    sink: { ...sequenceFile, 'hdfs.rollCount': '3' },
    source: 'netcat',
    hasClockKeys: true,
    read: 'sequence',
    input: ['one', 'two', 'three', 'four', 'five'],
  },
  {
    name: 'sequence-interceptor',
    holds: 'the interceptor timestamp gives the key',
    sink: { ...sequenceFile, 'hdfs.path': '<root>/%Y' },
    source: 'netcat',
    interceptors: ['type = timestamp'],
    hasClockKeys: true,
    read: 'sequence',
    input: ['one', 'two', 'three'],
  },
  {
    name: 'sequence-size',
    holds: 'bodies alone count for rollSize',
    sink: { ...sequenceFile, 'hdfs.rollSize': '30', 'hdfs.batchSize': '3' },
    read: 'sequence',
    input: messages(13),
  },
  {
    name: 'sequence-defaults',
    holds: 'the default sizes and counts roll alike',
    sink: { 'hdfs.fileType': null, 'hdfs.rollSize': null, 'hdfs.rollCount': null },
    read: 'sequence',
    input: messages(40),
  },
  {
    name: 'sequence-blocks',
    holds: 'batches of one event, in blocks',
    sink: {
      ...sequenceFile,
      'hdfs.batchSize': '1',
      'hdfs.rollCount': '4',
      'hdfs.codeC': 'snappy',
      'hdfs.path': '<root>/%{host}',
    },
    read: 'sequence',
    input: messages(10),
  },
  {
    name: 'sequence-large',
    holds: 'files of many blocks and sync escapes',
    sink: { ...sequenceFile, 'hdfs.rollSize': '250000', 'hdfs.batchSize': '500' },
    source: 'TAILDIR',
    interceptors: [fixedTime],
    read: 'sequence',
    input: manyLines,
  },
  {
    name: 'sequence-suffix',
    holds: 'fileSuffix stands for the extension of the codec',
    sink: { ...sequenceFile, 'hdfs.codeC': 'snappy', 'hdfs.fileSuffix': '.seq' },
    read: 'sequence',
    input: messages(5),
  },
  {
    name: 'sequence-none',
    holds: 'codeC = none compresses nothing',
    sink: { 'hdfs.fileType': 'sequencefile', 'hdfs.codeC': 'none' },
    read: 'sequence',
    input: messages(5),
  },
  {
    name: 'sequence-in-use',
    holds: 'the extension goes before what a file has in use',
    sink: {
      ...sequenceFile,
      'hdfs.codeC': 'bzip2',
      'hdfs.filePrefix': 'p%{host}',
      'hdfs.inUsePrefix': '_',
      'hdfs.inUseSuffix': '.part',
      'hdfs.rollCount': '2',
    },
    read: 'sequence',
    input: messages(9),
  },
  {
    name: 'sequence-serializer',
    holds: 'a SequenceFile has no serializer',
    sink: { ...sequenceFile, serializer: 'avro_event', 'serializer.compressionCodec': 'snappy' },
    read: 'sequence',
    input: messages(5),
  },
  {
    name: 'particles',
    holds: 'SequenceFiles of Text by day, with a suffix',
    sink: {
      'hdfs.fileType': 'SequenceFile',
      'hdfs.writeFormat': 'Text',
      'hdfs.filePrefix': 'particle_events',
      'hdfs.fileSuffix': '.seq',
      'hdfs.useLocalTimeStamp': 'true',
      'hdfs.path': '<url><root>/1/%y',
      'hdfs.rollInterval': '360',
      'hdfs.rollSize': '128000000',
      'hdfs.rollCount': '0',
      'hdfs.batchSize': '1000',
    },
    read: 'sequence',
    input: messages(12),
  },
  {
    name: 'events',
    holds: 'a path of a scheme alone, and rounded times',
    sink: {
      ...sequenceFile,
      'hdfs.path': 'hdfs:<root>/%y-%m-%d/%H%M/%S',
      'hdfs.filePrefix': 'events-',
      'hdfs.round': 'true',
      'hdfs.roundValue': '10',
      'hdfs.roundUnit': 'minute',
    },
    read: 'sequence',
    input: messages(12, 301),
  },
];

/** Every one that Hadoop has without native code. */
const streamCodecs = {
  gzip: 'gzip',
  DeflateCodec: 'deflate',
  bzip2: 'bzip2',
  snappy: 'snappy',
  lz4: 'lz4',
};
const gzip = { 'hdfs.fileType': 'CompressedStream', 'hdfs.codeC': 'gzip' };

const compressedStreams: readonly FormatCase[] = [
  ...Object.entries(streamCodecs).flatMap(([codeC, codec]) =>
    ['text', 'header_and_text'].map((serializer): FormatCase => {
      return {
        name: `${codec}-${serializer}`,
        holds: `${serializer} as a stream of ${codeC}`,
        sink: {
          serializer,
          'hdfs.fileType': 'CompressedStream',
          'hdfs.codeC': codeC,
          'hdfs.rollCount': '12',
        },
        read: 'bytes',
        codec,
        input: messages(30),
      };
    }),
  ),
  {
    name: 'db',
    holds: 'a compressed file is closed when it is old enough',
    sink: {
      ...gzip,
      'hdfs.path': '<root>/edu/db/%{tableName}_inc/%Y-%m-%d',
      'hdfs.filePrefix': 'db',
      'hdfs.round': 'false',
      'hdfs.rollInterval': '2',
      'hdfs.rollSize': '134217728',
      'hdfs.rollCount': '0',
    },
    interceptors: ['type = static\nkey = tableName\nvalue = cart_info'],
    read: 'bytes',
    codec: 'gzip',
    input: messages(5),
    later: messages(8).slice(5),
  },
  {
    name: 'adx',
    holds: 'bzip2, with pools, rounding and writeFormat set',
    sink: {
      'hdfs.fileType': 'CompressedStream',
      'hdfs.codeC': 'bzip2',
      'hdfs.path': '<root>/rr/%{host}',
      'hdfs.filePrefix': 'pod-0',
      'hdfs.batchSize': '600',
      'hdfs.rollTimerPoolSize': '5',
      'hdfs.threadsPoolSize': '20',
      'hdfs.minBlockReplicas': '1',
      'hdfs.writeFormat': 'Text',
      'hdfs.round': 'true',
      'hdfs.roundValue': '1',
      'hdfs.roundUnit': 'second',
      'hdfs.idleTimeout': '600',
      'hdfs.callTimeout': '80000',
      'hdfs.rollSize': '1024000000',
      'hdfs.rollCount': '0',
      'hdfs.rollInterval': '600',
    },
    read: 'bytes',
    codec: 'bzip2',
    input: messages(12),
  },
  {
    name: 'twitch',
    holds: 'snappy in directories by ten minutes',
    sink: {
      'hdfs.writeFormat': 'Text',
      'hdfs.fileType': 'CompressedStream',
      'hdfs.codeC': 'snappy',
      'hdfs.batchSize': '1000',
      'hdfs.path': '<root>/%Y-%m-%d/%H%M/%S',
      'hdfs.filePrefix': 'events-',
      'hdfs.round': 'true',
      'hdfs.roundValue': '10',
      'hdfs.roundUnit': 'minute',
    },
    read: 'bytes',
    codec: 'snappy',
    input: messages(12, 301),
  },
  {
    name: 'gzip-one-by-one',
    holds: 'a member for each event',
    sink: { ...gzip, 'hdfs.batchSize': '1', 'hdfs.rollCount': '3' },
    read: 'bytes',
    codec: 'gzip',
    input: messages(10),
  },
  {
    name: 'gzip-size',
    holds: 'bodies count for rollSize as they are before compression',
    sink: { ...gzip, 'hdfs.rollSize': '100' },
    read: 'bytes',
    codec: 'gzip',
    input: messages(13),
  },
  {
    name: 'gzip-suffix',
    holds: 'fileSuffix stands for .gz',
    sink: { ...gzip, 'hdfs.fileSuffix': '.log', 'hdfs.rollCount': '2' },
    read: 'bytes',
    codec: 'gzip',
    input: messages(5),
  },
  {
    name: 'gzip-empty-suffix',
    holds: 'an empty fileSuffix is none that is set',
    sink: { ...gzip, 'hdfs.fileSuffix': '', 'hdfs.emptyInUseSuffix': 'true' },
    read: 'bytes',
    codec: 'gzip',
    input: messages(5),
  },
  {
    name: 'gzip-any-case',
    holds: 'types and codecs are known in any case',
    sink: { 'hdfs.fileType': 'compressedstream', 'hdfs.codeC': 'GZipCodec', serializer: 'Text' },
    read: 'bytes',
    codec: 'gzip',
    input: messages(5),
  },
  {
    name: 'gzip-no-newline',
    holds: 'events follow each other without a newline',
    sink: { ...gzip, 'serializer.appendNewline': 'false', 'hdfs.rollCount': '4' },
    read: 'bytes',
    codec: 'gzip',
    input: messages(10),
  },
  {
    name: 'gzip-avro',
    holds: 'an Avro file as a whole may be compressed',
    sink: { ...gzip, serializer: 'avro_event' },
    read: 'avro',
    codec: 'gzip',
    input: messages(5),
  },
  {
    name: 'deflate-binary',
    holds: 'bodies of any bytes are compressed',
    sink: {
      'hdfs.fileType': 'CompressedStream',
      'hdfs.codeC': 'org.apache.hadoop.io.compress.DefaultCodec',
      'hdfs.rollCount': '15',
    },
    source: 'TAILDIR',
    read: 'bytes',
    codec: 'deflate',
    input: binary,
  },
  {
    name: 'lz4-large',
    holds: 'files of several members and blocks',
    sink: {
      'hdfs.fileType': 'CompressedStream',
      'hdfs.codeC': 'Lz4Codec',
      'hdfs.rollSize': '250000',
      'hdfs.batchSize': '500',
    },
    source: 'TAILDIR',
    read: 'bytes',
    codec: 'lz4',
    input: manyLines,
  },
];

const dataStreams: readonly FormatCase[] = [
  {
    name: 'tweets',
    holds: 'a DataStream with a misspelt key',
    sink: {
      'hdfs.writeformat': 'Text',
      'hdfs.batchSize': '1000',
      'hdfs.rollSize': '0',
      'hdfs.rollCount': '10000',
      'hdfs.rollInterval': '600',
    },
    read: 'bytes',
    input: messages(20),
  },
];

export const formatCases: readonly FormatCase[] = [
  ...sequenceFiles,
  ...compressedStreams,
  ...avroCases,
  ...dataStreams,
];

/** What Flume refuses, and why: a case each. */
export const refusedCases: readonly (FormatCase & {
  readonly theirs: RegExp;
  readonly ours: RegExp;
})[] = [
  {
    name: 'lzop',
    holds: 'lzop is in neither',
    sink: {
      'hdfs.fileType': 'CompressedStream',
      'hdfs.codeC': 'lzop',
      'hdfs.fileSuffix': '.lzo',
      'hdfs.writeFormat': 'Text',
    },
    read: 'bytes',
    input: [],
    theirs: /Unsupported compression codec lzop/,
    ours: /lzop cannot be had: the LZO library is under the GPL/i,
  },
  {
    name: 'data-codec',
    holds: 'a DataStream has no codec',
    sink: { 'hdfs.codeC': 'gzip' },
    read: 'bytes',
    input: [],
    theirs: /fileType: DataStream which does NOT support compressed output/,
    ours: /files of the type DataStream are not compressed/i,
  },
  {
    name: 'no-codec',
    holds: 'a CompressedStream has one',
    sink: { 'hdfs.fileType': 'CompressedStream' },
    read: 'bytes',
    input: [],
    theirs: /It's essential to set compress codec when fileType is: CompressedStream/,
    ours: /a CompressedStream needs a codec/i,
  },
];
