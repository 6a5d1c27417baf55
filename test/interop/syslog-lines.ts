/** Random syslog messages, good and bad, on which Flume and Millrace are to agree. */
import type { Prng } from '../../src/testing/prng.ts';

export type LineKind = 'shared' | 'multiport' | 'udp';

/** Without line ends, and without what Flume is known to get wrong or to lose. */
export function syslogLines(prng: Prng, kind: LineKind, count: number): Buffer[] {
  const lines: Buffer[] = [];
  while (lines.length < count) {
    const line = prng.chance(0.15) ? nasty(prng) : plain(prng);
    if (line.length > 0 && isComparable(line, kind)) lines.push(Buffer.from(line));
  }
  return lines;
}

/** A stream of lines in pieces of random sizes. */
export function streamOf(prng: Prng, lines: readonly Buffer[]): Buffer[] {
  const bytes = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const to = at + 1 + prng.integer(prng.pick([3, 100, 2_000]));
    pieces.push(bytes.subarray(at, to));
    at = to;
  }
  return pieces;
}

function plain(prng: Prng): string {
  const priority = `<${prng.integer(192)}>`;
  const version = prng.pick(['', '1 ']);
  const time = prng.chance(0.5) ? shortTime(prng) : longTime(prng);
  const host = prng.pick(['box', 'web-01', 'db.example.com', '10.0.0.1', 'a_b@c']);
  return `${priority}${version}${time} ${host} ${text(prng)}`;
}

function nasty(prng: Prng): string {
  const priority = prng.pick(['<13>', '<013>', '<0>', '<999>', '<>', '<1234>', '<x>', '', '<13>']);
  const version = prng.pick(['1 ', '1', '2 ', '', ' ', '1  ']);
  const time = prng.pick([shortTime(prng), longTime(prng), '-', '', 'Xyz 20 10:11:12', 'tomorrow']);
  const host = prng.pick(['box', '-', '', 'fe80::1', 'häst', '-x', 'a/b']);
  const blank = () => prng.pick([' ', ' ', ' ', '  ', '']);
  const line = `${priority}${version}${time}${blank()}${host}${blank()}${text(prng)}`;
  const cut = prng.chance(0.2) ? line.slice(0, prng.integer(line.length + 1)) : line;
  return prng.chance(0.02) ? cut + 'long '.repeat(600) : cut;
}

const two = (number: number) => String(number).padStart(2, '0');

function clockTime(prng: Prng): string {
  return `${two(prng.integer(24))}:${two(prng.integer(60))}:${two(prng.integer(60))}`;
}

function shortTime(prng: Prng): string {
  const month = prng.pick('Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' '));
  return `${month} ${String(1 + prng.integer(28)).padStart(2)} ${clockTime(prng)}`;
}

function longTime(prng: Prng): string {
  const day = `${2002 + prng.integer(40)}-${two(1 + prng.integer(12))}-${two(1 + prng.integer(28))}`;
  const fraction = prng.pick(['', '', '.5', '.05', '.123', '.123456']);
  const zone = prng.pick(['Z', 'Z', '+05:00', '-08:30', '+00:00']);
  return `${day}T${clockTime(prng)}${fraction}${zone}`;
}

function text(prng: Prng): string {
  return prng.pick([
    '',
    ' ',
    'app[12]: text',
    '- - - [a b="c"] text',
    'größer 漢字',
    '\ta\tb',
    '<14>x',
  ]);
}

/** Not what is documented to differ in more than a header, or makes Flume lose other lines. */
function isComparable(line: string, kind: LineKind): boolean {
  // Flume goes on with the next line when one ends within its priority.
  if (/^<\d{0,3}$/.test(line)) return false;
  // Blanks are stepped over here, and are content there.
  if (/^ +</.test(line)) return false;
  // Datagrams are cut there.
  if (kind === 'udp' && Buffer.byteLength(line) > 2048) return false;
  if (kind !== 'multiport') return true;
  // Whatever comes with such a time is thrown away there.
  const hasWrongTime = /^<\d{1,5}>(?:1 )?[^-A-Z ][^ ]{19,} /.test(line) && !isLongTime(line);
  const isShort = /^<[^>]*>(?:1 )?(?:[^ ]{19,}\.\d* ?)?$/.test(line);
  return !hasWrongTime && !isShort && !/^<[-+]/.test(line);
}

function isLongTime(line: string): boolean {
  return /^<\d{1,5}>(?:1 )?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/.test(line);
}
