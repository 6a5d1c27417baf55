/**
 * Something that a person should know about a configuration. `error`: a part of it will not run.
 * `warning`: it runs, but probably not as meant. `note`: good to know.
 */
export interface Finding {
  readonly severity: Severity;
  /** Stable, for programs: `unknown-key`. */
  readonly code: string;
  /** The configuration file; absent when the finding is about no file. */
  readonly file?: string | undefined;
  /** From 1; absent when the finding is about the file as a whole. */
  readonly line?: number | undefined;
  /** From 1. */
  readonly column?: number | undefined;
  /** The full key, or the beginning of keys that a component's lines share. */
  readonly key?: string | undefined;
  /** What is wrong: a sentence. */
  readonly what: string;
  /** What happens because of it: a sentence. */
  readonly consequence: string;
  /** What to write instead: a sentence. */
  readonly suggestion?: string | undefined;
}

export type Severity = 'error' | 'warning' | 'note';

/** Where a finding is about. */
export interface Place {
  readonly key?: string | undefined;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

export interface FindingText {
  readonly what: string;
  readonly consequence: string;
  readonly suggestion?: string | undefined;
}

export function finding(
  severity: Severity,
  code: string,
  place: Place,
  text: FindingText,
): Finding {
  const { key, file, line, column } = place;
  return { severity, code, file, line, column, key, ...text };
}

/** `flume.conf:12: warning: …`, all on one line. */
export function renderFinding(found: Finding): string {
  const { file, line, severity, code, what, consequence, suggestion } = found;
  const where = [file, line].filter((part) => part !== undefined).join(':');
  const sentences = [what, consequence, suggestion].filter(Boolean).join(' ');
  const text = `${where === '' ? '' : `${where}: `}${severity}: ${sentences} [${code}]`;
  return text.replaceAll(/\p{Cc}/gu, '?');
}

const ranks: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 };

/** In the order of files and lines; what is about no line comes first, then the worst first. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const files = [...new Set(findings.map((each) => each.file))];
  return [...findings].sort(
    (a, b) =>
      files.indexOf(a.file) - files.indexOf(b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      ranks[a.severity] - ranks[b.severity],
  );
}
