import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FieldProblem } from '../../config/definition.ts';
import { boolean, type ConfigOf, integer, optionalText, text } from '../../config/field.ts';
import { encryptionFields, encryptionOf, encryptionProblems } from './encryption-fields.ts';
import type { FileChannelOptions } from './file-channel.ts';

const home = join(homedir(), '.flume', 'file-channel');
const largestFile = 1_623_195_647;
const twoFileNote = 'snapshots are small, and replay reads only what came after the newest';

/** The options of where and how the log is kept: those of every channel that has one. */
export const logFields = {
  checkpointDir: text({
    doc: 'Where snapshots of the state are kept; made when it is not there.',
    default: join(home, 'checkpoint'),
    defaultText: '~/.flume/file-channel/checkpoint',
  }),
  dataDirs: text({
    doc: 'Where the log is kept, separated by commas: with several, on several disks, in turn.',
    default: join(home, 'data'),
    defaultText: '~/.flume/file-channel/data',
  }),
  transactionCapacity: integer({
    doc: 'The most events a source may put, or a sink take, at once.',
    unit: 'events',
    min: 1,
    default: 10_000,
  }),
  maxFileSize: integer({
    doc: 'The size of a file of the log; at most 64 MiB, but for larger batches.',
    unit: 'bytes',
    min: 1,
    default: largestFile,
  }),
  minimumRequiredSpace: integer({
    doc: 'Free space below which no more is put; what is stored can always be taken out.',
    unit: 'bytes',
    min: 1 << 20,
    default: 500 << 20,
  }),
  memoryBytes: integer({
    doc: 'How much of what is stored is also kept in memory, to be lent without being read back.',
    unit: 'bytes',
    min: 0,
    default: 16 << 20,
    extra: true,
  }),
  useDualCheckpoints: boolean({ doc: 'Two checkpoints.', default: false, ignored: twoFileNote }),
  backupCheckpointDir: optionalText({ doc: 'The second checkpoint.', ignored: twoFileNote }),
  compressBackupCheckpoint: boolean({
    doc: 'Compresses the second checkpoint.',
    default: false,
    ignored: twoFileNote,
  }),
  checkpointInterval: integer({
    doc: 'Time between checkpoints.',
    unit: 'ms',
    default: 30_000,
    ignored: 'a snapshot is written with each file of the log',
  }),
  checkpointOnClose: boolean({
    doc: 'A checkpoint at the stop.',
    default: true,
    ignored: 'there always is one',
  }),
  fastReplay: boolean({
    key: 'use-fast-replay',
    doc: 'Another way to replay.',
    default: false,
    ignored: twoFileNote,
  }),
  replayV1: boolean({
    key: 'use-log-replay-v1',
    doc: 'Another way to replay.',
    default: false,
    ignored: twoFileNote,
  }),
  fsyncPerTransaction: boolean({
    doc: 'Syncs at each commit.',
    default: true,
    ignored:
      'what arrives during a sync shares the next one, so that all are synced at little cost',
  }),
  fsyncInterval: integer({
    doc: 'Time between syncs without fsyncPerTransaction.',
    unit: 's',
    default: 5,
    ignored: 'every put is synced before it is acknowledged',
  }),
  ...encryptionFields,
};

type Config = ConfigOf<typeof logFields>;

const largestSegment = 64 << 20;
const smallestSegment = 1 << 20;

export function logOptions(
  config: Config,
  capacity: number,
): Omit<FileChannelOptions, 'keepAliveMs'> {
  const encryption = encryptionOf(config);
  return {
    checkpointDirectory: resolve(config.checkpointDir),
    dataDirectories: directoriesOf(config),
    segmentBytes: Math.max(smallestSegment, Math.min(config.maxFileSize, largestSegment)),
    minimumFreeBytes: config.minimumRequiredSpace,
    capacity,
    transactionCapacity: config.transactionCapacity,
    memoryBytes: config.memoryBytes,
    ...(encryption && { encryption }),
  };
}

/** What is wrong with the options as a whole. */
export function logProblems(config: Config, capacity: number): FieldProblem[] {
  const problems = encryptionProblems(config);
  const { transactionCapacity } = config;
  if (transactionCapacity > capacity) {
    const problem = `${transactionCapacity} is more than the capacity of ${capacity}`;
    problems.push({ key: 'transactionCapacity', problem });
  }
  return problems;
}

/** The directories that no other channel may use. */
export function logClaims(config: Config): string[] {
  const directories = [resolve(config.checkpointDir), ...directoriesOf(config)];
  return directories.map((directory) => `directory ${directory}`);
}

function directoriesOf({ dataDirs }: Config): string[] {
  const named = dataDirs.split(',').map((name) => name.trim());
  return named.filter(Boolean).map((name) => resolve(name));
}
