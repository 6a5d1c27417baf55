import { FormatError } from '../core/errors.ts';

/*
 * Java's .properties format, as Flume loads it: from bytes, which are ISO-8859-1.
 *
 *   - A natural line ends with LF, CR or CR LF. Blanks (space, tab, form feed) at its beginning are
 *     skipped. When it is empty then, or begins with # or !, it is skipped.
 *   - An odd number of backslashes at its end continues it: the last backslash goes, and the next
 *     natural line follows without its leading blanks. A comment is never continued, and a line
 *     that is reached by continuation is no comment either, unless nothing came before it.
 *   - The key ends at the first =, : or blank that no backslash precedes; the value begins after
 *     the blanks and the at most one = or : that follow. Without any of them the value is empty.
 *   - \t \n \r \f and \uXXXX in keys and values mean what they mean in Java; \c is c for any other
 *     c.
 */

/** One `key = value`, and where its key begins. Blanks at the end of the value are still there. */
export interface Property {
  readonly key: string;
  readonly value: string;
  /** The file's name as the user gave it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in bytes. */
  readonly column: number;
  /** Characters that lost a backslash: `\d` is read as `d`, which is seldom meant. */
  readonly lostBackslashes: readonly string[];
  /** The text as it stands in the file: one part for each line that it was continued on. */
  readonly parts: readonly RawPart[];
}

/** What one line of a file adds to a property: no leading blanks, no backslash at its end. */
export interface RawPart {
  /** From 1. */
  readonly line: number;
  /** From 1, in bytes. */
  readonly column: number;
  readonly text: string;
}

/** A property that a later one with the same key replaced. */
export interface Overridden {
  readonly lost: Property;
  readonly winner: Property;
}

export interface MergedProperties {
  /** The last of each key, in the order in which the keys first appear. */
  readonly properties: ReadonlyMap<string, Property>;
  readonly overridden: readonly Overridden[];
}

/**
 * All properties of one file, in order, repeated keys too.
 *
 * @throws FormatError for a \u without four hexadecimal digits, which fails the whole load in Java
 *   too
 */
export function parseProperties(bytes: Buffer, file: string): Property[] {
  const text = bytes.toString('latin1');
  const properties: Property[] = [];
  for (const { text: whole, parts, offset } of logicalLines(text)) {
    const { keyEnd, valueStart } = bounds(whole);
    const { line, column } = parts[0] ?? { line: 1, column: 1 };
    const lost: string[] = [];
    const place = { file, line, offset, lost };
    properties.push({
      key: unescaped(whole.slice(0, keyEnd), place),
      value: unescaped(whole.slice(valueStart), place),
      file,
      line,
      column,
      lostBackslashes: lost,
      parts,
    });
  }
  return properties;
}

/** Later files override earlier ones key by key, and later lines earlier lines. */
export function mergeProperties(files: readonly (readonly Property[])[]): MergedProperties {
  const properties = new Map<string, Property>();
  const overridden: Overridden[] = [];
  for (const file of files) {
    for (const property of file) {
      const lost = properties.get(property.key);
      if (lost) overridden.push({ lost, winner: property });
      properties.set(property.key, property);
    }
  }
  return { properties, overridden };
}

/** The three bytes of U+FEFF in UTF-8, read as ISO-8859-1. */
export const byteOrderMark = '\u00ef\u00bb\u00bf';

interface LogicalLine {
  /** All parts, joined. */
  readonly text: string;
  /** At least one. */
  readonly parts: readonly RawPart[];
  /** Of its first character, in the file. */
  readonly offset: number;
}

