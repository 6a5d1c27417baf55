import type { EventBatch } from '../../core/event-batch.ts';
import { addressOf, canonicalNameOf, thisMachine } from '../../core/machine.ts';
import { RareLog } from '../../core/rare-log.ts';
import type { SerializerContext } from '../../core/serializer.ts';
import type { Sink, SinkContext } from '../../core/sink.ts';
import { EscapedText, type EscapeOptions } from '../../formats/escaped-text.ts';
import type { FileFormat } from '../../formats/file-format.ts';
import type { FileRules } from '../../outputs/bucket-writer.ts';
import { SettledFiles } from '../../outputs/settled-files.ts';
import type { HdfsSinkConfig } from '../hdfs.ts';
import { divide } from './divide.ts';
import { HdfsFileNames, type NameRules } from './file-names.ts';
import { entryType } from './left-files.ts';
import { openFileSystem } from './open-file-system.ts';
import { type Place, placeOf } from './place.ts';

/** What there is while the sink runs. */
interface Running {
  readonly pathText: EscapedText;
  readonly prefixText: EscapedText;
  readonly files: SettledFiles;
}

/** Divides events by where they go, and writes them there. */
export class HdfsSink implements Sink {
  readonly batchSize: number;
  readonly #config: HdfsSinkConfig;
  readonly #context: SinkContext;
  readonly #format: FileFormat;
  readonly #escapes: EscapeOptions;
  readonly #rare: RareLog;
  #running: Running | undefined;
  /** The write in hand. */
  #writing: Promise<void> = Promise.resolve();

  constructor(
    config: HdfsSinkConfig,
    context: SinkContext,
    format: FileFormat,
    escapes: EscapeOptions,
  ) {
    this.#format = format;
    this.#escapes = escapes;
    this.#config = config;
    this.#context = context;
    this.#rare = new RareLog(context.log, context.clock);
    this.batchSize = config.batchSize;
  }

  async start(): Promise<void> {
    const { clock } = this.#context;
    const { path, filePrefix, confDir, proxyUser, retryInterval, closeTries } = this.#config;
    const { template, ...place } = placeOf(path);
    const { fileSystem, home } = await this.#open(place);
    const escapes = { ...this.#escapes, ...(await this.#surroundings()) };
    const absolute = template.startsWith('/') ? template : `${home}/${template}`;
    const files = await SettledFiles.open({
      context: this.#context,
      entryType,
      fileSystem,
      rules: rulesOf(this.#config),
      naming: new HdfsFileNames(namesOf(this.#config, this.#format.extension), clock),
      wholeFiles: this.#format.isWhole,
      createSerializer: () => this.#format.create(this.#serializerContext),
      wayBack: { ...(confDir && { confDir }), ...(proxyUser && { proxyUser }) },
      retryMs: Math.max(0, retryInterval) * 1000,
      maxTries: retryInterval <= 0 ? 1 : closeTries <= 0 ? Infinity : closeTries,
    });
    this.#running = {
      pathText: new EscapedText(absolute, escapes),
      prefixText: new EscapedText(filePrefix, escapes),
      files,
    };
  }

  async write(batch: EventBatch, first: number): Promise<void> {
    const running = this.#running;
    if (!running) throw new Error('write called before start');
    if (batch.length === 0) return;
    this.#writing = this.#write(running, batch, first);
    await this.#writing;
  }

  async stop(): Promise<void> {
    await this.#writing.catch(() => {});
    const running = this.#running;
    this.#running = undefined;
    await running?.files.stop();
  }

  async #write(
    { pathText, prefixText, files }: Running,
    batch: EventBatch,
    first: number,
  ): Promise<void> {
    await files.throwFailure();
    const { shares, problem, misfits } = divide(batch, first, pathText, prefixText);
    await files.write(shares);
    if (misfits === 0) return;
    const what = `${misfits} of ${batch.length} events have no place: the first ${problem}`;
    this.#rare.error({ path: this.#config.path, problem }, 'Events have no place to go.', misfits);
    await files.settled();
    throw new Error(what);
  }

  async #open(place: Omit<Place, 'template'>) {
    const { confDir, proxyUser, durability } = this.#config;
    return openFileSystem(place, { ...this.#context, confDir, proxyUser, durability });
  }

  /** What escapes may stand for, beside headers. */
  async #surroundings(): Promise<Pick<EscapeOptions, 'now' | 'host'>> {
    const { useLocalTimeStamp, path, filePrefix } = this.#config;
    const { clock } = this.#context;
    const now = useLocalTimeStamp ? () => clock.now() : undefined;
    return { now, ...(/%\[/.test(path + filePrefix) && { host: await hostNames() }) };
  }

  get #serializerContext(): SerializerContext {
    const { log, counters } = this.#context;
    const { confDir } = this.#config;
    const readUrl = async (url: string) => {
      // Most never do.
      const urls = await import('../../hdfs/read-url.ts');
      return urls.readUrl(url, { ...this.#context, confDir });
    };
    return { log, counters, readUrl };
  }
}

function namesOf(config: HdfsSinkConfig, extension: string): NameRules {
  const { inUsePrefix, emptyInUseSuffix, inUseSuffix, fileSuffix } = config;
  return {
    inUsePrefix,
    inUseSuffix: emptyInUseSuffix ? '' : inUseSuffix,
    fileSuffix: fileSuffix || extension,
  };
}

function rulesOf(config: HdfsSinkConfig): FileRules {
  const { minBlockReplicas } = config;
  return {
    ...config,
    // A negative number is none, as in Flume.
    rollInterval: Math.max(0, config.rollInterval) * 1000,
    rollSize: Math.max(0, config.rollSize),
    rollCount: Math.max(0, config.rollCount),
    idleTimeout: Math.max(0, config.idleTimeout) * 1000,
    callTimeout: Math.max(0, config.callTimeout),
    minBlockReplicas: minBlockReplicas < 0 ? undefined : minBlockReplicas,
  };
}

/** A name that can't be found out stands for the others, too. */
async function hostNames() {
  const { name } = thisMachine;
  const [address, fqdn] = await Promise.all([
    addressOf(thisMachine).catch(() => name),
    canonicalNameOf(thisMachine).catch(() => name),
  ]);
  return { name, address, fqdn };
}
