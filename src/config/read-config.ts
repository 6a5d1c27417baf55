import type { Block } from './blocks.ts';
import type { FieldProblem } from './definition.ts';
import type { ConfigOf, Field, Fields } from './field.ts';
import type { Finding, FindingText, Place } from './finding.ts';
import { finding } from './finding.ts';
import { nearest, nearestKey } from './nearest.ts';
import { atKey, atValue, missingAt } from './places.ts';
import type { Property } from './properties.ts';
import { isSecretKey } from './secrets.ts';
import { type ChosenSerializer, choiceIn } from './serializer-field.ts';

export interface ReadOptions<F extends Fields> {
  /** Rules across fields; called when every field is good. */
  readonly check?: ((config: ConfigOf<F>) => readonly FieldProblem[]) | undefined;
  /** Is this key read by someone else, and so not unknown? */
  readonly isForeign?: (key: string) => boolean;
  /** Keys that are read by someone else, as suggestions for a misspelt one. */
  readonly foreignKeys?: readonly string[];
  /** Where to say that a required option is missing. */
  readonly place?: Property | undefined;
  /** What has the options, for people: `file_roll sink`. */
  readonly owner: string;
  /** What becomes of the component without a configuration: a sentence without its full stop. */
  readonly left: string;
  /** The same where Flume only finds out when events come: for one word out of several. */
  readonly late?: string;
  /** What the options that name a serializer come to, by key; absent: it can't be used. */
  readonly serializers?: ReadonlyMap<string, ChosenSerializer>;
  /** Is that so in Flume, too, when a required option is missing or a number is none? */
  readonly asInFlume?: boolean;
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
  const reader = new Reader(fields, block, options);
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    values[name] = reader.value(keyOf(name, field), field);
  }
  for (const [key, property] of block.properties) {
    if (reader.used.has(key) || options.isForeign?.(key)) continue;
    reader.unknown(property, key, options.foreignKeys ?? []);
  }
  // Sound: each value was parsed by the field of its name.
  const config = values as ConfigOf<F>;
  if (reader.ok) {
    for (const problem of options.check?.(config) ?? []) reader.problem(problem);
  }
  return { config: reader.ok ? config : undefined, findings: reader.findings };
}

type ReaderOptions = Omit<ReadOptions<Fields>, 'check' | 'foreignKeys'>;

class Reader {
  readonly findings: Finding[] = [];
  /** Relative keys that a field has read. */
  readonly used = new Set<string>();
  ok = true;
  readonly #fields: Fields;
  readonly #block: Block;
  readonly #options: ReaderOptions;

  constructor(fields: Fields, block: Block, options: ReaderOptions) {
    this.#fields = fields;
    this.#block = block;
    this.#options = options;
  }

  value(key: string, field: Field<unknown>): unknown {
    if (field.prefix) return this.#map(key, field);
    if (choiceIn(field)) return this.#serializer(key, field);
    const property = this.#block.properties.get(key);
    if (!property) {
      if (field.required) this.#missing(key, field);
      return field.default;
    }
    this.used.add(key);
    this.#remark(property, field);
    return this.#parse(property, field);
  }

