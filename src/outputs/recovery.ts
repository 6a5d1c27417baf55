import type { Clock } from '../core/clock.ts';
import { MillraceError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Commits } from './commits.ts';
import { entryOf, type FileEntry, fileKey, finalPathOf, jsonOf } from './file-entry.ts';
import { FileExistsError, type FileSystem } from './file-system.ts';

/** Files that are brought to their end at once. */
const atOnce = 32;
/** The first wait after a failed try; doubled each time, up to `retryMs`. */
const firstRetryMs = 1_000;
/** Names in a row that are taken, before that is an error. */
const maxNameClashes = 1_000;

export interface RecoveryParts {
  /** The mark of the sink's entries. */
  readonly entryType: string;
  readonly fileSystem: FileSystem;
  readonly commits: Commits;
  readonly clock: Clock;
  readonly log: Logger;
  /** The longest time between two tries, in ms. */
  readonly retryMs: number;
  /** After so many tries a file is left as it is, until the next start. */
  readonly maxTries: number;
}

/** The entries of one file: two when it was being renamed, or made. */
type Entries = ReadonlyMap<string, FileEntry>;

/**
 * Brings files to their end that nobody writes any more: cut to what is committed, close, rename; a
 * file of which nothing is committed is removed. At the start this is done to all files in the
 * state, later to those of which a call failed. It may be interrupted at any point and run again.
 * Nothing is ever appended to such a file.
 */
export class Recovery {
  readonly #parts: RecoveryParts;
  /** By the name of the file while it was written. */
  readonly #pending = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  /** How many files wait to be brought to their end. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * Tries each file of the state once.
   *
   * @throws what went wrong, if it may go better when it is tried again; other files are tried
   *   again in the background
   */
  async recoverAll(): Promise<void> {
    const files = new Map<string, Map<string, FileEntry>>();
    for (const [key, json] of this.#parts.commits.state) {
      const entry = entryOf(json, this.#parts.entryType);
      if (!entry) continue;
      const entries = files.get(entry.path) ?? new Map<string, FileEntry>();
      files.set(entry.path, entries.set(key, entry));
    }
    const failures: unknown[] = [];
    const left = [...files];
    const worker = async () => {
      for (let next = left.pop(); next; next = left.pop()) {
        const [path, entries] = next;
        await this.#finish(path, entries).catch((error: unknown) => {
          if (!isPermanent(error)) failures.push(error);
          else this.#leave(path, error);
        });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    await this.#parts.commits.forgetNow();
    if (failures.length > 0) throw failures[0];
  }

  /**
   * Takes over a file, and tries until it is brought to its end.
   *
   * @param after what has to be over first, however it ends
   */
  add(path: string, after: Promise<unknown>): void {
    if (this.#pending.has(path)) return;
    const trying = this.#retry(path, after).finally(() => this.#pending.delete(path));
    this.#pending.set(path, trying);
  }

  #leave(path: string, error: unknown): void {
    const sentence =
      'A file of an earlier process can not be brought to its end; it is tried again.';
    this.#parts.log.warn({ path, error }, sentence);
    this.add(path, Promise.resolve());
  }

  /** Tries what is pending once more; the rest is left to the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#pending.values());
    await this.#parts.commits.forgetNow();
  }

  async #retry(path: string, after: Promise<unknown>): Promise<void> {
    const { clock, log, retryMs, maxTries } = this.#parts;
    await after.catch(() => {});
    const { signal } = this.#stopping;
    for (let tries = 1; ; tries++) {
      const isLast = tries >= maxTries || signal.aborted;
      try {
        await this.#finish(path, this.#entriesOf(path));
        break;
      } catch (error) {
        if (isLast) {
          log.error({ path, error, tries }, 'The file is left as it is, until the next start.');
          break;
        }
        const sentence = 'A file could not be brought to its end; it is tried again.';
        if (tries === 1) log.warn({ path, error }, sentence);
        await clock.sleep(Math.min(retryMs, firstRetryMs * 2 ** (tries - 1)), signal);
      }
    }
  }

  #entriesOf(path: string): Entries {
    const entries = new Map<string, FileEntry>();
    for (const [key, json] of this.#parts.commits.state) {
      const entry = entryOf(json, this.#parts.entryType);
      if (entry?.path === path) entries.set(key, entry);
    }
    return entries;
  }

  async #finish(path: string, entries: Entries): Promise<void> {
    try {
      await this.#finishFile(path, entries);
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      throw new Error(`bring ${path} to its end`, { cause: error });
    }
    for (const key of entries.keys()) this.#parts.commits.forget(key);
  }

  async #finishFile(path: string, entries: Entries): Promise<void> {
    const { fileSystem } = this.#parts;
    const all = [...entries.values()];
    const made = all.filter(({ id }) => id !== undefined);
    const [first] = made;
    // Of two entries one may be newer than what counts after a power loss.
    const length = Math.min(...made.map((entry) => entry.length));
    const info = await fileSystem.stat(path);
    if (!first) {
      if (info && all[0]) await this.#removeUnused(path, all[0]);
      return;
    }
    const names = [path, ...made.map(finalPathOf)];
    const found: string[] = [];
    for (const name of names) {
      const stat = name === path ? info : await fileSystem.stat(name);
      if (stat?.id === first.id) found.push(name);
    }
    const [name] = found;
    if (name === undefined) this.#sayGone(path, length);
    // A local file that was being renamed may have both names.
    else if (length === 0) for (const each of found) await fileSystem.remove(each);
    else {
      await this.#cut(name, length);
      if (name === path) await this.#rename(path, made);
    }
  }

  /** It was made, perhaps, and nothing was written to it yet. */
  async #removeUnused(path: string, { creator }: FileEntry): Promise<void> {
    const { fileSystem, log } = this.#parts;
    if (await fileSystem.isLeftBy(path, creator)) await fileSystem.remove(path);
    else log.info({ path }, 'A file of this name is somebody else’s: it is left alone.');
  }

