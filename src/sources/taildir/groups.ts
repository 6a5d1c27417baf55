import { resolve } from 'node:path';
import { javaPattern } from '../../config/java-pattern.ts';

/** A set of files that are tailed with the same headers. */
export interface FileGroup {
  readonly name: string;
  readonly directory: string;
  /** Matches whole file names. */
  readonly pattern: RegExp;
  readonly headers: ReadonlyMap<string, string>;
}

/**
 * A file group's value: the directory is literal, what follows the last slash is a Java regular
 * expression for the whole file name.
 *
 * @throws SyntaxError when it is none
 */
export function parseGroup(
  name: string,
  value: string,
  allHeaders: ReadonlyMap<string, string>,
): FileGroup {
  const headers = new Map<string, string>();
  for (const [key, text] of allHeaders) {
    if (key.startsWith(`${name}.`)) headers.set(key.slice(name.length + 1), text);
  }
  // `basename` would take a slash at the end for nothing; here the pattern is then empty.
  const slash = value.lastIndexOf('/');
  const directory = slash === 0 ? '/' : slash < 0 ? '.' : value.slice(0, slash);
  const pattern = javaPattern(value.slice(slash + 1));
  return { name, directory: resolve(directory), pattern, headers };
}
