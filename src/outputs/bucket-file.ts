import type { Range } from '../core/channel.ts';
import { asError, DeliveryError, MillraceError } from '../core/errors.ts';
import type { EventBatch } from '../core/event-batch.ts';
import { addRange } from '../core/ranges.ts';
import type { EventSerializer } from '../core/serializer.ts';
import type { Commits } from './commits.ts';
import { EventBlocks } from './event-blocks.ts';
import { type FileEntry, jsonOf } from './file-entry.ts';
import type { OutputFile } from './file-system.ts';

/** Memory that the files of the sink use, in bytes. */
export interface FileMemory {
  /** Of events that are in no block yet. */
  held: number;
  /** Of what is being made, written, flushed and committed. */
  uncommitted: number;
}

/** What the files of the sink have in common. */
export interface FileParts {
  readonly commits: Commits;
  /** Bounds one call of the file system. */
  readonly within: <T>(what: string, call: Promise<T>) => Promise<T>;
  /** Of all files together; this file's part is kept true here. */
  readonly memory: FileMemory;
  /** Called when some of it became free. */
  readonly onProgress: () => void;
  /** ms, of the monotonic clock. */
  readonly now: () => number;
  /** Called once, when a write, flush or commit has failed: nothing more is written to it. */
  readonly onFailed: (error: Error) => void;
}

/**
 * One file while it is written. Blocks are flushed as soon as they are written, and committed when
 * they are flushed; one flush is under way at a time, and the next takes all that was written
 * meanwhile. A format that is only readable as a whole file is committed when that is closed.
 *
 * Invariants
 *   1. Every event that was appended is, exactly once, committed or released.
 *   2. A commit says a length up to which the file was flushed, and all events before that length
 *      are committed: a failure of one flush or commit fails the file, and all that comes later,
 *      in the next file of the bucket, too.
 *   3. A whole file is committed once, with its last length, after it is closed durably and before
 *      it gets its final name.
 */
export class BucketFile {
  readonly key: string;
  /** What rolls the file: events, and bytes of their bodies. */
  events = 0;
  bodyBytes = 0;
  /** Since when events wait for the end of their block. */
  heldSince: number | undefined;
  readonly #parts: FileParts;
  readonly #out: OutputFile;
  readonly #blocks: EventBlocks;
  readonly entry: FileEntry;
  /** Of the file, with what is on its way. */
  #length = 0;
  #committedLength = 0;
  /** Its part of the memory, as it was last said. */
  readonly #memory: FileMemory = { held: 0, uncommitted: 0 };
  /** The bucket's file before this one, as long as it may fail. */
  #before: BucketFile | undefined;
  /** Of the events behind what the flush under way takes. */
  #unflushed: Range[] = [];
  #flushing: Promise<void> | undefined;
  #lastCommit: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #writingBytes = 0;
  #failure: Error | undefined;

