import { resolve } from 'node:path';
import type { Codec } from '../codecs/codec.ts';
import { codecNamed } from '../codecs/codecs.ts';
import { defineSink, type FieldProblem } from '../config/definition.ts';
import { type ConfigOf, choice, integer, map, text } from '../config/field.ts';
import { serializer } from '../config/serializer-field.ts';
import type { Range } from '../core/channel.ts';
import type { ComponentContext } from '../core/component.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { SerializerContext } from '../core/serializer.ts';
import type { Settlement, Sink, SinkContext } from '../core/sink.ts';
import { isCode } from '../files/disk-errors.ts';
import { type FileFormat, fileFormat, levelProblem } from '../formats/file-format.ts';
import type { FileRules } from '../outputs/bucket-writer.ts';
import { recoverFiles } from '../outputs/left-files.ts';
import { LocalFiles, newCreator } from '../outputs/local-files.ts';
import { SettledFiles } from '../outputs/settled-files.ts';
import { FileRollNames } from './file-roll/file-names.ts';

const pathManagerClass =
  /^org\.apache\.flume\.formatter\.output\.(Default|RollTime)PathManager\$Builder$/;

const pathManager = choice({
  key: 'sink.pathManager',
  doc: 'How files are named.',
  values: {
    default: '`<prefix><ms at start>-<n>[.<extension>]`, n counting up from 1.',
    rolltime: '`<prefix><yyyyMMddHHmmss>-<n>[.<extension>]`, local time at which the file begins.',
  },
  default: 'default',
});

const fields = {
  directory: text({ key: 'sink.directory', doc: 'Directory to write files into; must exist.' }),
  rollInterval: integer({
    key: 'sink.rollInterval',
    doc: 'Every so often the file is closed and the next one begun; 0 or less keeps one file.',
    unit: 's',
    default: 30,
  }),
  batchSize: integer({
    key: 'sink.batchSize',
    doc: 'The most events of one write.',
    unit: 'events',
    min: 1,
    default: 100,
  }),
  serializer: serializer({
    key: 'sink.serializer',
    doc: 'How events become bytes: a serializer, its class in Flume, or a file of your own.',
    defaultType: 'text',
  }),
  serializerOptions: map({ key: 'sink.serializer.', doc: 'Options of the serializer.' }),
  pathManager: {
    ...pathManager,
    parse: (value: string) => pathManager.parse(value.replace(pathManagerClass, '$1')),
  },
  prefix: text({ key: 'sink.pathManager.prefix', doc: 'Begins every file name.', default: '' }),
  extension: text({
    key: 'sink.pathManager.extension',
    doc: 'Ends every file name, after a dot; empty: neither.',
    default: '',
  }),
  compression: choice({
    key: 'sink.compression',
    doc: 'Compresses the files while they are written.',
    values: {
      none: 'Files are written as they are.',
      gzip: 'gzip members; adds .gz to the name.',
      zstd: 'Zstandard frames; adds .zst.',
      snappy: 'Snappy in the blocks of Hadoop; adds .snappy.',
      lz4: 'LZ4 in the blocks of Hadoop; adds .lz4.',
      bzip2: 'bzip2 streams; adds .bz2. Slow.',
      deflate: 'zlib streams; adds .deflate.',
    },
    default: 'none',
    extra: true,
  }),
  compressionLevel: integer({
    key: 'sink.compression.level',
    doc: 'From 1, the fastest, to 9 (gzip, bzip2, deflate) or 19 (zstd); 0: the codec’s own.',
    min: 0,
    max: 19,
    default: 0,
    extra: true,
  }),
  compressionBytes: integer({
    key: 'sink.compression.bytes',
    doc: 'A compressed member ends when it holds this much.',
    unit: 'bytes',
    min: 1,
    max: 67_108_864,
    default: 1_048_576,
    extra: true,
  }),
  flushInterval: integer({
    key: 'sink.flushInterval',
    doc: 'A compressed member or a block ends after this time, and its events are committed.',
    unit: 'ms',
    min: 1,
    default: 1000,
    extra: true,
  }),
};

type Config = ConfigOf<typeof fields>;

export const fileRollSink = defineSink({
  type: 'file_roll',
  classes: ['org.apache.flume.sink.RollingFileSink'],
  summary: 'Writes events to local files, a new one every so often.',
  notes: [
    'Exactly once: a file never holds an event twice, whatever crashes. At a start, and after a',
    'failed write, the file is cut back to what was committed, and a new one is begun.',
    '',
    'Differences from Flume: a file is made with its first event, so an idle sink makes no empty',
    'files; a file that exists is never overwritten: the next number is taken; compressed files',
    'and files of blocks (Avro, SequenceFile) grow by whole members and blocks, whose events are',
    'committed as one: they end when they are full, after `sink.flushInterval`, or when the',
    'channel is full. A Parquet file is called `….tmp` until it is closed, and its events are',
    'committed then: until then the channel holds them, so its capacity bounds such a file.',
    '',
    'ConnectionCreatedCount, ConnectionClosedCount and ConnectionFailedCount count files.',
  ].join('\n'),
  fields,
  example: 'type = file_roll\nsink.directory = /var/log/collected\nsink.rollInterval = 300',
  settles: true,
  check,
  batchSize: ({ batchSize }) => batchSize,
  create: (config, context) => new FileRollSink(config, context),
  recover: recoverLeft,
});

function codecOf({ compression }: Config): Codec | undefined {
  return compression === 'none' ? undefined : codecNamed(compression);
}

function formatOf(config: Config): FileFormat {
  const { compressionLevel: level, compressionBytes: memberBytes } = config;
  const codec = codecOf(config);
  return fileFormat(config.serializer, codec && { codec, level, memberBytes });
}

