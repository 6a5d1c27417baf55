import type { Field, FieldOptions, Fields } from '../field.ts';
import { boolean, choice, integer, list, map, optionalText } from '../field.ts';
import { own } from '../own.ts';

/*
 * What is known of a component of Flume 1.8 to 1.11, whether Millrace has it or not: enough to
 * check its lines and to describe it. The tables beside this file say it in a notation of their
 * own, one line an option:
 *
 *   key | type | default | what it does
 *
 *   key       as Flume spells it; with a * at its end, all keys that begin so
 *   type      text integer natural positive port boolean words, or a/b/c for one of these words;
 *             then, in any order: secret, deprecated (what to write instead), dead (why it has no
 *             effect), lenient (a bad value gives the default),
 *             class (a Java class is fine, too), exact (the case of letters counts), and the unit
 *   default   a value; - for none; `required`; `if ssl`: required when ssl is true; `or a, b`:
 *             required unless one of these is set
 */

/** The kinds beside those that Millrace has definitions for: parts that a component is given. */
export type PartKind =
  | 'deserializer'
  | 'handler'
  | 'header serializer'
  | 'config filter'
  | 'monitor'
  | 'sink group'
  | 'sink processor'
  | 'sink selector'
  | 'sequence file serializer'
  | 'path manager'
  | 'hbase serializer'
  | 'hive serializer'
  | 'elasticsearch serializer'
  | 'index name builder'
  | 'rpc client'
  | 'log4j appender';

export type FlumeKind =
  | 'source'
  | 'channel'
  | 'sink'
  | 'interceptor'
  | 'selector'
  | 'serializer'
  | PartKind;

/** One component, as the tables write it. */
export interface Entry {
  readonly kind: FlumeKind;
  /** The word after `type =`, or the class where Flume has no word for it. */
  readonly type: string;
  /** Flume's class, where `flume-types.ts` does not say it. */
  readonly class?: string;
  /** One sentence. */
  readonly summary: string;
  /** What to do as long as Millrace does not have it: one or two sentences. */
  readonly instead?: string;
  /** Millrace will not have it: it belongs to something that is gone, or that needs Java. */
  readonly never?: boolean;
  /** The last version of Flume that has it, where 1.11 does not. */
  readonly until?: string;
  /** The options, in the notation above. */
  readonly keys: string;
  /**
   * The key of the most events it moves at once, where Flume holds that against the channel; then,
   * after a blank, its old name.
   */
  readonly batch?: string;
  /** Sources: can it ask for the same events again after a crash? `sender`: its sender can. */
  readonly rereads?: 'yes' | 'sender' | 'no';
  /** Sources: do its events have the header timestamp? `maybe`: as their sender wills. */
  readonly timestamp?: 'yes' | 'maybe';
  /** What it takes for itself: `port bind:port`, `file positionFile`, with keys for values. */
  readonly claims?: string;
  /** Keys whose value names a part → its kind. The part's keys begin with that key and a dot. */
  readonly parts?: Readonly<Record<string, PartKind | 'serializer'>>;
}

/** An entry with its options as fields. */
export interface FlumeComponent extends Omit<Entry, 'keys'> {
  readonly classes: readonly string[];
  readonly fields: Fields;
  /** Per key, the condition under which it is required: `if ssl`, `or kafka.topics.regex`. */
  readonly conditions: ReadonlyMap<string, string>;
}

/** @param className Flume's class for it, if any */
export function componentOf(entry: Entry, className: string | undefined): FlumeComponent {
  const fields: Record<string, Field<unknown>> = {};
  const conditions = new Map<string, string>();
  for (const line of entry.keys.trim().split('\n')) {
    if (line.trim() === '') continue;
    const [key = '', type = '', given = '', doc = ''] = line.split('|').map((part) => part.trim());
    fields[key] = fieldOf(key, type.split(/\s+/), given, doc);
    if (/^(if|or) /.test(given)) conditions.set(key, given);
  }
  const classes = className === undefined || className === entry.type ? [] : [className];
  return { ...entry, classes, fields, conditions };
}

const flags = ['secret', 'deprecated', 'dead', 'lenient', 'class', 'exact'];

