/** One form of file, written and read, in a process of its own: for bench/formats.ts. */
import { appendFileSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GCProfiler } from 'node:v8';
import { codecNamed } from '../src/codecs/codecs.ts';
import { ChosenSerializer } from '../src/config/serializer-field.ts';
import { EventBatch, type Headers } from '../src/core/event-batch.ts';
import { readCsv } from '../src/formats/csv-reader.ts';
import { serializerNamed } from '../src/formats/event-serializers.ts';
import { type FileFormat, fileFormat } from '../src/formats/file-format.ts';
import { readLines } from '../src/formats/line-reader.ts';
import { type FileContent, openFile } from '../src/formats/open-file.ts';
import { EventBlocks } from '../src/outputs/event-blocks.ts';
import { serializerContext } from '../src/testing/component-context.ts';
import { configOf } from '../src/testing/config-of.ts';
import type { FormatCase } from './format-cases.ts';
import { accessLines } from './generate-log.ts';

export interface FormatMeasurement {
  readonly writtenMegabytesPerSecond: number;
  /** Per event. */
  readonly mainMicroseconds: number;
  readonly processMicroseconds: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
  /** Output by input, newlines counted. */
  readonly size: number;
  readonly readMegabytesPerSecond: number;
}

const batchEvents = 1_000;
const firstTimeMs = Date.UTC(2026, 0, 1);
const eventsPerMs = 5;
/** What turns of the measured loop come before. */
const warmSeconds = 1;
const maxLineBytes = 1 << 20;

/** The shortest times, in seconds, that writing and reading are measured for. */
export interface Durations {
  readonly write: number;
  readonly read: number;
}

export async function measureFormat(
  formatCase: FormatCase,
  lines: number,
  seconds: Durations,
  folder: string,
): Promise<FormatMeasurement> {
  const log = logOf(lines, formatCase.datums === true);
  const format = formatOf(formatCase);
  const path = join(folder, `log${formatCase.extension}`);
  rmSync(path, { force: true });
  await writeLog(format, log.batches, (buffers) => {
    for (const buffer of buffers) appendFileSync(path, buffer);
  });
  const outputBytes = statSync(path).size;
  const read = async () => {
    const found = await readAll(formatCase, (await openFile(path)).content);
    if (found !== lines) throw new Error(`${found} of ${lines} events are in the file`);
  };
  // Into the page cache.
  readFileSync(path);
  const ignore = () => {};
  const writing = await timed(seconds.write, () => writeLog(format, log.batches, ignore));
  const memory = await allocated((look) => writeLog(format, log.batches, ignore, look));
  const reading = await timed(seconds.read, read);
  rmSync(path);
  const perEvent = (value: number) => value / (writing.turns * lines);
  const rate = ({ turns, wallSeconds }: Timing) => (turns * log.bytes) / wallSeconds / 1e6;
  return {
    writtenMegabytesPerSecond: rate(writing),
    mainMicroseconds: perEvent(writing.mainMicroseconds),
    processMicroseconds: perEvent(writing.processMicroseconds),
    heapBytes: memory.heapBytes / lines,
    externalBytes: memory.externalBytes / lines,
    size: outputBytes / log.bytes,
    readMegabytesPerSecond: rate(reading),
  };
}

/** The access log as a source would give it: a time for each event, one host for all. */
function logOf(lines: number, datums: boolean): { batches: EventBatch[]; bytes: number } {
  const line = accessLines();
  const batches: EventBatch[] = [];
  let bytes = 0;
  for (let first = 0; first < lines; first += batchEvents) {
    const length = Math.min(batchEvents, lines - first);
    const bodies = Array.from({ length }, () => Buffer.from(line()));
    for (const body of bodies) bytes += body.length + 1;
    const times = bodies.map((_, index) => {
      return String(firstTimeMs + Math.floor((first + index) / eventsPerMs));
    });
    const headers: Headers = new Map<string, string | string[]>([
      ['timestamp', times],
      ['host', 'web-1.shop.example'],
    ]);
    const made = datums ? EventBatch.of(bodies.map(datumOf)) : withNewlines(bodies);
    batches.push(made.withHeaders(headers));
  }
  return { batches, bytes };
}

