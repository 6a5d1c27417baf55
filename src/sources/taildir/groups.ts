import { resolve } from 'node:path';

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

/** The JavaScript form of a Java regular expression that must match a whole text. */
export function javaPattern(source: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(source);
  const rest = flags ? source.slice(flags[0].length) : source;
  const translated = rest
    .replace(/\\Q(.*?)(?:\\E|$)/gs, (_, literal: string) => literal.replace(/[^\w]/g, '\\$&'))
    .replace(/\\p\{(Alpha|Digit|Alnum|Upper|Lower|Punct|Space)\}/g, (_, name: string) => {
      return posixClasses[name] ?? '';
    })
    .replace(possessive, (whole, quantifier: string | undefined) => quantifier ?? whole);
  return new RegExp(`^(?:${translated})$`, flags?.[1] ?? '');
}

/** `.*+` and the like, beside character classes and escapes, which are left alone. */
const possessive = /\[(?:\\.|[^\]\\])*\]|\\.|([*+?}])\+/g;

const posixClasses: Readonly<Record<string, string>> = {
  Alpha: '[A-Za-z]',
  Digit: '[0-9]',
  Alnum: '[A-Za-z0-9]',
  Upper: '[A-Z]',
  Lower: '[a-z]',
  Punct: '[!-/:-@\\[-`{-~]',
  Space: '\\s',
};
