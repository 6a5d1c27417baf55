import { flumeClass } from '../flume-types.ts';
import { interceptors, selectors, serializers } from './between.ts';
import { channels } from './channels.ts';
import { componentOf, type Entry, type FlumeComponent, type FlumeKind } from './component.ts';
import { parts } from './parts.ts';
import { sinks } from './sinks.ts';
import { sources } from './sources.ts';
import { clients, strangers } from './strangers.ts';

/*
 * Every component of Flume 1.8 to 1.11, Millrace's own or not. To be loaded when it is needed: a
 * configuration whose components are all here does without.
 */
const entries: readonly Entry[] = [
  ...sources,
  ...interceptors,
  ...selectors,
  ...channels,
  ...sinks,
  ...serializers,
  ...parts,
  ...strangers,
  ...clients,
];

const read = new Map<Entry, FlumeComponent>();

/** By alias in any case, or by class; undefined when Flume has no such component. */
export function knownComponent(kind: FlumeKind, type: string): FlumeComponent | undefined {
  const word = type.toLowerCase();
  const found = entries.find(
    (each) => each.kind === kind && (each.type.toLowerCase() === word || classOf(each) === type),
  );
  return found && componentFor(found);
}

/** By the name of a class without its packages, `KafkaSink`. */
export function knownByShortName(kind: FlumeKind, name: string): FlumeComponent | undefined {
  const isNamed = (full = '') => full.replace(/^.*\.|\$Builder$/g, '') === name;
  const found = entries.find((each) => each.kind === kind && isNamed(classOf(each)));
  return found && componentFor(found);
}

export function knownComponents(kind?: FlumeKind): readonly FlumeComponent[] {
  return entries.filter((each) => kind === undefined || each.kind === kind).map(componentFor);
}

/** Their options are read once, and only when asked for. */
function componentFor(entry: Entry): FlumeComponent {
  const known = read.get(entry) ?? componentOf(entry, classOf(entry));
  read.set(entry, known);
  return known;
}

const definable = ['source', 'channel', 'sink', 'interceptor', 'selector', 'serializer'] as const;

function classOf({ kind, type, class: named }: Entry): string | undefined {
  const kept = definable.find((each) => each === kind);
  return named ?? (kept && flumeClass(kept, type)) ?? (/\w\.\w/.test(type) ? type : undefined);
}
