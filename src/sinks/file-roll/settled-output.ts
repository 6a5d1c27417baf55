import { dirname } from 'node:path';
import type { Range } from '../../core/channel.ts';
import type { SinkContext } from '../../core/sink.ts';
import type { FileNames } from './file-names.ts';
import { committedLength, fileState, isCode } from './recovery.ts';
import { RollFile } from './roll-file.ts';

/** Bytes in the file that wait for their commit; with more, `append` waits too. */
const maxUncommittedBytes = 16 * 1024 * 1024;
/** Files that could not be closed, before no new one is begun. */
const maxRetired = 8;
/** Names in a row that exist already, before that is an error. */
const maxNameClashes = 1000;

/**
 * A file after the other, and the commits of the events that went into them.
 *
 * Invariants
 *   1. The state holds the path of every file before the file exists, with length 0; after that,
 *      the length up to which its events are committed, changed in one record with their commit.
 *      Bytes beyond that length are of events that the channel still owns.
 *   2. `#length` is the length of what is in the file together with `#written`: both change in one
 *      go, after the disk has the bytes. One commit is in flight at most, and the next takes
 *      everything written meanwhile.
 *   3. After any failure whose outcome is unknown (`#broken`) nothing is written before the file
 *      was cut to its committed length. If it holds anything then, it is closed, and a new one
 *      begun; an empty one is used again, so that a full disk does not fill with empty files.
 *   4. A path leaves the state only after its file is synced and closed, or was never made.
 *
 * All but `sync` are called one at a time.
 */
export class SettledOutput {
  readonly #context: SinkContext;
  readonly #names: FileNames;
  #file: RollFile | undefined;
  /** Older files that are not closed yet, with their committed lengths. */
  readonly #retired = new Map<RollFile, number>();
  #closing: Promise<void> = Promise.resolve();
  /** The present file has got nothing yet, not even what a file begins with. */
  #fresh = false;
  #written: Range[] = [];
  #length = 0;
  #committedLength = 0;
  #committing: Promise<void> | undefined;
  /** Paths that leave the state with the next change of it. */
  #donePaths: string[] = [];
  #broken = false;
  /** A file that could not be closed durably: from then on nothing may count as durable. */
  #leftUnsynced: string | undefined;
  /** What went wrong when nobody waited for it; the next `prepare` rejects with it. */
  #failure: Error | undefined;

  constructor(context: SinkContext, names: FileNames) {
    this.#context = context;
    this.#names = names;
  }

  /** The present file's path; for messages. */
  get path(): string {
    return this.#file?.path ?? 'no file';
  }

