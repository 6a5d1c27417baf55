import type { Codec } from '../codecs/codec.ts';
import { codecNamed } from '../codecs/codecs.ts';
import { defineSink, type FieldProblem } from '../config/definition.ts';
import {
  boolean,
  type ConfigOf,
  choice,
  integer,
  map,
  optionalText,
  text,
} from '../config/field.ts';
import { serializer } from '../config/serializer-field.ts';
import { EscapedText, type EscapeOptions } from '../formats/escaped-text.ts';
import { codecProblem, type FileFormat, fileFormat, levelProblem } from '../formats/file-format.ts';
import { HdfsSink } from './hdfs/hdfs-sink.ts';
import { recoverLeft } from './hdfs/left-files.ts';
import { placeOf } from './hdfs/place.ts';

const noThreads = 'no thread waits for a file here: all of them are written on one event loop';

const fields = {
  path: text({
    key: 'hdfs.path',
    doc: 'The directory; `%Y`, `%{header}` and other escapes are filled in for each event.',
  }),
  filePrefix: text({
    key: 'hdfs.filePrefix',
    doc: 'Begins the names of files; escapes are filled in, too.',
    default: 'FlumeData',
  }),
  fileSuffix: text({
    key: 'hdfs.fileSuffix',
    doc: 'Ends the names of files; with its dot.',
    default: '',
  }),
  inUsePrefix: text({
    key: 'hdfs.inUsePrefix',
    doc: 'Begins the names of files that are being written.',
    default: '',
  }),
  inUseSuffix: text({
    key: 'hdfs.inUseSuffix',
    doc: 'Ends the names of files that are being written.',
    default: '.tmp',
  }),
  emptyInUseSuffix: boolean({
    key: 'hdfs.emptyInUseSuffix',
    doc: 'Puts nothing behind those names.',
    default: false,
  }),
  rollInterval: integer({
    key: 'hdfs.rollInterval',
    doc: 'A file is closed this long after it was begun; 0: whatever its age.',
    unit: 's',
    default: 30,
  }),
  rollSize: integer({
    key: 'hdfs.rollSize',
    doc: 'A file with so many bytes of bodies is closed with the next event; 0: however many.',
    unit: 'bytes',
    default: 1024,
  }),
  rollCount: integer({
    key: 'hdfs.rollCount',
    doc: 'A file with so many events is closed with the next one; 0: however many.',
    unit: 'events',
    default: 10,
  }),
  idleTimeout: integer({
    key: 'hdfs.idleTimeout',
    doc: 'A file that nothing came to for so long is closed; 0: never.',
    unit: 's',
    default: 0,
  }),
  batchSize: integer({
    key: 'hdfs.batchSize',
    doc: 'The most events of one batch; each is flushed and committed.',
    unit: 'events',
    min: 1,
    default: 100,
  }),
  fileType: choice({
    key: 'hdfs.fileType',
    doc: 'The form of files.',
    values: {
      SequenceFile: 'Hadoop’s SequenceFile: times and bodies; with a codeC in compressed blocks.',
      DataStream: 'What the serializer gives, as it is: text, unless another one is chosen.',
      CompressedStream: 'The same, compressed with hdfs.codeC.',
      Parquet: 'What the serializer parquet gives, with its options below `serializer.`.',
    },
    default: 'SequenceFile',
  }),
  codeC: optionalText({
    key: 'hdfs.codeC',
    doc: 'The codec: gzip, bzip2, snappy, lz4, zstd, deflate, or a class of Hadoop’s; or none.',
  }),
  compressionLevel: integer({
    key: 'hdfs.compression.level',
    doc: 'From 1, the fastest, to 9 (gzip, bzip2, deflate) or 19 (zstd); 0: the codec’s own.',
    min: 0,
    max: 19,
    default: 0,
    extra: true,
  }),
  compressionBytes: integer({
    key: 'hdfs.compression.bytes',
    doc: 'A member of a CompressedStream ends when it holds this much.',
    unit: 'bytes',
    min: 1,
    max: 67_108_864,
    default: 1_048_576,
    extra: true,
  }),
  flushInterval: integer({
    key: 'hdfs.flushInterval',
    doc: 'A compressed member or a block ends after this time, and its events are committed.',
    unit: 'ms',
    min: 1,
    default: 1000,
    extra: true,
  }),
  serializer: serializer({
    doc: 'How events become bytes: a serializer, its class in Flume, or a file of your own.',
    defaultType: 'TEXT',
    implied: (value) => impliedSerializers[value('hdfs.fileType')?.toLowerCase() ?? 'sequencefile'],
  }),
  serializerOptions: map({ key: 'serializer.', doc: 'Options of the serializer.' }),
  maxOpenFiles: integer({
    key: 'hdfs.maxOpenFiles',
    doc: 'The most files open at once; beyond, the one that was used longest ago is closed.',
    unit: 'files',
    min: 1,
    default: 5000,
  }),
  minBlockReplicas: integer({
    key: 'hdfs.minBlockReplicas',
    doc: 'A file whose block has fewer replicas is closed; none set: as many as HDFS wants.',
    min: 0,
    default: -1,
    defaultText: 'as HDFS wants',
  }),
  callTimeout: integer({
    key: 'hdfs.callTimeout',
    doc: 'The longest time for one call of HDFS: create, write, flush, close, rename; 0: no limit.',
    unit: 'ms',
    default: 30_000,
  }),
  round: boolean({
    key: 'hdfs.round',
    doc: 'Rounds the time in paths and prefixes down.',
    default: false,
  }),
  roundValue: integer({
    key: 'hdfs.roundValue',
    doc: 'To a multiple of this, from 1 to 60, of hours to 24.',
    default: 1,
  }),
  roundUnit: text({
    key: 'hdfs.roundUnit',
    doc: 'The unit of that: second, minute or hour; anything else rounds nothing.',
    default: 'second',
  }),
  timeZone: optionalText({
    key: 'hdfs.timeZone',
    doc: 'The time zone of the time in paths, as Java calls it; none: the machine’s.',
  }),
  useLocalTimeStamp: boolean({
    key: 'hdfs.useLocalTimeStamp',
    doc: 'Takes the clock’s time for paths, not that of the header `timestamp`.',
    default: false,
  }),
  closeTries: integer({
    key: 'hdfs.closeTries',
    doc: 'How often a file is tried to be closed until the next start; 0 or less: no limit.',
    default: 2_147_483_647,
    defaultText: 'no limit',
  }),
  retryInterval: integer({
    key: 'hdfs.retryInterval',
    doc: 'The longest time between two of these tries; 0 or less: one try only.',
    unit: 's',
    default: 180,
  }),
  proxyUser: optionalText({
    key: 'hdfs.proxyUser',
    doc: 'The user in whose name files are written, if HDFS lets the agent’s user do that.',
  }),
  kerberosPrincipal: optionalText({
    key: 'hdfs.kerberosPrincipal',
    doc: 'The Kerberos principal. Not yet.',
  }),
  kerberosKeytab: optionalText({
    key: 'hdfs.kerberosKeytab',
    doc: 'The file with its key. Not yet.',
  }),
  writeFormat: text({
    key: 'hdfs.writeFormat',
    doc: 'Bodies in a SequenceFile: Writable (BytesWritable) or Text.',
    default: 'Writable',
  }),
  deadWriteFormatOptions: map({
    key: 'hdfs.writeFormat.',
    doc: 'Nothing.',
    ignored: 'Flume reads writeFormat.*, without hdfs.',
  }),
  writeFormatOptions: map({
    key: 'writeFormat.',
    doc: 'Options of that.',
    ignored: 'Writable and Text have no options',
  }),
  threadsPoolSize: integer({
    key: 'hdfs.threadsPoolSize',
    doc: 'Threads for files.',
    min: 1,
    default: 10,
    ignored: noThreads,
  }),
  rollTimerPoolSize: integer({
    key: 'hdfs.rollTimerPoolSize',
    doc: 'Threads that watch the age of files.',
    min: 1,
    default: 1,
    ignored: noThreads,
  }),
  useRawLocalFileSystem: boolean({
    key: 'hdfs.useRawLocalFileSystem',
    doc: 'Writes no checksum files beside local files.',
    default: false,
    ignored: 'checksum files are never written here',
  }),
  confDir: optionalText({
    key: 'hdfs.confDir',
    doc: 'The folder with core-site.xml and hdfs-site.xml; none: HADOOP_CONF_DIR.',
    extra: true,
  }),
  durability: choice({
    key: 'hdfs.durability',
    doc: 'What an event has to be before it counts as delivered.',
    values: {
      hflush: 'In the memory of all DataNodes of its block, as in Flume.',
      hsync: 'On their disks: survives a power loss of all of them.',
    },
    default: 'hflush',
    extra: true,
  }),
};

