import { resolve } from 'node:path';
import type { Codec, Compress } from '../codecs/codec.ts';
import { gzipCodec } from '../codecs/gzip.ts';
import { zstdCodec } from '../codecs/zstd.ts';
import { defineSink, type FieldProblem } from '../config/definition.ts';
import { type ConfigOf, choice, integer, map, text } from '../config/field.ts';
import type { Range } from '../core/channel.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { EventSerializer } from '../core/serializer.ts';
import type { Sink, SinkContext } from '../core/sink.ts';
import { type ConfiguredSerializer, configureSerializer } from '../formats/event-serializers.ts';
import { FileNames } from './file-roll/file-names.ts';
import { isCode, recoverFiles } from './file-roll/recovery.ts';
import { addRange, SettledOutput } from './file-roll/settled-output.ts';

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
  serializer: text({
    key: 'sink.serializer',
    doc: 'How events become bytes: text, header_and_text, avro_event, or its Flume class.',
    default: 'text',
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
      zstd: 'Zstandard frames; adds .zst to the name.',
    },
    default: 'none',
    extra: true,
  }),
  compressionLevel: integer({
    key: 'sink.compression.level',
    doc: 'From 1, the fastest, to 9 (gzip) or 19 (zstd); 0: gzip 6, zstd 3.',
    min: 0,
    max: 19,
    default: 0,
    extra: true,
  }),
  compressionBytes: integer({
    key: 'sink.compression.bytes',
    doc: 'A compressed member ends when it holds this much; its events are committed then.',
    unit: 'bytes',
    min: 1,
    max: 67_108_864,
    default: 1_048_576,
    extra: true,
  }),
  compressionInterval: integer({
    key: 'sink.compression.interval',
    doc: 'A compressed member ends after this time at the latest.',
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
    'files; a file that exists is never overwritten: the next number is taken; a compressed file',
    'grows by members of up to `sink.compression.bytes`, whose events are committed as one. The',
    'capacity of the channel should exceed the events of a member: else the member only ends when',
    '`sink.compression.interval` is over, and the sources wait for that.',
    '',
    'ConnectionCreatedCount, ConnectionClosedCount and ConnectionFailedCount count files.',
  ].join('\n'),
  fields,
  example: 'type = file_roll\nsink.directory = /var/log/collected\nsink.rollInterval = 300',
  settles: true,
  check,
  batchSize: ({ batchSize }) => batchSize,
  create: (config, context) => new FileRollSink(config, context),
  recover: (settlement, { disk, log }) => recoverFiles(settlement, disk, log),
});

function serializerOf({ serializer, serializerOptions }: Config): ConfiguredSerializer {
  return configureSerializer('sink.serializer', serializer, serializerOptions);
}

function check(config: Config): readonly FieldProblem[] {
  const problems = [...serializerOf(config).problems];
  const { compression, compressionLevel } = config;
  const maxLevel = codecs[compression]?.maxLevel ?? 0;
  if (compressionLevel > maxLevel) {
    const problem =
      compression === 'none'
        ? 'nothing is compressed'
        : `${compression} has levels 1 to ${maxLevel}`;
    problems.push({ key: 'sink.compression.level', problem });
  }
  return problems;
}

const codecs: Readonly<Record<Config['compression'], Codec | undefined>> = {
  none: undefined,
  gzip: gzipCodec,
  zstd: zstdCodec,
};

/** After this long without a write, events that hold up the channel are not held back. */
const quietMs = 5;

/** Timers of the platform hold 31 bits of milliseconds; a longer wait is made of several. */
const maxSleepMs = 86_400_000;

/**
 * Events become bytes here, are gathered to compressed members where that is wanted, and go to the
 * output, which answers for them from then on. Writes and timers take turns.
 */
class FileRollSink implements Sink {
  readonly batchSize: number;
  readonly #config: Config;
  readonly #context: SinkContext;
  readonly #directory: string;
  readonly #compress: Compress | undefined;
  readonly #createSerializer: () => EventSerializer;
  #output: SettledOutput | undefined;
  #serializer: EventSerializer | undefined;
  /** Bytes of events that are not in the file yet; empty between writes without compression. */
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  /** The events that those bytes are of. */
  #ranges: readonly Range[] = [];
  /** The last of what takes turns. */
  #turn: Promise<void> = Promise.resolve();
  #stopping = new AbortController();
  #timers: Promise<unknown> = Promise.resolve();
  #watching = false;
  #watcher: Promise<void> = Promise.resolve();

  constructor(config: Config, context: SinkContext) {
    this.#config = config;
    this.#context = context;
    this.batchSize = config.batchSize;
    this.#directory = resolve(config.directory);
    this.#compress = codecs[config.compression]?.compressor(config.compressionLevel);
    const { create } = serializerOf(config);
    if (!create) throw new Error(`no serializer ${config.serializer}; check() was not asked`);
    this.#createSerializer = create;
  }

