import { atKeyPart, atValue } from '../places.ts';
import { channelsOf } from './batches.ts';
import type { Component, PlanScope } from './scope.ts';
import { numberOf, textOf, wordOf } from './values.ts';

/** Files: when they are closed, and how they are called. */
export function adviseOnFiles(scope: PlanScope): void {
  for (const sink of scope.components) boundedFiles(scope, sink);
  const sinks = scope.components.filter((each) => wordOf(each) === 'hdfs');
  const targets = new Map<string, Component>();
  for (const sink of sinks) {
    smallFiles(scope, sink);
    sameNames(scope, sink, targets);
  }
}

/** A limit of a file's life: below `least`, files are small. */
const limits = [
  { key: 'hdfs.rollCount', least: 10_000, unit: 'events', off: 'rollCount = 0' },
  { key: 'hdfs.rollSize', least: 16 << 20, unit: 'bytes', off: 'rollSize = 134217728' },
  { key: 'hdfs.rollInterval', least: 60, unit: 'seconds', off: 'rollInterval = 600' },
];

function smallFiles(scope: PlanScope, sink: Component): void {
  const { block, type, name } = sink;
  const set = limits.map((limit) => ({ ...limit, value: numberOf(sink, limit.key) ?? 0 }));
  const small = set.filter(({ value, least }) => value > 0 && value < least);
  const place = { ...atKeyPart(type, name), key: block.prefix };
  if (small.length > 0) {
    const written = small.map(({ key }) => block.properties.get(key)).find(Boolean);
    const isDefault = ({ key }: { key: string }) => !block.properties.has(key);
    const causes = small.map((each) => {
      const after = `${each.value} ${each.unit}`;
      return `${after} (${each.key}${isDefault(each) ? ', its default' : ''})`;
    });
    scope.add('warning', 'small-files', written ? atValue(written) : place, {
      what: `The sink ${name} closes a file after ${causes.join(', or after ')}.`,
      consequence: 'That makes many small files, which HDFS and what reads them are slow with.',
      suggestion: 'For files of a good size, write:',
      lines: small.map(({ off }) => `${block.prefix}hdfs.${off}`),
    });
    return;
  }
  const suffix = textOf(sink, 'hdfs.inUseSuffix') || 'unfinished';
  if (set.some(({ value }) => value > 0) || (numberOf(sink, 'hdfs.idleTimeout') ?? 0) > 0) return;
  scope.add('warning', 'never-closed', place, {
    what: `The sink ${name} has no rule for when a file is finished.`,
    consequence: `Files stay open, as ${suffix} files, until the agent stops.`,
    suggestion: 'Close each after some time:',
    lines: [`${block.prefix}hdfs.rollInterval = 600`],
  });
}

/** A channel that holds less than this makes small files of a format like Parquet. */
const leastEvents = 100_000;
const leastBytes = 64 << 20;

/** What is committed when its file is closed stays in the channel until then. */
function boundedFiles(scope: PlanScope, sink: Component): void {
  const { block, name } = sink;
  const [key = ''] = [
    ...(textOf(sink, 'hdfs.fileType') === 'Parquet' ? ['hdfs.fileType'] : []),
    ...['serializer', 'sink.serializer'].filter(
      (each) => block.properties.get(each)?.value.toLowerCase() === 'parquet',
    ),
  ];
  const property = sink.kind === 'sink' && block.properties.get(key);
  if (!property) return;
  for (const channel of channelsOf(scope, sink)) {
    const events = numberOf(channel, 'capacity') ?? leastEvents;
    // What a Parquet file has needs no memory of a file channel; this one has it in memory alone.
    const isBounded = wordOf(channel) === 'spillablememory';
    const bytes = (isBounded && numberOf(channel, 'memoryBytes')) || leastBytes;
    if (events >= leastEvents && bytes >= leastBytes) continue;
    const bounds = [
      ...(events < leastEvents ? [`${events} events`] : []),
      ...(bytes < leastBytes ? [`${bytes} bytes in memory`] : []),
    ];
    scope.add('warning', 'files-bounded', atValue(property), {
      what: `The sink ${name} commits the events of a Parquet file when that is closed.`,
      consequence:
        `Until then the channel ${channel.name} keeps them, and it has room for ` +
        `${bounds.join(' and ')}: all files that are open get no more together.`,
      suggestion: 'Give the channel room for files of a good size:',
      lines: [
        ...(events < leastEvents ? [`${channel.block.prefix}capacity = 1000000`] : []),
        ...(bytes < leastBytes ? [`${channel.block.prefix}memoryBytes = 134217728`] : []),
      ],
    });
  }
}

/** The names of files differ by their prefix, and by the time in ms at which they were begun. */
function sameNames(scope: PlanScope, sink: Component, targets: Map<string, Component>): void {
  const { block, name } = sink;
  const path = block.properties.get('hdfs.path');
  if (!path) return;
  const target = `${path.value.replace(/\/+$/, '')} ${textOf(sink, 'hdfs.filePrefix')}`;
  const other = targets.get(target);
  if (!other) {
    targets.set(target, sink);
    return;
  }
  scope.add('warning', 'shared-target', atValue(path), {
    what: `The sink ${name} writes to the path of ${other.name}, with the same hdfs.filePrefix.`,
    consequence: 'Two files may come to have the same name.',
    inFlume: 'The two sinks then disturb each other.',
    suggestion: 'Give each sink a prefix of its own:',
    lines: [`${block.prefix}hdfs.filePrefix = ${name}`],
  });
}
