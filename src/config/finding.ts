import type { FindingCode } from './finding-codes.ts';

/**
 * Something that a person should know about a configuration. `error`: a part of it will not run.
 * `warning`: it runs, but probably not as meant. `note`: good to know.
 */
export interface Finding extends FindingText {
  readonly severity: Severity;
  /** Stable, for programs: `unknown-key`. */
  readonly code: FindingCode;
  /** The configuration file; absent when the finding is about no file. */
  readonly file?: string | undefined;
  /** From 1; absent when the finding is about the file as a whole. */
  readonly line?: number | undefined;
  /** From 1, in bytes. */
  readonly column?: number | undefined;
  /** In bytes, within the line: what to underline. */
  readonly length?: number | undefined;
  /** The full key, or the beginning of keys that a component's lines share. */
  readonly key?: string | undefined;
}

export type Severity = 'error' | 'warning' | 'note';

/** Where a finding is about. */
export type Place = Pick<Finding, 'key' | 'file' | 'line' | 'column' | 'length'>;

export interface FindingText {
  /** What is wrong: a sentence. */
  readonly what: string;
  /** What happens because of it: a sentence. */
  readonly consequence: string;
  /** What happens in Flume, where that is something else: a sentence. */
  readonly inFlume?: string | undefined;
  /** What to do about it: a sentence. */
  readonly suggestion: string;
  /** Lines to write instead. */
  readonly lines?: readonly string[] | undefined;
}

export function finding(
  severity: Severity,
  code: FindingCode,
  place: Place,
  text: FindingText,
): Finding {
  const { key, file, line, column, length } = place;
  return {
    ...{ severity, code, file, line, column, length },
    key: key && asWritten(key),
    what: asWritten(text.what),
    consequence: asWritten(text.consequence),
    ...(text.inFlume ? { inFlume: asWritten(text.inFlume) } : {}),
    suggestion: asWritten(text.suggestion),
    ...(text.lines ? { lines: text.lines } : {}),
  };
}

/**
 * Files are read as ISO-8859-1, but most were written in UTF-8: what is shown is what was written.
 */
export function asWritten(text: string): string {
  return text.replaceAll(/[\x80-\xff]+/g, (run) => {
    const meant = Buffer.from(run, 'latin1').toString('utf8');
    return meant.includes('\ufffd') ? run : meant;
  });
}

/** `flume.conf:12:1: warning: …`, all on one line. */
export function renderFinding(found: Finding): string {
  const { file, line, column, severity, code, what, consequence, suggestion, lines = [] } = found;
  const where = [file, line, column].filter((part) => part !== undefined).join(':');
  const inFlume = found.inFlume && `In Flume: ${found.inFlume}`;
  const named = found.key && !what.includes(found.key) ? `${found.key}: ${what}` : what;
  const sentences = [named, consequence, inFlume, suggestion, lines.join(' | ')];
  const text = `${severity}: ${sentences.filter(Boolean).join(' ')} [${code}]`;
  return oneLine(where === '' ? text : `${where}: ${text}`);
}

/** Without characters that move the cursor, or end a line. */
export function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?');
}

const ranks: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 };

/** In the order of files and lines; what is about no line comes first, then the worst first. */
function sortFindings(findings: readonly Finding[]): Finding[] {
  const files = [...new Set(findings.map((each) => each.file))];
  return [...findings].sort(
    (a, b) =>
      files.indexOf(a.file) - files.indexOf(b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      ranks[a.severity] - ranks[b.severity] ||
      (a.column ?? 0) - (b.column ?? 0),
  );
}

/** Findings that say why another one of the same line came to be: the other one is left out. */
const causes: Readonly<Record<string, readonly FindingCode[]>> = {
  unresolved: ['bad-lookup', 'config-filter-failed'],
  'unknown-key': ['missing-key', 'missing-channel'],
};

/** What can be the reason for an error of the same line, and then knows better what to do. */
const reasons: readonly FindingCode[] = ['comment-in-value', 'unresolved'];
/** Findings that can come of those. */
const results = /^(bad-value|unknown-|component-without-lines|not-a-boolean)/;

/**
 * In order, and without what another finding says better: when a comment behind a value is why
 * something can't run, that is said once.
 */
export function settleFindings(findings: readonly Finding[]): Finding[] {
  const lineOf = ({ file, line }: Finding) => `${file}:${line}`;
  const byLine = new Map<string, Finding[]>();
  for (const each of findings) {
    const line = byLine.get(lineOf(each));
    if (line) line.push(each);
    else byLine.set(lineOf(each), [each]);
  }
  const settled = findings.flatMap((each) => {
    const others = each.line === undefined ? [] : (byLine.get(lineOf(each)) ?? []);
    if (others.some(({ code }) => causes[each.code]?.includes(code))) return [];
    if (reasons.includes(each.code) && others.some(({ code }) => results.test(code))) return [];
    const reason = results.test(each.code) && others.find(({ code }) => reasons.includes(code));
    return [reason ? { ...each, suggestion: reason.suggestion } : each];
  });
  return sortFindings(settled);
}
