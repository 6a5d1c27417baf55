/** The flows that the kill loop runs: taildir → channel → file_roll, and what grows around it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Prng } from '../../src/testing/prng.ts';

export const topologies = {
  'one-channel': 'one channel, one sink',
  'two-channels': 'two channels, each with a sink: both get everything',
  'two-sinks': 'two sinks on one channel: together they get everything',
  'multi-line': 'two channels; lines are joined to events, which a short time-out cuts as well',
  suppress: 'an interceptor from a file of TypeScript drops every third line',
  gzip: 'the output is compressed',
  durable: 'a file channel',
  'durable-two-sinks': 'a file channel with two sinks and small files, read back from disk',
  'durable-encrypted': 'a file channel with small files, encrypted',
  'durable-outage': 'a file channel, and a sink that stops now and then: its folder is away',
  spillable: 'a spillable memory channel that has room for a few batches in memory',
} as const;
export type Topology = keyof typeof topologies;

/** Groups of output folders; the folders of a group together hold every line once. */
export function outputsOf(topology: Topology): readonly (readonly string[])[] {
  if (hasTwoChannels(topology)) return [['out1'], ['out2']];
  return topology.endsWith('two-sinks') ? [['out1', 'out2']] : [['out1']];
}

function hasTwoChannels(topology: Topology): boolean {
  return topology === 'two-channels' || topology === 'multi-line';
}

/** What the interceptor of `suppress` drops; its file is drop-thirds.ts. */
export function suppressesThirds(sequence: number): boolean {
  return sequence % 3 === 0;
}

/** The configuration of one run: small and large batches, with and without rolling, by the seed. */
export function killLoopConf(folder: string, topology: Topology, random: Prng): string {
  const batchSize = random.pick([20, 100, 1_000]);
  // Compressed events wait for their member to end: with little room that alone sets the pace.
  const capacity = (topology === 'gzip' ? 100 : random.pick([1, 10, 100])) * batchSize;
  // That its folder is away shows when the next file is made.
  const rollInterval = topology === 'durable-outage' ? 1 : random.pick([0, 1, 2]);
  const channels = hasTwoChannels(topology) ? ['c1', 'c2'] : ['c1'];
  const sinks = outputsOf(topology)
    .flat()
    .map((_, index) => `k${index + 1}`);
  const lines = [
    'a1.sources = r1',
    `a1.channels = ${channels.join(' ')}`,
    `a1.sinks = ${sinks.join(' ')}`,
    'a1.sources.r1.type = TAILDIR',
    `a1.sources.r1.channels = ${channels.join(' ')}`,
    'a1.sources.r1.filegroups = g',
    `a1.sources.r1.filegroups.g = ${join(folder, 'in')}/app.*`,
    `a1.sources.r1.positionFile = ${join(folder, 'positions.json')}`,
    'a1.sources.r1.writePosInterval = 100',
    `a1.sources.r1.batchSize = ${batchSize}`,
  ];
  for (const channel of channels) {
    lines.push(
      `a1.channels.${channel}.type = ${channelType(topology)}`,
      `a1.channels.${channel}.capacity = ${capacity}`,
      `a1.channels.${channel}.transactionCapacity = ${batchSize}`,
    );
  }
  lines.push(...logLines(folder, topology, batchSize));
  for (const [index, sink] of sinks.entries()) {
    lines.push(
      `a1.sinks.${sink}.type = file_roll`,
      `a1.sinks.${sink}.channel = ${channels[index] ?? 'c1'}`,
      `a1.sinks.${sink}.sink.directory = ${join(folder, `out${index + 1}`)}`,
      `a1.sinks.${sink}.sink.rollInterval = ${rollInterval}`,
      `a1.sinks.${sink}.sink.batchSize = ${batchSize}`,
    );
  }
  if (topology === 'multi-line') {
    // About five lines an event; their text is the same in the output, however they were joined.
    lines.push(
      'a1.sources.r1.multiline.start = ^\\\\w+ \\\\d+ \\\\d*[05] ',
      `a1.sources.r1.multiline.timeout = ${random.pick([1, 20, 200])}`,
      `a1.sources.r1.multiline.maxLines = ${random.pick([3, 500])}`,
    );
  }
  if (topology === 'suppress') {
    lines.push(
      'a1.sources.r1.interceptors = i1',
      `a1.sources.r1.interceptors.i1.type = ${join(import.meta.dirname, 'drop-thirds.ts')}`,
    );
  }
  if (topology === 'gzip') {
    lines.push('a1.sinks.k1.sink.compression = gzip');
    lines.push('a1.sinks.k1.sink.compression.interval = 100');
  }
  return `${lines.join('\n')}\n`;
}

function channelType(topology: Topology): string {
  if (topology === 'spillable') return 'spillablememory';
  return topology.startsWith('durable') ? 'file' : 'memory';
}

/** The options of a channel with a log. */
function logLines(folder: string, topology: Topology, batchSize: number): string[] {
  if (channelType(topology) === 'memory') return [];
  const lines = [
    `a1.channels.c1.checkpointDir = ${join(folder, 'checkpoint')}`,
    `a1.channels.c1.dataDirs = ${join(folder, 'data1')},${join(folder, 'data2')}`,
    'a1.channels.c1.minimumRequiredSpace = 1048576',
  ];
  if (topology !== 'durable') {
    lines.push('a1.channels.c1.maxFileSize = 1048576', 'a1.channels.c1.memoryBytes = 100000');
  }
  if (topology === 'spillable') lines.push(`a1.channels.c1.memoryCapacity = ${3 * batchSize}`);
  if (topology === 'durable-encrypted') {
    const key = join(folder, 'key');
    writeFileSync(key, Buffer.alloc(32, 'key'));
    lines.push(`a1.channels.c1.encryption.keyFile = ${key}`);
  }
  return lines;
}