  async start(): Promise<void> {
    const { settlement, disk, log, clock } = this.#context;
    await this.#checkDirectory();
    await recoverFiles(settlement, disk, log);
    const { pathManager, prefix, extension, compression } = this.#config;
    const suffix = codecs[compression]?.extension ?? '';
    const nameOptions = { directory: this.#directory, pathManager, prefix, extension, suffix };
    const output = new SettledOutput(this.#context, new FileNames(nameOptions, clock));
    settlement.onSync(() => output.sync());
    this.#output = output;
    this.#stopping = new AbortController();
    const { signal } = this.#stopping;
    const { rollInterval, compressionInterval } = this.#config;
    this.#timers = Promise.all([
      rollInterval > 0
        ? this.#every(rollInterval * 1000, () => this.#roll(output), signal)
        : undefined,
      this.#compress
        ? this.#every(compressionInterval, () => this.#endLate(output), signal)
        : undefined,
    ]);
  }

  async write(batch: EventBatch, first: number): Promise<void> {
    const output = this.#output;
    if (!output) throw new Error('write called before start');
    if (batch.length > 0) await this.#inTurn(() => this.#append(output, batch, first));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#timers;
    await this.#watcher;
    const output = this.#output;
    this.#output = undefined;
    if (!output) return;
    await this.#inTurn(async () => {
      try {
        await this.#endLate(output);
      } finally {
        await output.close();
      }
    });
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

  async #append(output: SettledOutput, batch: EventBatch, first: number): Promise<void> {
    const earlier = this.#ranges;
    try {
      if (await output.prepare()) this.#begin();
      this.#gather(this.#serializer?.write(batch) ?? []);
      this.#ranges = withRange(earlier, [first, first + batch.length]);
      const full = this.#gatheredBytes >= this.#config.compressionBytes;
      if (!this.#compress || full) await this.#endMember(output);
      else this.#watchQuiet(output);
    } catch (error) {
      const { path } = output;
      await this.#abandon(output, earlier);
      throw new Error(`write events to ${path}`, { cause: error });
    }
  }

  /** A channel that is full of what is gathered here has no more to give until that is written. */
  #watchQuiet(output: SettledOutput): void {
    if (this.#watching) return;
    this.#watching = true;
    const watch = async () => {
      const { clock, settlement } = this.#context;
      let seen: readonly Range[] | undefined;
      while (this.#ranges.length > 0 && !this.#stopping.signal.aborted) {
        if (seen === this.#ranges && settlement.isPressed()) {
          await this.#inTurn(() => this.#endLate(output));
        }
        seen = this.#ranges;
        await clock.sleep(quietMs, this.#stopping.signal);
      }
      this.#watching = false;
    };
    this.#watcher = watch();
  }

  #begin(): void {
    this.#serializer = this.#createSerializer();
    this.#gather(this.#serializer.begin());
  }

  #gather(buffers: readonly Buffer[]): void {
    for (const buffer of buffers) {
      this.#gathered.push(buffer);
      this.#gatheredBytes += buffer.length;
    }
  }

  /** Writes what is gathered; as one member, when it is compressed. */
  async #endMember(output: SettledOutput): Promise<void> {
    this.#gather(this.#serializer?.flush() ?? []);
    const plain = this.#gathered;
    await output.append(this.#compress ? [await this.#compress(plain)] : plain, this.#ranges);
    this.#forgetGathered();
  }

  /** The same, when no write waits for it: the next one is told what went wrong. */
  async #endLate(output: SettledOutput): Promise<void> {
    if (this.#ranges.length === 0) return;
    try {
      await this.#endMember(output);
    } catch (error) {
      const { path } = output;
      this.#context.log.warn({ path, error }, 'Gathered events could not be written.');
      const failure = new Error(`write events to ${path}`, { cause: error });
      await this.#abandon(output, this.#ranges, failure);
    }
  }

  async #roll(output: SettledOutput): Promise<void> {
    await this.#endLate(output);
    await output.roll();
  }

  /** Gives the events back that the sink answers for, and cuts what is in the file of them. */
  async #abandon(output: SettledOutput, ranges: readonly Range[], failure?: Error): Promise<void> {
    this.#forgetGathered();
    output.fail(failure);
    if (ranges.length > 0) this.#context.settlement.release(ranges);
    // When this fails too, the next write tries it again, and says so.
    await output.recover().catch(() => {});
  }

  #forgetGathered(): void {
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#ranges = [];
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(action);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** Runs the action at a fixed rate until the signal aborts. */
  async #every(ms: number, action: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#context;
    let due = clock.monotonic() + ms;
    while (!signal.aborted) {
      const left = due - clock.monotonic();
      if (left > 0) {
        await clock.sleep(Math.min(left, maxSleepMs), signal);
        continue;
      }
      // Times that were slept through, with the machine, are left out.
      due += ms * Math.max(1, Math.ceil(-left / ms));
      await this.#inTurn(action).catch((error: unknown) => {
        log.warn({ error }, 'A file could not be ended in time.');
      });
    }
  }
}

function withRange(ranges: readonly Range[], range: Range): readonly Range[] {
  const more = [...ranges];
  addRange(more, range);
  return more;
}
