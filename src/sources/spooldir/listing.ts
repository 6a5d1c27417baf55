import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import type { FileInfo } from '../../files/file-info.ts';
import { fileInfo } from '../../files/file-info.ts';
import { statOf } from '../../files/input-file.ts';
import { inParallel } from '../../files/parallel.ts';

/** A file that is to be read. */
export interface SpoolFile {
  readonly path: string;
  readonly info: FileInfo;
}

export type ConsumeOrder = 'oldest' | 'youngest' | 'random';

export interface ListingOptions {
  readonly directory: string;
  readonly recursive: boolean;
  readonly suffix: string;
  readonly include: RegExp;
  readonly ignore: RegExp;
  readonly order: ConsumeOrder;
  /** Nothing in it is read. */
  readonly trackerDirectory: string;
  /** Do files in the tracker directory say which ones are done? */
  readonly marks: boolean;
}

/** How long a directory must have been unchanged for what was in it to be used again. */
const settledMs = 2_000;

interface Names {
  readonly files: readonly string[];
  readonly directories: readonly string[];
}

/**
 * Lists the files that are to be read, in their order. Says once when a directory can't be listed,
 * and when it can again.
 */
export class SpoolListing {
  readonly #options: ListingOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #known = new Map<string, Names & { readonly mtimeMs: number }>();
  readonly #failing = new Map<string, string>();

  constructor(options: ListingOptions, clock: Clock, log: Logger) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * What is there, the first one first; `undefined` when a directory can't be listed: then what is
   * missing may be there all the same.
   */
  async list(): Promise<{ readonly files: readonly SpoolFile[]; readonly isWhole: boolean }> {
    const paths: string[] = [];
    let isWhole = true;
    const marked = await this.#marked();
    const directories = [this.#options.directory];
    for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
      const names = await this.#namesIn(next);
      isWhole &&= names !== undefined;
      for (const name of names?.directories ?? []) directories.push(join(next, name));
      for (const name of names?.files ?? []) {
        const path = join(next, name);
        if (!marked.has(path)) paths.push(path);
      }
    }
    const files: SpoolFile[] = [];
    await inParallel(paths, async (path) => {
      const stats = await statOf(path).catch(() => this.#sayIfNoName(path));
      if (stats?.isFile()) files.push({ path, info: fileInfo(stats) });
    });
    return { files: this.#sorted(files), isWhole };
  }

  /** The mark that says of a file that it is done. */
  markOf(path: string): string {
    const { directory, trackerDirectory, suffix } = this.#options;
    return join(trackerDirectory, relative(directory, path) + suffix);
  }

  /** Files that marks say are done. */
  async #marked(): Promise<ReadonlySet<string>> {
    const { directory, trackerDirectory, suffix, marks } = this.#options;
    if (!marks) return new Set();
    const names = await readdir(trackerDirectory, { recursive: true, encoding: 'utf8' });
    const done = names.filter((name) => name.endsWith(suffix));
    return new Set(done.map((name) => join(directory, name.slice(0, name.length - suffix.length))));
  }

  async #namesIn(directory: string): Promise<Names | undefined> {
    try {
      const { mtimeMs } = await statOf(directory);
      const known = this.#known.get(directory);
      if (known?.mtimeMs === mtimeMs) return known;
      const names = await this.#read(directory);
      // A file made in the same tick of the file system's clock would not change the mtime again.
      if (mtimeMs + settledMs < this.#clock.now())
        this.#known.set(directory, { mtimeMs, ...names });
      else this.#known.delete(directory);
      if (this.#failing.delete(directory)) this.#log.info({ directory }, 'Directory is back.');
      return names;
    } catch (error) {
      this.#known.delete(directory);
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      if (this.#failing.get(directory) !== code) {
        this.#failing.set(directory, code);
        this.#log.warn({ directory, error }, 'Directory can not be listed; tried again.');
      }
      return undefined;
    }
  }

  /** A name that is not UTF-8 was listed as another one, which leads nowhere. */
  #sayIfNoName(path: string): undefined {
    if (!path.includes('\ufffd') || this.#failing.has(path)) return;
    this.#failing.set(path, 'no name');
    this.#log.error({ path }, 'File has a name that is not UTF-8: it is not read. Rename it.');
  }

  async #read(directory: string): Promise<Names> {
    const { recursive, suffix, include, ignore, trackerDirectory } = this.#options;
    const files: string[] = [];
    const directories: string[] = [];
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const { name } = entry;
      if (name.startsWith('.') || ignore.test(name)) continue;
      if (entry.isDirectory()) {
        if (recursive && join(directory, name) !== trackerDirectory) directories.push(name);
      } else if (!name.endsWith(suffix) && include.test(name)) files.push(name);
    }
    return { files, directories };
  }

  #sorted(files: SpoolFile[]): readonly SpoolFile[] {
    const { order } = this.#options;
    if (order === 'random') return files;
    const sign = order === 'oldest' ? 1 : -1;
    // As Flume: to the millisecond, and by the name alone.
    const named = files.map((file) => {
      const name = file.path.slice(file.path.lastIndexOf('/') + 1);
      return { file, name, at: Math.floor(file.info.mtimeMs) };
    });
    named.sort((a, b) => sign * (a.at - b.at) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    return named.map(({ file }) => file);
  }
}
