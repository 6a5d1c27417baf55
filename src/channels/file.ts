import { defineChannel } from '../config/definition.ts';
import { integer } from '../config/field.ts';
import { FileChannel } from './file/file-channel.ts';
import { logClaims, logFields, logOptions, logProblems } from './file/log-fields.ts';

const fields = {
  capacity: integer({
    doc: 'The most events the channel holds; may be changed at any start.',
    unit: 'events',
    min: 1,
    default: 1_000_000,
  }),
  keepAlive: integer({
    key: 'keep-alive',
    doc: 'How long a put waits for room; 0: not at all.',
    unit: 's',
    min: 0,
    default: 3,
  }),
  ...logFields,
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
  check: (config) => logProblems(config, config.capacity),
  claims: (config) => logClaims(config),
  create: (config, context) =>
    new FileChannel(
      { ...logOptions(config, config.capacity), keepAliveMs: config.keepAlive * 1000 },
      context,
    ),
});