/** As taildir has lines in its slabs. */
function withNewlines(bodies: readonly Buffer[]): EventBatch {
  const newline = Buffer.from('\n');
  const slab = Buffer.concat(bodies.flatMap((body) => [body, newline]));
  const starts = new Uint32Array(bodies.length);
  const ends = new Uint32Array(bodies.length);
  let at = 0;
  for (const [index, { length }] of bodies.entries()) {
    starts[index] = at;
    ends[index] = at + length;
    at += length + 1;
  }
  return new EventBatch(slab, starts, ends);
}

/** Avro's encoding of bytes: their count, zigzag, seven bits at a time; at most 8191 of them. */
function datumOf(body: Buffer): { body: Buffer } {
  const count = body.length * 2;
  const head = count < 128 ? [count] : [(count & 127) | 128, count >>> 7];
  return { body: Buffer.concat([Buffer.from(head), body]) };
}

function formatOf({ serializer, options, stream }: FormatCase): FileFormat {
  const definition = serializerNamed(serializer);
  if (!definition) throw new Error(`no serializer ${serializer}`);
  const chosen = new ChosenSerializer(definition, configOf(definition.fields, options));
  const codec = stream && codecNamed(stream.codec);
  if (!stream || !codec) return fileFormat(chosen);
  return fileFormat(chosen, { codec, level: stream.level, memberBytes: 1 << 20 });
}

/** A file of it, as the file sinks make it. */
async function writeLog(
  format: FileFormat,
  batches: readonly EventBatch[],
  write: (buffers: readonly Buffer[]) => void,
  afterBatch?: () => void,
): Promise<void> {
  const fail = (error: unknown) => {
    throw error;
  };
  const blocks = new EventBlocks(
    format.create(serializerContext()),
    async (buffers) => write(buffers),
    fail,
  );
  let first = 0;
  for (const batch of batches) {
    await blocks.append(batch, [[first, first + batch.length]]);
    first += batch.length;
    afterBatch?.();
  }
  await blocks.end();
}

/** The number of events in a file. */
async function readAll({ serializer }: FormatCase, content: FileContent): Promise<number> {
  switch (content.format) {
    case 'text':
      return serializer === 'csv'
        ? countOf(readCsv(content.bytes))
        : countOf(readLines(content.bytes, maxLineBytes));
    case 'sequence_file':
      return countOf(content.file.records);
    case 'avro':
      return countOf(content.file.records);
    case 'parquet': {
      let count = 0;
      for await (const { rowCount } of content.file.batches()) count += rowCount;
      return count;
    }
  }
}

async function countOf(some: AsyncIterable<readonly unknown[]>): Promise<number> {
  let count = 0;
  for await (const each of some) count += each.length;
  return count;
}

interface Timing {
  readonly turns: number;
  readonly wallSeconds: number;
  readonly mainMicroseconds: number;
  readonly processMicroseconds: number;
}

async function timed(seconds: number, turn: () => Promise<void>): Promise<Timing> {
  await turnsFor(Math.min(warmSeconds, seconds), turn);
  const mainBefore = process.threadCpuUsage();
  const allBefore = process.cpuUsage();
  const began = performance.now();
  const turns = await turnsFor(seconds, turn);
  const wallSeconds = (performance.now() - began) / 1000;
  const all = process.cpuUsage(allBefore);
  const main = process.threadCpuUsage(mainBefore);
  return {
    turns,
    wallSeconds,
    mainMicroseconds: main.user + main.system,
    processMicroseconds: all.user + all.system,
  };
}

async function turnsFor(seconds: number, turn: () => Promise<void>): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let turns = 0;
  while (turns === 0 || performance.now() < until) {
    await turn();
    turns++;
  }
  return turns;
}

/**
 * What one turn allocates: V8's heap exactly, from what its collections found and left; buffers by
 * the rises of their sum, looked at after each batch, so that a little may be missed.
 *
 * @param turn calls `look` after each batch
 */
async function allocated(turn: (look: () => void) => Promise<void>) {
  const profiler = new GCProfiler();
  profiler.start();
  const before = process.memoryUsage();
  let { external } = before;
  let externalBytes = 0;
  await turn(() => {
    const now = process.memoryUsage().external;
    externalBytes += Math.max(0, now - external);
    external = now;
  });
  const after = process.memoryUsage();
  let heap = before.heapUsed;
  let heapBytes = 0;
  for (const { beforeGC, afterGC } of profiler.stop()?.statistics ?? []) {
    heapBytes += beforeGC.heapStatistics.usedHeapSize - heap;
    heap = afterGC.heapStatistics.usedHeapSize;
  }
  return { heapBytes: heapBytes + after.heapUsed - heap, externalBytes };
}
