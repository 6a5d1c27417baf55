import type { Disk, DiskFile } from '../core/disk.ts';
import { ifPresent } from './disk-errors.ts';

/** How much is read and written again at once after a failed sync. */
const pieceBytes = 1 << 20;

/**
 * Paths whose last sync failed in this process. The kernel then takes the pages for clean and never
 * writes them again, so another sync alone would succeed without the data.
 */
const inDoubt = new Set<string>();

/** For a file that is let go of after a failed sync; `cutFile` makes up for it. */
export function leaveInDoubt(path: string): void {
  inDoubt.add(path);
}

/**
 * Cuts a file that nobody writes any more to this length, and makes data and length durable, not
 * the name. When it fails it may be called again.
 *
 * @returns the length it had: less than `length` when something of it is lost
 */
export async function cutFile(disk: Disk, path: string, length: number): Promise<number> {
  const file = await disk.open(path, 'r+');
  try {
    const { size } = await file.stat();
    const kept = Math.min(size, length);
    if (size > length) await file.truncate(length);
    if (inDoubt.has(path)) {
      await writeAgain(file, 0, kept);
      await file.truncate(kept);
    }
    inDoubt.add(path);
    await file.sync();
    inDoubt.delete(path);
    return size;
  } finally {
    await file.close();
  }
}

/** Removes a file, if it is there; for good once its directory is synced. */
export async function removeFile(disk: Disk, path: string): Promise<void> {
  await ifPresent(disk.unlink(path));
  inDoubt.delete(path);
}

/** Writes again what a failed sync left in doubt, `[from, to)`. */
export async function writeAgain(file: DiskFile, from: number, to: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, to - from));
  for (let at = from; at < to; ) {
    const read = await file.read(buffer, 0, Math.min(buffer.length, to - at), at);
    if (read === 0) throw new Error(`the disk has lost what is behind byte ${at}`);
    await file.write([buffer.subarray(0, read)], at);
    at += read;
  }
}
