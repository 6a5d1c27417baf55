import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type encryptionFields, encryptionOf } from '../../channels/file/encryption-fields.ts';
import type { ChannelPlace } from '../../channels/file/tools/reading.ts';
import type { ConfigOf } from '../../config/field.ts';
import { planAgent } from '../../config/plan.ts';
import { baseDirectoryOf, readConfiguration } from '../configuration.ts';
import { type Option, type ParsedOptions, UsageError } from '../options.ts';

export const placeOptions: readonly Option[] = [
  {
    names: ['--checkpoint'],
    value: 'DIR',
    doc: "The channel's checkpointDir; without it, `checkpoint` beside the first DIR.",
  },
  { names: ['-n', '--name'], value: 'NAME', doc: 'Instead of DIR: the agent …' },
  {
    names: ['-f', '--conf-file'],
    value: 'FILE',
    repeatable: true,
    doc: '… of this configuration …',
  },
  { names: ['--channel'], value: 'NAME', doc: '… and its channel.' },
];

/** @throws UsageError, UnreadableConfiguration */
export async function placeOf(
  parsed: ParsedOptions,
  words: readonly string[],
): Promise<ChannelPlace> {
  const files = parsed.values.get('--conf-file') ?? [];
  if (files.length > 0 && words.length > 0) throw new UsageError('either DIR or -f FILE, not both');
  const place = files.length > 0 ? await configured(files, parsed) : given(words, parsed);
  for (const directory of place.dataDirectories) {
    const found = statSync(directory, { throwIfNoEntry: false });
    if (!found?.isDirectory()) throw new UsageError(`${directory} is no directory`);
  }
  return place;
}

function given(words: readonly string[], parsed: ParsedOptions): ChannelPlace {
  const [first] = words;
  if (first === undefined) throw new UsageError("DIR is required: the channel's dataDirs");
  const checkpoint = parsed.values.get('--checkpoint')?.[0];
  return {
    dataDirectories: words.map((word) => resolve(word)),
    checkpointDirectory: resolve(checkpoint ?? join(dirname(resolve(first)), 'checkpoint')),
  };
}

async function configured(files: readonly string[], parsed: ParsedOptions): Promise<ChannelPlace> {
  const agent = parsed.values.get('--name')?.[0];
  const name = parsed.values.get('--channel')?.[0];
  if (agent === undefined || name === undefined) {
    throw new UsageError('-f FILE needs -n NAME and --channel NAME too');
  }
  const { configuration } = readConfiguration(files, parsed.systemProperties);
  const { resolver } = await import('../../registry.ts');
  const { plan } = await planAgent(configuration, agent, resolver(baseDirectoryOf(files)));
  const channel = plan.channels.find((each) => each.name === name);
  if (!channel) throw new UsageError(`${agent} has no channel ${name} that could run`);
  const { checkpointDir, dataDirs } = channel.config;
  if (
    channel.definition.type !== 'file' ||
    typeof checkpointDir !== 'string' ||
    typeof dataDirs !== 'string'
  ) {
    throw new UsageError(`the channel ${name} is no file channel`);
  }
  // It was read by the file channel's own fields.
  const encryption = encryptionOf(channel.config as ConfigOf<typeof encryptionFields>);
  const named = dataDirs.split(',').map((each) => each.trim());
  return {
    dataDirectories: named.filter(Boolean).map((each) => resolve(each)),
    checkpointDirectory: resolve(checkpointDir),
    ...(encryption && { encryption }),
  };
}
