import { dirname } from 'node:path';
import type { Json } from '../../core/component.ts';
import type { Disk, DiskFile } from '../../core/disk.ts';
import type { Logger } from '../../core/log.ts';
import type { Settlement } from '../../core/sink.ts';
import { writeAgain } from './roll-file.ts';

/** The mark of this sink's entries in the state that a channel keeps for it. */
const stateType = 'file_roll';

/** What the sink's state says of one file, under the file's path: committed are this many bytes. */
export interface FileState {
  readonly [key: string]: Json;
  readonly type: typeof stateType;
  readonly length: number;
}

export function fileState(length: number): FileState {
  return { type: stateType, length };
}

/** The committed length of a file, if the entry is one of this sink's. */
export function committedLength(entry: Json | undefined): number | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return undefined;
  const { type, length } = entry as Partial<FileState>;
  return type === stateType && typeof length === 'number' ? length : undefined;
}

/**
 * Brings every file that the state names to what was committed: cuts what was written beyond,
 * removes a file of which nothing was, and then forgets it. What is missing of a file is reported
 * as loss. Afterwards nothing is ever appended to these files.
 *
 * It may be interrupted at any point and run again. It is for the sink's start, and for the state
 * of a sink that the configuration no longer has.
 *
 * @throws the disk's error, with the path: nothing was forgotten then
 */
export async function recoverFiles(
  settlement: Pick<Settlement, 'state' | 'saveState'>,
  disk: Disk,
  log: Logger,
): Promise<void> {
  const paths: string[] = [];
  for (const [path, entry] of settlement.state) {
    const length = committedLength(entry);
    if (length === undefined) continue;
    try {
      await recoverFile(path, length, disk, log);
    } catch (error) {
      throw new Error(`cut ${path} to the ${length} bytes that were committed`, { cause: error });
    }
    paths.push(path);
  }
  if (paths.length === 0) return;
  for (const directory of new Set(paths.map((path) => dirname(path)))) {
    await ifPresent(disk.syncDirectory(directory));
  }
  await settlement.saveState({ delete: paths });
}

/** Paths whose sync failed here: another one alone would succeed without the data. */
const inDoubt = new Set<string>();

async function recoverFile(path: string, length: number, disk: Disk, log: Logger): Promise<void> {
  if (length === 0) {
    await ifPresent(disk.unlink(path));
    return;
  }
  const file = await ifPresent(disk.open(path, 'r+'));
  if (!file) {
    log.error({ path, lostFrom: 0, lostTo: length }, 'A file with committed events is gone.');
    return;
  }
  try {
    await cutTo(file, path, length, log);
  } finally {
    await file.close();
  }
}

async function cutTo(file: DiskFile, path: string, length: number, log: Logger): Promise<void> {
  const { size } = await file.stat();
  if (size < length) {
    log.error({ path, lostFrom: size, lostTo: length }, 'The end of committed events is missing.');
  }
  if (size > length) {
    await file.truncate(length);
    log.info({ path, length, cut: size - length }, 'Cut what was written but not committed.');
  }
  if (inDoubt.has(path)) {
    await writeAgain(file, 0, Math.min(size, length));
    await file.truncate(Math.min(size, length));
  }
  inDoubt.add(path);
  await file.sync();
  inDoubt.delete(path);
}

/** `undefined` when there is no such file or directory. */
async function ifPresent<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
