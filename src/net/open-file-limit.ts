import type { Disk } from '../core/disk.ts';

/** Linux, proc(5): the limits of this process. */
const limitsFile = '/proc/self/limits';

/** How many files and sockets this process may have open; infinite where nothing says so. */
export async function openFileLimit(disk: Disk): Promise<number> {
  try {
    const text = (await disk.readFile(limitsFile)).toString('latin1');
    const [, soft] = /^Max open files\s+(\d+)/m.exec(text) ?? [];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
