/**
 * taildir → memory → file_roll, Millrace and real Flume in turns, since one machine is half as fast
 * in one hour as in another. `npm run bench` runs everything; options choose:
 *
 *   node bench/taildir-file-roll.ts --suites tuned,defaults,files,lengths,start --pairs 3
 *        --lines 5000000 --scratch /tmp --peers millrace,flume
 *
 * Writes bench/results/SUITE.json and, from all of them, bench/RESULTS.md.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { flumeMissing } from '../testbed/flume.ts';
import {
  cpuPerEvent,
  eventsPerSecond,
  type FlowInput,
  type FlowSettings,
  type Measurement,
  measureFlow,
  type Peer,
} from './flow.ts';
import { generateEvenLog, generateLog, generateSplitLog } from './generate-log.ts';
import { saveSuite, writeReport } from './report.ts';

interface Case {
  readonly name: string;
  readonly input: FlowInput;
  readonly settings: Readonly<Record<Peer, FlowSettings>>;
}

/** Flume's best of the settings tried here: batches of 1,000 to 10,000, channels of
 * 5,000 to 1,000,000 events, three collectors, heaps of 1 to 4 GB. */
const flumeJvm = ['-Xmx2g', '-XX:+UseSerialGC'];
const tuned: Case['settings'] = {
  millrace: { batchSize: 5_000, capacity: 100_000 },
  flume: { batchSize: 2_000, capacity: 20_000, javaOptions: flumeJvm },
};
/** Flume's heap of 20 MB is a default too, but not one that anybody runs with. */
const defaults: Case['settings'] = { millrace: {}, flume: { javaOptions: flumeJvm } };

/** Through a file channel: every emit is synced before it resolves. */
function durable(batchSize: number): Case['settings'] {
  const common = { batchSize, capacity: 1_000_000, durable: true };
  return { millrace: common, flume: { ...common, javaOptions: flumeJvm } };
}

const fileCounts = [1, 10, 100, 1_000, 5_000];
const lineLengths = [20, 64, 200, 1_024, 8_192, 65_536];
/** Of each case of a curve: smaller than the main input, since there are many. */
const curveBytes = 200_000_000;

const { values } = parseArgs({
  options: {
    suites: { type: 'string', default: 'tuned,defaults,durable,files,lengths,start' },
    pairs: { type: 'string', default: '3' },
    lines: { type: 'string', default: '5000000' },
    scratch: { type: 'string', default: tmpdir() },
    peers: { type: 'string', default: 'millrace,flume' },
  },
});
const scratch = join(values.scratch, 'millrace-bench');
const pairs = Number(values.pairs);
const mainLines = Number(values.lines);

const suites: Readonly<Record<string, () => Generator<Case>>> = {
  *tuned() {
    yield { name: 'tuned', input: mainInput(), settings: tuned };
  },
  *defaults() {
    yield { name: 'defaults', input: mainInput(), settings: defaults };
  },
  *durable() {
    // Flume takes half a minute for this much.
    const folder = inputFolder('durable');
    const lines = 1_000_000;
    const bytes = generateLog(join(folder, 'access.log'), { lines });
    const input = { folder, lines, bytes };
    yield { name: 'batches of 5,000', input, settings: durable(5_000) };
    yield { name: 'batches of 100', input, settings: durable(100) };
  },
  *files() {
    for (const count of fileCounts) {
      const folder = inputFolder(`files-${count}`);
      const lines = 1_000_000;
      const bytes = generateSplitLog(folder, lines, count);
      const name = count === 1 ? '1 file' : `${count.toLocaleString('en')} files`;
      yield { name, input: { folder, lines, bytes }, settings: tuned };
      rmSync(folder, { recursive: true });
    }
  },
  *lengths() {
    for (const lineBytes of lineLengths) {
      // Batches of 4 MB at most, and whole ones: Flume waits 3 s before it writes a partial one.
      const batchSize = Math.min(2_000, Math.floor(4_000_000 / lineBytes));
      const lines = Math.floor(curveBytes / lineBytes / batchSize) * batchSize;
      const folder = inputFolder(`length-${lineBytes}`);
      const bytes = generateEvenLog(join(folder, 'even.log'), lines, lineBytes);
      const common = { batchSize, capacity: 20 * batchSize };
      const settings = { millrace: common, flume: { ...common, javaOptions: flumeJvm } };
      yield { name: `${lineBytes} bytes`, input: { folder, lines, bytes }, settings };
      rmSync(folder, { recursive: true });
    }
  },
  *start() {
    const folder = inputFolder('start');
    const bytes = generateLog(join(folder, 'access.log'), { lines: 100 });
    yield { name: 'start', input: { folder, lines: 100, bytes }, settings: defaults };
  },
};

function mainInput(): FlowInput {
  const folder = inputFolder(`main-${mainLines}`);
  const bytes = generateLog(join(folder, 'access.log'), { lines: mainLines });
  return { folder, lines: mainLines, bytes };
}

function inputFolder(name: string): string {
  const folder = join(scratch, `input-${name}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

async function runSuite(suite: string, peers: readonly Peer[]): Promise<void> {
  const cases = suites[suite];
  if (!cases) throw new Error(`${suite}: expected one of ${Object.keys(suites).join(', ')}`);
  const results: { name: string; runs: Measurement[] }[] = [];
  for (const { name, input, settings } of cases()) {
    const runs: Measurement[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      for (const peer of peers) {
        const run = await measureFlow(peer, settings[peer], input, scratch);
        runs.push(run);
        console.log(`${suite}, ${name}, ${line(run)}`);
      }
    }
    results.push({ name, runs });
  }
  saveSuite(suite, results);
}

function line(run: Measurement): string {
  const rate = (eventsPerSecond(run) / 1e6).toFixed(2);
  const memory = (run.peakResidentBytes / 1e6).toFixed(0);
  const start = run.startSeconds.toFixed(2);
  const cpu = cpuPerEvent(run).toFixed(2);
  const speed = `${rate} M events/s, ${cpu} µs/event`;
  return `${run.peer}: ${speed}, ${memory} MB, first output after ${start} s`;
}

const missing = flumeMissing();
if (missing) console.log(`Without Flume: it ${missing}`);
const peers = (['millrace', 'flume'] as const).filter(
  (peer) => values.peers.split(',').includes(peer) && !(peer === 'flume' && missing),
);
for (const suite of values.suites.split(',')) await runSuite(suite, peers);
writeReport();
