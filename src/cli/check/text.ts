import { styleText } from 'node:util';
import { type Finding, oneLine, type Severity } from '../../config/finding.ts';
import { type Guarantee, guarantees } from '../../config/guarantee.ts';
import type { Planned } from '../../config/plan.ts';
import { isSecretKey, withoutSecrets } from '../../config/secrets.ts';
import { type Mark, type SourceLines, widthOf } from './source-lines.ts';

type Style = Parameters<typeof styleText>[0];

/** Colours, where the output is a terminal and nobody asked for none. */
const styled = (style: Style, text: string) => styleText(style, text, { stream: process.stdout });

const colours: Readonly<Record<Severity, Style>> = {
  error: ['bold', 'red'],
  warning: ['bold', 'yellow'],
  note: ['bold', 'cyan'],
};

/** A finding with its line, what follows from it and what to do. */
export function findingText(found: Finding, lines: SourceLines): string {
  const { file, line, severity, code, what, consequence, inFlume, suggestion } = found;
  const mark = lines.mark(found);
  const column = mark ? mark.start + 1 : found.column;
  const where = [file, line, column].filter((part) => part !== undefined).join(':');
  const parts = [
    `${where === '' ? '' : `${where}: `}${styled(colours[severity], severity)}: ` +
      `${styled('bold', oneLine(what))} ${styled('dim', `[${code}]`)}`,
    mark && shownLine(found, mark),
    `  Then   ${oneLine(consequence)}`,
    inFlume && `  Flume  ${oneLine(inFlume)}`,
    `  Hint   ${oneLine(suggestion)}`,
    ...(found.lines ?? []).map((each) => `           ${oneLine(each)}`),
  ];
  return `${parts.filter(Boolean).join('\n')}\n`;
}

/** Of a longer line only the part around the mark is shown. */
const maxShown = 120;

function shownLine(found: Finding, mark: Mark): string {
  const hidden = withoutSecrets(mark.text);
  const isHidden = hidden !== mark.text;
  const from = mark.start > maxShown / 2 && mark.text.length > maxShown ? mark.start - 40 : 0;
  const text = plain(hidden.slice(from, from + maxShown));
  const gutter = `${String(found.line).padStart(6)} | `;
  const more = hidden.length > from + maxShown ? '…' : '';
  const source = `${gutter}${from > 0 ? '…' : ''}${text}${more}`;
  const indent = widthOf(plain(mark.text.slice(from, mark.start))) + (from > 0 ? 1 : 0);
  // What is hidden moves what follows it: only keys, which come before, can be underlined then.
  const end = isHidden ? Math.min(mark.end, keyEnd(mark.text)) : mark.end;
  const width = widthOf(plain(mark.text.slice(mark.start, Math.min(end, from + maxShown))));
  if (width <= 0) return source;
  const carets = styled(colours[found.severity], '^'.repeat(width));
  return `${source}\n${' '.repeat(gutter.length - 2)}| ${' '.repeat(indent)}${carets}`;
}

function keyEnd(line: string): number {
  const end = line.search(/[=:\s]*[=:\s]/);
  return end < 0 || !isSecretKey(line.slice(0, end)) ? 0 : end;
}

function plain(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ');
}

/** What of an agent would run, and what each way through it promises. */
export function agentText({ plan, runnable }: Planned): string {
  const { agent, sources, channels, sinks } = plan;
  if (!runnable) return `${styled('bold', agent)}: nothing would run.\n`;
  const parts = [
    count(sources.length, 'source'),
    count(channels.length, 'channel'),
    count(sinks.length, 'sink'),
  ];
  const paths = guarantees(plan).map(pathText);
  return [`${styled('bold', agent)}: ${parts.join(', ')} would run.`, ...paths, ''].join('\n');
}

const levelColours: Readonly<Record<Guarantee['level'], Style>> = {
  'exactly once': 'green',
  'at least once': 'yellow',
  'may lose': 'red',
  'no sink': 'red',
};

function pathText({ source, channel, sink, level, promise, why, better }: Guarantee): string {
  const path = [source, channel, ...(sink === undefined ? [] : [sink])].join(' → ');
  const parts = [
    `  ${path}: ${styled(levelColours[level], level)}. ${promise}`,
    `    Why     ${why}`,
    ...(better ? [`    Better  ${better.text}`] : []),
    ...(better?.lines ?? []).map((line) => `              ${line}`),
  ];
  return parts.join('\n');
}

export function countsText(findings: readonly Finding[]): string {
  const of = (severity: Severity) =>
    count(findings.filter((each) => each.severity === severity).length, severity);
  return `${of('error')}, ${of('warning')}, ${of('note')}.`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
