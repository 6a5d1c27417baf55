import type { AgentPlan, ChannelPlan, SinkPlan, SourcePlan } from '../plan.ts';
import type { PlanScope } from './scope.ts';

/** The plan without those that want what an earlier one has taken: a port, a file, a directory. */
export function withoutClashes(scope: PlanScope, plan: AgentPlan): AgentPlan {
  const owners = new Map<string, string>();
  const isFree = (each: ChannelPlan | SourcePlan | SinkPlan): boolean => {
    const { kind } = each.definition;
    const claims = each.definition.claims?.(each.config) ?? [];
    const taken = claims.find((claim) => owners.has(claim));
    if (taken === undefined) {
      for (const claim of claims) owners.set(claim, `The ${kind} ${each.name}`);
      return true;
    }
    const place = { ...each.block.properties.get('type'), key: each.block.prefix };
    scope.add('error', 'clash', place, {
      what: `${owners.get(taken)} has taken the ${taken}; ${each.name} wants it too.`,
      consequence: `The ${kind} ${each.name} is left out.`,
      suggestion: 'Give each its own.',
    });
    return false;
  };
  const channels = plan.channels.filter(isFree);
  const has = (name: string) => channels.some((each) => each.name === name);
  const sources = plan.sources
    .map((each) => ({ ...each, channels: each.channels.filter(has) }))
    .filter((each) => each.channels.length > 0);
  const sinks = plan.sinks.filter((each) => has(each.channel));
  return { ...plan, channels, sources: sources.filter(isFree), sinks: sinks.filter(isFree) };
}
