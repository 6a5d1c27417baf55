import type { ChannelPlan, SinkPlan } from '../plan.ts';
import { readConfig } from '../read-config.ts';
import { transactionCapacity } from './channels.ts';
import type { Listed, PlanScope } from './scope.ts';

const foreignKeys = ['type', 'channel', 'config'];

/** Of the sinks that are listed, those that can work. */
export async function planSinks(
  scope: PlanScope,
  channels: readonly ChannelPlan[],
): Promise<SinkPlan[]> {
  const plans: SinkPlan[] = [];
  for (const listed of scope.listed('sinks')) {
    const { name, block, type } = listed;
    const ifBad = `The sink ${name} is left out.`;
    const channel = channelOf(scope, listed, channels, ifBad);
    const definition = await scope.definition('sink', type, ifBad);
    if (!definition) continue;
    const { config, findings } = readConfig(definition.fields, block, {
      check: (values) => definition.check?.(values) ?? [],
      isForeign: (key) => foreignKeys.includes(key),
      foreignKeys,
      place: type,
      ifBad,
    });
    scope.findings.push(...findings);
    if (!channel || !config) continue;
    const size = definition.batchSize?.(config);
    if (fits(scope, 'sink', listed, size, [channel])) {
      plans.push({ name, definition, config, block, channel: channel.name });
    }
  }
  return plans;
}

function channelOf(
  scope: PlanScope,
  { name, block, type }: Listed,
  channels: readonly ChannelPlan[],
  ifBad: string,
): ChannelPlan | undefined {
  const property = block.properties.get('channel');
  if (!property) {
    const key = `${block.prefix}channel`;
    scope.add(
      'error',
      'missing-channel',
      { ...type, key },
      {
        what: `${key} is missing: the channel that the sink ${name} reads from.`,
        consequence: `${ifBad} So it is in Flume.`,
        suggestion: block.properties.has('channels')
          ? 'A sink has one channel: write channel, without s.'
          : undefined,
      },
    );
    return undefined;
  }
  const channel = channels.find((each) => each.name === property.value);
  if (!channel) {
    const listed = scope.names('channels').includes(property.value);
    const several = /\s/.test(property.value) ? 'A sink reads from one channel only.' : undefined;
    scope.add('error', 'unknown-channel', property, {
      what: listed
        ? `${property.key}: the channel ${property.value} was left out.`
        : `${property.key}: there is no channel ${property.value}.`,
      consequence: ifBad,
      suggestion: several ?? scope.suggestChannel(property.value),
    });
  }
  return channel;
}

/** Does a batch fit into the channels' transactions? As in Flume, the component goes otherwise. */
export function fits(
  scope: PlanScope,
  kind: 'source' | 'sink',
  { name, block, type }: Listed,
  size: number | undefined,
  channels: readonly ChannelPlan[],
): boolean {
  for (const channel of channels) {
    const capacity = transactionCapacity(channel);
    if (size === undefined || capacity === undefined || size <= capacity) continue;
    const key = [...block.properties.keys()].find((each) => /batch-?size$/i.test(each));
    const place = key === undefined ? { ...type, key: block.prefix } : block.properties.get(key);
    scope.add('error', 'batch-too-large', place, {
      what:
        `The ${kind} ${name} moves ${size} events at once, but the channel ${channel.name} takes ` +
        `at most ${capacity} (transactionCapacity).`,
      consequence: `The ${kind} ${name} is left out, as in Flume.`,
      suggestion: `Set ${channel.block.prefix}transactionCapacity to ${size}, capacity to no less.`,
    });
    return false;
  }
  return true;
}