  /**
   * Makes ready to append: recovers after a failure, opens a file when there is none.
   *
   * @returns whether the file is a new one, that must be begun
   * @throws what failed since the last call, so that the caller waits before it tries again
   */
  async prepare(): Promise<boolean> {
    if (this.#broken) await this.recover();
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure;
    if (!this.#file) await this.#openNext();
    const fresh = this.#fresh;
    this.#fresh = false;
    return fresh;
  }

  /**
   * Writes bytes to the end of the file. Once resolved, the events with these sequences are
   * answered for here: they are committed, or released when that fails.
   */
  async append(buffers: readonly Buffer[], ranges: readonly Range[]): Promise<void> {
    const file = this.#soundFile();
    let bytes = 0;
    for (const buffer of buffers) bytes += buffer.length;
    if (bytes > 0) await file.write(buffers, this.#length);
    // A commit that failed meanwhile has left a hole of released events before these bytes.
    this.#soundFile();
    this.#length += bytes;
    for (const range of ranges) addRange(this.#written, range);
    if (!this.#committing && this.#written.length > 0) {
      this.#committing = this.#commitWritten(file);
    }
    if (this.#length - this.#committedLength > maxUncommittedBytes) await this.#committing;
  }

  /**
   * Has everything after the last `append` that resolved cut off before anything else is written.
   */
  fail(failure?: Error): void {
    this.#broken = true;
    this.#failure ??= failure;
  }

  /** Cuts the file to what is committed. Called again by `prepare` when it fails. */
  async recover(): Promise<void> {
    await this.#committing;
    this.#committing = undefined;
    const file = this.#file;
    if (file) {
      const entry = this.#context.settlement.state.get(file.path);
      const length = committedLength(entry) ?? 0;
      await file.cut(length).catch(wrapped(`cut ${file.path} to ${length} bytes`));
      this.#length = length;
      this.#committedLength = length;
      this.#fresh = length === 0;
      if (length > 0) await this.#retire(file);
    }
    this.#broken = false;
  }

  /**
   * Ends the file, if it holds anything: waits for its commits, and closes it in the background.
   */
  async roll(): Promise<void> {
    await this.#committing;
    const file = this.#file;
    if (file && this.#length > 0 && !this.#broken) await this.#retire(file);
  }

  /** Makes everything durable that is written by now. */
  async sync(): Promise<void> {
    if (this.#leftUnsynced) throw new Error(`${this.#leftUnsynced} was left without a sync`);
    const files = [...this.#retired.keys(), ...(this.#file ? [this.#file] : [])];
    await Promise.all(files.map((file) => file.sync().catch(wrapped(`sync ${file.path}`))));
  }

  /** Commits, closes, and forgets what is closed. */
  async close(): Promise<void> {
    await this.#committing;
    try {
      if (this.#broken) await this.recover();
      await this.#closing;
      const file = this.#file;
      if (file && this.#length === 0) await this.#remove(file);
      else if (file) this.#retired.set(file, this.#length);
      this.#file = undefined;
      await this.#closeRetired();
      if (this.#donePaths.length > 0) await this.#saveDone({});
    } finally {
      for (const file of [...this.#retired.keys(), ...(this.#file ? [this.#file] : [])]) {
        this.#leftUnsynced ??= file.path;
        await file.abandon().catch(() => {});
      }
      this.#retired.clear();
      this.#file = undefined;
    }
  }

  #soundFile(): RollFile {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure;
    if (!this.#file || this.#broken)
      throw new Error('nothing can be written before it is prepared');
    return this.#file;
  }

  async #commitWritten(file: RollFile): Promise<void> {
    const { settlement, log } = this.#context;
    // Also after a write that failed: what was written before it is sound.
    while (this.#written.length > 0) {
      const ranges = this.#written;
      const length = this.#length;
      const done = this.#donePaths;
      this.#written = [];
      this.#donePaths = [];
      try {
        await settlement.commit(ranges, {
          set: { [file.path]: fileState(length) },
          ...(done.length > 0 && { delete: done }),
        });
        this.#committedLength = length;
      } catch (error) {
        this.#donePaths.push(...done);
        settlement.release([...ranges, ...this.#written]);
        this.#written = [];
        this.fail(new Error(`commit events written to ${file.path}`, { cause: error }));
        log.warn({ path: file.path, error }, 'Events were written but not committed.');
      }
    }
    this.#committing = undefined;
  }

  async #openNext(): Promise<void> {
    const { disk, counters } = this.#context;
    if (this.#retired.size > maxRetired) {
      await this.#closing;
      await this.#closeRetired();
    }
    for (let tries = 0; tries < maxNameClashes; tries++) {
      const path = this.#names.next();
      // A name in the state may be removed after a crash: it must be nobody else's.
      if (await this.#exists(path)) continue;
      await this.#saveDone({ [path]: fileState(0) });
      try {
        this.#file = new RollFile(disk, path, await disk.open(path, 'wx'));
      } catch (error) {
        this.#donePaths.push(path);
        if (isCode(error, 'EEXIST')) continue;
        counters.ConnectionFailedCount++;
        throw new Error(`create ${path}`, { cause: error });
      }
      counters.ConnectionCreatedCount++;
      this.#fresh = true;
      this.#length = 0;
      this.#committedLength = 0;
      return;
    }
    throw new Error(`${maxNameClashes} names up to ${this.#names.last} are taken`);
  }

  async #exists(path: string): Promise<boolean> {
    try {
      await this.#context.disk.stat(path);
      return true;
    } catch (error) {
      if (isCode(error, 'ENOENT')) return false;
      throw new Error(`look for ${path}`, { cause: error });
    }
  }

  /** Changes the state, durably, and takes out of it what is done. */
  async #saveDone(set: Readonly<Record<string, ReturnType<typeof fileState>>>): Promise<void> {
    const done = this.#donePaths;
    this.#donePaths = [];
    try {
      await this.#context.settlement.saveState({ set, delete: done });
    } catch (error) {
      this.#donePaths.push(...done);
      throw error;
    }
  }

  /** One file at a time: a slow disk holds up the next roll, not the writes before it. */
  async #retire(file: RollFile): Promise<void> {
    await this.#closing;
    this.#retired.set(file, this.#length);
    this.#file = undefined;
    this.#closing = this.#closeRetired().catch((error: unknown) => {
      this.#context.log.error(
        { path: file.path, error },
        'A file could not be made durable and closed; that is tried again with the next one.',
      );
    });
  }

  async #closeRetired(): Promise<void> {
    const { counters, log } = this.#context;
    for (const [file, length] of this.#retired) {
      const { path } = file;
      const kept = await file.close(length).catch(wrapped(`close ${path}`));
      if (kept < length) {
        log.error({ path, lostFrom: kept, lostTo: length }, 'Committed events are lost.');
      }
      this.#retired.delete(file);
      this.#donePaths.push(path);
      counters.ConnectionClosedCount++;
    }
  }

  async #remove(file: RollFile): Promise<void> {
    const { disk, counters } = this.#context;
    await file.abandon();
    await disk.unlink(file.path).catch(wrapped(`remove the empty ${file.path}`));
    // A file that came back with the power would hold what was never committed.
    await disk.syncDirectory(dirname(file.path)).catch(wrapped(`remove ${file.path} for good`));
    this.#donePaths.push(file.path);
    counters.ConnectionClosedCount++;
  }
}

/** For `catch`: says what was being done. */
function wrapped(doing: string): (error: unknown) => never {
  return (error) => {
    throw new Error(doing, { cause: error });
  };
}

/** Appends a range to a list, joined to the last one where it follows that. */
export function addRange(ranges: Range[], [from, to]: Range): void {
  const last = ranges.at(-1);
  if (last && last[1] === from) ranges[ranges.length - 1] = [last[0], to];
  else ranges.push([from, to]);
}
