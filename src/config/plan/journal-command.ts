import type { Block } from '../blocks.ts';
import { own } from '../own.ts';

/** What to use in place of the `journalctl -f` of an exec source. */
export interface JournalInstead {
  /** The lines of a journal source that reads the same entries. */
  readonly lines: readonly string[];
  /** What becomes of entries at each start of the command, without a full stop. */
  readonly eachStart: string;
  /** Does the command write more than messages? The source's events are messages alone. */
  readonly addsToMessages: boolean;
}

const shortNames: Readonly<Record<string, string>> = {
  a: 'all',
  b: 'boot',
  D: 'directory',
  e: 'pager-end',
  f: 'follow',
  k: 'dmesg',
  l: 'full',
  n: 'lines',
  o: 'output',
  p: 'priority',
  q: 'quiet',
  t: 'identifier',
  u: 'unit',
  x: 'catalog',
};
const withValue = ['directory', 'identifier', 'lines', 'output', 'priority', 'unit'];
/** Options that don't change which entries come, or do what is looked at below. */
const withoutValue = [
  ...['all', 'boot', 'catalog', 'dmesg', 'follow', 'full', 'no-full', 'no-hostname'],
  ...['no-pager', 'no-tail', 'pager-end', 'quiet', 'utc'],
];
/** The form of the values that the journal source takes over as they are. */
const valueForms: Readonly<Record<string, RegExp>> = {
  lines: /^(\d+|all)$/,
  priority: /^[a-z0-7]+(\.\.[a-z0-7]+)?$/,
};

/** What a shell would read as something else; the source has no shell. */
const shellCharacters = /['"|;&<>$`\\(){}#]/;

/**
 * For a command that follows the journal, and of which every word is understood; undefined for any
 * other.
 */
export function journalInsteadOf({ prefix, properties }: Block): JournalInstead | undefined {
  const command = properties.get('command')?.value ?? '';
  const [program = '', ...words] = command.trim().split(/\s+/);
  if (!/^(\/(usr\/)?bin\/)?journalctl$/.test(program) || shellCharacters.test(command)) {
    return undefined;
  }
  const given = optionsIn(words);
  if (!given?.has('follow')) return undefined;
  const last = (name: string) => given.get(name)?.at(-1);
  const count = given.has('no-tail') ? 'all' : (last('lines') ?? '10');
  const matches = [
    ...(given.get('match') ?? []),
    ...(given.get('identifier') ?? []).map((each) => `SYSLOG_IDENTIFIER=${each}`),
    ...(given.has('dmesg') ? ['_TRANSPORT=kernel'] : []),
  ];
  const options: readonly (readonly [key: string, value: string | undefined])[] = [
    ['type', 'journal'],
    ['units', given.get('unit')?.join(' ')],
    ['priority', last('priority')],
    ['matches', matches.join(' ')],
    ['directory', last('directory')],
    ['since', count === 'all' ? undefined : 'now'],
  ];
  return {
    lines: options.flatMap(([key, value]) => (value ? [`${prefix}${key} = ${value}`] : [])),
    eachStart: eachStart(count),
    addsToMessages: last('output') !== 'cat',
  };
}

function eachStart(count: string): string {
  const missing = 'misses what came meanwhile';
  if (count === 'all') return 'Each start sends all of the journal again';
  if (Number(count) === 0) return `Each start ${missing}`;
  const entries = Number(count) === 1 ? 'entry' : `${count} entries`;
  return `Each start sends the last ${entries} again and ${missing}`;
}

/** The values by long name, and the matches; undefined when a word is none of those known here. */
function optionsIn(words: readonly string[]): ReadonlyMap<string, readonly string[]> | undefined {
  const given = new Map<string, string[]>();
  const left = [...words];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    const [name, attached, rest] = split(word);
    const isFlag = withoutValue.includes(name);
    if (isFlag && attached !== undefined) return undefined;
    if (!isFlag && !withValue.includes(name) && name !== 'match') return undefined;
    const value = isFlag ? '' : (attached ?? left.shift());
    if (value === undefined || own(valueForms, name)?.test(value) === false) return undefined;
    given.set(name, [...(given.get(name) ?? []), value]);
    if (rest !== undefined) left.unshift(rest);
  }
  return given;
}

/** The first option of a word, a value that is part of the word, and further options: `-fu`. */
function split(word: string): [name: string, value: string | undefined, rest?: string] {
  const [, long, value] = /^--([a-z-]+)(?:=(.*))?$/.exec(word) ?? [];
  if (long !== undefined) return [long, value];
  const [, letter = '', more = ''] = /^-(\w)(.*)$/.exec(word) ?? [];
  const name = own(shortNames, letter) ?? '';
  if (name === '') return [/^[A-Z0-9_]+=./.test(word) ? 'match' : '', word];
  if (more === '') return [name, undefined];
  return withoutValue.includes(name) ? [name, undefined, `-${more}`] : [name, more];
}