function check(config: Config): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const { compressionLevel, serializer } = config;
  const codec = codecOf(config);
  const wrongLevel = codec
    ? levelProblem(codec, compressionLevel)
    : compressionLevel > 0 && 'nothing is compressed';
  if (wrongLevel) problems.push({ key: 'sink.compression.level', problem: wrongLevel });
  const { type, wholeFile } = serializer.definition;
  if (codec && wholeFile) {
    const problem = `${type} files are compressed inside`;
    const suggestion = 'Write sink.serializer.codec for the codec, and no sink.compression.';
    problems.push({ key: 'sink.compression', problem, suggestion });
  }
  return problems;
}

/** The mark of this sink's entries in the state that a channel keeps for it. */
const entryType = 'file_roll';
/** What a file is called more as long as nobody could read it. */
const inUseSuffix = '.tmp';
/** The longest time between two tries to bring a file to its end. */
const retryMs = 10_000;
/** Timers of the platform hold 31 bits of milliseconds; a longer wait is made of several. */
const maxSleepMs = 86_400_000;

/** When files end is this sink's own: by its timer. */
const rules: Omit<FileRules, 'flushInterval'> = {
  rollInterval: 0,
  rollSize: 0,
  rollCount: 0,
  idleTimeout: 0,
  maxOpenFiles: 1,
  minBlockReplicas: undefined,
  callTimeout: 0,
};

/** One bucket: a file after the other. */
class FileRollSink implements Sink {
  readonly batchSize: number;
  readonly #config: Config;
  readonly #context: SinkContext;
  readonly #directory: string;
  readonly #format: FileFormat;
  #files: SettledFiles | undefined;
  /** The write in hand. */
  #writing: Promise<void> = Promise.resolve();
  #stopping = new AbortController();
  #rolling: Promise<void> = Promise.resolve();

  constructor(config: Config, context: SinkContext) {
    this.#config = config;
    this.#context = context;
    this.batchSize = config.batchSize;
    this.#directory = resolve(config.directory);
    this.#format = formatOf(config);
  }

  async start(): Promise<void> {
    const { clock } = this.#context;
    await this.#checkDirectory();
    const { pathManager, prefix, extension, flushInterval, rollInterval } = this.#config;
    const { isWhole, create } = this.#format;
    const files = await SettledFiles.open({
      context: this.#context,
      entryType,
      fileSystem: openFiles(this.#context),
      rules: { ...rules, flushInterval },
      naming: new FileRollNames(
        {
          directory: this.#directory,
          pathManager,
          prefix,
          extension,
          suffix: extension === '' || codecOf(this.#config) ? this.#format.extension : '',
          inUseSuffix: isWhole ? inUseSuffix : '',
        },
        clock,
      ),
      wholeFiles: isWhole,
      createSerializer: () => create(this.#serializerContext),
      retryMs,
      maxTries: Infinity,
    });
    this.#files = files;
    this.#stopping = new AbortController();
    if (rollInterval > 0) this.#rolling = this.#roll(files, rollInterval * 1000);
  }

  async write(batch: EventBatch, first: number): Promise<void> {
    const files = this.#files;
    if (!files) throw new Error('write called before start');
    if (batch.length === 0) return;
    const range: Range = [first, first + batch.length];
    const share = { path: this.#directory, prefix: '', events: batch, ranges: [range] };
    this.#writing = files.throwFailure().then(() => files.write([share]));
    await this.#writing;
  }

  async stop(): Promise<void> {
    await this.#writing.catch(() => {});
    this.#stopping.abort();
    await this.#rolling;
    const files = this.#files;
    this.#files = undefined;
    await files?.stop();
  }

  async #checkDirectory(): Promise<void> {
    const { agent, name, disk } = this.#context;
    const key = `${agent}.sinks.${name}.sink.directory`;
    const stat = await disk.stat(this.#directory).catch((error: unknown) => {
      const problem = isCode(error, 'ENOENT')
        ? 'does not exist; it is not made'
        : 'can not be used';
      throw new Error(`${key}: ${this.#directory} ${problem}`, { cause: error });
    });
    if (!stat.isDirectory()) throw new Error(`${key}: ${this.#directory} is not a directory`);
  }

  get #serializerContext(): SerializerContext {
    const { log, counters } = this.#context;
    const readUrl = async (url: string) => {
      // Most never do.
      const urls = await import('../hdfs/read-url.ts');
      return urls.readUrl(url, this.#context);
    };
    return { log, counters, readUrl };
  }

  /** At a fixed rate, as Flume's timer. */
  async #roll(files: SettledFiles, ms: number): Promise<void> {
    const { clock } = this.#context;
    const { signal } = this.#stopping;
    let due = clock.monotonic() + ms;
    while (!signal.aborted) {
      const left = due - clock.monotonic();
      if (left > 0) {
        await clock.sleep(Math.min(left, maxSleepMs), signal);
        continue;
      }
      // Times that were slept through, with the machine, are left out.
      due += ms * Math.max(1, Math.ceil(-left / ms));
      files.roll();
    }
  }
}

/** The directory is the user's: it is not made. */
function openFiles({ disk, random }: ComponentContext): LocalFiles {
  return new LocalFiles({ disk, creator: newCreator(random), makesDirectories: false });
}

/** Brings to its end what a sink left that is gone. */
async function recoverLeft(
  settlement: Pick<Settlement, 'state' | 'saveState'>,
  context: ComponentContext,
): Promise<void> {
  await recoverFiles({ ...context, settlement, entryType, fileSystem: openFiles(context) });
}
