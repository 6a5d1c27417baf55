/**
 * How long `millrace check` takes, from the command to its end: 200 lines with the agents of
 * several examples, so that both sinks that write files are named, and several sources.
 *
 *   node bench/check.ts --runs 20
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../testbed/millrace.ts';
import { median, saveNote, writeReport } from './report.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    scratch: { type: 'string', default: tmpdir() },
    save: { type: 'boolean', default: false },
  },
});
const wantedLines = 200;
const folder = mkdtempSync(join(values.scratch, 'millrace-bench-check-'));
try {
  const conf = join(folder, 'flume.properties');
  const lines = configuration();
  writeFileSync(conf, `${lines.join('\n')}\n`);
  // The first start compiles.
  run(conf);
  const seconds = Array.from({ length: Number(values.runs) }, () => run(conf));
  const text = `A file of ${lines.length} lines, with ${agentsOf(lines).length} agents, from the command to its end,
in ${seconds.length} runs: ${Math.min(...seconds).toFixed(3)} to ${Math.max(...seconds).toFixed(3)} s, ${median(seconds).toFixed(3)} s in the median.
`;
  console.log(text);
  if (values.save) {
    saveNote('check', 'From `millrace check` to the prompt', text, seconds);
    writeReport();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Each example is an agent of its own name. */
function configuration(): string[] {
  const examples = join(repositoryRoot, 'examples');
  const names = readdirSync(examples).filter((name) => name.endsWith('.properties'));
  // The one into HDFS first: its sink is the largest component.
  names.sort((left, right) => Number(right.includes('hdfs')) - Number(left.includes('hdfs')));
  const lines = names
    .filter((name) => name !== 'custom-sink.properties')
    .flatMap((name, index) => {
      const text = readFileSync(join(examples, name), 'utf8').trimEnd();
      return text.replaceAll(/^a1\./gm, `agent${index}.`).split('\n');
    });
  return lines.slice(0, wantedLines);
}

function agentsOf(lines: readonly string[]): string[] {
  return [...new Set(lines.flatMap((line) => /^agent\d+/.exec(line) ?? []))];
}

function run(conf: string): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(repositoryRoot, 'bin/millrace'), 'check', conf],
    { encoding: 'utf8' },
  );
  const seconds = (performance.now() - began) / 1000;
  // The last example is cut, so that something may be wrong with it.
  if (status !== 0 && status !== 2) throw new Error(`check ended with ${status}: ${stderr}`);
  return seconds;
}