  constructor(
    key: string,
    entry: FileEntry,
    out: OutputFile,
    serializer: EventSerializer,
    parts: FileParts,
    before: BucketFile | undefined,
  ) {
    this.#before = before;
    this.key = key;
    this.entry = entry;
    this.#out = out;
    this.#parts = parts;
    this.#blocks = new EventBlocks(
      serializer,
      (buffers, ranges) => this.#write(buffers, ranges),
      (error) => this.fail(asError(error)),
    );
  }

  get path(): string {
    return this.entry.path;
  }

  get isDead(): boolean {
    return this.#failure !== undefined;
  }

  /** Its events are committed when it is closed. */
  get isWhole(): boolean {
    return this.#blocks.isWhole;
  }

  /** No event came to it, as far as its format takes them. */
  get isEmpty(): boolean {
    return this.#blocks.isEmpty;
  }

  get heldBytes(): number {
    return this.#blocks.heldBytes;
  }

  /** Whether any of its events are committed. */
  get isCommitted(): boolean {
    return this.#committedLength > 0;
  }

  /** By how many replicas too few its end has. */
  missingReplicas(wanted: number | undefined): number {
    const { replicas, wantedReplicas } = this.#out;
    return replicas === undefined ? 0 : (wanted ?? wantedReplicas ?? 0) - replicas;
  }

  /**
   * Takes events, which are answered for here once it has resolved.
   *
   * @throws DeliveryError when the format refuses some of them, and the file is sound
   */
  async append(events: EventBatch, ranges: readonly Range[]): Promise<void> {
    this.throwFailure();
    try {
      const taking = this.#blocks.append(events, ranges);
      this.#account();
      await taking;
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      this.fail(asError(error));
    }
    this.throwFailure();
    this.events += events.length;
    this.bodyBytes += events.bodyBytes;
    this.#account();
  }

  /** Has the events that are held written, flushed and committed, as far as the format can. */
  endBlock(): void {
    this.#blocks.endBlock();
    this.#account();
  }

  /**
   * Resolves when nothing that was appended is neither committed nor released. A whole file has to
   * be closed for that, before or meanwhile.
   */
  async settled(): Promise<void> {
    if (this.isWhole) await this.#closing?.catch(() => {});
    else this.endBlock();
    await this.#blocks.idle();
    await this.#flushedCommitted();
  }

  /** Ends the file, durably, under the name it has. When that fails, all its events are settled. */
  close(): Promise<void> {
    this.#closing ??= this.isWhole ? this.#closeWhole() : this.#close();
    return this.#closing;
  }

  /** Whatever the file before had is settled. */
  forgetBefore(): void {
    this.#before = undefined;
  }

  /** Lets go of a file that no event came to: it is to be removed. */
  async discard(): Promise<void> {
    await this.#out.abandon().catch(() => {});
  }

  /** Nothing more is written; what is not committed goes back. */
  fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#parts.commits.release([...this.#unflushed, ...this.#blocks.abandon()]);
    this.#unflushed = [];
    this.#account();
    void this.#out.abandon().catch(() => {});
    this.#parts.onFailed(error);
  }

  /** @throws what the file failed with */
  throwFailure(): void {
    if (this.#failure) throw this.#failure;
  }

  async #close(): Promise<void> {
    await this.settled();
    this.throwFailure();
    try {
      await this.#closeOut();
    } catch (error) {
      void this.#out.abandon().catch(() => {});
      throw error;
    }
  }

  async #closeWhole(): Promise<void> {
    this.throwFailure();
    try {
      const ending = this.#blocks.end();
      this.#account();
      this.#unflushed = [...(await ending)];
      await this.#closeOut();
      await this.#awaitBefore();
      this.throwFailure();
    } catch (error) {
      this.fail(asError(error));
    }
    this.throwFailure();
    const ranges = this.#unflushed;
    this.#unflushed = [];
    await this.#commit(ranges, this.#length);
    this.throwFailure();
  }

  /** Resolves when all that was written is committed or released. */
  async #flushedCommitted(): Promise<void> {
    while (this.#flushing) await this.#flushing;
    await this.#lastCommit;
  }

  async #closeOut(): Promise<void> {
    await this.#parts.within(`close ${this.path}`, this.#out.close());
  }

  /** What comes here is in order, and one at a time. */
  async #write(buffers: readonly Buffer[], ranges: readonly Range[]): Promise<void> {
    let bytes = 0;
    for (const buffer of buffers) bytes += buffer.length;
    this.#writingBytes = bytes;
    try {
      this.throwFailure();
      if (bytes > 0) await this.#parts.within(`write to ${this.path}`, this.#out.write(buffers));
      this.throwFailure();
    } catch (error) {
      // What came before is whole: a disk that is full has as much as fits, and no more is tried.
      if (!this.isDead) await this.#flushedCommitted();
      this.#parts.commits.release(ranges);
      // The system's own error does not say of which file.
      if (error instanceof MillraceError || this.isDead) throw error;
      throw new Error(`write to ${this.path}`, { cause: error });
    } finally {
      this.#writingBytes = 0;
    }
    this.#length += bytes;
    for (const range of ranges) addRange(this.#unflushed, range);
    this.#account();
    if (this.#unflushed.length > 0) this.#flushing ??= this.#flush();
  }

  async #flush(): Promise<void> {
    while (this.#unflushed.length > 0) {
      const ranges = this.#unflushed;
      const length = this.#length;
      this.#unflushed = [];
      try {
        await this.#parts.within(`flush ${this.path}`, this.#out.flush());
        await this.#awaitBefore();
        this.throwFailure();
      } catch (error) {
        this.#parts.commits.release(ranges);
        this.fail(asError(error));
        break;
      }
      void this.#commit(ranges, length);
    }
    this.#flushing = undefined;
  }

  #commit(ranges: readonly Range[], length: number): Promise<void> {
    this.#lastCommit = this.#parts.commits.add({
      key: this.key,
      entry: jsonOf({ ...this.entry, length }),
      ranges,
      isDead: () => this.isDead,
      failed: (error) => {
        this.fail(new Error(`commit events written to ${this.path}`, { cause: error }));
      },
      committed: () => {
        this.#committedLength = length;
        this.#account();
      },
    });
    return this.#lastCommit;
  }

  /** Commits keep the order of events: what the file before lost comes again, and then this. */
  async #awaitBefore(): Promise<void> {
    await this.#before?.settled();
    this.#before?.throwFailure();
    this.#before = undefined;
  }

  /** Says what changed of its part of the memory. */
  #account(): void {
    const { memory, onProgress, now } = this.#parts;
    const { held, uncommitted } = this.#memory;
    const own = this.#memory;
    own.held = this.#blocks.heldBytes;
    // What is written of a whole file is not kept here.
    const written = this.isWhole ? 0 : this.#length - this.#committedLength;
    const pending = this.#blocks.unwrittenBytes + this.#writingBytes + written;
    own.uncommitted = this.isDead ? 0 : pending;
    memory.held += own.held - held;
    memory.uncommitted += own.uncommitted - uncommitted;
    if (own.held === 0) this.heldSince = undefined;
    else this.heldSince ??= now();
    if (own.held < held || own.uncommitted < uncommitted) onProgress();
  }
}
