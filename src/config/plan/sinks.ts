import { atValue, missingAt } from '../places.ts';
import type { ChannelPlan, SinkPlan } from '../plan.ts';
import { fits } from './batches.ts';
import { readComponent } from './read-component.ts';
import type { Component, Listed, PlanScope } from './scope.ts';

const foreignKeys = ['type', 'channel', 'config'];

/** Of the sinks that are listed, those that can work. */
export async function planSinks(
  scope: PlanScope,
  channels: readonly ChannelPlan[],
): Promise<SinkPlan[]> {
  const plans: SinkPlan[] = [];
  for (const listed of scope.listed('sinks')) {
    const { name, block, type } = listed;
    const left = `The sink ${name} is left out`;
    const channel = channelOf(scope, listed, channels, left);
    const meaning = await scope.meaning('sink', type, `${left}.`);
    const component: Component = { ...listed, ...meaning, kind: 'sink' };
    scope.components.push(component);
    // A sink without a channel, but with channels, has been told so.
    const foreign = block.properties.has('channel') ? foreignKeys : [...foreignKeys, 'channels'];
    const config = await readComponent(scope, component, foreign, left);
    const isSmall = fits(scope, component, config, left);
    const { definition } = meaning;
    if (definition && channel && config && isSmall) {
      plans.push({ name, definition, config, block, channel: channel.name });
    }
  }
  return plans;
}

function channelOf(
  scope: PlanScope,
  { name, block, type }: Listed,
  channels: readonly ChannelPlan[],
  left: string,
): ChannelPlan | undefined {
  const property = block.properties.get('channel');
  if (!property) {
    const key = `${block.prefix}channel`;
    const wrong = block.properties.get('channels');
    scope.add('error', 'missing-channel', missingAt(key, wrong ?? type), {
      what: `${key} is missing: the channel that the sink ${name} reads from.`,
      consequence: `${left}, here as in Flume.`,
      suggestion: wrong
        ? 'A sink has one channel: write channel, without s.'
        : `Write ${key} = ${scope.names('channels')[0] ?? '…'}.`,
    });
    return undefined;
  }
  const word = property.value;
  const channel = channels.find((each) => each.name === word);
  // One that is listed was left out: then a finding of its own says what goes with it.
  if (channel || scope.names('channels').includes(word)) return channel;
  scope.add('error', 'unknown-channel', atValue(property), {
    what: `There is no channel ${word}.`,
    consequence: `${left}, here as in Flume.`,
    suggestion: /\s/.test(word)
      ? 'A sink reads from one channel only: make a sink for each.'
      : scope.suggestChannel(word),
  });
  return undefined;
}
