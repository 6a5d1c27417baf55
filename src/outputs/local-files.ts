import { dirname } from 'node:path';
import type { Random } from '../core/clock.ts';
import type { Disk } from '../core/disk.ts';
import { cutFile, removeFile } from '../files/cut-file.ts';
import { ifPresent, isCode } from '../files/disk-errors.ts';
import { OutputFile as DurableFile } from '../files/output-file.ts';
import { renameFile } from '../files/rename-file.ts';
import { FileExistsError, type FileInfo, type FileSystem, type OutputFile } from './file-system.ts';

export interface LocalFilesOptions {
  readonly disk: Disk;
  readonly creator: string;
  /** Directories that lead to a file are made; else it is an error when they are not there. */
  readonly makesDirectories?: boolean;
}

const creatorBytes = 12;

/** A name for who makes files, that nobody else has. */
export function newCreator(random: Random): string {
  return `millrace-${random.bytes(creatorBytes).toString('hex')}`;
}

/**
 * The local file system, under the names that Hadoop gives it, without its .crc files. What was
 * written survives the process in the page cache; `sync` and `close` make it survive the machine.
 *
 * A file that was abandoned stays open here until it is cut, removed, or all is closed, so that
 * `sync` answers for it too: events in it may be committed, and no commit may be durable without
 * what it speaks of.
 */
export class LocalFiles implements FileSystem {
  readonly creator: string;
  readonly #disk: Disk;
  readonly #makesDirectories: boolean;
  readonly #files = new Set<LocalFile>();
  /** A file that could not be made durable: from then on nothing may count as durable. */
  #leftUnsynced: string | undefined;

  constructor({ disk, creator, makesDirectories = true }: LocalFilesOptions) {
    this.#disk = disk;
    this.creator = creator;
    this.#makesDirectories = makesDirectories;
  }

  uriOf(path: string): string {
    return `file://${path}`;
  }

  async create(path: string): Promise<OutputFile> {
    if (this.#makesDirectories) await this.#disk.makeDirectory(dirname(path));
    const opened = await this.#disk.open(path, 'wx').catch((error: unknown) => {
      throw isCode(error, 'EEXIST') ? taken(path, error) : error;
    });
    try {
      const id = idOf(await opened.stat());
      const durable = new DurableFile(this.#disk, path, opened);
      const file = new LocalFile(durable, id, () => this.#files.delete(file));
      this.#files.add(file);
      return file;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    const found = await ifPresent(this.#disk.stat(path));
    // Where it is not made, a directory that is gone will come back, with what is in it.
    if (!found && !this.#makesDirectories) await this.#disk.stat(dirname(path));
    return found && { id: idOf(found), length: found.size };
  }

  async rename(from: string, to: string): Promise<void> {
    // A name may have slashes of its own.
    if (dirname(to) !== dirname(from)) await this.#disk.makeDirectory(dirname(to));
    if (!(await renameFile(this.#disk, from, to))) throw taken(to);
  }

  async remove(path: string): Promise<void> {
    for (const file of this.#at(path)) await file.release();
    await removeFile(this.#disk, path);
    await ifPresent(this.#disk.syncDirectory(dirname(path)));
  }

  async cut(path: string, length: number): Promise<number> {
    let kept: number | undefined;
    for (const file of this.#at(path)) {
      await file.stop();
      // Unless that has closed it: what was under way may have been that.
      if (this.#files.has(file)) kept = await file.cut(length);
    }
    kept ??= Math.min(length, await cutFile(this.#disk, path, length));
    await this.#disk.syncDirectory(dirname(path));
    return kept;
  }

  /** Nobody misses an empty file, and one that was abandoned before anything was written is. */
  async isLeftBy(path: string): Promise<boolean> {
    const found = await ifPresent(this.#disk.stat(path));
    return found?.isFile() === true && found.size === 0;
  }

  async sync(): Promise<void> {
    if (this.#leftUnsynced) throw new Error(`${this.#leftUnsynced} was left without a sync`);
    await Promise.all([...this.#files].map((file) => file.sync()));
  }

  /** Makes all durable, and gives it up even when that fails. */
  async close(): Promise<void> {
    const closings = [...this.#files].map(async (file) => {
      try {
        await file.sync();
      } catch (error) {
        this.#leftUnsynced ??= file.path;
        throw error;
      } finally {
        await file.release();
      }
    });
    for (const closing of await Promise.allSettled(closings)) {
      if (closing.status === 'rejected') throw closing.reason;
    }
  }

  #at(path: string): LocalFile[] {
    return [...this.#files].filter((file) => file.path === path);
  }
}

/** Writes take turns; the first one that fails is the last. */
class LocalFile implements OutputFile {
  readonly id: string;
  readonly replicas = undefined;
  readonly wantedReplicas = undefined;
  readonly #file: DurableFile;
  /** Called when the file is closed. */
  readonly #ended: () => void;
  #length = 0;
  #failure: unknown;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(file: DurableFile, id: string, ended: () => void) {
    this.#file = file;
    this.id = id;
    this.#ended = ended;
  }

  get path(): string {
    return this.#file.path;
  }

  write(buffers: readonly Buffer[]): Promise<void> {
    return this.#inTurn(async () => {
      await this.#file.write(buffers, this.#length);
      for (const buffer of buffers) this.#length += buffer.length;
    });
  }

  /** The page cache has it. */
  flush(): Promise<void> {
    return this.#inTurn(async () => {});
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      const kept = await this.#file.close(this.#length);
      this.#ended();
      this.#failure = new Error(`${this.path} was closed`);
      if (kept < this.#length) throw new Error(`the disk has lost what is behind byte ${kept}`);
    });
  }

  async abandon(): Promise<void> {
    this.#failure ??= new Error(`${this.path} was given up`);
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  /** Cuts what was left, and closes it; returns the length it has. Only when it is stopped. */
  async cut(length: number): Promise<number> {
    const kept = await this.#file.close(length);
    this.#ended();
    return kept;
  }

  /** Closes without making anything durable. */
  async release(): Promise<void> {
    await this.stop();
    this.#ended();
    await this.#file.abandon();
  }

  /** Nothing is written any more once it has resolved. */
  async stop(): Promise<void> {
    await this.abandon();
    await this.#turn;
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (this.#failure) throw this.#failure;
      try {
        await action();
      } catch (error) {
        this.#failure ??= error;
        throw error;
      }
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

/** The device is left out: its number may be another one after the next start of the machine. */
function idOf({ ino }: { readonly ino: number }): string {
  return String(ino);
}

function taken(path: string, cause?: unknown): FileExistsError {
  return new FileExistsError(`${path} exists`, { cause });
}