const sequenceFile = 'sequence_file';
/** Types of files that are made by a serializer of their own. */
const impliedSerializers: Readonly<Record<string, string>> = {
  sequencefile: sequenceFile,
  parquet: 'parquet',
};

export type HdfsSinkConfig = ConfigOf<typeof fields>;

export const hdfsSink = defineSink({
  type: 'hdfs',
  classes: ['org.apache.flume.sink.hdfs.HDFSEventSink'],
  summary: 'Writes events to files on HDFS, or on the local file system, in directories by time.',
  notes: [
    'Exactly once: a file never holds an event twice, whatever crashes. The sink remembers each',
    'file it has begun, and up to where its events are committed. At a start, and after a call',
    'that failed, such a file is taken over, cut to that length, closed and given its final name;',
    'then a new one is begun. No `.tmp` file is left behind.',
    '',
    'No Java is needed. Where HDFS is, `core-site.xml` and `hdfs-site.xml` say, in the folder that',
    '`HADOOP_CONF_DIR` or `hdfs.confDir` names; `hdfs://host:port/…` does without them. A path',
    '`file:///…` is one of the local file system. `s3a://` and others, Kerberos, encryption',
    'zones and erasure-coded directories are refused.',
    '',
    'Names, rolls and escapes are Flume’s: `FlumeData.<time in ms + n>`, `.tmp` while a file is',
    'written, and a full file is closed when the next event comes. Differences: a file is never',
    'overwritten, the next number is taken; events of one batch that go to many directories are',
    'written at once, so that `hdfs.maxOpenFiles` may be exceeded by the directories of one batch;',
    'when replicas stay missing in 30 files in a row, size and count still roll them.',
    '',
    'Compressed files and files of blocks (SequenceFile with a codec, Avro) grow by whole members',
    'and blocks, not by batches as Flume’s: they end when they are full, after',
    '`hdfs.flushInterval`, or when the channel is full, and their events are committed then. A',
    'Parquet file is readable, and its events are committed, when it is closed: the channel holds',
    'them until then, so its capacity bounds the size of such a file.',
    '',
    'An event whose path needs the time and that has no header `timestamp` is tried for ever, as',
    'in Flume; others are written meanwhile, as far as the channel has room.',
  ].join('\n'),
  fields,
  example: [
    'type = hdfs',
    'hdfs.path = hdfs://namenode:8020/logs/%Y-%m-%d',
    'hdfs.fileType = DataStream',
    'hdfs.useLocalTimeStamp = true',
    'hdfs.rollInterval = 600',
    'hdfs.rollSize = 134217728',
    'hdfs.rollCount = 0',
  ].join('\n'),
  settles: true,
  check,
  batchSize: ({ batchSize }) => batchSize,
  create: (config, context) => {
    return new HdfsSink(config, context, formatOf(config), escapesOf(config));
  },
  recover: recoverLeft,
});

