import type { Block } from '../blocks.ts';

/** `tail -F /path`, the commonest of all commands: its options, and one plain path. */
const tailCommand = /^(?:\/(?:usr\/)?bin\/)?tail\s+((?:-\S+\s+(?:\d+\s+)?)*)(\/[^\s*?'"|;&<>$`]+)$/;

/** The lines of a taildir source that does what the `tail -F` of an exec source does. */
export function linesInsteadOfTail({ prefix, properties }: Block): string[] | undefined {
  const command = properties.get('command')?.value ?? '';
  const [, options = '', path] = tailCommand.exec(command) ?? [];
  if (path === undefined || !/-\w*f|--follow/i.test(options)) return undefined;
  const slash = path.lastIndexOf('/') + 1;
  // A pattern in a .properties file: each backslash is written twice.
  const pattern = path.slice(0, slash) + path.slice(slash).replaceAll(/[.+()[\]{}^]/g, '\\\\$&');
  return [
    `${prefix}type = TAILDIR`,
    `${prefix}filegroups = f1`,
    `${prefix}filegroups.f1 = ${pattern}`,
  ];
}
