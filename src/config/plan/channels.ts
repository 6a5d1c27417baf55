import type { AgentPlan, ChannelPlan } from '../plan.ts';
import { configValue, readConfig } from '../read-config.ts';
import type { PlanScope } from './scope.ts';

/** Of the channels that are listed, those that can work. */
export async function planChannels(scope: PlanScope): Promise<ChannelPlan[]> {
  const plans: ChannelPlan[] = [];
  for (const { name, block, type } of scope.listed('channels')) {
    const ifBad = `The channel ${name} is left out, and with it what depends on it.`;
    const definition = await scope.definition('channel', type, ifBad);
    if (!definition) continue;
    const { config, findings } = readConfig(definition.fields, block, {
      check: (values) => definition.check?.(values) ?? [],
      isForeign: (key) => key === 'type' || key === 'config',
      place: type,
      ifBad,
    });
    scope.findings.push(...findings);
    if (config) plans.push({ name, definition, config, block });
  }
  return plans;
}

/** The most events of one transaction of a channel, where it has such a limit. */
export function transactionCapacity({ definition, config }: ChannelPlan): number | undefined {
  const capacity = configValue(definition.fields, config, 'transactionCapacity');
  return typeof capacity === 'number' ? capacity : undefined;
}

/** The plan without channels that nothing is wired to; says where only one end is wired. */
export function withoutUnused(scope: PlanScope, plan: AgentPlan): AgentPlan {
  const channels = plan.channels.filter(({ name, block }) => {
    const writers = plan.sources.filter((source) => source.channels.includes(name));
    const readers = plan.sinks.filter((sink) => sink.channel === name);
    const place = { ...block.properties.get('type'), key: block.prefix };
    if (writers.length + readers.length === 0) {
      scope.add('warning', 'unused-channel', place, {
        what: `Nothing that runs writes to the channel ${name} or reads from it.`,
        consequence: 'It is left out, as in Flume.',
      });
      return false;
    }
    if (readers.length === 0) {
      scope.add('warning', 'channel-without-sink', place, {
        what: `No sink that runs reads from the channel ${name}.`,
        consequence: 'It fills up, and then its sources can bring in nothing more.',
      });
    }
    if (writers.length === 0) {
      scope.add('warning', 'channel-without-source', place, {
        what: `No source that runs writes to the channel ${name}.`,
        consequence: 'Its sinks have nothing to do, beyond what it holds from before.',
      });
    }
    return true;
  });
  return { ...plan, channels };
}
