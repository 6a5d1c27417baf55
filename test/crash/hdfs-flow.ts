/** The flows that the kill loop of file sinks runs: taildir → channel → hdfs or file_roll. */
import { join } from 'node:path';
import type { Prng } from '../../src/testing/prng.ts';
import {
  type Format,
  type FormatOptions,
  fileRollFormatLines,
  hdfsFormatLines,
  randomFormatOptions,
} from './format-options.ts';

export const hdfsChannels = { memory: 'a memory channel', file: 'a file channel' } as const;
export type HdfsChannel = keyof typeof hdfsChannels;

/** What a layout makes of the sink's path, what else it needs, and which order it promises. */
export interface LayoutParts {
  readonly path: string;
  readonly sink?: readonly string[];
  readonly source?: readonly string[];
  /** The lines of a generation, over the whole output, or within each directory; or none. */
  readonly ordered: 'all' | 'directory' | 'no';
  /** How the path begins, below the sink's, of the file that must hold this line. */
  readonly place?: (log: string, sequence: string) => string;
}

/** Where lines go. */
const layouts = {
  // One directory, one file at a time.
  one: { path: '', ordered: 'all' },
  // A directory for each log.
  group: { path: '/%{log}', ordered: 'all', place: (log: string) => `${log}/` },
  // One directory, with a file for each log at a time.
  prefix: {
    path: '',
    sink: ['hdfs.filePrefix = %{log}'],
    ordered: 'all',
    place: (log: string) => `${log}.`,
  },
  // By the name that a line's file had when it was read: another one after a rotation.
  file: { path: '%{file}', source: ['fileHeader = true'], ordered: 'no' },
  // Each batch goes to ten directories.
  digits: {
    path: '/%{digit}',
    source: [
      'interceptors = i1',
      `interceptors.i1.type = ${join(import.meta.dirname, 'spread-by-digit.ts')}`,
    ],
    ordered: 'directory',
    place: (_: string, sequence: string) => `${sequence.at(-1)}/`,
  },
  // A new directory each second; what is read again goes to another one.
  seconds: { path: '/%H%M/%S', sink: ['hdfs.useLocalTimeStamp = true'], ordered: 'no' },
} as const satisfies Record<string, LayoutParts>;
type Layout = keyof typeof layouts;

export function layoutOf(flow: FileFlow): LayoutParts {
  return layouts[flow.layout];
}

export interface FileFlow extends FormatOptions {
  readonly channel: HdfsChannel;
  readonly sink: 'hdfs' | 'file_roll';
  readonly layout: Layout;
  /** On one channel, and with the same names for their files. */
  readonly sinks: 1 | 2;
  readonly batchSize: number;
  /** Of the channel, in batches. */
  readonly capacity: number;
  /** What rolls files; what is not named does not. */
  readonly rolls: Readonly<Record<string, number>>;
  readonly maxOpenFiles: number;
  /** The most lines that each log gets every 10 ms: a busy agent dies with work in hand. */
  readonly mostLines: number;
}

export interface FlowKind extends Pick<FileFlow, 'channel' | 'sink'> {
  readonly format: Format;
}

/** Files that roll all the time, for one reason or another, by the seed. */
export function randomFlow({ channel, sink, format }: FlowKind, random: Prng): FileFlow {
  const isHdfs = sink === 'hdfs';
  const layout = isHdfs ? random.pick(Object.keys(layouts) as Layout[]) : 'one';
  // Ten small writes for each batch of twenty would set the pace.
  const batchSize = random.pick(layout === 'digits' ? [100, 1_000] : [20, 100, 1_000]);
  const rolls = isHdfs ? randomRolls(format, random) : { rollInterval: random.pick([1, 2]) };
  const perFile = Math.min(rolls['rollCount'] ?? 2_000, (rolls['rollSize'] ?? 200_000) / 100);
  const maxOpenFiles = random.pick([1, 3, 5_000]);
  const capacity = random.pick([1, 10, 100]);
  const options = randomFormatOptions(format, random);
  // Where each batch begins files, that sets the pace.
  const bearable = maxOpenFiles === 1 && isHdfs ? 25 : layout === 'digits' ? 60 : perFile;
  const mostLines = Math.floor(Math.min(300, batchSize * 3, bearable));
  return {
    ...options,
    channel,
    sink,
    layout,
    sinks: random.chance(0.25) ? 2 : 1,
    batchSize,
    capacity,
    rolls,
    maxOpenFiles,
    mostLines: format === 'text' ? mostLines : heldLines(mostLines, layout, capacity * batchSize),
  };
}