function* logicalLines(text: string): Generator<LogicalLine> {
  const lines = naturalLines(text);
  for (let index = 0; index < lines.length; index++) {
    const { text: first, offset } = lines[index] ?? { text: '', offset: 0 };
    let part = withoutLeadingBlanks(first);
    if (part === '' || isComment(part)) continue;
    const indent = first.length - part.length;
    const parts: RawPart[] = [];
    let column = indent + 1;
    let joined = '';
    const add = (added: string) => {
      parts.push({ line: index + 1, column, text: added });
      joined += added;
    };
    while (endsInOddBackslashes(part)) {
      add(part.slice(0, -1));
      const next = lines[++index]?.text ?? '';
      part = withoutLeadingBlanks(next);
      column = next.length - part.length + 1;
      if (joined === '' && isComment(part)) part = '';
    }
    if (part !== '' || parts.length === 0) add(part);
    if (joined === '' && !isCutOff(lines, index)) continue;
    yield { text: joined, parts, offset: offset + indent };
  }
}

/**
 * Java sees a key without a name where a backslash alone ends the file, with or without a line end
 * of one character behind it, and only there.
 */
function isCutOff(lines: readonly NaturalLine[], index: number): boolean {
  const isLast = index === lines.length - 1 && lines[index]?.text === '';
  return index >= lines.length || (isLast && lines[index - 1]?.end.length === 1);
}

function isComment(line: string): boolean {
  return line[0] === '#' || line[0] === '!';
}

interface NaturalLine {
  readonly text: string;
  /** Of its first character, in the file. */
  readonly offset: number;
  /** What ends it: empty for the last. */
  readonly end: string;
}

function naturalLines(text: string): NaturalLine[] {
  const lines: NaturalLine[] = [];
  let start = 0;
  for (const end of text.matchAll(/\r\n|\r|\n/g)) {
    lines.push({ text: text.slice(start, end.index), offset: start, end: end[0] });
    start = end.index + end[0].length;
  }
  lines.push({ text: text.slice(start), offset: start, end: '' });
  return lines;
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t' || character === '\f';
}

function withoutLeadingBlanks(line: string): string {
  let start = 0;
  while (isBlank(line[start])) start++;
  return line.slice(start);
}

function endsInOddBackslashes(line: string): boolean {
  let count = 0;
  while (count < line.length && line[line.length - 1 - count] === '\\') count++;
  return count % 2 === 1;
}

/** Where the key of a line ends and its value begins. */
export function bounds(line: string): { keyEnd: number; valueStart: number } {
  let keyEnd = 0;
  while (keyEnd < line.length && !isBlank(line[keyEnd]) && !isSeparator(line[keyEnd])) {
    keyEnd += line[keyEnd] === '\\' ? 2 : 1;
  }
  keyEnd = Math.min(keyEnd, line.length);
  let valueStart = keyEnd;
  while (isBlank(line[valueStart])) valueStart++;
  if (isSeparator(line[valueStart])) valueStart++;
  while (isBlank(line[valueStart])) valueStart++;
  return { keyEnd, valueStart };
}

function isSeparator(character: string | undefined): boolean {
  return character === '=' || character === ':';
}

interface Place {
  readonly file: string;
  readonly line: number;
  readonly offset: number;
  /** Collects the characters that lost their backslash without need. */
  readonly lost: string[];
}

/** Characters that would end a key, or make a comment of a line, without their backslash. */
const special = /[\\=:#!\s]/;

const controls: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescaped(text: string, place: Place): string {
  if (!text.includes('\\')) return text;
  return text.replaceAll(/\\(?:u([\s\S]{0,4})|([\s\S]?))/g, (_all, hex?: string, other = '') => {
    if (hex === undefined) {
      if (other !== '' && !special.test(other) && controls[other] === undefined) {
        place.lost.push(other);
      }
      return controls[other] ?? other;
    }
    if (!/^[0-9A-Fa-f]{4}$/.test(hex)) {
      const problem = 'a \\u must be followed by four hexadecimal digits';
      throw new FormatError(`${place.file}:${place.line}: ${problem}`, place.offset);
    }
    return String.fromCharCode(Number.parseInt(hex, 16));
  });
}
