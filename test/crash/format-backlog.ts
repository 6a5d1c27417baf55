/** How much of the kill loop's logs is not delivered yet. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of the files in `folder` that the position file does not show, as taildir writes it. */
export function backlogBytes(folder: string, positionFile: string): number {
  const positions = positionsIn(positionFile);
  let bytes = 0;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    // Files of old generations come and go.
    const found = statSync(path, { throwIfNoEntry: false });
    if (found && name.startsWith('app')) {
      bytes += Math.max(0, found.size - (positions.get(found.ino) ?? 0));
    }
  }
  return bytes;
}

/** By inode; none while the file is absent or half written. */
function positionsIn(path: string): ReadonlyMap<number, number> {
  try {
    const shown = JSON.parse(readFileSync(path, 'utf8')) as { inode: number; pos: number }[];
    return new Map(shown.map(({ inode, pos }) => [inode, pos]));
  } catch {
    return new Map();
  }
}
