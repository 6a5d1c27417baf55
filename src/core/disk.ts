import type { Stats } from 'node:fs';

/**
 * The file system, as a seam: what is durable, and when, is what crash tests are about, so every
 * file that a promise depends on is written through this. Errors are Node's own (`code` is
 * `ENOENT`, `ENOSPC` …).
 */
export interface Disk {
  /**
   * @param flags `r`: to read; `r+`: to read and write; `w`: the same, created or emptied; `wx`:
   *   the same, created, and an error when the path exists
   */
  open(path: string, flags: 'r' | 'r+' | 'w' | 'wx'): Promise<DiskFile>;
  readFile(path: string): Promise<Buffer>;
  /** Creates the directory and its parents, durably. */
  makeDirectory(path: string): Promise<void>;
  /** Names, in no order. */
  readDirectory(path: string): Promise<string[]>;
  stat(path: string): Promise<FileStat>;
  /** Replaces what has the name `to`. */
  rename(from: string, to: string): Promise<void>;
  /** Fails with `EEXIST` when `to` exists: with `unlink`, a rename that overwrites nothing. */
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes creations, renames and removals in the directory durable. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Takes a directory for this process alone; what it gives releases it.
   * @throws DirectoryInUseError at once when another live process has it
   */
  lock(path: string): Promise<() => Promise<void>>;
  /** How much may be written on the file system of that directory, in bytes. */
  freeBytes(path: string): Promise<number>;
  /** Changes with each start of the machine: what was not synced under another id may be gone. */
  bootId(): Promise<string>;
}

export type FileStat = Pick<Stats, 'dev' | 'ino' | 'size' | 'mtimeMs' | 'isDirectory' | 'isFile'>;

export interface DiskFile {
  /** Reads up to `length` bytes into `buffer` at `bufferOffset`; 0 at the end of the file. */
  read(buffer: Buffer, bufferOffset: number, length: number, position: number): Promise<number>;
  /** Writes all of the buffers one after the other, from `position` on. Not yet durable. */
  write(buffers: readonly Buffer[], position: number): Promise<void>;
  /** Makes data and length durable. After a failure, what is on the disk is unknown. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  stat(): Promise<FileStat>;
  close(): Promise<void>;
}
