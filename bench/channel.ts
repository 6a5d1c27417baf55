/**
 * The file channel alone, on this machine's disk: many small puts at once, the start with a backlog
 * and after many events, what an event costs while many wait, and memory with a large backlog.
 *
 *   node bench/channel.ts --suites callers,replay,start,queued,resident --scratch /tmp
 *        --runs 3 --callers 1000 --events 1000000 --replay-bytes 1e9 --passed 64e6
 *        --queued 1e6,4e6,16e6,64e6 --resident-bytes 20e9
 *
 * Writes bench/results/channel-SUITE.json and, from all results, bench/RESULTS.md. Every run is a
 * process of its own (channel-steps.ts).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { StepResult } from './channel-steps.ts';
import { median, saveNote, writeReport } from './report.ts';

const { values } = parseArgs({
  options: {
    suites: { type: 'string', default: 'callers,replay,start,queued,resident' },
    scratch: { type: 'string', default: tmpdir() },
    runs: { type: 'string', default: '3' },
    callers: { type: 'string', default: '1000' },
    events: { type: 'string', default: '1000000' },
    'replay-bytes': { type: 'string', default: '1e9' },
    passed: { type: 'string', default: '64e6' },
    queued: { type: 'string', default: '1e6,4e6,16e6,64e6' },
    'resident-bytes': { type: 'string', default: '20e9' },
  },
});
const scratch = join(values.scratch, 'millrace-bench');
const runs = Number(values.runs);

const stepNames: Readonly<Record<string, string>> = {
  fill: 'put',
  first: 'from the start to the first event',
  drain: 'take and commit',
};

const suites: Readonly<Record<string, () => void>> = { callers, replay, start, queued, resident };
for (const name of values.suites.split(',')) {
  const suite = suites[name];
  if (!suite) throw new Error(`${name}: expected one of ${Object.keys(suites).join(', ')}`);
  suite();
}
writeReport();

function callers(): void {
  const options = { events: Number(values.events), callers: Number(values.callers) };
  const results = times(runs, () => {
    return runSteps(emptyFolder('callers'), ['callers', 'stop'], options)('callers');
  });
  const middle = middleOf(results);
  const perSync = middle(({ events, syncs }) => events / syncs);
  const markdown = [
    `${count(options.callers)} callers put one event of 200 bytes each, wait until it is durable,`,
    `and put the next, ${count(options.events)} in all, while a sink takes and commits them. All`,
    'syncs of the channel count, those of snapshots and directories too.',
    '',
    '| events/s | events/sync | put, median | p99 | CPU µs/event | peak MB | loop held up | runs |',
    '|---:|---:|---:|---:|---:|---:|---:|---:|',
    row(
      count(middle(({ events, seconds }) => events / seconds)),
      perSync.toFixed(0),
      `${middle(({ waits }) => waits?.medianMs ?? Number.NaN).toFixed(1)} ms`,
      `${middle(({ waits }) => waits?.p99Ms ?? Number.NaN).toFixed(1)} ms`,
      middle(cpuPerEvent).toFixed(2),
      megabytes(middle(({ peakResidentBytes }) => peakResidentBytes)),
      `${most(results)} ms`,
      runs,
    ),
  ];
  save('callers', 'File channel: a thousand callers, one event each', markdown, results);
}

function replay(): void {
  const options = { events: Number(values['replay-bytes']) / 200 };
  const first = (steps: readonly string[], cold = false) =>
    times(runs, () => {
      const folder = emptyFolder('replay');
      runSteps(folder, steps, options);
      if (cold) dropFromCache(join(folder, 'data'));
      return runSteps(folder, ['first', 'kill'])('first');
    });
  const cases = {
    'all of it waits': first(['fill', 'kill']),
    'all of it waits; not in the page cache': first(['fill', 'kill'], true),
    'all of it is committed': first(['pass', 'kill']),
  };
  const markdown = [
    `${megabytes(options.events * 200)} MB in events of 200 bytes (random ones) were put, by a`,
    'process that was killed then: from the start of the next process to the first event it lent.',
    'With none there, it puts one first.',
    '',
    '| | first event after | peak MB | loop held up | runs |',
    '|---|---:|---:|---:|---:|',
    ...Object.entries(cases).map(([name, results]) => startRow(name, results)),
  ];
  save('replay', 'File channel: start with a backlog', markdown, cases);
}

function start(): void {
  const passed = Number(values.passed);
  const [none, many] = [emptyFolder('start-none'), emptyFolder('start-many')];
  const again = (folder: string) =>
    runSteps(folder, ['first', 'drain', 'stop'], { events: 1 })('first');
  again(none);
  runSteps(many, ['pass', 'kill'], { events: passed, 'body-bytes': 16 });
  const afterKill = again(many);
  const pairs = times(runs, () => ({ none: again(none), many: again(many) }));
  const markdown = [
    `${count(passed)} events of 16 bytes were put and committed; then the first put after a start`,
    'is taken. In turns with a channel that has hardly been used; both were stopped before.',
    '',
    '| events so far | first event after | peak MB | loop held up | runs |',
    '|---|---:|---:|---:|---:|',
    startRow(
      'few',
      pairs.map((pair) => pair.none),
    ),
    startRow(
      count(passed),
      pairs.map((pair) => pair.many),
    ),
    startRow(`${count(passed)}, then kill -9`, [afterKill]),
  ];
  save('start', 'File channel: start after many events', markdown, { afterKill, pairs });
}

function queued(): void {
  const results = values.queued.split(',').map((queue) => {
    const options = { events: Number(queue), 'body-bytes': 16 };
    // The first pass of any channel is slower: it is compiled meanwhile.
    const step = runSteps(emptyFolder('queued'), ['warm', 'fill', 'drain', 'stop'], options);
    return { fill: step('fill'), drain: step('drain') };
  });
  const markdown = [
    'So many events of 16 bytes, in batches of 1,000, are put; then all are taken and committed.',
    'CPU time in µs per event. One run each; 500,000 events go through the channel before.',
    '',
    '| queued | put | take and commit | both | M puts/s | M takes/s | peak MB | loop held up |',
    '|---:|---:|---:|---:|---:|---:|---:|---:|',
    ...results.map(({ fill, drain }) =>
      row(
        count(fill.events),
        cpuPerEvent(fill).toFixed(3),
        cpuPerEvent(drain).toFixed(3),
        (cpuPerEvent(fill) + cpuPerEvent(drain)).toFixed(3),
        (fill.events / fill.seconds / 1e6).toFixed(2),
        (drain.events / drain.seconds / 1e6).toFixed(2),
        megabytes(drain.peakResidentBytes),
        `${most([fill, drain])} ms`,
      ),
    ),
  ];
  save('queued', 'File channel: the cost of an event while many wait', markdown, results);
}

function resident(): void {
  const bodyBytes = 4096;
  const bytes = Number(values['resident-bytes']);
  const events = Math.floor(bytes / bodyBytes);
  const options = { events, 'body-bytes': bodyBytes, 'batch-size': 128 };
  const folder = emptyFolder('resident');
  const fill = runSteps(folder, ['fill', 'kill'], options)('fill');
  const next = runSteps(folder, ['first', 'drain', 'stop'], options);
  const results = [fill, next('first'), next('drain')];
  const markdown = [
    `${megabytes(bytes)} MB in events of ${bodyBytes} bytes are put, in batches of 128, and`,
    'nothing is taken; the process is killed; the next one takes and commits all.',
    '',
    '| | s | MB/s | peak MB | loop held up |',
    '|---|---:|---:|---:|---:|',
    ...results.map(({ step, seconds, firstAfterMs, peakResidentBytes, longestBlockMs }) =>
      row(
        stepNames[step] ?? step,
        (firstAfterMs === undefined ? seconds : firstAfterMs / 1000).toFixed(2),
        firstAfterMs === undefined ? megabytes(bytes / seconds) : '',
        megabytes(peakResidentBytes),
        `${longestBlockMs.toFixed(0)} ms`,
      ),
    ),
  ];
  save('resident', 'File channel: memory with a large backlog', markdown, results);
}

/** Does the steps in a process of its own; gives what each of them took. */
function runSteps(
  folder: string,
  steps: readonly string[],
  options: Readonly<Record<string, number>> = {},
): (step: string) => StepResult {
  const script = join(import.meta.dirname, 'channel-steps.ts');
  const numbers = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const since = performance.timeOrigin + performance.now();
  const args = [script, '--folder', folder, '--since', String(since), ...numbers, ...steps];
  const child = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.status !== 0 && child.signal !== 'SIGKILL') throw new Error(`${steps}: it failed`);
  const results = child.stdout
    .trim()
    .split('\n')
    .map((line): StepResult => JSON.parse(line));
  for (const result of results) console.log(JSON.stringify(result));
  return (name) => {
    const result = results.find(({ step }) => step === name);
    if (!result) throw new Error(`${steps}: ${name} left no result`);
    return result;
  };
}

