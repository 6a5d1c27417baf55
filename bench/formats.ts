/**
 * The serializers and codecs alone, without files of sinks: an access log is in memory as events
 * (headers: a timestamp of each, one host), in batches of 1,000; they are written and read back in
 * every form, each in a process of its own.
 *
 *   node bench/formats.ts [--lines 200000] [--seconds 4] [--runs 3] [--only parquet]
 *        [--scratch /tmp] [--save]
 *
 * For a profile: `node --cpu-prof bench/formats.ts --case "parquet snappy" --seconds 10,0`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type FormatCase, formatCases, nameOf } from './format-cases.ts';
import { type FormatMeasurement, measureFormat } from './format-measure.ts';
import { median, saveNote, writeReport } from './report.ts';

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '200000' },
    /** For writing and for reading; or one for both. */
    seconds: { type: 'string', default: '4' },
    runs: { type: 'string', default: '3' },
    /** Cases whose name begins so. */
    only: { type: 'string', default: '' },
    /** This one alone, in this process. */
    case: { type: 'string' },
    scratch: { type: 'string', default: tmpdir() },
    save: { type: 'boolean', default: false },
  },
});

interface CaseRuns {
  readonly formatCase: FormatCase;
  readonly runs: readonly FormatMeasurement[];
}

const titles = [
  ...['serializer', 'codec', 'size', 'write MB/s', 'main µs/event', 'all µs/event'],
  ...['heap B/event', 'buffers B/event', 'read MB/s'],
];

if (values.case !== undefined) await measureHere(values.case);
else measureAll();

async function measureHere(name: string): Promise<void> {
  const found = formatCases.find((each) => nameOf(each) === name);
  if (!found) throw new Error(`no case ${name}; there are ${formatCases.map(nameOf).join('; ')}`);
  const folder = mkdtempSync(join(values.scratch, 'millrace-bench-formats-'));
  try {
    const [write = 0, read = write] = values.seconds.split(',').map(Number);
    const measured = await measureFormat(found, Number(values.lines), { write, read }, folder);
    console.log(JSON.stringify(measured));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function measureAll(): void {
  const all = formatCases.filter((each) => nameOf(each).startsWith(values.only));
  const results = all.map((formatCase): CaseRuns => {
    const runs = Array.from({ length: Number(values.runs) }, () => run(formatCase));
    console.log(nameOf(formatCase), JSON.stringify(runs));
    return { formatCase, runs };
  });
  const markdown = `${introduction()}\n\n${table(results)}`;
  console.log(markdown);
  if (!values.save) return;
  saveNote('formats', 'Formats and codecs', markdown, results);
  writeReport();
}

function run(formatCase: FormatCase): FormatMeasurement {
  const { lines, seconds, scratch } = values;
  const output = execFileSync(
    process.execPath,
    [
      // As bin/millrace sets it.
      '--max-semi-space-size=8',
      import.meta.filename,
      ...['--case', nameOf(formatCase)],
      ...['--lines', lines, '--seconds', seconds, '--scratch', scratch],
    ],
    { encoding: 'utf8' },
  );
  return JSON.parse(output) as FormatMeasurement;
}

function introduction(): string {
  const lines = Number(values.lines).toLocaleString('en');
  return `An access log of ${lines} lines is in memory as events, with a header timestamp of each
and one host, in batches of 1,000. They are written again and again to files that
nobody keeps, with the defaults of each serializer, blocks of 1 MiB or so, and levels as the codecs
have them by themselves; and such a file is read back from the page cache. MB/s are of the log, with
its newlines; its size is 1. CPU and memory are those of writing: the main thread (which the agent
has one of) and all threads; what V8’s heap got, and what Buffers got beside it.`;
}

function table(results: readonly CaseRuns[]): string {
  const rows = results.map(({ formatCase, runs }) => {
    const mid = (of: (run: FormatMeasurement) => number) => median(runs.map(of));
    return `| ${[
      formatCase.serializer,
      formatCase.codec,
      mid((each) => each.size).toFixed(3),
      mid((each) => each.writtenMegabytesPerSecond).toFixed(0),
      mid((each) => each.mainMicroseconds).toFixed(2),
      mid((each) => each.processMicroseconds).toFixed(2),
      mid((each) => each.heapBytes).toFixed(0),
      mid((each) => each.externalBytes).toFixed(0),
      mid((each) => each.readMegabytesPerSecond).toFixed(0),
    ].join(' | ')} |`;
  });
  return [
    `| ${titles.join(' | ')} |`,
    `|---|---|${'---:|'.repeat(titles.length - 2)}`,
    ...rows,
  ].join('\n');
}
