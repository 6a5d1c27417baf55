import { dirname } from 'node:path';
import type { Disk } from '../../core/disk.ts';
import { fileInfo, keyOf } from '../../files/file-info.ts';
import { statOf } from '../../files/input-file.ts';
import type { SpooledFile, Trouble } from './spooled-file.ts';
import { isUnchanged } from './spooled-file.ts';

/** What becomes of a file of which everything is delivered. */
export type CompletionPolicy =
  | { readonly kind: 'rename'; readonly suffix: string }
  | { readonly kind: 'delete' }
  /** An empty file elsewhere says that it is done. */
  | { readonly kind: 'mark' };

/** `gone`: its name leads to another file, or none: nothing is to be done. */
export type Completed = 'done' | 'gone' | Trouble;

/** Why a file system has no second name for a file: then it is renamed, as Flume does. */
const withoutLinks = ['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'];

/** Gives files their final names, removes or marks them; never over another file. */
export class Completion {
  readonly #policy: CompletionPolicy;
  readonly #markOf: (path: string) => string;
  readonly #disk: Disk;
  #links = true;
  /** Directories in which something happened that may not be durable yet. */
  readonly #touched = new Set<string>();
  readonly #made = new Set<string>();

  /** @param markOf the empty file that says of a file that it is done */
  constructor(policy: CompletionPolicy, markOf: (path: string) => string, disk: Disk) {
    this.#policy = policy;
    this.#markOf = markOf;
    this.#disk = disk;
  }

  /** Not durable before `sync`. */
  async complete({ path, info }: SpooledFile): Promise<Completed> {
    try {
      const now = await infoOf(path);
      if (!now || keyOf(now) !== keyOf(info)) return 'gone';
      if (!isUnchanged(info, now)) return { kind: 'changed' };
      const policy = this.#policy;
      if (policy.kind === 'rename') return await this.#rename(path, path + policy.suffix);
      if (policy.kind === 'mark') return await this.#mark(this.#markOf(path));
      this.#touched.add(dirname(path));
      await this.#disk.unlink(path);
      return 'done';
    } catch (error) {
      return { kind: 'refused', error };
    }
  }

  /** Makes durable what was done: only then may a stream be forgotten. */
  async sync(): Promise<void> {
    for (const directory of this.#touched) {
      await this.#disk.syncDirectory(directory);
      this.#touched.delete(directory);
    }
  }

  async #rename(path: string, target: string): Promise<Completed> {
    this.#touched.add(dirname(path));
    if (this.#links) {
      try {
        await this.#disk.link(path, target);
        await this.#disk.unlink(path);
        return 'done';
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException;
        if (code === 'EEXIST') return this.#clash(path, target);
        if (!withoutLinks.includes(code)) throw error;
        // Who may rename a file may not always link it: it may be another user's.
        this.#links = false;
      }
    }
    if (await infoOf(target)) return this.#clash(path, target);
    await this.#disk.rename(path, target);
    return 'done';
  }

  /** The target is this very file when the process died between giving and taking a name. */
  async #clash(path: string, target: string): Promise<Completed> {
    const [from, to] = [await infoOf(path), await infoOf(target)];
    if (!from || !to || keyOf(from) !== keyOf(to)) return { kind: 'name-taken', target };
    await this.#disk.unlink(path);
    return 'done';
  }

  /** A mark that is there already was made by a process that died then. */
  async #mark(mark: string): Promise<Completed> {
    const directory = dirname(mark);
    this.#touched.add(directory);
    if (!this.#made.has(directory)) await this.#disk.makeDirectory(directory);
    this.#made.add(directory);
    try {
      await (await this.#disk.open(mark, 'wx')).close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    return 'done';
  }
}

async function infoOf(path: string) {
  try {
    return fileInfo(await statOf(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
