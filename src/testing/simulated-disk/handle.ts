import type { DiskFile, FileStat } from '../../core/disk.ts';
import type { Prng } from '../prng.ts';
import type { Node } from './directory.ts';
import type { SimulatedFile } from './file.ts';
import { failure, isDirectory } from './tree.ts';

const shortReadChance = 1 / 8;

/** What an operation does, and what it leaves when it does not come to its end. */
export interface Effect<T> {
  /** Runs after the operation's delay. */
  readonly apply: () => T;
  /** What a crash in between may leave; absent: nothing. */
  readonly atCrash?: () => unknown;
  /** What is left when a fault makes it fail; absent: nothing. */
  readonly atFault?: () => unknown;
}

/** What a handle needs of its disk. */
export interface DiskOfHandle {
  readonly prng: Prng;
  readonly forgets: boolean;
  readonly shortReads: boolean;
  now(): number;
  run<T>(name: keyof DiskFile, effect: Effect<T>): Promise<T>;
  freeBytes(): number;
  /** Do syncs do nothing? */
  lies(): boolean;
  closed(): void;
}

/** An open file of a simulated disk. */
export class SimulatedHandle implements DiskFile {
  readonly file: SimulatedFile;
  readonly path: string;
  readonly #flags: string;
  readonly #disk: DiskOfHandle;
  #closed = false;

  constructor(file: SimulatedFile, path: string, flags: string, disk: DiskOfHandle) {
    this.file = file;
    this.path = path;
    this.#flags = flags;
    this.#disk = disk;
  }

  read(buffer: Buffer, bufferOffset: number, length: number, position: number): Promise<number> {
    const { prng, shortReads } = this.#disk;
    const apply = () => {
      this.#assertOpen('read');
      const short = shortReads && length > 1 && prng.chance(shortReadChance);
      const wanted = short ? 1 + prng.integer(length - 1) : length;
      return this.file.read(buffer, bufferOffset, wanted, position);
    };
    return this.#disk.run('read', { apply });
  }

  write(buffers: readonly Buffer[], position: number): Promise<void> {
    const some = () => {
      const bytes = Buffer.concat(buffers);
      this.#write(bytes.subarray(0, this.#disk.prng.integer(bytes.length + 1)), position);
    };
    const apply = () => this.#write(Buffer.concat(buffers), position);
    return this.#disk.run('write', { apply, atCrash: some, atFault: some });
  }

  async sync(): Promise<void> {
    const upTo = this.file.lastChange;
    const apply = () => {
      this.#assertOpen('fdatasync', true);
      if (!this.#disk.lies()) this.file.sync(upTo);
    };
    const atFault = () => this.file.failSync(this.#disk.prng, this.#disk.forgets);
    await this.#disk.run('sync', { apply, atFault });
  }

  truncate(length: number): Promise<void> {
    const apply = () => {
      this.#assertOpen('ftruncate', this.#flags !== 'r');
      this.file.truncate(length);
      this.file.mtimeMs = this.#disk.now();
    };
    return this.#disk.run('truncate', { apply, atCrash: apply });
  }

  stat(): Promise<FileStat> {
    const apply = () => {
      this.#assertOpen('fstat', true);
      return statOf(this.file);
    };
    return this.#disk.run('stat', { apply });
  }

  close(): Promise<void> {
    const apply = () => {
      this.#assertOpen('close', true);
      this.#closed = true;
      this.#disk.closed();
    };
    return this.#disk.run('close', { apply, atFault: apply });
  }

  /** As much as there is room for is written also when there isn't room for all. */
  #write(bytes: Buffer, position: number): void {
    this.#assertOpen('write', this.#flags !== 'r');
    const fitting = this.file.fitting(position, bytes.length, this.#disk.freeBytes());
    this.file.write(bytes.subarray(0, fitting), position);
    this.file.mtimeMs = this.#disk.now();
    if (fitting < bytes.length) throw failure('ENOSPC', 'write', this.path);
  }

  #assertOpen(syscall: string, allowed = true): void {
    if (this.#closed || !allowed) throw failure('EBADF', syscall, this.path);
  }
}

export function statOf(node: Node): FileStat {
  return {
    dev: 1,
    ino: node.ino,
    size: isDirectory(node) ? 0 : node.length,
    mtimeMs: node.mtimeMs,
    isDirectory: () => isDirectory(node),
    isFile: () => !isDirectory(node),
  };
}
