/**
 * The vocabulary in which components declare their options. One declaration gives parsing and
 * checks (`readConfig`), the type of the configuration (`ConfigOf`), the reference page, `millrace
 * explain` and the findings of `millrace check`.
 */

/** What an option says about itself, whatever its type. */
export interface FieldOptions<T> {
  /** The property as Flume spells it, relative to the component; absent: the field's own name. */
  readonly key?: string;
  /** One sentence; says what 0 and empty mean. */
  readonly doc: string;
  /** `ms`, `s`, `bytes`, `events`, `%` … */
  readonly unit?: string;
  /** Absent: the option is required, unless `optional`. */
  readonly default?: T;
  /** How the default reads, where its value is not telling (`no limit`). */
  readonly defaultText?: string;
  /**
   * A bad value gives a warning and the default, as Flume does for this option; else the component
   * is dropped.
   */
  readonly lenient?: boolean;
  /** Printed as `***`. */
  readonly secret?: boolean;
  /** Why, and what to use instead. */
  readonly deprecated?: string;
  /** Accepted and without effect here; says why. */
  readonly ignored?: string;
  /** Millrace's own: Flume has no such option. */
  readonly extra?: boolean;
}

/** A declared option. `parse` throws an `Error` whose message says what was expected. */
export interface Field<T> extends FieldOptions<T> {
  readonly kind: 'text' | 'integer' | 'boolean' | 'choice' | 'list' | 'map';
  readonly required: boolean;
  /** How the type reads on a reference page: `integer, at least 1`. */
  readonly typeText: string;
  /** For a choice: each value and its sentence. */
  readonly values?: Readonly<Record<string, string>>;
  /** For an integer: the bounds. */
  readonly min?: number;
  readonly max?: number;
  /** For a map: whatever follows the key is an entry's name. */
  readonly prefix?: boolean;
  parse(text: string): T;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The configuration that fields declare. */
export type ConfigOf<F extends Fields> = {
  readonly [Name in keyof F]: F[Name] extends Field<infer T> ? T : never;
};

type Required<T> = FieldOptions<T> & { readonly default?: T };

/** Text as it stands. Required without a default. */
export function text(options: FieldOptions<string>): Field<string> {
  return field('text', 'text', options, (value) => value);
}

/** Text that may be absent. */
export function optionalText(
  options: Omit<FieldOptions<string | undefined>, 'default'>,
): Field<string | undefined> {
  return { ...field('text', 'text', options, (value) => value), required: false };
}

/** A decimal whole number, as Java reads it: no `10k`, no `0x`, no `_`. */
export function integer(
  options: Required<number> & { readonly min?: number; readonly max?: number },
): Field<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options;
  const bounds = [
    options.min === undefined ? '' : `, at least ${min}`,
    options.max === undefined ? '' : `, at most ${max}`,
  ].join('');
  return field('integer', `integer${bounds}`, options, (value) => {
    if (!/^[+-]?\d+$/.test(value)) throw new Error('expected a whole number');
    // Flume's "no limit" is 2^63-1, beyond what a number holds exactly: as good as the largest one.
    const number = Math.min(Number(value), Number.MAX_SAFE_INTEGER);
    if (number < min || number > max) throw new Error(`expected an integer${bounds}`);
    return number;
  });
}

/**
 * `true` in any case; everything else is false, as in Flume (`check` warns of `yes`, `1`, `on`).
 */
export function boolean(options: Required<boolean>): Field<boolean> {
  return field('boolean', 'true or false', options, (value) => value.toLowerCase() === 'true');
}

/** One of some words, in any case; gives the word as declared. */
export function choice<const V extends string>(
  options: Omit<FieldOptions<V>, 'default'> & {
    readonly default?: NoInfer<V>;
    readonly values: Readonly<Record<V, string>>;
  },
): Field<V> {
  const words = Object.keys(options.values) as V[];
  const made = field('choice', words.join(', '), options as FieldOptions<V>, (value) => {
    const word = words.find((each) => each.toLowerCase() === value.toLowerCase());
    if (word === undefined) throw new Error(`expected one of ${words.join(', ')}`);
    return word;
  });
  return { ...made, values: options.values };
}

/** Words separated by white space. */
export function list(options: FieldOptions<readonly string[]>): Field<readonly string[]> {
  return field('list', 'words', options, (value) => value.split(/\s+/).filter(Boolean));
}

/**
 * All properties that begin with `key` (which ends in a dot): the rest of the name → value. Its
 * `parse` is given one value.
 */
export function map(
  options: FieldOptions<ReadonlyMap<string, string>> & { readonly key: string },
): Field<ReadonlyMap<string, string>> {
  const made = field('map', 'name → text', { default: new Map(), ...options }, (value) => {
    return new Map([['', value]]) as ReadonlyMap<string, string>;
  });
  return { ...made, prefix: true };
}

function field<T>(
  kind: Field<T>['kind'],
  typeText: string,
  options: FieldOptions<T>,
  parse: (text: string) => T,
): Field<T> {
  return { ...options, kind, typeText, required: options.default === undefined, parse };
}