function randomRolls(format: Format, random: Prng): FileFlow['rolls'] {
  const rolls = random.pick<FileFlow['rolls']>([
    { rollCount: 40 },
    { rollCount: 300 },
    { rollSize: 20_000 },
    // Files of several blocks.
    { rollSize: 150_000 },
    { rollInterval: 1 },
    { idleTimeout: 1, rollCount: 2_000 },
    { rollCount: 500, rollSize: 60_000, rollInterval: 2, idleTimeout: 1 },
  ]);
  if (format !== 'parquet') return rolls;
  // Nothing of a file counts as delivered before it is closed, and a log that waits for that to be
  // rotated would wait for ever.
  return { rollInterval: random.pick([1, 2, 4]), ...rolls };
}

/** What is held fills the channel, and is then ended block by block, or file by file. */
function heldLines(mostLines: number, layout: Layout, room: number): number {
  const atOnce = layout === 'digits' ? room / 10 : room;
  return Math.max(1, Math.floor(Math.min(mostLines, 60, atOnce / 8)));
}

/** The properties of agent a1. */
export function flowConf(flow: FileFlow, folder: string, target: string, confDir?: string) {
  const sinks = flow.sinks === 2 ? ['k1', 'k2'] : ['k1'];
  const lines = [
    'a1.sources = r1',
    'a1.channels = c1',
    `a1.sinks = ${sinks.join(' ')}`,
    ...sourceLines(flow, folder).map((line) => `a1.sources.r1.${line}`),
    ...channelLines(flow, folder).map((line) => `a1.channels.c1.${line}`),
  ];
  const own = flow.sink === 'hdfs' ? hdfsLines(flow, target) : fileRollLines(flow, target);
  if (confDir !== undefined) own.push(`hdfs.confDir = ${confDir}`);
  for (const name of sinks) {
    lines.push(...['channel = c1', ...own].map((line) => `a1.sinks.${name}.${line}`));
  }
  return `${lines.join('\n')}\n`;
}

function hdfsLines(flow: FileFlow, target: string): string[] {
  const { path, sink = [] } = layoutOf(flow);
  return [
    'type = hdfs',
    `hdfs.path = ${target}${path}`,
    `hdfs.batchSize = ${flow.batchSize}`,
    `hdfs.maxOpenFiles = ${flow.maxOpenFiles}`,
    ...['rollInterval', 'rollSize', 'rollCount', 'idleTimeout'].map((key) => {
      return `hdfs.${key} = ${flow.rolls[key] ?? 0}`;
    }),
    ...hdfsFormatLines(flow),
    ...sink,
  ];
}

/** @param target the URI of a directory that is there */
function fileRollLines(flow: FileFlow, target: string): string[] {
  return [
    'type = file_roll',
    `sink.directory = ${new URL(target).pathname}`,
    `sink.batchSize = ${flow.batchSize}`,
    `sink.rollInterval = ${flow.rolls['rollInterval'] ?? 0}`,
    ...fileRollFormatLines(flow),
  ];
}

function sourceLines(flow: FileFlow, folder: string): string[] {
  const groups = ['left', 'right'];
  const { source = [] } = layoutOf(flow);
  return [
    'type = TAILDIR',
    'channels = c1',
    `filegroups = ${groups.join(' ')}`,
    ...groups.map((name) => `filegroups.${name} = ${join(folder, 'in')}/app-${name}.*`),
    ...groups.map((name) => `headers.${name}.log = ${name}`),
    `positionFile = ${join(folder, 'positions.json')}`,
    'writePosInterval = 100',
    `batchSize = ${flow.batchSize}`,
    ...source,
  ];
}

function channelLines({ channel, batchSize, capacity }: FileFlow, folder: string): string[] {
  const lines = [
    `type = ${channel}`,
    `capacity = ${capacity * batchSize}`,
    `transactionCapacity = ${batchSize}`,
  ];
  if (channel === 'memory') return lines;
  return [
    ...lines,
    `checkpointDir = ${join(folder, 'checkpoint')}`,
    `dataDirs = ${join(folder, 'data')}`,
    'minimumRequiredSpace = 1048576',
    'maxFileSize = 1048576',
  ];
}
