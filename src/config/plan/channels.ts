import { atKeyPart } from '../places.ts';
import type { AgentPlan, ChannelPlan } from '../plan.ts';
import { readComponent } from './read-component.ts';
import type { Component, PlanScope } from './scope.ts';

/** Of the channels that are listed, those that can work. */
export async function planChannels(scope: PlanScope): Promise<ChannelPlan[]> {
  const plans: ChannelPlan[] = [];
  for (const listed of scope.listed('channels')) {
    const { name, block, type } = listed;
    const left = scope.withDependents(name);
    const meaning = await scope.meaning('channel', type, `${left}.`);
    const component: Component = { ...listed, ...meaning, kind: 'channel' };
    scope.components.push(component);
    const config = await readComponent(scope, component, ['type', 'config'], left);
    const { definition } = meaning;
    if (definition && config) plans.push({ name, definition, config, block });
  }
  return plans;
}

/** The plan without channels that nothing is wired to; says where only one end is wired. */
export function withoutUnused(scope: PlanScope, plan: AgentPlan): AgentPlan {
  const { agent } = plan;
  const channels = plan.channels.filter(({ name, block }) => {
    const writers = plan.sources.filter((source) => source.channels.includes(name));
    const readers = plan.sinks.filter((sink) => sink.channel === name);
    const isRunning = writers.length + readers.length > 0;
    const type = block.properties.get('type');
    const place = type ? { ...atKeyPart(type, name), key: block.prefix } : {};
    const lost = { writers: lostOf(scope, 'sources', name), readers: lostOf(scope, 'sinks', name) };
    if (!isRunning && lost.writers.length + lost.readers.length === 0) {
      scope.add('warning', 'unused-channel', place, {
        what: `No source writes to the channel ${name}, and no sink reads from it.`,
        consequence: 'It is left out, here as in Flume.',
        suggestion: `Name it in a source and a sink, or take it out of ${agent}.channels.`,
      });
      return false;
    }
    if (readers.length === 0 && (writers.length > 0 || lost.readers.length === 0)) {
      scope.add('warning', 'channel-without-sink', place, {
        what: `No sink reads from the channel ${name}${because(lost.readers)}.`,
        consequence: 'It fills up, and then its sources can bring in nothing more.',
        suggestion: advice(lost.readers, `Write channel = ${name} at a sink.`),
      });
    }
    if (writers.length === 0 && (plan.sources.length > 0 || lost.writers.length === 0)) {
      scope.add('warning', 'channel-without-source', place, {
        what: `No source writes to the channel ${name}${because(lost.writers)}.`,
        consequence: 'Its sinks have nothing to do, beyond what it holds from before.',
        suggestion: advice(lost.writers, addTo(scope, name)),
      });
    }
    return isRunning;
  });
  return { ...plan, channels };
}

/** What is listed and names the channel in the file, whether it runs or not. */
function lostOf(scope: PlanScope, list: 'sources' | 'sinks', channel: string): string[] {
  const key = list === 'sources' ? 'channels' : 'channel';
  const { [list]: blocks } = scope.agent.components;
  return scope.names(list).filter((name) => {
    // Of a name with a dot, the rest stands in the keys.
    const [word = '', ...rest] = name.split('.');
    const property = blocks.get(word)?.properties.get([...rest, key].join('.'));
    return property?.value.split(/\s+/).includes(channel) ?? false;
  });
}

/** Where there is one source only, it is that one. */
function addTo(scope: PlanScope, channel: string): string {
  const sources = scope.components.filter(({ kind }) => kind === 'source');
  const property = sources.length === 1 ? sources[0]?.block.properties.get('channels') : undefined;
  return property
    ? `Add ${channel} to ${property.key} in line ${property.line}.`
    : `Add ${channel} to the channels of a source.`;
}

function because(lost: readonly string[]): string {
  return lost.length === 0
    ? ''
    : `: ${lost.join(', ')} ${lost.length === 1 ? 'is' : 'are'} left out`;
}

function advice(lost: readonly string[], otherwise: string): string {
  return lost.length === 0 ? otherwise : `See what is said of ${lost.join(', ')}.`;
}
