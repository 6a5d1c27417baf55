import type { ComponentKind, Definition } from './definition.ts';
import type { Field } from './field.ts';
import { defaultText, keyOf } from './read-config.ts';

/** The kinds in the order in which events pass them. */
export const kinds: readonly ComponentKind[] = [
  'source',
  'interceptor',
  'selector',
  'channel',
  'sink',
  'serializer',
];

interface Row {
  readonly key: string;
  readonly type: string;
  readonly defaultText: string;
  readonly unit: string;
  readonly doc: string;
  readonly values: readonly (readonly [word: string, doc: string])[];
}

function rowsOf(definition: Definition): Row[] {
  return Object.entries(definition.fields).map(([name, field]) => ({
    key: keyOf(name, field) + (field.prefix ? '*' : ''),
    type: field.typeText,
    defaultText: field.required ? 'required' : defaultOf(field),
    unit: field.unit ?? '',
    doc: docOf(field),
    values: Object.entries(field.values ?? {}),
  }));
}

function defaultOf(field: Field<unknown>): string {
  return field.default === undefined && !field.defaultText ? 'none' : defaultText(field);
}

function docOf(field: Field<unknown>): string {
  const parts = [field.doc];
  if (field.extra) parts.push('Not in Flume.');
  if (field.lenient) parts.push('A bad value gives a warning and the default.');
  if (field.secret) parts.push('Never printed.');
  if (field.deprecated) parts.push(`Deprecated: ${field.deprecated}`);
  if (field.ignored) parts.push(`No effect here: ${field.ignored}`);
  return parts.join(' ');
}

/** The page of one component in Markdown; the same at every call. */
function referencePage(definition: Definition): string {
  const { type, kind, summary, notes, classes = [], example } = definition;
  const rows = rowsOf(definition);
  const parts = [`# ${type} ${kind}`, summary];
  if (classes.length > 0) parts.push(`In Flume: ${classes.map((each) => code(each)).join(', ')}.`);
  if (notes) parts.push(notes.trim());
  parts.push('## Options', rows.length === 0 ? 'None.' : optionTable(rows));
  for (const row of rows.filter(({ values }) => values.length > 0)) parts.push(valueTable(row));
  if (example) parts.push('## Example', `\`\`\`properties\n${example.trim()}\n\`\`\``);
  return `${parts.join('\n\n')}\n`;
}

function optionTable(rows: readonly Row[]): string {
  const lines = rows.map(({ key, type, defaultText, unit, doc }) => {
    return `| ${[code(key), cell(type), cell(defaultText), cell(unit), cell(doc)].join(' | ')} |`;
  });
  return ['| key | type | default | unit | |', '|---|---|---|---|---|', ...lines].join('\n');
}

function valueTable({ key, values }: Row): string {
  const lines = values.map(([word, doc]) => `| ${code(word)} | ${cell(doc)} |`);
  return [`Values of ${code(key)}:`, '', '| value | |', '|---|---|', ...lines].join('\n');
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
}

/** What `millrace explain` prints: the page for a terminal. */
export function referenceText(definition: Definition): string {
  const { type, kind, summary, notes, classes = [], example } = definition;
  const parts = [`${type} (${kind})`, summary];
  if (classes.length > 0) parts.push(`In Flume: ${classes.join(', ')}`);
  if (notes) parts.push(notes.trim().replaceAll('`', ''));
  const rows = rowsOf(definition).map(optionText);
  parts.push(`Options\n${rows.length === 0 ? '  none' : rows.join('\n')}`);
  if (example) parts.push(`Example\n${indented(example.trim(), 2)}`);
  return `${parts.join('\n\n')}\n`;
}

function optionText({ key, type, defaultText, unit, doc, values }: Row): string {
  const given = defaultText === 'required' ? 'required' : `default ${defaultText}`;
  const head = `  ${key}  (${[type, given, unit].filter(Boolean).join('; ')})`;
  const words = values.map(([word, text]) => `\n      ${word}: ${text}`);
  return `${head}\n      ${doc}${words.join('')}`.replaceAll('`', '');
}

function indented(text: string, by: number): string {
  return text.replaceAll(/^/gm, ' '.repeat(by));
}

/** The list of all pages, each with its sentence. */
function referenceIndex(definitions: readonly Definition[]): string {
  const parts = [
    '# Reference',
    'Made from the definitions of the components; `millrace explain TYPE` prints the same.',
  ];
  for (const kind of kinds) {
    const lines = definitions
      .filter((each) => each.kind === kind)
      .map(({ type, summary }) => `- [${type}](${kind}/${type}.md): ${summary}`);
    if (lines.length === 0) continue;
    parts.push(`## ${kind[0]?.toUpperCase()}${kind.slice(1)}s`, lines.join('\n'));
  }
  return `${parts.join('\n\n')}\n`;
}

/** Every file below docs/reference: its path there and its text. */
export function referenceFiles(definitions: readonly Definition[]): ReadonlyMap<string, string> {
  const files = new Map([['README.md', referenceIndex(definitions)]]);
  for (const definition of definitions) {
    files.set(`${definition.kind}/${definition.type}.md`, referencePage(definition));
  }
  return files;
}
