import { atKeyPart, atValue } from '../places.ts';
import type { Component, PlanScope } from './scope.ts';
import { numberOf, optionOf, textOf, wordOf } from './values.ts';

/** Files on HDFS: when they are closed, how they are called, where they are. */
export function adviseOnFiles(scope: PlanScope): void {
  const sinks = scope.components.filter((each) => wordOf(each) === 'hdfs');
  const targets = new Map<string, Component>();
  for (const sink of sinks) {
    smallFiles(scope, sink);
    sameNames(scope, sink, targets);
    elsewhere(scope, sink);
    if (sink.known) unfit(scope, sink);
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

function elsewhere(scope: PlanScope, { block }: Component): void {
  const path = block.properties.get('hdfs.path');
  const [, scheme = 'hdfs'] = /^(\w+):/.exec(path?.value ?? '') ?? [];
  if (!path || /^(hdfs|file|webhdfs)$/i.test(scheme)) return;
  scope.add('error', 'foreign-path', atValue(path), {
    what: `${scheme}:// is neither HDFS nor a local file system.`,
    consequence: 'Millrace refuses such a path: it could not keep its promises there.',
    inFlume: 'It works if the jars for it are there.',
    suggestion: 'Write to HDFS or to local files, and copy them from there.',
  });
}

/** What Flume refuses when it reads the lines of the sink. */
function unfit(scope: PlanScope, sink: Component): void {
  const { block, name, type } = sink;
  const fileType = String(optionOf(sink, 'hdfs.fileType') ?? '').toLowerCase();
  const codec = block.properties.get('hdfs.codeC');
  const left = `Flume leaves the sink ${name} out.`;
  if (codec && fileType === 'datastream') {
    scope.add('error', 'bad-value', atValue(codec), {
      what: `Files of the type DataStream are not compressed.`,
      consequence: left,
      suggestion: `Write ${block.prefix}hdfs.fileType = CompressedStream, or remove this line.`,
    });
  }
  if (!codec && fileType === 'compressedstream') {
    const key = `${block.prefix}hdfs.codeC`;
    const property = block.properties.get('hdfs.fileType') ?? type;
    scope.add(
      'error',
      'missing-key',
      { ...atValue(property), key },
      {
        what: `${key} is required for a CompressedStream: the compression.`,
        consequence: left,
        suggestion: `Write ${key} = gzip.`,
      },
    );
  }
}
