import type { Finding } from '../../config/finding.ts';

/** The part of a line that a finding is about, as a person sees it. */
export interface Mark {
  /** The whole line. */
  readonly text: string;
  /** In UTF-16 units, from 0. */
  readonly start: number;
  readonly end: number;
}

/**
 * The lines of the files. The format is ISO-8859-1, and positions are bytes; but people write
 * UTF-8, and see that.
 */
export class SourceLines {
  readonly #files: ReadonlyMap<string, readonly Buffer[]>;

  constructor(contents: ReadonlyMap<string, Buffer>) {
    this.#files = new Map([...contents].map(([file, bytes]) => [file, linesOf(bytes)]));
  }

  mark({ file, line, column = 1, length = 1 }: Finding): Mark | undefined {
    if (file === undefined || line === undefined) return undefined;
    const bytes = this.#files.get(file)?.[line - 1];
    if (!bytes) return undefined;
    const decode = isUtf8(bytes) ? 'utf8' : 'latin1';
    const until = (end: number) => bytes.toString(decode, 0, end).length;
    return {
      text: bytes.toString(decode),
      start: until(column - 1),
      end: until(Math.min(bytes.length, column - 1 + length)),
    };
  }
}

function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (const end of bytes.toString('latin1').matchAll(/\r\n|\r|\n/g)) {
    lines.push(bytes.subarray(start, end.index));
    start = end.index + end[0].length;
  }
  lines.push(bytes.subarray(start));
  return lines;
}

function isUtf8(bytes: Buffer): boolean {
  return !bytes.toString('utf8').includes('\ufffd');
}

/** Characters that take two columns of a terminal: those of East Asia, and emoji. */
const wide = new RegExp(
  [
    '[\\u1100-\\u115f\\u2e80-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f\\uff00-\\uff60]',
    '[\\uffe0-\\uffe6\\u{1f300}-\\u{1faff}\\u{20000}-\\u{3fffd}]',
  ].join('|'),
  'gu',
);

/** How many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  return [...text].length + [...text.matchAll(wide)].length;
}
