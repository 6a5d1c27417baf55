import type { Field } from './field.ts';
import { defaultText } from './read-config.ts';

/** An option as a page or a terminal shows it. */
export interface Row {
  readonly key: string;
  readonly type: string;
  readonly defaultText: string;
  readonly unit: string;
  readonly doc: string;
  readonly values: readonly (readonly [word: string, doc: string])[];
  /** Flume has no such option. */
  readonly extra: boolean;
  /** It has no effect, or another name by now. */
  readonly old: boolean;
}

export function rowOf(key: string, field: Field<unknown>): Row {
  const values = Object.entries(field.values ?? {});
  return {
    key: key + (field.prefix ? '*' : ''),
    type: field.typeText,
    defaultText: field.required ? 'required' : defaultText(field),
    unit: field.unit ?? '',
    doc: docOf(field),
    values: values.filter(([, doc]) => doc !== ''),
    extra: field.extra === true,
    old: field.deprecated !== undefined || field.ignored !== undefined,
  };
}

function docOf(field: Field<unknown>): string {
  const parts = [field.doc];
  if (field.extra) parts.push('Not in Flume.');
  if (field.lenient) parts.push('A bad value gives a warning and the default.');
  if (field.secret) parts.push('Never printed.');
  if (field.deprecated) parts.push(`Deprecated: ${field.deprecated}`);
  if (field.ignored) parts.push(`No effect here: ${field.ignored}`);
  return parts.filter(Boolean).join(' ');
}

export interface Group {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Fewer options than this are not divided further. */
const minDivided = 12;

/** In this order; what fits none of them is general. */
const topics: readonly (readonly [title: string, keys: RegExp])[] = [
  ['TLS', /^(ssl|enableSSL)$|keystore|truststore|^(include|exclude)-|cipher|excludeProtocols/i],
  ['Kerberos', /kerberos|principal|keytab|proxyUser/],
  ['Encryption', /^encryption\./],
  ['Time in paths', /\.?(round|roundValue|roundUnit|timeZone|useLocalTimeStamp)$/],
  [
    'Files',
    /roll[A-Z]|file(Prefix|Suffix|Type)|inUse|writeFormat|codeC|OpenFiles|closeTries|pathManager/i,
  ],
  ['Form of events', /serializer|deserializer|charset|encoding/i],
  ['Headers', /header|keepFields/i],
  ['Batches and time', /batch|timeout|interval|backoff|retry|keep-alive|poll|throttle/i],
];

/** The options by what they are about: the required ones first, what is old last. */
export function groupsOf(rows: readonly Row[]): Group[] {
  const plain = rows.filter(({ old }) => !old);
  const groups = new Map<string, Row[]>();
  const add = (title: string, row: Row) => groups.set(title, [...(groups.get(title) ?? []), row]);
  const isLong = plain.length >= minDivided;
  for (const row of plain) {
    if (row.defaultText === 'required') add('Required', row);
    else if (row.extra) add('Not in Flume', row);
    else add((isLong && topics.find(([, keys]) => keys.test(row.key))?.[0]) || 'General', row);
  }
  for (const row of rows.filter(({ old }) => old)) add('Deprecated, or without effect here', row);
  const order = ['Required', 'General', ...topics.map(([title]) => title), 'Not in Flume'];
  const rank = (title: string) => (order.indexOf(title) + order.length + 1) % (order.length + 1);
  return [...groups]
    .map(([title, found]) => ({ title, rows: found }))
    .sort((a, b) => rank(a.title) - rank(b.title));
}
