import type { FieldProblem } from '../../config/definition.ts';
import { text } from '../../config/field.ts';

/** The parts of a message that its body may keep, in the order in which they stand there. */
const parts = ['priority', 'version', 'timestamp', 'hostname'] as const;

type Part = (typeof parts)[number];

/** What of a message is its body. */
export type KeptFields = 'none' | 'all' | ReadonlySet<Part>;

export const keepFieldsField = text({
  doc:
    'What of the head stays in the body: `none` (or `false`), `all` (or `true`), or any of ' +
    '`priority version timestamp hostname`.',
  default: 'none',
});

/** As Flume reads it: the words are looked for anywhere in the value. */
export function keptFields(value: string): KeptFields {
  const word = value.trim().toLowerCase();
  if (word === 'none' || word === 'false') return 'none';
  if (word === 'all' || word === 'true') return 'all';
  const kept = parts.filter((part) => word.includes(part));
  return kept.length === 0 ? 'none' : new Set(kept);
}

export function keepFieldsProblems(value: string): readonly FieldProblem[] {
  const isWord = ['none', 'false', 'all', 'true'].includes(value.trim().toLowerCase());
  if (isWord || keptFields(value) !== 'none') return [];
  const problem = `it names none of ${parts.join(', ')}: nothing is kept`;
  return [{ key: 'keepFields', problem, severity: 'warning' }];
}
