import { dirname } from 'node:path';
import type { Disk, DiskFile } from '../core/disk.ts';
import { leaveInDoubt, writeAgain } from './cut-file.ts';

/**
 * One output file while it is open. `sync` may be called at any time, also while the file is being
 * closed: both take turns, and what was written before a `sync` is durable once it has resolved.
 */
export class OutputFile {
  readonly path: string;
  readonly #disk: Disk;
  readonly #file: DiskFile;
  /** Something was changed since the last sync began. */
  #dirty = false;
  /** The file's name is durable: its directory was synced after it was made. */
  #named = false;
  /** Where the file ends, and up to where it was durable when a sync last succeeded. */
  #length = 0;
  #durable = 0;
  #writing: Promise<void> | undefined;
  /** While what is in doubt is done again; no write begins meanwhile. */
  #repair: Promise<void> | undefined;
  /**
   * A sync failed. The kernel then takes the pages for clean and never writes them again, so
   * another sync alone would succeed without the data: what is in doubt is written again first.
   */
  #inDoubt = false;
  #closed = false;
  /** The last of what takes turns: syncs and cuts. */
  #turn: Promise<void> = Promise.resolve();

  constructor(disk: Disk, path: string, file: DiskFile) {
    this.#disk = disk;
    this.path = path;
    this.#file = file;
  }

  /** Not while a cut is under way. */
  async write(buffers: readonly Buffer[], position: number): Promise<void> {
    await this.#repair?.catch(() => {});
    let end = position;
    for (const buffer of buffers) end += buffer.length;
    this.#writing = this.#change(this.#file.write(buffers, position));
    await this.#writing;
    this.#length = Math.max(this.#length, end);
  }

  cut(length: number): Promise<void> {
    const turn = this.#turn.then(async () => {
      await this.#change(this.#file.truncate(length));
      this.#length = length;
      this.#durable = Math.min(this.#durable, length);
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** Makes the data, the length and, the first time, the name durable. */
  sync(): Promise<void> {
    const turn = this.#turn.then(() => this.#syncNow());
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /**
   * Makes durable and closes. Called again when it fails.
   *
   * @param length the committed length; the file has that, unless a sync has failed
   * @returns how much of it the file has
   */
  async close(length: number): Promise<number> {
    if (this.#closed) return length;
    const { size } = await this.#file.stat();
    if (size > length) await this.cut(length);
    // What the disk has lost can't be made durable; the caller says so.
    this.#length = Math.min(this.#length, size);
    this.#durable = Math.min(this.#durable, size);
    await this.sync();
    await this.#closeOnce();
    return Math.min(size, length);
  }

  /** Closes without making anything durable: the file is about to be removed, or left to a cut. */
  async abandon(): Promise<void> {
    await this.#turn;
    if (this.#inDoubt && !this.#closed) leaveInDoubt(this.path);
    await this.#closeOnce();
  }

  /** A descriptor is gone after `close`, whatever that says. */
  async #closeOnce(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#file.close();
  }

  /**
   * A sync that began before the change was over may not have covered it: it counts from its end.
   */
  async #change(change: Promise<void>): Promise<void> {
    try {
      await change;
    } finally {
      this.#dirty = true;
    }
  }

  async #syncNow(): Promise<void> {
    if (!this.#dirty) return;
    // Cleared first: what is written while the sync runs needs another one.
    this.#dirty = false;
    try {
      if (this.#inDoubt) await this.#doAgain();
      await this.#syncData();
      if (!this.#named) await this.#disk.syncDirectory(dirname(this.path));
      this.#named = true;
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
  }

  /** What was written, and where the file ends. */
  async #doAgain(): Promise<void> {
    const repair = async () => {
      await this.#writing?.catch(() => {});
      await writeAgain(this.#file, this.#durable, this.#length);
      await this.#file.truncate(this.#length);
    };
    this.#repair = repair();
    try {
      await this.#repair;
    } finally {
      this.#repair = undefined;
    }
  }

  async #syncData(): Promise<void> {
    const length = this.#length;
    try {
      await this.#file.sync();
    } catch (error) {
      this.#inDoubt = true;
      throw error;
    }
    this.#inDoubt = false;
    this.#durable = length;
  }
}