function codecOf({ codeC }: HdfsSinkConfig): Codec | undefined {
  return codeC === undefined ? undefined : codecNamed(codeC);
}

function formatOf(config: HdfsSinkConfig): FileFormat {
  const { fileType, codeC, compressionLevel: level, compressionBytes, writeFormat } = config;
  const codec = codecOf(config);
  switch (fileType) {
    case 'DataStream':
      return fileFormat(config.serializer);
    case 'CompressedStream':
      if (!codec) throw new Error(`no codec ${codeC}; check() was not asked`);
      return fileFormat(config.serializer, { codec, level, memberBytes: compressionBytes });
    case 'SequenceFile': {
      const values = {
        writeFormat: writeFormatOf(writeFormat),
        level,
        ...(codec && { codec: codeC }),
      };
      const { create } = fileFormat(config.serializer.with(values));
      return { create, extension: codec?.extension ?? '', isWhole: false };
    }
    case 'Parquet': {
      const name = codec?.name === 'lz4' ? 'lz4_raw' : codec?.name;
      return fileFormat(
        config.serializer.with({ ...(name && { codec: name }), ...(level && { level }) }),
      );
    }
  }
}

const parquetCodecs = ['snappy', 'gzip', 'zstd', 'lz4'];
const writeFormats = ['Writable', 'Text'] as const;

/** Flume knows the two words as they stand only, and fails with the first event. */
function writeFormatOf(word: string): (typeof writeFormats)[number] | undefined {
  return writeFormats.find((each) => each.toLowerCase() === word.toLowerCase());
}

