import { dirname } from 'node:path';
import type { Disk, DiskFile } from '../../core/disk.ts';

/**
 * One output file while it is open. `sync` may be called at any time, also while the file is being
 * closed: both take turns, and what was written before a `sync` is durable once it has resolved.
 */
export class RollFile {
  readonly path: string;
  readonly #disk: Disk;
  readonly #file: DiskFile;
  /** Written or cut since the last sync began. */
  #dirty = false;
  /** The file's name is durable: its directory was synced after it was made. */
  #named = false;
  /** The last of the syncs in turn. */
  #turn: Promise<void> = Promise.resolve();

  constructor(disk: Disk, path: string, file: DiskFile) {
    this.#disk = disk;
    this.path = path;
    this.#file = file;
  }

  write(buffers: readonly Buffer[], position: number): Promise<void> {
    this.#dirty = true;
    return this.#file.write(buffers, position);
  }

  cut(length: number): Promise<void> {
    this.#dirty = true;
    return this.#file.truncate(length);
  }

  /** Makes the data, the length and, the first time, the name durable. */
  sync(): Promise<void> {
    const turn = this.#turn.then(() => this.#syncNow());
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async close(): Promise<void> {
    await this.sync();
    await this.#file.close();
  }

  /** Closes without making anything durable: the file is about to be removed. */
  async abandon(): Promise<void> {
    await this.#turn;
    await this.#file.close();
  }

  async #syncNow(): Promise<void> {
    if (!this.#dirty) return;
    // Cleared first: what is written while the sync runs needs another one.
    this.#dirty = false;
    try {
      await this.#file.sync();
      if (!this.#named) await this.#disk.syncDirectory(dirname(this.path));
      this.#named = true;
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
  }
}
