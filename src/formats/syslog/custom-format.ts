import { isAscii, isUtf8 } from 'node:buffer';
import type { FieldProblem } from '../../config/definition.ts';
import { type ConfigOf, optionalText } from '../../config/field.ts';
import { javaPattern, javaSearch } from '../../config/java-pattern.ts';
import { JavaDateParser } from '../../config/parse-java-date.ts';
import type { KeptFields } from './keep-fields.ts';

/** A format of the configuration's own, as Flume's `SyslogUtils.addFormats` takes it. */
export const customFormatFields = {
  formatRegex: optionalText({
    key: 'format.regex',
    doc:
      'A regular expression of Java for whole messages, tried before the standard formats; its ' +
      'groups are priority, version, time, host and text.',
  }),
  formatSearch: optionalText({
    key: 'format.search',
    doc: 'A regular expression: what it finds in the time is replaced by `format.replace`.',
  }),
  formatReplace: optionalText({
    key: 'format.replace',
    doc: 'What stands there instead; `$1` is a group of `format.search`.',
  }),
  formatDateFormat: optionalText({
    key: 'format.dateFormat',
    doc: 'A SimpleDateFormat pattern, such as `yyyy/MM/dd HH:mm:ss`, that reads the time.',
  }),
};

export type CustomFormatConfig = ConfigOf<typeof customFormatFields>;

/** The format of a configuration; undefined when it has none. @throws SyntaxError */
export function customFormat(config: CustomFormatConfig): CustomFormat | undefined {
  return config.formatRegex === undefined ? undefined : new CustomFormat(config);
}

export function customFormatProblems(config: CustomFormatConfig): readonly FieldProblem[] {
  const { formatRegex, formatSearch, formatReplace, formatDateFormat } = config;
  const problems: FieldProblem[] = [];
  const check = (key: string, value: string | undefined, parse: (value: string) => unknown) => {
    if (value === undefined) return;
    if (formatRegex === undefined) {
      const problem = 'it has no effect without format.regex';
      problems.push({ key, problem, severity: 'warning' });
      return;
    }
    try {
      parse(value);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      problems.push({ key, problem: `it cannot be used here: ${why}` });
    }
  };
  check('format.regex', formatRegex, javaPattern);
  check('format.search', formatSearch, javaSearch);
  check('format.replace', formatReplace, replacementOf);
  check('format.dateFormat', formatDateFormat, (pattern) => new JavaDateParser(pattern));
  if (formatRegex !== undefined && (formatSearch === undefined) !== (formatReplace === undefined)) {
    const problem = 'format.search and format.replace are needed together';
    problems.push({ key: 'format.search', problem });
  }
  return problems;
}

/** What a format found in a message; undefined: there is no such thing. */
export interface CustomMatch {
  readonly priority: string | undefined;
  readonly version: string | undefined;
  /** In ms since 1970. */
  readonly timestamp: string | undefined;
  readonly host: string | undefined;
  /** Undefined: the message as it came. */
  readonly body: Buffer | undefined;
}

export class CustomFormat {
  readonly #regex: RegExp;
  readonly #search: RegExp | undefined;
  readonly #replacement: Replacement;
  readonly #dates: JavaDateParser | undefined;

  /** @throws SyntaxError for what has no form here */
  constructor(config: CustomFormatConfig) {
    const { formatRegex, formatSearch, formatReplace, formatDateFormat } = config;
    this.#regex = javaPattern(formatRegex ?? '');
    if (formatSearch !== undefined) {
      const { source, flags } = javaSearch(formatSearch);
      this.#search = new RegExp(source, `${flags}g`);
    }
    this.#replacement = replacementOf(formatReplace ?? '');
    if (formatDateFormat !== undefined) this.#dates = new JavaDateParser(formatDateFormat);
  }

  match(message: Buffer, now: number, kept: KeptFields): CustomMatch | undefined {
    // What is no UTF-8 is matched byte by byte, so that no byte of a body is changed.
    const encoding = !isAscii(message) && isUtf8(message) ? 'utf8' : 'latin1';
    const found = this.#regex.exec(message.toString(encoding));
    if (!found) return undefined;
    const [, priority, version, time, host, text] = found;
    const body = bodyOf(found, kept);
    const timestamp = time === undefined ? undefined : this.#timestamp(time, now);
    return {
      priority: priority || undefined,
      version: version || undefined,
      timestamp: timestamp === undefined ? undefined : String(timestamp),
      host: host || undefined,
      body: text === undefined || body === '' ? undefined : Buffer.from(body, encoding),
    };
  }

  #timestamp(time: string, now: number): number | undefined {
    const replaced = this.#search
      ? time.replace(this.#search, (...match) => this.#replacement(groupsOf(match)))
      : time;
    return this.#dates?.parse(replaced, now);
  }
}

/** The text, and before it what is kept of the rest; a dash for what is missing. */
function bodyOf([, priority, version, time, host, text]: RegExpExecArray, kept: KeptFields) {
  if (kept === 'all') return '';
  let body = text ?? '';
  if (kept === 'none') return body;
  if (kept.has('hostname')) body = `${host ?? '-'} ${body}`;
  if (kept.has('timestamp')) body = `${time ?? '-'} ${body}`;
  if (kept.has('version') && version) body = `${version} ${body}`;
  return kept.has('priority') ? `<${priority ?? '-'}>${body}` : body;
}

/** What stands for a match, made of its groups: the whole match is the first. */
type Replacement = (groups: readonly (string | undefined)[]) => string;

/** The groups among what `String.replace` gives: behind them stand the offset and more. */
function groupsOf(match: readonly unknown[]): (string | undefined)[] {
  const end = match.findIndex((each) => typeof each === 'number');
  return match.slice(0, end).map((each) => (typeof each === 'string' ? each : undefined));
}

/**
 * Java's replacements: `$1` is a group, a backslash makes the next character plain.
 *
 * @throws SyntaxError for `${name}`, and for a `$` or a backslash alone
 */
function replacementOf(pattern: string): Replacement {
  const parts = [...pattern.matchAll(/\\(.)|\$(\d+)|[^$\\]+|./gs)];
  for (const [part] of parts) {
    if (part === '$' || part === '\\') throw new SyntaxError(`a lone ${part} in a replacement`);
  }
  return (groups) =>
    parts
      .map(([part, plain, group]) => {
        if (plain !== undefined) return plain;
        return group === undefined ? part : groupText(groups, group);
      })
      .join('');
}

/** The group with the longest number that there is; digits behind it are text. */
function groupText(groups: readonly (string | undefined)[], digits: string): string {
  let length = digits.length;
  while (length > 1 && Number(digits.slice(0, length)) >= groups.length) length--;
  return (groups[Number(digits.slice(0, length))] ?? '') + digits.slice(length);
}