const roundUnits = ['second', 'minute', 'hour'] as const;

function escapesOf(config: HdfsSinkConfig): EscapeOptions {
  const { timeZone, round, roundValue, roundUnit } = config;
  const unit = roundUnits.find((each) => each === roundUnit.toLowerCase());
  return { timeZone, round: round && unit ? { unit, value: roundValue } : undefined };
}

function check(config: HdfsSinkConfig): readonly FieldProblem[] {
  const { path, filePrefix, kerberosPrincipal, kerberosKeytab } = config;
  const problems: FieldProblem[] = [...checkType(config), ...checkRounding(config)];
  const { scheme, authority, template } = placeOf(path);
  if (scheme && !/^(hdfs|file)$/i.test(scheme)) {
    const problem = `${scheme}:// is neither HDFS nor the local file system`;
    const suggestion = 'Write to HDFS or to local files, and copy them from there.';
    problems.push({ key: 'hdfs.path', problem, suggestion });
  }
  if (authority && /[%{]/.test(authority)) {
    const problem = `the name of the NameNode can't be filled in for each event: ${authority}`;
    problems.push({ key: 'hdfs.path', problem });
  }
  for (const [key, text] of [
    ['hdfs.path', template],
    ['hdfs.filePrefix', filePrefix],
  ] as const) {
    try {
      new EscapedText(text, escapesOf(config));
    } catch (error) {
      problems.push({ key, problem: error instanceof Error ? error.message : String(error) });
    }
  }
  if (kerberosPrincipal || kerberosKeytab) {
    const key = kerberosPrincipal ? 'hdfs.kerberosPrincipal' : 'hdfs.kerberosKeytab';
    problems.push({ key, problem: 'Kerberos is not supported yet' });
  }
  return problems;
}

function checkType(config: HdfsSinkConfig): FieldProblem[] {
  const { fileType, codeC, compressionLevel, writeFormat } = config;
  const problems: FieldProblem[] = [];
  const key = 'hdfs.codeC';
  const codec = codecOf(config);
  const isNone = codeC === undefined || codeC.toLowerCase() === 'none';
  const unknown = isNone ? undefined : codecProblem(codeC);
  if (unknown) problems.push({ key, problem: unknown });
  else if (fileType === 'DataStream' && !isNone) {
    const suggestion = 'Write hdfs.fileType = CompressedStream, or remove hdfs.codeC.';
    problems.push({ key, problem: 'files of the type DataStream are not compressed', suggestion });
  } else if (fileType === 'CompressedStream' && !codec) {
    const suggestion = 'Write hdfs.codeC = gzip, or another codec.';
    problems.push({ key, problem: 'a CompressedStream needs a codec', suggestion });
  }
  if (fileType === 'Parquet' && codec && !parquetCodecs.includes(codec.name)) {
    const problem = `Parquet files are compressed with ${parquetCodecs.join(', ')}, not ${codeC}`;
    problems.push({ key, problem });
  }
  const wrongLevel = codec && levelProblem(codec, compressionLevel);
  if (wrongLevel) problems.push({ key: 'hdfs.compression.level', problem: wrongLevel });
  if (fileType === 'CompressedStream' && config.serializer.definition.wholeFile) {
    const { type } = config.serializer.definition;
    const problem = `${type} files are compressed inside: not as a CompressedStream`;
    const suggestion = `Write hdfs.fileType = DataStream, and serializer.codec for the codec.`;
    problems.push({ key: 'serializer', problem, suggestion });
  }
  if (fileType === 'SequenceFile' && !writeFormatOf(writeFormat)) {
    const problem = `expected Writable or Text, found ${writeFormat}`;
    problems.push({ key: 'hdfs.writeFormat', problem });
  }
  return problems;
}

function checkRounding({ round, roundValue, roundUnit }: HdfsSinkConfig): FieldProblem[] {
  if (!round) return [];
  const unit = roundUnit.toLowerCase();
  if (!roundUnits.some((each) => each === unit)) {
    const problem = `expected second, minute or hour, found ${roundUnit}: nothing is rounded`;
    return [{ key: 'hdfs.roundUnit', problem, severity: 'warning' }];
  }
  const most = unit === 'hour' ? 24 : 60;
  if (roundValue >= 1 && roundValue <= most) return [];
  return [{ key: 'hdfs.roundValue', problem: `expected 1 to ${most}, found ${roundValue}` }];
}
