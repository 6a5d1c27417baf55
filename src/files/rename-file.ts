import { dirname } from 'node:path';
import type { Disk } from '../core/disk.ts';
import { ifPresent, isCode, isWithoutLinks } from './disk-errors.ts';

/**
 * Gives a file another name, durably, and never replaces what has that name: the system's own
 * rename would. What was interrupted goes on when it is called again.
 *
 * @returns false when another file has the name
 */
export async function renameFile(disk: Disk, from: string, to: string): Promise<boolean> {
  if (!(await addName(disk, from, to))) return false;
  // Names need not become durable in their order: without this both might be lost.
  await disk.syncDirectory(dirname(to));
  await ifPresent(disk.unlink(from));
  await disk.syncDirectory(dirname(from));
  return true;
}

async function addName(disk: Disk, from: string, to: string): Promise<boolean> {
  try {
    await disk.link(from, to);
  } catch (error) {
    const isWithout = isWithoutLinks(error);
    if (!isWithout && !isCode(error, 'EEXIST')) throw error;
    // Both names may be there after a crash.
    if (!isWithout || (await ifPresent(disk.stat(to)))) return isSame(disk, from, to);
    await disk.rename(from, to);
  }
  return true;
}

async function isSame(disk: Disk, from: string, to: string): Promise<boolean> {
  const [one, other] = await Promise.all([disk.stat(from), disk.stat(to)]);
  // An inode number may be too large for a `number` to be exact.
  const keys = ['dev', 'ino', 'size', 'mtimeMs'] as const;
  return keys.every((key) => one[key] === other[key]);
}
