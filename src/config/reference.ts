import type { ComponentKind, Definition } from './definition.ts';
import { exampleAgent } from './example-agent.ts';
import type { Fields } from './field.ts';
import { findingCodes } from './finding-codes.ts';
import { groupsOf, type Row, rowOf } from './option-rows.ts';
import { keyOf } from './read-config.ts';

/** The kinds in the order in which events pass them. */
export const kinds: readonly ComponentKind[] = [
  'source',
  'interceptor',
  'selector',
  'channel',
  'sink',
  'serializer',
];

/** What can be described: a definition, or what is known of a component that only Flume has. */
export interface Describable {
  readonly kind: string;
  readonly type: string;
  readonly summary: string;
  readonly fields: Fields;
  readonly classes?: readonly string[];
  readonly notes?: string;
  readonly example?: string;
  /** It is not here: what to do. */
  readonly instead?: string;
  /** It will not be here. */
  readonly never?: boolean;
}

function rowsOf({ fields }: Describable): Row[] {
  return Object.entries(fields).map(([name, field]) => rowOf(keyOf(name, field), field));
}

/** The page of one component in Markdown; the same at every call. */
function referencePage(definition: Definition): string {
  const { type, kind, summary, notes, classes = [] } = definition;
  const groups = groupsOf(rowsOf(definition));
  const parts = [`# ${type} ${kind}`, summary];
  if (classes.length > 0) parts.push(`In Flume: ${classes.map((each) => code(each)).join(', ')}.`);
  if (notes) parts.push(notes.trim());
  parts.push('## Options');
  if (groups.length === 0) parts.push('None.');
  for (const { title, rows } of groups) {
    if (groups.length > 1) parts.push(`### ${title}`);
    parts.push(optionTable(rows));
    for (const row of rows.filter(({ values }) => values.length > 0)) parts.push(valueTable(row));
  }
  const example = exampleAgent(definition);
  if (example) parts.push('## Example', `\`\`\`properties\n${example}\n\`\`\``);
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
export function referenceText(component: Describable): string {
  const { type, kind, summary, notes, classes = [], instead } = component;
  const parts = [`${type} (${kind})`, summary];
  if (instead)
    parts.push(
      `Not in Millrace${component.never ? '' : ' yet'}. ${instead.replaceAll(/\s+/g, ' ')}`,
    );
  if (classes.length > 0) parts.push(`In Flume: ${classes.join(', ')}`);
  if (notes) parts.push(notes.trim().replaceAll('`', ''));
  const groups = groupsOf(rowsOf(component));
  if (groups.length === 0) parts.push('Options\n  none');
  for (const { title, rows } of groups) {
    const lines = rows.map((row) => optionText(row)).join('\n');
    parts.push(`${groups.length > 1 ? title : 'Options'}\n${lines}`);
  }
  const example = exampleAgent(component);
  if (example) parts.push(`Example\n${example.replaceAll(/^/gm, '  ')}`);
  return `${parts.join('\n\n')}\n`;
}

/** One option, as `millrace explain` prints it. */
export function optionText({ key, type, defaultText, unit, doc, values }: Row): string {
  const given = defaultText === 'required' ? 'required' : `default ${defaultText}`;
  const head = `  ${key}  (${[type, given, unit].filter(Boolean).join('; ')})`;
  const words = values.map(([word, text]) => `\n      ${word}: ${text}`);
  return `${head}\n      ${doc}${words.join('')}`.replaceAll('`', '');
}

/** The list of all pages, each with its sentence. */
function referenceIndex(definitions: readonly Definition[]): string {
  const parts = [
    '# Reference',
    'Made from the definitions of the components; `millrace explain TYPE` prints the same.',
    [
      '- [Compatibility](compatibility.md): key by key, beside Flume 1.11.',
      '- [Findings](findings.md): what `millrace check` can say.',
      '- [millrace.schema.json](millrace.schema.json): the model as a JSON Schema, for editors.',
    ].join('\n'),
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

/** The page `docs/reference/findings.md`. */
export function findingsPage(): string {
  const lines = Object.entries(findingCodes).map(([name, text]) => `| ${code(name)} | ${text} |`);
  const parts = [
    '# Findings',
    'What `millrace check` can say, by the code that it puts behind each finding.',
    ['| code | |', '|---|---|', ...lines].join('\n'),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** The pages of components below docs/reference: path there and text. */
export function referenceFiles(definitions: readonly Definition[]): ReadonlyMap<string, string> {
  const files = new Map([['README.md', referenceIndex(definitions)]]);
  for (const definition of definitions) {
    files.set(`${definition.kind}/${definition.type}.md`, referencePage(definition));
  }
  return files;
}
