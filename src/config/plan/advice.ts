import type { Listed, PlanScope } from './scope.ts';

/** `tail -F /path`, the commonest of all commands: its options, and one plain path. */
const tailCommand = /^(?:\/(?:usr\/)?bin\/)?tail\s+((?:-\S+\s+(?:\d+\s+)?)*)(\/[^\s*?'"|;&<>$`]+)$/;

/** What would do better than what is configured: said once the rest has been. */
export function adviseOn(scope: PlanScope, { block, type }: Listed): void {
  if (type.value.toLowerCase() !== 'exec' && !type.value.endsWith('.ExecSource')) return;
  const command = block.properties.get('command');
  const [, options = '', path] = tailCommand.exec(command?.value ?? '') ?? [];
  if (!command || path === undefined || !/-\w*f|--follow/i.test(options)) return;
  const slash = path.lastIndexOf('/') + 1;
  // A pattern in a .properties file: each backslash is written twice.
  const pattern = path.slice(0, slash) + path.slice(slash).replaceAll(/[.+()[\]{}^]/g, '\\\\$&');
  const lines = [
    `${block.prefix}type = TAILDIR`,
    `${block.prefix}filegroups = f1`,
    `${block.prefix}filegroups.f1 = ${pattern}`,
  ];
  scope.add('note', 'tail-by-exec', command, {
    what: `${command.key}: tail remembers nothing.`,
    consequence: 'Each start sends the last lines again, and misses what came while it was down.',
    suggestion: `The same without losing or doubling a line: ${lines.join(' | ')}`,
  });
}
