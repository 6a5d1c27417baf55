import { journalInsteadOf } from './plan/journal-command.ts';
import { linesInsteadOfTail } from './plan/tail-command.ts';
import type { AgentPlan, ChannelPlan, SinkPlan, SourcePlan } from './plan.ts';
import { configValue } from './read-config.ts';

/** What happens to the events of one way through the agent, when something dies. */
export interface Guarantee {
  readonly source: string;
  readonly channel: string;
  /** Absent: nothing takes the events out. */
  readonly sink?: string;
  readonly level: 'exactly once' | 'at least once' | 'may lose' | 'no sink';
  /** The promise: a sentence. */
  readonly promise: string;
  /** Why it is no better, or why it holds: a sentence. */
  readonly why: string;
  /** The one change that would raise it, if there is one. */
  readonly better?: { readonly text: string; readonly lines: readonly string[] } | undefined;
}

/** For each way through the agent. */
export function guarantees(plan: AgentPlan): Guarantee[] {
  const found: Guarantee[] = [];
  for (const source of plan.sources) {
    for (const name of source.channels) {
      const channel = plan.channels.find((each) => each.name === name);
      const sinks = plan.sinks.filter((each) => each.channel === name);
      if (!channel) continue;
      if (sinks.length === 0) found.push(withoutSink(source, channel));
      for (const sink of sinks) {
        const names = { source: source.name, channel: name, sink: sink.name };
        found.push({ ...names, ...promiseOf(source, channel, sink) });
      }
    }
  }
  return found;
}

type Promised = Omit<Guarantee, 'source' | 'channel' | 'sink'>;

function withoutSink(source: SourcePlan, channel: ChannelPlan): Guarantee {
  return {
    source: source.name,
    channel: channel.name,
    level: 'no sink',
    promise: 'Nothing takes the events out.',
    why: `No sink that runs reads from ${channel.name}.`,
    better: {
      text: 'Give a sink this channel:',
      lines: [
        `${channel.block.prefix.replace(/channels\..*$/, 'sinks.NAME.channel')} = ${channel.name}`,
      ],
    },
  };
}

function promiseOf(source: SourcePlan, channel: ChannelPlan, sink: SinkPlan): Promised {
  if (optionalChannels(source).includes(channel.name)) return passedOver(source, channel);
  const { rereads, type } = source.definition;
  const { keeps } = channel.definition;
  if (keeps === 'events') return fromDisk(source, channel, sink);
  if (!rereads) return lostFromMemory(source, channel);
  if (keeps === 'nothing') {
    return {
      level: 'may lose',
      promise: `A crash loses what ${channel.name} holds at that moment.`,
      why: `${channel.name} does not note what was delivered.`,
      better: {
        text: 'Nothing would be lost with:',
        lines: [`${channel.block.prefix}type = memory`],
      },
    };
  }
  return sink.definition.settles
    ? {
        level: 'exactly once',
        promise: 'Nothing is lost and nothing is doubled, whatever crashes.',
        why: `${type} reads again what was not delivered, ${cutsBack(sink)}.`,
      }
    : doubled(sink, `${type} reads again what was not delivered`);
}

function lostFromMemory(source: SourcePlan, channel: ChannelPlan): Promised {
  const { type } = source.definition;
  const instead = linesInsteadOf(source);
  return {
    level: 'may lose',
    promise: `A crash loses what ${channel.name} holds at that moment.`,
    why: `${type} cannot send its events again, and ${channel.name} is in memory.`,
    better: instead
      ? { text: 'Nothing would be lost with:', lines: instead }
      : {
          text: `Only what had not come as far as ${channel.name} would be lost with:`,
          lines: [`${channel.block.prefix}type = file`],
        },
  };
}

/** The lines of a source that reads again what the command of an exec source loses. */
function linesInsteadOf({ definition, block }: SourcePlan): readonly string[] | undefined {
  if (definition.type !== 'exec') return undefined;
  return linesInsteadOfTail(block) ?? journalInsteadOf(block)?.lines;
}

function cutsBack({ definition }: SinkPlan): string {
  return `and ${definition.type} cuts its files back to what was`;
}

/** Through a channel that keeps events on disk. */
function fromDisk(source: SourcePlan, channel: ChannelPlan, sink: SinkPlan): Promised {
  const { rereads, type } = source.definition;
  const { name } = channel;
  const end = doubled(sink, `${name} keeps events on disk until they are delivered`);
  const whole: Promised = sink.definition.settles
    ? {
        level: 'exactly once',
        promise: 'Nothing is lost and nothing is doubled, whatever crashes.',
        why: `${name} keeps events on disk until they are delivered, ${cutsBack(sink)}.`,
      }
    : end;
  if (rereads) return whole;
  const instead = linesInsteadOf(source);
  return {
    ...whole,
    promise: `From ${name} on: ${lower(whole.promise)}`,
    why:
      `${whole.why} What had not come as far as ${name} is lost, unless it is sent again: ` +
      `${type} cannot read it twice.`,
    better: instead
      ? { text: 'All of it would be read again with:', lines: instead }
      : whole.better,
  };
}

const trials = ['logger', 'null'];

function doubled(sink: SinkPlan, why: string): Promised {
  return {
    level: 'at least once',
    promise: `Nothing is lost; a crash may double what ${sink.name} was writing.`,
    why: `${why}, but ${sink.definition.type} cannot take back what it wrote.`,
    // Who uses a sink for trying things out does not want another one.
    better: trials.includes(sink.definition.type)
      ? undefined
      : {
          text: 'Files would have each event once with:',
          lines: [`${sink.block.prefix}type = file_roll`],
        },
  };
}

function optionalChannels({ selector }: SourcePlan): readonly string[] {
  const value = configValue(selector.definition.fields, selector.config, 'optional');
  return Array.isArray(value) ? value : [];
}

function passedOver(source: SourcePlan, { name }: ChannelPlan): Promised {
  return {
    level: 'may lose',
    promise: `Events that find ${name} full are passed over, and counted.`,
    why: `${name} is optional for ${source.name}.`,
    better: {
      text: `${source.name} would wait for ${name} without this name in:`,
      lines: [`${source.block.prefix}selector.optional`],
    },
  };
}

function lower(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
