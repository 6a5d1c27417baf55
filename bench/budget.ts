/**
 * Where the CPU time of a line goes: the main input through Millrace under Node's profiler, self
 * time summed into read, scan, write and the rest, per line. The settings: defaults, tuned, or
 * durable (tuned, through a file channel).
 *
 *   node bench/budget.ts [--settings tuned] [--lines 5000000] [--scratch /tmp] [--profile FILE]
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type FlowSettings, measureFlow } from './flow.ts';
import { generateLog } from './generate-log.ts';
import { saveNote, writeReport } from './report.ts';

/** The parts of a V8 profile that are used: nodes of the call tree, samples, their distances. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly children?: readonly number[];
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  /** In µs. */
  readonly timeDeltas: readonly number[];
}

/** The first that matches `url functionName` takes the time. */
const parts: readonly (readonly [part: string, pattern: RegExp])[] = [
  ['idle', / \(idle\)$/],
  ['garbage collection', / \(garbage collector\)$/],
  ['start-up', /node:internal\/(modules|bootstrap|deps|process)|source_maps|cjs_lexer/],
  ['log: write', /write.* < src\/channels\/file/],
  ['log: the rest', /src\/channels\/file|batch-encoding/],
  ['scan', /line-|scan|frame|lines?\.ts|indexOf/i],
  ['read', /sources\/|\bread/i],
  ['write', /sinks\/|formats\/|writev?|serializer/i],
  ['channel', /channels\/|core\/(ledger|room|event-queue|fan-out|put-rule|event-batch|range-set)/],
  ['runners', /agent\//],
];
const topCount = 12;

const allSettings: Readonly<Record<string, FlowSettings>> = {
  defaults: {},
  tuned: { batchSize: 5_000, capacity: 100_000 },
  durable: { batchSize: 5_000, capacity: 1_000_000, durable: true },
};

const { values } = parseArgs({
  options: {
    settings: { type: 'string', default: 'tuned' },
    lines: { type: 'string', default: '5000000' },
    scratch: { type: 'string', default: tmpdir() },
    profile: { type: 'string' },
  },
});
const lines = Number(values.lines);

if (values.profile) {
  console.log(tables(values.profile).join('\n'));
} else {
  const scratch = join(values.scratch, 'millrace-bench');
  const input = join(scratch, `input-main-${lines}`);
  const profiles = join(scratch, 'profiles');
  rmSync(profiles, { recursive: true, force: true });
  mkdirSync(input, { recursive: true });
  const bytes = generateLog(join(input, 'access.log'), { lines });
  const chosen = allSettings[values.settings];
  if (!chosen) throw new Error(`expected one of ${Object.keys(allSettings).join(', ')}`);
  const settings = {
    ...chosen,
    nodeOptions: ['--cpu-prof', `--cpu-prof-dir=${profiles}`],
  };
  const run = await measureFlow('millrace', settings, { folder: input, lines, bytes }, scratch);
  const [name] = readdirSync(profiles);
  if (!name) throw new Error('the agent left no profile: it did not end by itself');
  const perLine = (seconds: number) => ((seconds / lines) * 1e6).toFixed(3);
  const threads = [...run.cpuSecondsByThread].sort((left, right) => right[1] - left[1]);
  const markdown = [
    `A line of ${(bytes / lines).toFixed(0)} bytes, settings ${values.settings}, under the`,
    `profiler: ${perLine(run.cpuSeconds)} µs of CPU in all threads.`,
    '',
    '| thread | µs per line |',
    '|---|---:|',
    ...threads.map(([thread, seconds]) => `| ${thread} | ${perLine(seconds)} |`),
    '',
    ...tables(join(profiles, name)),
  ].join('\n');
  console.log(markdown);
  saveNote(`budget-${values.settings}`, `The budget of one line, ${values.settings}`, markdown);
  writeReport();
}

/** The main thread: what each part takes, and the dearest functions. */
function tables(path: string): string[] {
  const profile: Profile = JSON.parse(readFileSync(path, 'utf8'));
  const names = namesOf(profile);
  const byPart = new Map<string, number>();
  const byFunction = new Map<string, number>();
  for (const [index, sample] of profile.samples.entries()) {
    const us = profile.timeDeltas[index] ?? 0;
    const name = names.get(sample) ?? '';
    const part = parts.find(([, pattern]) => pattern.test(name))?.[0] ?? 'rest';
    byPart.set(part, (byPart.get(part) ?? 0) + us);
    if (part !== 'idle') byFunction.set(name, (byFunction.get(name) ?? 0) + us);
  }
  byPart.delete('idle');
  const rows = (map: ReadonlyMap<string, number>) =>
    [...map]
      .sort((left, right) => right[1] - left[1])
      .slice(0, topCount)
      .map(([name, us]) => `| ${name} | ${(us / lines).toFixed(3)} |`);
  return [
    '| part of the main thread | µs per line |',
    '|---|---:|',
    ...rows(byPart),
    '',
    '| function | µs per line |',
    '|---|---:|',
    ...rows(byFunction),
  ];
}

/** By id. What is not from the sources is named with the function there that it works for. */
function namesOf({ nodes }: Profile): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  const callers = new Map<number, string>();
  // Callers come before what they call.
  for (const { id, children, callFrame } of nodes) {
    const own = nameOf(callFrame);
    const caller = callers.get(id);
    const isOwn = own.startsWith('src/');
    names.set(id, isOwn || !caller ? own : `${own} < ${caller}`);
    const next = isOwn && !own.includes('core/node-disk') ? own : caller;
    if (next) for (const child of children ?? []) callers.set(child, next);
  }
  return names;
}

function nameOf(frame: Profile['nodes'][number]['callFrame']): string {
  const url = frame.url.replace(/^.*\/(?=src\/)/, '').replace(/^file:\/\/.*\//, '');
  return `${url || 'native'} ${frame.functionName || '(anonymous)'}`;
}
