/**
 * Memory of many open Parquet files: taildir → file channel → the hdfs sink on a local folder,
 * which keeps 50 files open at once, each in a directory of its own. Shown is what is resident while
 * it runs; in the end every file must be whole, and every line in one of them.
 *
 *   node bench/parquet-memory.ts [--lines 4000000] [--rate 0] [--capacity 1000000] [--memory 16777216]
 *        [--scratch /tmp] [--profiles FOLDER] [--save]
 */
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openFile } from '../src/formats/open-file.ts';
import type { AgentProcess } from '../testbed/agent-process.ts';
import { freePorts } from '../testbed/ports.ts';
import { peakResidentBytes, residentBytes } from '../testbed/process-usage.ts';
import { generateLog } from './generate-log.ts';
import { blockedMs, startPeer, untilCounter } from './hdfs-peers.ts';
import { median, saveNote, writeReport } from './report.ts';

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '4000000' },
    /** Lines a second; 0: all are there from the beginning. */
    rate: { type: 'string', default: '0' },
    /** Of the channel, for events that are in no closed file yet. */
    capacity: { type: 'string', default: '1000000' },
    memory: { type: 'string', default: String(16 << 20) },
    scratch: { type: 'string', default: tmpdir() },
    profiles: { type: 'string' },
    save: { type: 'boolean', default: false },
  },
});
const lines = Number(values.lines);
const folder = join(values.scratch, 'millrace-bench-parquet-memory');
const rate = Number(values.rate);
const out = join(folder, 'out');
const input = join(folder, 'input.log');
const bucketCount = 50;
const sampleMs = 250;
const feedMs = 50;

const conf = [
  'a1.sources = r1',
  'a1.channels = c1',
  'a1.sinks = k1',
  'a1.sources.r1.type = TAILDIR',
  'a1.sources.r1.channels = c1',
  'a1.sources.r1.filegroups = g',
  `a1.sources.r1.filegroups.g = ${input}`,
  `a1.sources.r1.positionFile = ${folder}/positions.json`,
  'a1.sources.r1.batchSize = 1000',
  'a1.sources.r1.interceptors = i1 i2 i3',
  'a1.sources.r1.interceptors.i1.type = timestamp',
  'a1.sources.r1.interceptors.i2.type = host',
  `a1.sources.r1.interceptors.i3.type = ${join(import.meta.dirname, 'format-buckets.ts')}`,
  'a1.channels.c1.type = file',
  `a1.channels.c1.capacity = ${values.capacity}`,
  'a1.channels.c1.transactionCapacity = 1000',
  `a1.channels.c1.memoryBytes = ${values.memory}`,
  `a1.channels.c1.checkpointDir = ${folder}/checkpoint`,
  `a1.channels.c1.dataDirs = ${folder}/data`,
  'a1.sinks.k1.type = hdfs',
  'a1.sinks.k1.channel = c1',
  `a1.sinks.k1.hdfs.path = file://${out}/%{bucket}`,
  'a1.sinks.k1.hdfs.fileType = Parquet',
  'a1.sinks.k1.hdfs.batchSize = 1000',
  'a1.sinks.k1.hdfs.rollInterval = 0',
  'a1.sinks.k1.hdfs.rollSize = 0',
  'a1.sinks.k1.hdfs.rollCount = 0',
  '',
].join('\n');

rmSync(folder, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const source = rate > 0 ? join(folder, 'source.log') : input;
generateLog(source, { lines });
writeFileSync(join(folder, 'flow.properties'), conf);
const [port = 0] = await freePorts(1);
const conf1 = join(folder, 'flow.properties');
const agent = startPeer('millrace', conf1, folder, port, folder, values.profiles);
const resident: number[] = [];
let mostOpen = 0;
try {
  const ended = new AbortController();
  const sampling = sample(agent, ended.signal);
  if (rate > 0) await append(source);
  const drained = ['SINK.k1', 'EventDrainAttemptCount'] as const;
  await untilCounter(agent, port, drained, (count) => count >= lines, 100);
  await agent.stop();
  ended.abort();
  await sampling;
} finally {
  if (!agent.hasExited) await agent.kill();
}
const { files, events } = await count();
if (events !== lines) throw new Error(`${events} of ${lines} lines are in the files`);
const peak = Math.max(...resident);
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
const perFile = Math.round(lines / files).toLocaleString('en');
const speed = rate > 0 ? `${rate.toLocaleString('en')} lines a second` : 'as fast as it goes';
const markdown = [
  `A log of ${lines.toLocaleString('en')} lines, ${speed}, is dealt out line by line to`,
  `${bucketCount} directories, with a Parquet file open in each (at most ${mostOpen} at once), through`,
  `a file channel of ${Number(values.capacity).toLocaleString('en')} events, with`,
  `\`memoryBytes = ${values.memory}\`. When the channel is full, the file with most events is closed.`,
  `Resident: ${megabytes(median(resident))} MB in the median, at most ${megabytes(peak)} MB. All`,
  `${files} files were whole in the end, of ${perFile} lines on average, and every line was in one of`,
  `them, once. The loop was blocked for at most ${blockedMs(folder).toFixed(1)} ms.`,
].join('\n');
console.log(markdown);
rmSync(folder, { recursive: true });
if (values.save) {
  saveNote('parquet-memory', 'Memory of 50 open Parquet files', markdown, {
    peak,
    files,
    mostOpen,
  });
  writeReport();
}

/** Appends the lines of a file to the input at the rate that was asked for. */
async function append(path: string): Promise<void> {
  const content = readFileSync(path);
  const step = Math.ceil((content.length / lines) * rate * (feedMs / 1000));
  const began = performance.now();
  for (let at = 0, turn = 1; at < content.length; at += step, turn++) {
    appendFileSync(input, content.subarray(at, at + step));
    await sleep(Math.max(0, began + turn * feedMs - performance.now()));
  }
}

async function sample(of: AgentProcess, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !of.hasExited) {
    try {
      resident.push(residentBytes(of.pid));
      // No sample misses a rise.
      resident[0] = Math.max(resident[0] ?? 0, peakResidentBytes(of.pid));
    } catch {
      // It has just ended.
    }
    mostOpen = Math.max(mostOpen, names('.tmp').length);
    await sleep(sampleMs);
  }
}

function names(ending: string): string[] {
  const all = readdirSync(out, { recursive: true, encoding: 'utf8' });
  return all.filter((name) => name.endsWith(ending));
}

async function count(): Promise<{ files: number; events: number }> {
  if (names('.tmp').length > 0) throw new Error(`left: ${names('.tmp').join(', ')}`);
  let events = 0;
  const files = names('.parquet');
  for (const name of files) {
    const { content } = await openFile(join(out, name));
    if (content.format !== 'parquet') throw new Error(`${name} is no Parquet file`);
    for await (const { rowCount } of content.file.batches()) events += rowCount;
  }
  return { files: files.length, events };
}
