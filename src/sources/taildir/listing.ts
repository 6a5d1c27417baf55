import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import type { FileInfo } from '../../files/file-info.ts';
import { fileInfo } from '../../files/file-info.ts';
import { statOf } from '../../files/input-file.ts';
import { inParallel } from '../../files/parallel.ts';
import type { FileGroup } from './groups.ts';

/** A file as it was found under a name. */
export interface FoundFile {
  readonly path: string;
  readonly group: FileGroup;
  readonly info: FileInfo;
}

/** What one look at the directories found. */
export interface Listing {
  /** Every file that a group names, once per path, oldest change first. */
  readonly files: readonly FoundFile[];
  /** Directories that could be listed. A file is gone only if its directory was. */
  readonly directories: ReadonlySet<string>;
}

/** How long a directory must have been unchanged for its names to be used again. */
const settledMs = 2000;

/**
 * Lists the files of the groups. Says once when a directory can't be listed, and when it can again.
 */
export class DirectoryListing {
  readonly #groups: readonly FileGroup[];
  readonly #cache: boolean;
  readonly #excluded: ReadonlySet<string>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #names = new Map<string, { readonly mtimeMs: number; readonly names: string[] }>();
  readonly #failing = new Map<string, string>();

  /**
   * @param cache names are used again while the directory's mtime is unchanged
   * @param excluded paths that are left out whatever a group says
   */
  constructor(
    groups: readonly FileGroup[],
    cache: boolean,
    excluded: ReadonlySet<string>,
    clock: Clock,
    log: Logger,
  ) {
    this.#groups = groups;
    this.#excluded = excluded;
    this.#cache = cache;
    this.#clock = clock;
    this.#log = log;
  }

  async list(): Promise<Listing> {
    const directories = new Set<string>();
    const paths = new Map<string, FileGroup>();
    for (const directory of new Set(this.#groups.map((group) => group.directory))) {
      const names = await this.#list(directory);
      if (!names) continue;
      directories.add(directory);
      for (const group of this.#groups) {
        if (group.directory !== directory) continue;
        for (const name of names) {
          const path = join(directory, name);
          if (paths.has(path) || this.#excluded.has(path)) continue;
          if (group.pattern.test(name)) paths.set(path, group);
        }
      }
    }
    const files: FoundFile[] = [];
    await inParallel([...paths], async ([path, group]) => {
      const stats = await statOf(path).catch(() => undefined);
      if (stats?.isFile()) files.push({ path, group, info: fileInfo(stats) });
    });
    files.sort((a, b) => a.info.mtimeMs - b.info.mtimeMs || (a.path < b.path ? -1 : 1));
    return { files, directories };
  }

  /** Forgets the names in a directory: something happened in it. */
  forget(directory: string): void {
    this.#names.delete(directory);
  }

  async #list(directory: string): Promise<readonly string[] | undefined> {
    try {
      const { mtimeMs } = await statOf(directory);
      const known = this.#names.get(directory);
      if (known?.mtimeMs === mtimeMs) return known.names;
      const names = await readdir(directory);
      // A file made in the same tick of the file system's clock would not change the mtime again.
      const settled = this.#cache && mtimeMs + settledMs < this.#clock.now();
      if (settled) this.#names.set(directory, { mtimeMs, names });
      else this.#names.delete(directory);
      if (this.#failing.delete(directory)) this.#log.info({ directory }, 'Directory is back.');
      return names;
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      if (this.#failing.get(directory) !== code) {
        this.#failing.set(directory, code);
        this.#log.warn({ directory, error }, 'Directory can not be listed; tried again.');
      }
      return undefined;
    }
  }
}

/**
 * Every file in a directory, whether a group names it or not; `undefined` when it can't be listed.
 */
export async function allFiles(
  directory: string,
  group: FileGroup,
): Promise<readonly FoundFile[] | undefined> {
  const names = await readdir(directory).catch(() => undefined);
  if (!names) return undefined;
  const files: FoundFile[] = [];
  await inParallel(names, async (name) => {
    const path = join(directory, name);
    const stats = await statOf(path).catch(() => undefined);
    if (stats?.isFile()) files.push({ path, group, info: fileInfo(stats) });
  });
  return files;
}
