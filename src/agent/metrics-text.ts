import type { Counters } from '../core/metrics.ts';
import type { CounterGroup } from './agent.ts';

type Value = string | number | boolean;

/**
 * Flume's JSON: `TYPE.name` → attribute → value, every value a string. Decimal numbers are written
 * as Java writes a double: `0.0`, `1.7976931348623157E308`.
 */
export function metricsJson(groups: Iterable<CounterGroup>): string {
  const all: Record<string, Record<string, string>> = {};
  for (const { type, name, counters } of groups) {
    const texts: Record<string, string> = {};
    for (const [attribute, value] of attributesOf(counters)) {
      texts[attribute] =
        typeof value === 'number' && isDecimal(attribute) ? javaDouble(value) : String(value);
    }
    all[`${type}.${name}`] = texts;
  }
  return JSON.stringify(all);
}

/**
 * Prometheus' text exposition format, version 0.0.4: one metric per attribute, named `Flume_` and
 * the attribute, as Flume 2's own endpoint does, with the component's name as label `component`.
 * The label `type` is Millrace's: a source and a sink may have the same name.
 */
export function metricsPrometheus(groups: Iterable<CounterGroup>): string {
  const samples = new Map<string, string[]>();
  for (const { type, name, counters } of groups) {
    for (const [attribute, value] of attributesOf(counters)) {
      if (typeof value === 'string') continue;
      const labels = `component="${escapeLabel(name)}",type="${type}"`;
      const lines = samples.get(attribute) ?? [];
      lines.push(`Flume_${attribute}{${labels}} ${Number(value)}\n`);
      samples.set(attribute, lines);
    }
  }
  const parts: string[] = [];
  for (const [attribute, lines] of samples) {
    const help = helpTexts[attribute] ?? `Flume’s attribute ${attribute}.`;
    parts.push(`# HELP Flume_${attribute} ${help}\n`);
    parts.push(`# TYPE Flume_${attribute} ${isCounter(attribute) ? 'counter' : 'gauge'}\n`);
    parts.push(...lines);
  }
  return parts.join('');
}

/** Everything that a group of counters tells, what it works out when asked (`get`) included. */
function* attributesOf(counters: Counters): Generator<[name: string, value: Value]> {
  const names = new Set<string>();
  for (
    let holder: object | null = counters;
    holder && holder !== Object.prototype;
    holder = Object.getPrototypeOf(holder)
  ) {
    for (const [name, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(holder))) {
      if (get || typeof value !== 'function') names.add(name);
    }
  }
  for (const name of names) {
    const value: unknown = Reflect.get(counters, name);
    if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') {
      yield [name, value];
    }
  }
}

function isDecimal(attribute: string): boolean {
  return attribute.endsWith('Percentage');
}

/** What only grows while the component runs. Everything else goes up and down. */
function isCounter(attribute: string): boolean {
  return /(Count|Fail|Timer)$/.test(attribute) && attribute !== 'OpenConnectionCount';
}

/** A number as Java's `Double.toString` gives it: an exponent from 10^7 on and below 10^-3. */
export function javaDouble(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value);
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent.replace('+', '')}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

const helpTexts: Readonly<Record<string, string>> = {
  StartTime: 'When the component started, in milliseconds since 1970.',
  StopTime: 'When the component stopped, in milliseconds since 1970; 0 while it runs.',
  EventReceivedCount: 'Events a source handed on, before interceptors.',
  EventAcceptedCount: 'Events that every required channel has.',
  AppendReceivedCount: 'Single events that clients sent.',
  AppendAcceptedCount: 'Single events from clients that every required channel has.',
  AppendBatchReceivedCount: 'Batches that clients sent, or that were read.',
  AppendBatchAcceptedCount: 'Batches that every required channel has.',
  OpenConnectionCount: 'Connections that are open now.',
  EventReadFail: 'Events that could not be read.',
  ChannelWriteFail: 'Puts into channels that failed.',
  GenericProcessingFail: 'Other failures of a source.',
  OptionalChannelMissCount: 'Events an optional channel did not get.',
  PossibleDoubleCount: 'Events that may be doubled: a put failed with its outcome unknown.',
  LineTooLongCount: 'Lines cut because they were longer than a source keeps in memory.',
  EventDropCount: 'Events that came and were lost, because a channel refused them.',
  DatagramDropCount: 'Datagrams that the kernel dropped because nobody read them in time.',
  ConnectionDropCount: 'Connections closed at once, because as many were open as may be.',
  HandshakeFailCount: 'Connections that ended before TLS was agreed on.',
  ChannelSize: 'Events in the channel now.',
  ChannelCapacity: 'The most events the channel holds; 0: no such limit.',
  ChannelFillPercentage: 'How full the channel is, 0 to 100.',
  EventPutAttemptCount: 'Events that were to be put into the channel.',
  EventPutSuccessCount: 'Events that were put into the channel.',
  EventTakeAttemptCount: 'Attempts to take an event, those that found none included.',
  EventTakeSuccessCount: 'Events that were taken and committed.',
  EventTrimCount: 'Events of a put that the channel had already.',
  ConnectionCreatedCount: 'Connections or files that a sink opened.',
  ConnectionClosedCount: 'Connections or files that a sink closed.',
  ConnectionFailedCount: 'Connections or files that a sink could not open.',
  BatchEmptyCount: 'Rounds in which the channel had nothing.',
  BatchUnderflowCount: 'Batches of fewer events than the batch size.',
  BatchCompleteCount: 'Batches of the whole batch size.',
  EventDrainAttemptCount: 'Events that a sink tried to deliver.',
  EventDrainSuccessCount: 'Events that a sink delivered.',
  EventWriteFail: 'Failed writes of a sink.',
  ChannelReadFail: 'Failed takes from the channel.',
};
