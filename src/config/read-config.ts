import type { Block } from './blocks.ts';
import type { FieldProblem } from './definition.ts';
import type { ConfigOf, Field, Fields } from './field.ts';
import type { Finding, FindingText } from './finding.ts';
import { finding } from './finding.ts';
import { nearest } from './nearest.ts';
import type { Property } from './properties.ts';

export interface ReadOptions<F extends Fields> {
  /** Rules across fields; called when every field is good. */
  readonly check?: ((config: ConfigOf<F>) => readonly FieldProblem[]) | undefined;
  /** Is this key read by someone else, and so not unknown? */
  readonly isForeign?: (key: string) => boolean;
  /** Keys that are read by someone else, as suggestions for a misspelt one. */
  readonly foreignKeys?: readonly string[];
  /** Where to say that a required option is missing. */
  readonly place?: Property | undefined;
  /** What becomes of the component without a configuration: a sentence. */
  readonly ifBad: string;
}

export interface ReadConfig<F extends Fields> {
  /** Absent when the component can't run: a finding of severity `error` says why. */
  readonly config: ConfigOf<F> | undefined;
  readonly findings: readonly Finding[];
}

/** The key of a field as Flume spells it. */
export function keyOf(name: string, field: Field<unknown>): string {
  return field.key ?? name;
}

/** The value that a configuration has for a key; undefined when the fields don't declare it. */
export function configValue(fields: Fields, config: ConfigOf<Fields>, key: string): unknown {
  const found = Object.entries(fields).find(([name, field]) => keyOf(name, field) === key);
  return found && config[found[0]];
}

/**
 * Reads what a component's lines say into its typed configuration, and finds every problem at once.
 */
export function readConfig<const F extends Fields>(
  fields: F,
  block: Block,
  options: ReadOptions<F>,
): ReadConfig<F> {
  const reader = new Reader(fields, block, options.ifBad);
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    values[name] = reader.value(keyOf(name, field), field, options.place);
  }
  for (const [key, property] of block.properties) {
    if (reader.used.has(key) || options.isForeign?.(key)) continue;
    reader.unknown(property, key, options.foreignKeys ?? []);
  }
  // Sound: each value was parsed by the field of its name.
  const config = values as ConfigOf<F>;
  if (reader.ok) {
    for (const problem of options.check?.(config) ?? []) reader.problem(problem, options.place);
  }
  return { config: reader.ok ? config : undefined, findings: reader.findings };
}

class Reader {
  readonly findings: Finding[] = [];
  /** Relative keys that a field has read. */
  readonly used = new Set<string>();
  ok = true;
  readonly #fields: Fields;
  readonly #block: Block;
  readonly #ifBad: string;

  constructor(fields: Fields, block: Block, ifBad: string) {
    this.#fields = fields;
    this.#block = block;
    this.#ifBad = ifBad;
  }

  value(key: string, field: Field<unknown>, place: Property | undefined): unknown {
    if (field.prefix) return this.#map(key, field);
    const property = this.#block.properties.get(key);
    if (!property) {
      if (field.required) this.#missing(key, field, place);
      return field.default;
    }
    this.used.add(key);
    this.#remark(property, field);
    return this.#parse(property, field);
  }

  unknown(property: Property, key: string, foreignKeys: readonly string[]): void {
    const keys = Object.entries(this.#fields).map(([name, field]) => keyOf(name, field));
    const meant = nearest(key, [...keys, ...foreignKeys]);
    this.#add('warning', 'unknown-key', property, {
      what: `${property.key}: there is no option "${key}" here.`,
      consequence: 'The line has no effect.',
      suggestion: meant && `Did you mean ${meant}?`,
    });
  }

  problem({ key, problem, severity }: FieldProblem, place: Property | undefined): void {
    const property = this.#block.properties.get(key);
    const at = property ?? { ...place, key: this.#block.prefix + key };
    if (severity !== 'warning') this.ok = false;
    this.#add(severity ?? 'error', severity ? 'questionable-value' : 'bad-value', at, {
      what: `${this.#block.prefix}${key}: ${asSentence(problem)}`,
      consequence: severity ? 'It runs all the same.' : this.#ifBad,
    });
  }

  #map(prefix: string, field: Field<unknown>): unknown {
    const exact = new Set(
      Object.entries(this.#fields)
        .filter(([, each]) => !each.prefix)
        .map(([name, each]) => keyOf(name, each)),
    );
    const entries = new Map<string, string>();
    for (const [key, property] of this.#block.properties) {
      if (!key.startsWith(prefix) || key.length === prefix.length || exact.has(key)) continue;
      this.used.add(key);
      this.#remark(property, field);
      this.#parse(property, field);
      entries.set(key.slice(prefix.length), property.value);
    }
    if (entries.size > 0) return entries;
    if (field.required) this.#missing(`${prefix}<name>`, field, undefined);
    return field.default;
  }

  #parse(property: Property, field: Field<unknown>): unknown {
    try {
      return field.parse(property.value);
    } catch (error) {
      const expected = error instanceof Error ? error.message : String(error);
      const lenient = field.lenient && field.default !== undefined;
      if (!lenient) this.ok = false;
      const byDefault = `The default, ${defaultText(field)}, is used, as in Flume.`;
      this.#add(lenient ? 'warning' : 'error', 'bad-value', property, {
        what: `${property.key}: ${expected}, found ${shown(property, field)}.`,
        consequence: lenient ? byDefault : this.#ifBad,
      });
      return field.default;
    }
  }

  #missing(key: string, field: Field<unknown>, place: Property | undefined): void {
    this.ok = false;
    const full = this.#block.prefix + key;
    this.#add(
      'error',
      'missing-key',
      { ...place, key: full },
      {
        what: `${full} is required: ${field.doc}`,
        consequence: this.#ifBad,
      },
    );
  }

  /** What can be said of a value without parsing it. */
  #remark(property: Property, field: Field<unknown>): void {
    const { key, value } = property;
    if (field.kind === 'boolean' && !/^(true|false)$/i.test(value)) {
      this.#add('warning', 'not-a-boolean', property, {
        what: `${key}: ${shown(property, field)} is neither true nor false.`,
        consequence: 'It counts as false, as in Flume.',
        suggestion: /^(yes|1|on|y|t)$/i.test(value) ? 'Write true.' : undefined,
      });
    }
    if (field.deprecated) {
      this.#add('note', 'deprecated-key', property, {
        what: `${key} is deprecated: ${asSentence(field.deprecated)}`,
        consequence: 'It still works.',
      });
    }
    if (field.ignored) {
      this.#add('note', 'ignored-key', property, {
        what: `${key} has no effect here: ${asSentence(field.ignored)}`,
        consequence: 'The rest runs as before.',
      });
    }
  }

  #add(severity: Finding['severity'], code: string, place: Partial<Property>, text: FindingText) {
    this.findings.push(finding(severity, code, place, text));
  }
}

/** A value for people; `***` when it is secret. */
export function shown(property: Property, field: Field<unknown>): string {
  return field.secret ? '***' : JSON.stringify(property.value);
}

/** A default for people. */
export function defaultText(field: Field<unknown>): string {
  if (field.defaultText) return field.defaultText;
  const value = field.default;
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(' ');
  if (value instanceof Map) return 'none';
  return value === '' ? 'empty' : String(value);
}

function asSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
