import type { EventSerializer } from '../core/serializer.ts';
import type { SinkContext } from '../core/sink.ts';
import type { FileNaming, Share } from './bucket.ts';
import { BucketWriter, type FileRules } from './bucket-writer.ts';
import { Commits } from './commits.ts';
import type { FileEntry } from './file-entry.ts';
import type { FileSystem } from './file-system.ts';
import { Recovery } from './recovery.ts';

/** How often files are looked at that have to be closed, or whose blocks have to end, in time. */
const tickMs = 250;
/** After this long without a write, events that hold up the channel are not held back. */
const quietMs = 5;
/** How seldom it is looked for puts that wait, when nothing happens for long. */
const longestQuietMs = 80;

export interface SettledFilesOptions {
  readonly context: SinkContext;
  /** The mark of the sink's entries in its state. */
  readonly entryType: string;
  /** Closed with the files. */
  readonly fileSystem: FileSystem;
  readonly naming: FileNaming;
  readonly rules: FileRules;
  readonly createSerializer: () => EventSerializer;
  /** Files are committed when they are closed. */
  readonly wholeFiles: boolean;
  /** What a file's entry says of the way to its file system. */
  readonly wayBack?: Pick<FileEntry, 'confDir' | 'proxyUser'>;
  /** The longest time between two tries to bring a file to its end, in ms. */
  readonly retryMs: number;
  /** After so many tries a file is left as it is, until the next start. */
  readonly maxTries: number;
}

/** The files of a sink, from its start to its stop. */
export class SettledFiles {
  readonly #options: SettledFilesOptions;
  readonly #writer: BucketWriter;
  readonly #recovery: Recovery;
  readonly #stopping = new AbortController();
  readonly #ticking: Promise<void>;
  /** The write in hand. */
  #writing: Promise<void> = Promise.resolve();
  /** Looks whether puts wait for what is held; only while something is. */
  #watching: Promise<void> | undefined;

  private constructor(options: SettledFilesOptions, writer: BucketWriter, recovery: Recovery) {
    this.#options = options;
    this.#writer = writer;
    this.#recovery = recovery;
    this.#ticking = this.#tick();
  }

  /**
   * Brings to their end the files that an earlier process left, and makes ready for new ones.
   *
   * @throws what went wrong; the file system is closed then
   */
  static async open(options: SettledFilesOptions): Promise<SettledFiles> {
    const { context, fileSystem } = options;
    const commits = new Commits(context.settlement);
    const recovery = new Recovery({ ...context, ...options, commits });
    try {
      await recovery.recoverAll();
      context.settlement.onSync(() => fileSystem.sync());
    } catch (error) {
      // The next start has a recovery of its own.
      await recovery.stop().catch(() => {});
      await fileSystem.close().catch(() => {});
      throw error;
    }
    const writer = new BucketWriter({ ...context, ...options, commits, recovery });
    return new SettledFiles(options, writer, recovery);
  }

  /**
   * Writes events to the files of their buckets. When it resolves, each is answered for by its
   * file.
   *
   * @throws what failed since the last call; nothing is in the hands of a file then
   */
  async write(shares: readonly Share[]): Promise<void> {
    this.#writing = this.#writer.write(shares);
    await this.#writing;
    if (this.#options.wholeFiles) this.#absorb(shares);
    if (this.#writer.isHolding) this.#watching ??= this.#watchQuiet();
  }

  /** Waits until every event is committed or released, if anything has failed, and says what. */
  throwFailure(): Promise<void> {
    return this.#writer.throwFailure();
  }

  /** Resolves when every event is committed or released; whole files are closed for that. */
  settled(): Promise<void> {
    return this.#writer.settled();
  }

  /** Ends all files, in the background. */
  roll(): void {
    this.#writer.closeAll();
  }

  /** Ends all files, and what is left of others. */
  async stop(): Promise<void> {
    await this.#writing.catch(() => {});
    this.#stopping.abort();
    await this.#ticking;
    await this.#watching;
    try {
      await this.#writer.close();
    } finally {
      await this.#recovery.stop();
      await this.#options.fileSystem.close();
    }
  }

  /** Whole files have what they need of their events long before these are committed. */
  #absorb(shares: readonly Share[]): void {
    let first = Number.POSITIVE_INFINITY;
    let end = 0;
    for (const { ranges } of shares) {
      first = Math.min(first, ranges[0]?.[0] ?? first);
      end = Math.max(end, ranges.at(-1)?.[1] ?? end);
    }
    if (first < end) this.#options.context.settlement.absorb([[first, end]]);
  }

  /** A channel that is full of what is held here has no more to give until that is written. */
  async #watchQuiet(): Promise<void> {
    const { clock, settlement } = this.#options.context;
    const { signal } = this.#stopping;
    let seen: Promise<void> | undefined;
    let pauseMs = quietMs;
    while (this.#writer.isHolding && !signal.aborted) {
      const isQuiet = seen === this.#writing;
      const isPressed = isQuiet && settlement.isPressed();
      if (isPressed) this.#writer.relieve();
      seen = this.#writing;
      pauseMs = isQuiet && !isPressed ? Math.min(pauseMs * 2, longestQuietMs) : quietMs;
      await clock.sleep(pauseMs, signal);
    }
    this.#watching = undefined;
  }

  async #tick(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#options.context.clock.sleep(tickMs, signal);
      if (!signal.aborted) this.#writer.closeDue();
    }
  }
}
