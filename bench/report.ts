/** The stored results of the benchmarks, and the page made of them. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import {
  cpuPerEvent,
  cpuPerEventAfterStart,
  eventsPerSecond,
  type Measurement,
  type Peer,
} from './flow.ts';

interface CaseResult {
  readonly name: string;
  /** In the order in which they ran: the peers in turns. */
  readonly runs: readonly Measurement[];
}

/** When, where and how something was measured. */
interface Circumstances {
  readonly date: string;
  readonly machine: string;
  /** What was typed, but for the scratch folder; absent in results of before it was kept. */
  readonly command?: string;
}

interface SuiteResult extends Circumstances {
  readonly suite: string;
  readonly cases: readonly CaseResult[];
}

/** What another benchmark has to say: a heading and Markdown. */
interface NoteResult extends Circumstances {
  readonly note: string;
  readonly markdown: string;
  /** What the Markdown was made of. */
  readonly data?: unknown;
}

const resultsFolder = join(import.meta.dirname, 'results');

const headings: Readonly<Record<string, string>> = {
  tuned: 'Tuned, both at their best',
  defaults: 'With the defaults of both',
  durable: 'Through a file channel, every batch synced',
  files: 'The same bytes in 1 to 5,000 files',
  lengths: 'Lines of 20 bytes to 64 KiB',
  start: 'From the command to the first byte of output',
};

export function saveSuite(suite: string, cases: readonly CaseResult[]): void {
  save(suite, { suite, ...circumstances(), cases } satisfies SuiteResult);
}

/** @param note the heading; @param data what was measured, kept beside the Markdown */
export function saveNote(name: string, note: string, markdown: string, data?: unknown): void {
  save(name, { note, ...circumstances(), markdown, data } satisfies NoteResult);
}

export function writeReport(): void {
  const stored = readdirSync(resultsFolder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(resultsFolder, name), 'utf8')));
  const suites = Object.keys(headings).flatMap((suite) => stored.filter((r) => r.suite === suite));
  const notes = stored.filter((result) => 'note' in result);
  const sections = [...suites.map(suiteSection), ...notes.map(noteSection)];
  writeFileSync(join(import.meta.dirname, 'RESULTS.md'), [introduction, ...sections].join('\n'));
}

const introduction = `# Measured: taildir → channel → file_roll, Millrace beside Apache Flume 1.11

\`npm run bench\` makes the tables that name both agents; under the others stands how they were
made. The agents run in turns on the same input, a generated access
log of 5,000,000 lines (978 MB; the curves: 200 MB), and the output is compared with it, byte for
byte. The rate counts from the first byte of output to the last; CPU is user and system time of the
whole process, all threads, from the command until everything is delivered (in brackets: without
what was used before the first output); memory is the peak that was resident. Medians over the
runs; a ratio is the median of the ratios of each pair, so that a slow hour hits both sides alike.
`;

function suiteSection({ suite, cases, ...circumstances }: SuiteResult): string {
  const rows = cases.flatMap((result) => caseRows(result, suite === 'start'));
  const head =
    suite === 'start'
      ? ['| case | agent | seconds | ratio | runs |', '|---|---|---:|---:|---:|']
      : [
          '| case | agent | M events/s | MB/s | ratio | CPU µs/event | ratio | peak MB | runs |',
          '|---|---|---:|---:|---:|---:|---:|---:|---:|',
        ];
  return [`## ${headings[suite]}`, '', ...head, ...rows, '', footer(circumstances), ''].join('\n');
}

function caseRows({ name, runs }: CaseResult, startOnly: boolean): string[] {
  const of = (peer: Peer) => runs.filter((run) => run.peer === peer);
  const ratio = (value: (run: Measurement) => number, peer: Peer) => {
    const ours = of('millrace');
    const theirs = of('flume');
    if (peer === 'flume' || ours.length === 0 || ours.length !== theirs.length) return '';
    return `${median(ours.map((run, i) => value(run) / value(theirs[i] ?? run))).toFixed(2)} ×`;
  };
  return (['millrace', 'flume'] as const).flatMap((peer) => {
    const own = of(peer);
    if (own.length === 0) return [];
    const middle = (value: (run: Measurement) => number) => median(own.map(value));
    const title = peer === 'millrace' ? 'Millrace' : 'Flume';
    if (startOnly) {
      const seconds = middle((run) => run.startSeconds).toFixed(2);
      return [
        cells(
          name,
          title,
          seconds,
          ratio((r) => r.startSeconds, peer),
          own.length,
        ),
      ];
    }
    const cpu = `${digits(middle(cpuPerEvent))} (${digits(middle(cpuPerEventAfterStart))})`;
    return [
      cells(
        name,
        title,
        digits(middle(eventsPerSecond) / 1e6),
        (middle((run) => run.bytes / run.flowSeconds) / 1e6).toFixed(0),
        ratio(eventsPerSecond, peer),
        cpu,
        ratio(cpuPerEvent, peer),
        (middle((run) => run.peakResidentBytes) / 1e6).toFixed(0),
        own.length,
      ),
    ];
  });
}

function noteSection({ note, markdown, ...circumstances }: NoteResult): string {
  return [`## ${note}`, '', markdown, '', footer(circumstances), ''].join('\n');
}

function footer({ date, machine, command }: Circumstances): string {
  return command ? `${date}, ${machine}: \`${command}\`` : `${date}, ${machine}.`;
}

function cells(...values: readonly (string | number)[]): string {
  return `| ${values.join(' | ')} |`;
}

/** Three of them: the runs differ in the second. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
  return (upper + lower) / 2;
}

function circumstances(): Required<Circumstances> {
  const model = cpus()[0]?.model.replace(/\s+/g, ' ').trim() || 'unknown CPU';
  const memory = Math.round(totalmem() / 2 ** 30);
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${model}, ${memory} GiB, Node ${process.version}`,
    command: commandLine(),
  };
}

function commandLine(): string {
  const [, script = '', ...rest] = process.argv;
  const scratch = rest.indexOf('--scratch');
  if (scratch >= 0) rest.splice(scratch, 2);
  const words = rest.map((word) => (/^[\w.,=-]+$/.test(word) ? word : `"${word}"`));
  return ['node', `bench/${basename(script)}`, ...words].join(' ');
}

function save(name: string, result: SuiteResult | NoteResult): void {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(join(resultsFolder, `${name}.json`), `${JSON.stringify(result, null, 1)}\n`);
}
