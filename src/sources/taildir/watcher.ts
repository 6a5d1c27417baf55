import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';
import { basename, join } from 'node:path';
import type { Logger } from '../../core/log.ts';

/**
 * Notices changes in directories, so that a new line is read at once. Only a hint: where the system
 * can't watch, or says nothing (network file systems), polling finds everything a little later.
 */
export class DirectoryWatcher {
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #log: Logger;
  readonly #changed: (path: string) => void;
  readonly #renamed: (path: string) => void;
  #complained = false;

  /**
   * @param changed a file was written to
   * @param renamed this path was made, renamed or removed; a directory: something in it, or itself
   */
  constructor(log: Logger, changed: (path: string) => void, renamed: (path: string) => void) {
    this.#log = log;
    this.#changed = changed;
    this.#renamed = renamed;
  }

  /** Watches these directories and no others. Returns whether that is new for one of them. */
  watchOnly(directories: ReadonlySet<string>): boolean {
    let added = false;
    for (const directory of this.#watchers.keys()) {
      if (!directories.has(directory)) this.#drop(directory);
    }
    for (const directory of directories) {
      if (!this.#watchers.has(directory)) added = this.#watch(directory) || added;
    }
    return added;
  }

  close(): void {
    for (const directory of this.#watchers.keys()) this.#drop(directory);
  }

  #watch(directory: string): boolean {
    try {
      const watcher = watch(directory, { persistent: false }, (kind, name) => {
        const itself = name === null || name === basename(directory);
        // When the directory itself went, what has its name next must be watched anew.
        if (itself && kind === 'rename') this.#drop(directory);
        const path = itself ? directory : join(directory, name);
        if (kind === 'change' && !itself) this.#changed(path);
        else this.#renamed(path);
      });
      watcher.on('error', (error) => {
        this.#complain(directory, error);
        this.#drop(directory);
      });
      this.#watchers.set(directory, watcher);
      return true;
    } catch (error) {
      this.#complain(directory, error);
      return false;
    }
  }

  #drop(directory: string): void {
    this.#watchers.get(directory)?.close();
    this.#watchers.delete(directory);
  }

  #complain(directory: string, error: unknown): void {
    if (this.#complained) return;
    this.#complained = true;
    this.#log.info({ directory, error }, 'Directory can not be watched; it is polled instead.');
  }
}