  async #cut(path: string, length: number): Promise<void> {
    const { fileSystem, log } = this.#parts;
    const kept = await fileSystem.cut(path, length);
    if (kept === length) return;
    const sentence = 'The end of committed events is missing.';
    log.error({ path, lostFrom: kept, lostTo: length }, sentence);
  }

  #sayGone(path: string, length: number): void {
    if (length === 0) return;
    const sentence = 'A file with committed events is gone.';
    this.#parts.log.error({ path, lostFrom: 0, lostTo: length }, sentence);
  }

  async #rename(path: string, entries: readonly FileEntry[]): Promise<void> {
    const last = entries.reduce((one, other) => (other.number > one.number ? other : one));
    this.#parts.commits.forget(await renameFree(this.#parts, path, last));
  }
}

/**
 * Gives a closed file its final name, or, when that is taken, the next free one, which goes into
 * the state first.
 *
 * @returns the key under which the state has the file now
 */
export async function renameFree(
  { fileSystem, commits, log }: Pick<RecoveryParts, 'fileSystem' | 'commits' | 'log'>,
  path: string,
  entry: FileEntry,
): Promise<string> {
  let current = entry;
  for (let tries = 0; tries < maxNameClashes; tries++) {
    const finalPath = finalPathOf(current);
    const key = fileKey(fileSystem.uriOf(finalPath), current);
    try {
      if (finalPath !== path) {
        await commits.written();
        await fileSystem.rename(path, finalPath);
      }
      return key;
    } catch (error) {
      if (!(error instanceof FileExistsError)) throw error;
    }
    log.warn({ path, taken: finalPath }, 'The name of a file is taken: it gets the next one.');
    commits.forget(key);
    current = { ...current, number: current.number + 1 };
    const nextKey = fileKey(fileSystem.uriOf(finalPathOf(current)), current);
    await commits.save({ [nextKey]: jsonOf(current) });
  }
  throw new Error(`${maxNameClashes} names up to ${finalPathOf(current)} are taken`);
}

/** Will the same call fail again, however often it is tried? */
function isPermanent(error: unknown): boolean {
  return error instanceof MillraceError && !error.retryable;
}
