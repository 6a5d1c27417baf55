import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes sure that a program can be run, looking for it as the system does: in the PATH, unless it
 * is a path itself.
 *
 * @throws with what is wrong
 */
export function findProgram(program: string): void {
  const folders = (process.env['PATH'] || '/bin:/usr/bin').split(':');
  const isPath = program.includes('/') || program === '';
  const places = isPath ? [program] : folders.map((folder) => join(folder || '.', program));
  const files = places.filter(isFile);
  if (files.length === 0) throw new Error(`${program}: there is no such program`);
  if (!files.some(isExecutable)) throw new Error(`${program}: it may not be run`);
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // It is not there, or in a folder that may not be looked into.
    return false;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
