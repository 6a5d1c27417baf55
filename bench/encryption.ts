/**
 * What encryption costs: taildir → file channel → file_roll with and without it, in turns, with
 * lines of 200 bytes.
 *
 *   node bench/encryption.ts --pairs 5 --lines 5000000 --scratch /tmp --before COMMAND
 *
 * The command runs before each run (raw-loop.ts says what for).
 */
import { execSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cpuPerEventAfterStart, eventsPerSecond, type Measurement, measureFlow } from './flow.ts';
import { generateEvenLog } from './generate-log.ts';
import { median, saveNote, writeReport } from './report.ts';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '5' },
    lines: { type: 'string', default: '5000000' },
    scratch: { type: 'string', default: tmpdir() },
    before: { type: 'string', default: 'true' },
  },
});
const scratch = join(values.scratch, 'millrace-bench');
const lines = Number(values.lines);
const folder = join(scratch, `input-even-${lines}`);
mkdirSync(folder, { recursive: true });
const bytes = generateEvenLog(join(folder, 'even.log'), lines, 200);
const keyFile = join(scratch, 'key');
writeFileSync(keyFile, Buffer.alloc(32, 7), { mode: 0o600 });
const plain = { batchSize: 5_000, capacity: 1_000_000, durable: true };
const encrypted = { ...plain, keyFile };

const pairs: { plain: Measurement; encrypted: Measurement }[] = [];
const run = async (settings: typeof plain) => {
  execSync(values.before);
  return measureFlow('millrace', settings, { folder, lines, bytes }, scratch);
};
for (let pair = 0; pair < Number(values.pairs); pair++) {
  pairs.push({ plain: await run(plain), encrypted: await run(encrypted) });
  console.log(JSON.stringify(pairs.at(-1)));
}

const row = (name: string, runs: readonly Measurement[]) => {
  const rate = (median(runs.map(eventsPerSecond)) / 1e6).toFixed(2);
  const cpu = median(runs.map(cpuPerEventAfterStart)).toFixed(3);
  const peak = (median(runs.map((each) => each.peakResidentBytes)) / 1e6).toFixed(0);
  return `| ${name} | ${rate} | ${cpu} | ${peak} | ${runs.length} |`;
};
const costs = pairs.map((pair) => {
  return cpuPerEventAfterStart(pair.encrypted) - cpuPerEventAfterStart(pair.plain);
});
const markdown = [
  `taildir → file channel → file_roll, ${lines.toLocaleString('en')} lines of 200 bytes, in turns.`,
  `Encrypted an event costs ${median(costs).toFixed(3)} µs more (the median of the differences of`,
  'each pair); CPU time after the first output, in all threads.',
  '',
  '| | M events/s | CPU µs/event | peak MB | runs |',
  '|---|---:|---:|---:|---:|',
  row(
    'as it is',
    pairs.map((pair) => pair.plain),
  ),
  row(
    'encrypted',
    pairs.map((pair) => pair.encrypted),
  ),
].join('\n');
console.log(markdown);
saveNote('durable-encryption', 'File channel: what encryption costs', markdown, pairs);
writeReport();
