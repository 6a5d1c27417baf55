import { atValue } from '../places.ts';
import type { AnyConfig } from '../plan.ts';
import type { Property } from '../properties.ts';
import type { Component, PlanScope } from './scope.ts';
import { numberOf } from './values.ts';

/**
 * Does a batch fit into the channels' transactions? As in Flume, the source or sink is left out
 * otherwise.
 */
export function fits(
  scope: PlanScope,
  component: Component,
  config: AnyConfig | undefined,
  left: string,
): boolean {
  const { kind, name, type, definition } = component;
  const size = batchSize(component, config);
  if (size === undefined) return true;
  for (const channel of channelsOf(scope, component)) {
    const capacity = numberOf(channel, 'transactionCapacity');
    if (capacity === undefined || size.events <= capacity) continue;
    const room = `${channel.block.prefix}transactionCapacity`;
    const whole = numberOf(channel, 'capacity');
    const isSmall = whole !== undefined && whole < size.events;
    scope.add('error', 'batch-too-large', size.property ? atValue(size.property) : atValue(type), {
      what:
        `The ${kind} ${name} moves up to ${size.events} events at once, but the channel ` +
        `${channel.name} takes at most ${capacity} (transactionCapacity).`,
      consequence: definition
        ? `${left}, here as in Flume.`
        : `Flume leaves the ${kind} ${name} out.`,
      suggestion: `Write ${room} = ${size.events}${size.property ? ', or a smaller batch' : ''}.`,
      lines: [
        `${room} = ${size.events}`,
        ...(isSmall ? [`${channel.block.prefix}capacity = ${size.events * 10}`] : []),
      ],
    });
    return false;
  }
  return true;
}

interface BatchSize {
  readonly events: number;
  /** Where it is set; absent: it is the default. */
  readonly property: Property | undefined;
}

function batchSize(component: Component, config: AnyConfig | undefined): BatchSize | undefined {
  const { block, definition, known } = component;
  // A name of old counts, too, where the new one is not set.
  const keys = known?.batch?.split(' ') ?? [];
  const key = keys.find((each) => block.properties.has(each)) ?? keys[0];
  const property =
    key === undefined
      ? [...block.properties].find(([each]) => /batch-?size$/i.test(each))?.[1]
      : block.properties.get(key);
  const events = definition
    ? config && 'batchSize' in definition && definition.batchSize?.(config)
    : key && numberOf(component, key);
  return typeof events === 'number' ? { events, property } : undefined;
}

/** The channels that a source writes to, or that a sink reads from. */
export function channelsOf(scope: PlanScope, { kind, block }: Component): Component[] {
  const words = block.properties
    .get(kind === 'source' ? 'channels' : 'channel')
    ?.value.split(/\s+/);
  return scope.components.filter((each) => each.kind === 'channel' && words?.includes(each.name));
}