/** Has what lies in a folder read from the disk again, not from memory. */
function dropFromCache(folder: string): void {
  for (const name of readdirSync(folder).filter((each) => each.startsWith('segment-'))) {
    const args = [`if=${join(folder, name)}`, 'iflag=nocache', 'count=0', 'status=none'];
    const { status } = spawnSync('dd', args, { stdio: 'inherit' });
    if (status !== 0) throw new Error(`dd could not drop ${name} from the cache`);
  }
}

function emptyFolder(name: string): string {
  const folder = join(scratch, `channel-${name}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

function times<T>(count: number, run: () => T): T[] {
  return Array.from({ length: count }, run);
}

function middleOf(results: readonly StepResult[]) {
  return (value: (result: StepResult) => number) => median(results.map(value));
}

function startRow(name: string, results: readonly StepResult[]): string {
  const middle = middleOf(results);
  return row(
    name,
    `${(middle(({ firstAfterMs }) => firstAfterMs ?? Number.NaN) / 1000).toFixed(2)} s`,
    megabytes(middle((result) => result.peakResidentBytes)),
    `${most(results)} ms`,
    results.length,
  );
}

function cpuPerEvent({ cpuSeconds, events }: StepResult): number {
  return (cpuSeconds / events) * 1e6;
}

/** In whole milliseconds, over all of them. */
function most(results: readonly StepResult[]): string {
  return Math.max(...results.map(({ longestBlockMs }) => longestBlockMs)).toFixed(0);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function row(...values: readonly (string | number)[]): string {
  return `| ${values.join(' | ')} |`;
}

/** Keeps the results; what the runs have left on the disk goes. */
function save(name: string, heading: string, markdown: readonly string[], data: unknown): void {
  for (const left of readdirSync(scratch).filter((each) => each.startsWith('channel-'))) {
    rmSync(join(scratch, left), { recursive: true });
  }
  console.log(markdown.join('\n'));
  saveNote(`channel-${name}`, heading, markdown.join('\n'), data);
}
