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
  readonly #renamed: (directory: string) => void;
  #complained = false;

  /**
   * @param changed a file was written to
   * @param renamed something was made, renamed or removed in a directory
   */
  constructor(log: Logger, changed: (path: string) => void, renamed: (directory: string) => void) {
    this.#log = log;
    this.#changed = changed;
    this.#renamed = renamed;
  }

  /** Watches these directories and no others. */
  watchOnly(directories: ReadonlySet<string>): void {
    for (const directory of this.#watchers.keys()) {
      if (!directories.has(directory)) this.#drop(directory);
    }
    for (const directory of directories) {
      if (!this.#watchers.has(directory)) this.#watch(directory);
    }
  }

  watches(directory: string): boolean {
    return this.#watchers.has(directory);
  }

  close(): void {
    for (const directory of this.#watchers.keys()) this.#drop(directory);
  }

  #watch(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, (kind, name) => {
        if (kind === 'change' && name !== null) this.#changed(join(directory, name));
        else {
          // The directory itself went: what has its name next must be watched anew.
          if (name === basename(directory)) this.#drop(directory);
          this.#renamed(directory);
        }
      });
      watcher.on('error', (error) => {
        this.#complain(directory, error);
        this.#drop(directory);
      });
      this.#watchers.set(directory, watcher);
    } catch (error) {
      this.#complain(directory, error);
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
