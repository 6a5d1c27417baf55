import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { defineChannel } from '../config/definition.ts';
import { boolean, type ConfigOf, integer, optionalText, text } from '../config/field.ts';
import type { Channel, ChannelContext } from '../core/channel.ts';
import { encryptionFields, encryptionOf, encryptionProblems } from './file/encryption-fields.ts';
import { FileChannel } from './file/file-channel.ts';

const home = join(homedir(), '.flume', 'file-channel');
const largestFile = 1_623_195_647;
const twoFileNote = 'snapshots are small, and replay reads only what came after the newest';

const fields = {
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
  capacity: integer({
    doc: 'The most events the channel holds; may be changed at any start.',
    unit: 'events',
    min: 1,
    default: 1_000_000,
  }),
  transactionCapacity: integer({
    doc: 'The most events a source may put, or a sink take, at once; at most `capacity`.',
    unit: 'events',
    min: 1,
    default: 10_000,
  }),
  keepAlive: integer({
    key: 'keep-alive',
    doc: 'How long a put waits for room; 0: not at all.',
    unit: 's',
    min: 0,
    default: 3,
  }),
  maxFileSize: integer({
    doc: 'The size of a file of the log; at most 64 MiB, but for larger batches.',
    unit: 'bytes',
    min: 1,
    max: largestFile,
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

export const fileChannel = defineChannel({
  type: 'file',
  classes: ['org.apache.flume.channel.file.FileChannel'],
  summary: 'Keeps events on disk: what it has stored survives a crash and a power loss.',
  notes: `A put resolves when it is synced; what arrives while a sync runs shares the next one.
Events are lent from memory up to \`memoryBytes\` and read back beyond, so that memory stays flat
however long a sink is down. \`millrace channel\` looks into it, checks and repairs it.

Its files are not Flume's: a directory that holds a file channel of Flume is refused. Drain that
with Flume first, or give this channel directories of its own.

With \`encryption.keyFile\`, or \`encryption.activeKey\` and \`encryption.keys.<name>.file\`, all in
the log is encrypted with AES-256-GCM. To change the key, add another, make it the active one, and
keep the old one until the files it was used for are gone: the channel says which one it misses.
Snapshots in \`checkpointDir\` hold no events, and are not encrypted. \`openssl rand -out key 32\`
makes a key.`,
  fields,
  keeps: 'events',
  example: 'type = file\ncheckpointDir = /var/millrace/checkpoint\ndataDirs = /var/millrace/data',
  check: (config) => {
    const problems = encryptionProblems(config);
    const { capacity, transactionCapacity } = config;
    if (transactionCapacity > capacity) {
      const problem = `${transactionCapacity} is more than the capacity of ${capacity}`;
      problems.push({ key: 'transactionCapacity', problem });
    }
    return problems;
  },
  claims: (config) => [
    `directory ${resolve(config.checkpointDir)}`,
    ...directoriesOf(config).map((directory) => `directory ${directory}`),
  ],
  create: (config, context) => create(config, context),
});

type Config = ConfigOf<typeof fields>;

const largestSegment = 64 << 20;
const smallestSegment = 1 << 20;

function create(config: Config, context: ChannelContext): Channel {
  const encryption = encryptionOf(config);
  return new FileChannel(
    {
      checkpointDirectory: resolve(config.checkpointDir),
      dataDirectories: directoriesOf(config),
      segmentBytes: Math.max(smallestSegment, Math.min(config.maxFileSize, largestSegment)),
      minimumFreeBytes: config.minimumRequiredSpace,
      capacity: config.capacity,
      transactionCapacity: config.transactionCapacity,
      keepAliveMs: config.keepAlive * 1000,
      memoryBytes: config.memoryBytes,
      ...(encryption && { encryption }),
    },
    context,
  );
}

function directoriesOf({ dataDirs }: Config): string[] {
  const named = dataDirs.split(',').map((name) => name.trim());
  return named.filter(Boolean).map((name) => resolve(name));
}
