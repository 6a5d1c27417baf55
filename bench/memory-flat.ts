/**
 * Memory with the sink stopped: the folder that file_roll writes into is missing, a writer goes on,
 * and the agent must neither grow nor fall over; then the folder comes, and everything must arrive.
 *
 *   node bench/memory-flat.ts --minutes 10 --megabytes-per-second 5 --scratch /tmp
 */
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { AgentProcess } from '../testbed/agent-process.ts';
import { startMillrace } from '../testbed/millrace.ts';
import { cpuSeconds, peakResidentBytes, residentBytes } from '../testbed/process-usage.ts';
import { flowConf, folderBytes } from './flow.ts';
import { accessLines } from './generate-log.ts';
import { median, saveNote, writeReport } from './report.ts';
import { differenceOf } from './same-lines.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    'megabytes-per-second': { type: 'string', default: '5' },
    scratch: { type: 'string', default: tmpdir() },
  },
});
const minutes = Number(values.minutes);
const bytesPerTick = Number(values['megabytes-per-second']) * 1e5;
const tickMs = 100;

const folder = join(values.scratch, 'millrace-bench', 'memory-flat');
rmSync(folder, { recursive: true, force: true });
const input = join(folder, 'in');
mkdirSync(input, { recursive: true });
const conf = join(folder, 'flow.properties');
writeFileSync(conf, flowConf({}, input, folder));
const logPath = join(folder, 'agent.out');
const agent = startMillrace({ conf, agent: 'a1', cwd: folder, logPath });

const samples = await writeFor(minutes * 60_000, agent);
const stoppedCpu = cpuSeconds(agent.pid);
const stoppedPeak = peakResidentBytes(agent.pid);
mkdirSync(join(folder, 'out'));
const bytes = folderBytes(input);
while (folderBytes(join(folder, 'out')) < bytes) {
  if (agent.hasExited) throw new Error(`the agent ended: ${agent.log().slice(-2_000)}`);
  await sleep(50);
}
const peak = peakResidentBytes(agent.pid);
await agent.stop();
const difference = await differenceOf(input, join(folder, 'out'));
if (difference) throw new Error(difference);
rmSync(folder, { recursive: true });

const megabytes = (value: number) => (value / 1e6).toFixed(0);
const tenth = Math.ceil(samples.length / 10);
const atFirst = megabytes(median(samples.slice(0, tenth)));
const atLast = megabytes(median(samples.slice(-tenth)));
const markdown = [
  `A log grew by ${values['megabytes-per-second']} MB/s for ${minutes} minutes while the folder of`,
  `file_roll was missing (defaults: 100 events in the channel). Resident: ${atFirst} MB in the`,
  `first tenth of that time, ${atLast} MB in the last, at most ${megabytes(stoppedPeak)} MB;`,
  `${stoppedCpu.toFixed(1)} s of CPU. When the folder came, all of the ${megabytes(bytes)} MB`,
  `arrived, once, with a peak of ${megabytes(peak)} MB.`,
].join('\n');
console.log(markdown);
saveNote('memory-flat', 'Memory with the sink stopped', markdown);
writeReport();

/** Gives what was resident, once a second. */
async function writeFor(ms: number, agent: AgentProcess): Promise<number[]> {
  const line = accessLines(3);
  const file = openSync(join(input, 'app.log'), 'a');
  const samples: number[] = [];
  const began = performance.now();
  for (let tick = 1; tick * tickMs <= ms; tick++) {
    let text = '';
    while (text.length < bytesPerTick) text += `${line()}\n`;
    writeSync(file, text);
    if (agent.hasExited) throw new Error(`the agent ended: ${agent.log().slice(-2_000)}`);
    if (tick % 10 === 0) samples.push(residentBytes(agent.pid));
    await sleep(Math.max(0, began + tick * tickMs - performance.now()));
  }
  closeSync(file);
  return samples;
}
