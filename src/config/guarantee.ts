import type { AgentPlan, ChannelPlan, SinkPlan, SourcePlan } from './plan.ts';

/**
 * For each way through the agent, what happens to its events when something dies: one line each.
 */
export function guarantees(plan: AgentPlan): string[] {
  const lines: string[] = [];
  for (const source of plan.sources) {
    for (const name of source.channels) {
      const channel = plan.channels.find((each) => each.name === name);
      const sinks = plan.sinks.filter((each) => each.channel === name);
      if (!channel) continue;
      if (sinks.length === 0) lines.push(`${source.name} → ${name}: no sink takes the events out`);
      for (const sink of sinks) {
        lines.push(`${source.name} → ${name} → ${sink.name}: ${promise(source, channel, sink)}`);
      }
    }
  }
  return lines;
}

function promise(source: SourcePlan, channel: ChannelPlan, sink: SinkPlan): string {
  const { rereads } = source.definition;
  const { keeps } = channel.definition;
  const { settles } = sink.definition;
  const out = settles
    ? 'exactly once'
    : `nothing is lost; what ${sink.name} was writing at a crash may be written twice`;
  if (keeps === 'events') {
    return rereads ? out : `${out}, from the moment ${channel.name} has an event`;
  }
  if (rereads && keeps === 'ledger') return out;
  const type = source.definition.type;
  const why = rereads
    ? `${channel.name} keeps no record of what was written`
    : `${type} cannot be read again, and ${channel.name} is in memory`;
  return `a crash loses what is in ${channel.name}: ${why}`;
}
