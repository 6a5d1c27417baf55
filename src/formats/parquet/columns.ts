import type { FieldProblem } from '../../config/definition.ts';
import { type JsonPath, parseJsonPath } from '../json-path.ts';
import { type Converter, converterOf, type TimeUnit } from './convert.ts';
import { type ColumnType, columnTypes, type Scalar } from './types.ts';

/** Where a column's values come from. */
export type ColumnSource =
  | { readonly kind: 'body' }
  | { readonly kind: 'headers' }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'json'; readonly path: JsonPath };

export interface ColumnSpec {
  readonly name: string;
  readonly from: ColumnSource;
  readonly type: ColumnType;
  readonly convert: Converter;
  /** Instead of a value that is absent or does not fit. */
  readonly byDefault: Scalar | undefined;
  readonly isRequired: boolean;
}

/** What always works: every part of an event, as it came. */
const defaultNames = ['timestamp', 'headers', 'body'];

const attributes = ['from', 'type', 'unit', 'default', 'required'] as const;
type Attributes = Partial<Record<(typeof attributes)[number], string>>;

/**
 * What the options `columns` and `columns.<name>.…` come to.
 *
 * @param refuses events that do not fit are refused, so nothing has to stand in for a value
 */
export function readColumns(
  names: readonly string[],
  options: ReadonlyMap<string, string>,
  refuses: boolean,
): { readonly columns: readonly ColumnSpec[]; readonly problems: readonly FieldProblem[] } {
  const problems: FieldProblem[] = [];
  const columns: ColumnSpec[] = [];
  const wanted = names.length > 0 ? names : defaultNames;
  const byName = attributesByName(wanted, options, problems);
  for (const name of wanted) {
    if (columns.some((column) => column.name === name)) {
      problems.push({ key: 'columns', problem: `${name} stands there twice` });
    }
    const report = (attribute: string, problem: string) =>
      problems.push({ key: `columns.${name}.${attribute}`, problem });
    columns.push(readColumn(name, byName.get(name) ?? {}, refuses, report));
  }
  return { columns, problems };
}

function attributesByName(
  names: readonly string[],
  options: ReadonlyMap<string, string>,
  problems: FieldProblem[],
): ReadonlyMap<string, Attributes> {
  const byName = new Map<string, Attributes>();
  for (const [key, value] of options) {
    // Names may have dots in them.
    const dot = key.lastIndexOf('.');
    const name = key.slice(0, Math.max(0, dot));
    const attribute = attributes.find((each) => each === key.slice(dot + 1));
    if (!attribute) {
      const problem = `there is no such option; a column has ${attributes.join(', ')}`;
      problems.push({ key: `columns.${key}`, problem });
    } else if (!names.includes(name)) {
      const problem = `no column is called ${name}; there are ${names.join(', ')}`;
      const suggestion = 'Name it in columns, too.';
      problems.push({ key: `columns.${key}`, problem, suggestion });
    } else byName.set(name, { ...byName.get(name), [attribute]: value.trim() });
  }
  return byName;
}

function readColumn(
  name: string,
  options: Attributes,
  refuses: boolean,
  report: (attribute: string, problem: string) => void,
): ColumnSpec {
  const from = readSource(options.from ?? sourceByName(name), report);
  const type = oneOf(typeNames, options.type, report, 'type') ?? usualType(from);
  const unit = oneOf(units, options.unit, report, 'unit') ?? 'ms';
  if (options.unit !== undefined && type !== 'timestamp') {
    report('unit', 'only a column of type timestamp has a unit');
  }
  const convert = converterOf(type, unit);
  const byDefault = options.default === undefined ? undefined : convert.fromText(options.default);
  if (options.default !== undefined && byDefault === undefined) {
    report('default', `${options.default} is no ${type}`);
  }
  const isAlwaysThere =
    (from.kind === 'body' && ['binary', 'string'].includes(type)) || from.kind === 'headers';
  if (from.kind === 'headers' && columnTypes[type].physical !== 'byteArray') {
    report('type', 'all headers together are json, string or binary');
  }
  const isRequired = options.required?.toLowerCase() === 'true';
  if (isRequired && !isAlwaysThere && !refuses && options.default === undefined) {
    report('required', 'a required column needs a default, unless misfits are refused');
  }
  return { name, from, type, convert, byDefault, isRequired: isRequired || isAlwaysThere };
}

const typeNames = Object.keys(columnTypes) as ColumnType[];
const units: readonly TimeUnit[] = ['s', 'ms', 'us', 'ns'];

function oneOf<T extends string>(
  words: readonly T[],
  value: string | undefined,
  report: (attribute: string, problem: string) => void,
  attribute: string,
): T | undefined {
  if (value === undefined) return undefined;
  const word = words.find((each) => each === value.toLowerCase());
  if (!word) report(attribute, `expected one of ${words.join(', ')}, found ${value}`);
  return word;
}

function sourceByName(name: string): string {
  return name === 'body' || name === 'headers' ? name : `header:${name}`;
}

function readSource(
  text: string,
  report: (attribute: string, problem: string) => void,
): ColumnSource {
  if (text === 'body' || text === 'headers') return { kind: text };
  const [, kind, rest = ''] = /^(header|json):(.+)$/s.exec(text) ?? [];
  if (kind === 'header') return { kind, name: rest };
  if (kind === 'json') {
    try {
      return { kind, path: parseJsonPath(rest) };
    } catch (error) {
      report('from', (error as Error).message);
    }
  } else report('from', `expected body, headers, header:<name> or json:<path>, found ${text}`);
  return { kind: 'body' };
}

function usualType(from: ColumnSource): ColumnType {
  if (from.kind === 'body') return 'binary';
  if (from.kind === 'headers') return 'json';
  return from.kind === 'header' && from.name === 'timestamp' ? 'timestamp' : 'string';
}