function fieldOf(
  key: string,
  [type = '', ...words]: readonly string[],
  given: string,
  doc: string,
): Field<unknown> {
  const has = (flag: string) => words.includes(flag);
  const unit = words.filter((word) => !flags.includes(word)).join(' ');
  const options = {
    key: key.replace(/\*$/, ''),
    doc: has('deprecated') || has('dead') ? '' : doc,
    ...(unit === '' ? {} : { unit }),
    ...(has('secret') ? { secret: true } : {}),
    ...(has('lenient') ? { lenient: true } : {}),
    ...(has('deprecated') ? { deprecated: doc } : {}),
    ...(has('dead') ? { ignored: doc } : {}),
  };
  if (key.endsWith('*')) return { ...map(options), required: given === 'required' };
  if (given === 'required') return typed(type, options, has);
  if (given !== '' && given !== '-' && !/^(if|or) /.test(given)) {
    return withDefault(type, typed(type, options, has), given);
  }
  return { ...typed(type, options, has), required: false };
}

/** A default that is no value of the type is what the code works out: it is shown as it is. */
function withDefault(type: string, field: Field<unknown>, given: string): Field<unknown> {
  try {
    return { ...field, default: field.parse(given), required: false };
  } catch {
    if (type === 'text') throw new Error(`${field.key}: ${given} is no default`);
    return { ...field, required: false, defaultText: given };
  }
}

function typed(
  type: string,
  options: FieldOptions<never> & { readonly key: string },
  has: (flag: string) => boolean,
): Field<unknown> {
  if (type.includes('/')) return oneOf(type.split('/'), options, has);
  const make = own(makers, type);
  if (!make) throw new Error(`${options.key}: there is no type ${type}`);
  return make(options);
}

type Maker = (options: FieldOptions<never> & { readonly key: string }) => Field<unknown>;

const makers: Readonly<Record<string, Maker>> = {
  text: (options) => ({ ...optionalText(options), required: true }),
  integer: (options) => integer(options),
  natural: (options) => integer({ ...options, min: 0 }),
  positive: (options) => integer({ ...options, min: 1 }),
  port: (options) => integer({ ...options, min: 0, max: 65_535 }),
  boolean: (options) => boolean(options),
  words: (options) => list(options),
};

function oneOf(
  words: readonly string[],
  options: FieldOptions<never> & { readonly key: string },
  has: (flag: string) => boolean,
): Field<unknown> {
  const values = Object.fromEntries(words.map((word) => [word, '']));
  const made = choice({ ...options, values });
  return {
    ...made,
    ...(has('class') ? { typeText: `${made.typeText}, or a Java class` } : {}),
    parse: (value) => {
      if (has('class') && value.includes('.')) return value;
      const word = made.parse(value);
      if (has('exact') && word !== value) throw new Error(`expected ${word}, in these letters`);
      return word;
    },
  };
}

/** Options of every component that serves over TLS. */
export const tlsServerKeys = `
ssl | boolean | false | Serves over TLS.
keystore | text | if ssl | The key store with the server's key and certificate.
keystore-password | text secret | if ssl | The password of the key store.
keystore-type | text | JKS | JKS or PKCS12.
include-protocols | words | - | TLS versions that may be used; none: all that are safe.
exclude-protocols | words | SSLv3 | TLS versions that may not be used, SSLv3 always among them.
include-cipher-suites | words | - | Cipher suites that may be used; none: all.
exclude-cipher-suites | words | - | Cipher suites that may not be used.
`;

/** Options of every component that connects over TLS. */
export const tlsClientKeys = `
ssl | boolean | false | Connects over TLS.
truststore | text | - | The trust store; none: the certificates the machine trusts.
truststore-password | text secret | - | The password of the trust store.
truststore-type | text | JKS | JKS or PKCS12.
include-protocols | words | - | TLS versions that may be used; none: all that are safe.
exclude-protocols | words | SSLv3 | TLS versions that may not be used, SSLv3 always among them.
include-cipher-suites | words | - | Cipher suites that may be used; none: all.
exclude-cipher-suites | words | - | Cipher suites that may not be used.
`;

/** Options of sources that ask for events by themselves. */
export const pollKeys = `
backoffSleepIncrement | natural ms | 1000 | What the wait grows by each time nothing new is found.
maxBackoffSleep | natural ms | 5000 | The longest wait when nothing new is found.
`;
