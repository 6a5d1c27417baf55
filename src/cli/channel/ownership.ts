import { chmodSync, chownSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Gives a directory and its files the owner and mode of the one that it replaces: an agent that
 * runs as another user than who repaired its channel must be able to open it.
 *
 * @throws the system's error when this user may not
 */
export function takeOwnerFrom(old: string, directory: string): void {
  const { uid, gid, mode } = statSync(old);
  const [sample] = readdirSync(old).filter((name) => /^(segment-|snapshot\.)/.test(name));
  const fileMode = sample === undefined ? undefined : statSync(join(old, sample)).mode;
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    chownSync(path, uid, gid);
    if (fileMode !== undefined) chmodSync(path, fileMode & 0o7777);
  }
  chownSync(directory, uid, gid);
  chmodSync(directory, mode & 0o7777);
}
