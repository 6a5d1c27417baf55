import { defineChannel } from '../config/definition.ts';
import { type ConfigOf, integer } from '../config/field.ts';
import { FileChannel } from './file/file-channel.ts';
import { logClaims, logFields, logOptions, logProblems } from './file/log-fields.ts';

const fields = {
  memoryCapacity: integer({
    doc: 'The most events held in memory alone; 0: all are stored on disk, as in a file channel.',
    unit: 'events',
    min: 0,
    default: 10_000,
    lenient: true,
  }),
  overflowCapacity: integer({
    doc: 'The most events held on disk; 0: only what exceeds `byteCapacity` goes there.',
    unit: 'events',
    min: 0,
    default: 100_000_000,
    lenient: true,
  }),
  overflowTimeout: integer({
    doc: 'How long a put waits for room when memory and overflow are full; 0: not at all.',
    unit: 's',
    min: 0,
    default: 3,
    lenient: true,
  }),
  byteCapacity: integer({
    doc: 'The most memory the bodies may keep alive; 0: no limit.',
    unit: 'bytes',
    min: 0,
    default: 64 << 20,
    defaultText: '67108864 (Flume: 80 % of the heap)',
    lenient: true,
  }),
  byteCapacityBufferPercentage: integer({
    doc: 'How much of `byteCapacity` is set aside for headers.',
    unit: '%',
    min: 0,
    max: 100,
    default: 20,
    lenient: true,
  }),
  overflowDeactivationThreshold: integer({
    doc: 'How much of the memory must be free before the overflow is left.',
    unit: '%',
    default: 5,
    lenient: true,
    ignored: 'the overflow is left once it is read to its end',
  }),
  avgEventSize: integer({
    doc: 'How many bytes an event is taken for.',
    unit: 'bytes',
    default: 500,
    lenient: true,
    ignored: 'the memory that events keep is counted as it is',
  }),
  ...logFields,
};

export const spillableMemoryChannel = defineChannel({
  type: 'spillablememory',
  classes: ['org.apache.flume.channel.SpillableMemoryChannel'],
  summary: 'Keeps events in memory, and on disk those that memory has no room for.',
  notes: `A file channel whose log holds only what memory could not: events that fit into
\`memoryCapacity\` and \`byteCapacity\` are neither written nor synced. What sinks have committed
is in the log for all events, so that from a source that reads again (taildir, Kafka) everything
arrives once, as through a memory channel. From other sources a crash loses what was in memory
alone. A stop loses nothing: it writes that into the log.

Events leave in order; but where memory and the log both held events at a stop or a crash, those
in the log come first.`,
  fields,
  keeps: 'ledger',
  example:
    'type = spillablememory\nmemoryCapacity = 100000\n' +
    'checkpointDir = /var/millrace/checkpoint\ndataDirs = /var/millrace/data',
  check: (config) => {
    const capacity = config.memoryCapacity + config.overflowCapacity;
    if (capacity > 0) return logProblems(config, capacity);
    const problem = 'it and memoryCapacity are 0: the channel could hold nothing';
    return [{ key: 'overflowCapacity', problem }];
  },
  claims: (config) => logClaims(config),
  create: (config, context) => new FileChannel(optionsOf(config), context),
});

function optionsOf(config: ConfigOf<typeof fields>) {
  const { memoryCapacity, overflowCapacity, byteCapacity, byteCapacityBufferPercentage } = config;
  const bytes = byteCapacity * (1 - byteCapacityBufferPercentage / 100);
  return {
    ...logOptions(config, memoryCapacity + overflowCapacity),
    keepAliveMs: config.overflowTimeout * 1000,
    unlogged: { events: memoryCapacity, bytes: bytes < 1 ? Number.POSITIVE_INFINITY : bytes },
  };
}