  /** What is wrong with it has been said where it was looked for. */
  #serializer(key: string, field: Field<unknown>): ChosenSerializer | undefined {
    const property = this.#block.properties.get(key);
    if (property) this.#remark(property, field);
    this.used.add(key);
    const chosen = this.#options.serializers?.get(key);
    if (!chosen) this.ok = false;
    return chosen;
  }

  unknown(property: Property, key: string, foreignKeys: readonly string[]): void {
    const keys = Object.entries(this.#fields).map(([name, field]) => keyOf(name, field));
    const set = new Set(this.#block.properties.keys());
    const meant = nearestKey(
      key,
      [...keys, ...foreignKeys].filter((each) => !set.has(each)),
    );
    this.#add('warning', 'unknown-key', keyPlace(property, key), {
      what: `The ${shortOwner(this.#options.owner)} has no option "${key}".`,
      consequence: 'The line has no effect, here as in Flume.',
      suggestion: meant
        ? `Did you mean ${meant}?`
        : `Remove the line; millrace explain ${typeOf(this.#options.owner)} lists the options.`,
    });
  }

  problem({ key, problem, severity, suggestion }: FieldProblem): void {
    const property = this.#block.properties.get(key);
    const full = this.#block.prefix + key;
    if (severity !== 'warning') this.ok = false;
    const place = property ? atValue(property) : missingAt(full, this.#options.place);
    this.#add(severity ?? 'error', severity ? 'questionable-value' : 'bad-value', place, {
      what: capital(asSentence(problem)),
      consequence: severity ? 'It runs all the same.' : `${this.#options.left}.`,
      suggestion: suggestion ?? this.#lookUp(key),
    });
  }

  #lookUp(key: string): string {
    return `Correct it; millrace explain ${typeOf(this.#options.owner)} says more on ${key}.`;
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
    if (field.required) this.#missing(`${prefix}<name>`, field);
    return field.default;
  }

  #parse(property: Property, field: Field<unknown>): unknown {
    try {
      return field.parse(property.value);
    } catch (error) {
      const expected = error instanceof Error ? error.message : String(error);
      const lenient = field.lenient && field.default !== undefined;
      const isNumber = field.kind !== 'integer' || /^[+-]?\d+$/.test(property.value);
      if (!lenient) this.ok = false;
      const byDefault = `The default, ${defaultText(field)}, is used, here as in Flume.`;
      this.#add(lenient ? 'warning' : 'error', 'bad-value', atValue(property), {
        what: `${capital(expected)}, found ${shown(property, field)}.`,
        consequence: lenient ? byDefault : this.#becomes(field, !isNumber),
        suggestion:
          betterValue(property, field) ?? `Write one; the default is ${defaultText(field)}.`,
      });
      return field.default;
    }
  }

  #missing(key: string, field: Field<unknown>): void {
    this.ok = false;
    const full = this.#block.prefix + key;
    const strangers = [...this.#block.properties.keys()].filter((each) => !this.#isDeclared(each));
    const meant = nearest(key, strangers);
    const near = meant === undefined ? undefined : this.#block.properties.get(meant);
    this.#add('error', 'missing-key', missingAt(full, near ?? this.#options.place), {
      what: `${full} is required: ${field.doc}`,
      consequence: this.#becomes(field, true),
      suggestion: meant
        ? `Is ${this.#block.prefix}${meant} meant to be ${full}?`
        : `Write ${full} = …`,
    });
  }

  #becomes(field: Field<unknown>, asInFlume: boolean): string {
    const { left, late = left } = this.#options;
    if (field.kind === 'choice') return `${late}.`;
    const isSame = asInFlume && !field.extra && this.#options.asInFlume;
    return isSame ? `${left}, here as in Flume.` : `${left}.`;
  }

  #isDeclared(key: string): boolean {
    return (
      this.#options.isForeign?.(key) === true ||
      Object.entries(this.#fields).some(([name, field]) => {
        const own = keyOf(name, field);
        return field.prefix ? key.startsWith(own) : key === own;
      })
    );
  }

  /** What can be said of a value without parsing it. */
  #remark(property: Property, field: Field<unknown>): void {
    const { key, value } = property;
    if (field.kind === 'boolean' && !/^(true|false)$/i.test(value)) {
      this.#add('warning', 'not-a-boolean', atValue(property), {
        what: `${shown(property, field)} is neither true nor false.`,
        consequence: field.extra ? 'It counts as false.' : 'It counts as false, here as in Flume.',
        suggestion: /^(yes|1|on|y|t|tr.*|.*rue)$/i.test(value)
          ? 'Write true.'
          : 'Write true or false.',
      });
    }
    if (field.deprecated) {
      this.#add('note', 'deprecated-key', atKey(property), {
        what: `${key} is deprecated.`,
        consequence: 'It works as it did.',
        suggestion: asSentence(field.deprecated),
      });
    }
    if (field.ignored) {
      this.#add('note', 'ignored-key', atKey(property), {
        what: `${key} has no effect: ${asSentence(field.ignored)}`,
        consequence: 'The rest runs as it did.',
        suggestion: 'Leave it for Flume, or remove it.',
      });
    }
  }

  #add(severity: Finding['severity'], code: Finding['code'], place: Place, text: FindingText) {
    this.findings.push(finding(severity, code, place, text));
  }
}

/** The part of a full key that belongs to the component. */
function keyPlace(property: Property, key: string): Place {
  const place = atKey(property);
  const skipped = (place.length ?? 0) - key.length;
  if (skipped <= 0 || place.column === undefined || !property.key.endsWith(key)) return place;
  return { ...place, column: place.column + skipped, length: key.length };
}

/** `file_roll sink` → `file_roll`, as `millrace explain` wants it. */
function typeOf(owner: string): string {
  return owner === 'sink group' ? 'sink-group' : (shortOwner(owner).split(' ', 1)[0] ?? owner);
}

/** A class by its own name, without packages: `KafkaSink`. */
function shortOwner(owner: string): string {
  const [, name] = /^(?:\w+\.)+([\w$]+) /.exec(owner) ?? [];
  return name?.replace(/\$Builder$/, '') ?? owner;
}

/** What a value that cannot be read was probably meant to be. */
function betterValue(property: Property, field: Field<unknown>): string | undefined {
  const value = property.value.trim();
  if (field.secret || isSecretKey(property.key)) return undefined;
  if (field.kind === 'choice') {
    const words = Object.keys(field.values ?? {});
    const meant = nearest(value, words);
    return meant ? `Did you mean ${meant}?` : `Write one of ${words.join(', ')}.`;
  }
  if (field.kind !== 'integer') return undefined;
  const [, digits = '', letter = ''] = /^([\d,_]+)\s*([kmg]?)b?$/i.exec(value) ?? [];
  const plain = digits.replaceAll(/[,_]/g, '');
  if (plain !== '' && plain !== value) {
    const power = ['', 'k', 'm', 'g'].indexOf(letter.toLowerCase());
    return `Write ${Number(plain) * (field.unit === 'bytes' ? 1024 : 1000) ** power}.`;
  }
  const unit = field.unit ? ` of ${field.unit}` : '';
  const such = field.default === undefined ? '' : `, such as ${defaultText(field)}`;
  return `Write a whole number${unit}${such}.`;
}

/** A value for people; `***` when it is secret. */
export function shown(property: Property, field: Field<unknown>): string {
  return field.secret || isSecretKey(property.key) ? '***' : JSON.stringify(property.value);
}

/** A default for people. */
export function defaultText(field: Field<unknown>): string {
  if (field.defaultText) return field.defaultText;
  const value = field.default;
  if (value === undefined) return 'none';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(' ');
  if (value instanceof Map) return 'none';
  return value === '' ? 'empty' : String(value);
}

function asSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** But for what begins with a word of the configuration. */
function capital(text: string): string {
  if (!/^[a-z]+[ ,]/.test(text)) return text;
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
