import type { Block } from '../blocks.ts';
import type { FlumeComponent } from '../flume/component.ts';
import { nearest } from '../nearest.ts';
import { atKey, atValue, missingAt } from '../places.ts';
import type { SinkPlan } from '../plan.ts';
import type { Property } from '../properties.ts';
import { readConfig } from '../read-config.ts';
import type { PlanScope } from './scope.ts';
import { separatorHint } from './scope.ts';

/** One group, as its lines have it. */
interface Group {
  readonly name: string;
  readonly block: Block;
  readonly list: Property;
}

/**
 * Sink groups have no processors here yet: the sinks of a group run on their own. Says so for each
 * group, and everything that Flume would say against it.
 */
export async function checkSinkGroups(scope: PlanScope, sinks: readonly SinkPlan[]): Promise<void> {
  const property = scope.agent.lists.get('sinkgroups');
  const blocks = scope.agent.components.sinkgroups;
  if (!property && blocks.size === 0) return;
  const { knownComponent } = await import('../flume/known.ts');
  const owner = new Map<string, string>();
  for (const name of scope.names('sinkgroups')) {
    const block = blocks.get(name);
    const list = block?.properties.get('sinks');
    if (!block) scope.withoutLines('sinkgroups', name, property);
    else if (!list) withoutSinks(scope, name, block);
    else {
      const group = { name, block, list };
      const members = membersOf(scope, group, owner);
      const processor = block.properties.get('processor.type');
      const known = knownComponent('sink processor', processor?.value ?? '');
      checkKeys(scope, group, known);
      if (!processor) withoutType(scope, group, members);
      else if (known) checkProcessor(scope, group, processor, known, members);
      else unknownProcessor(scope, group, processor, members);
      if (known) sayNotYet(scope, group, processor ?? list, known, members, sinks);
    }
  }
  scope.unlisted('sinkgroups');
}

function withoutSinks(scope: PlanScope, name: string, block: Block): void {
  const [first] = block.properties.values();
  const key = `${block.prefix}sinks`;
  scope.add('error', 'missing-key', missingAt(key, first), {
    what: `${key} is missing: the sinks of the group ${name}.`,
    consequence: 'The group is left out.',
    inFlume: 'Flume loads nothing of the whole file.',
    suggestion: `Write ${key} = ${scope.names('sinks').join(' ')}, or those that are meant.`,
  });
}

/** The sinks of a group that exist and are in no other. */
function membersOf(scope: PlanScope, { name, list }: Group, owner: Map<string, string>): string[] {
  const listed = scope.names('sinks');
  const members: string[] = [];
  for (const word of new Set(list.value.split(/\s+/))) {
    const taken = owner.get(word);
    if (taken !== undefined) {
      scope.add('error', 'sink-in-two-groups', atValue(list, word), {
        what: `The sink ${word} is in the group ${taken} already.`,
        consequence: `The group ${name} does without it, here as in Flume.`,
        suggestion: `Remove ${word} from one of the two groups.`,
      });
    } else if (!listed.includes(word)) {
      const meant = nearest(word, listed);
      scope.add('error', 'unknown-sink', atValue(list, word), {
        what: `There is no sink ${word}.`,
        consequence: `The group ${name} does without it, here as in Flume.`,
        suggestion: separatorHint(word) ?? (meant ? `Did you mean ${meant}?` : `Remove ${word}.`),
      });
    } else {
      owner.set(word, name);
      members.push(word);
    }
  }
  return members;
}

/** Keys of a processor are written whole: `processor.backoff`. */
function checkKeys(scope: PlanScope, { block }: Group, known: FlumeComponent | undefined): void {
  const type = block.properties.get('processor.type');
  const { findings } = readConfig(known?.fields ?? {}, block, {
    isForeign: (key) =>
      key === 'sinks' || key === 'processor.type' || (!known && key.startsWith('processor.')),
    foreignKeys: ['sinks', 'processor.type'],
    owner: known ? `${known.type} group` : 'sink group',
    place: type,
    left: 'Flume leaves the group out, and with it its sinks',
  });
  scope.findings.push(...findings);
}

/** What becomes of the sinks of a group that cannot be made. */
function idle(members: readonly string[]): string {
  return `${members.join(', ')} ${members.length === 1 ? 'does' : 'do'} not run.`;
}

function withoutType(scope: PlanScope, { block, list }: Group, members: readonly string[]): void {
  const key = `${block.prefix}processor.type`;
  scope.add('error', 'missing-key', missingAt(key, list), {
    what: `${key} is missing: what the group is for.`,
    consequence: `${members.join(', ')} run without a group.`,
    inFlume: idle(members),
    suggestion: `Write ${key} = failover, or load_balance.`,
  });
}

function unknownProcessor(
  scope: PlanScope,
  { block }: Group,
  processor: Property,
  members: readonly string[],
): void {
  const meant = nearest(processor.value, ['failover', 'load_balance', 'default']);
  const isClass = /\w\.\w/.test(processor.value);
  scope.add('error', isClass ? 'unknown-class' : 'unknown-type', atValue(processor), {
    what: isClass
      ? `${processor.value} is a Java class, and Millrace runs no Java.`
      : `There is no kind of group "${processor.value}".`,
    consequence: `${members.join(', ')} run without a group.`,
    inFlume: isClass ? `Without its jar: ${idle(members)}` : idle(members),
    suggestion: meant
      ? `Did you mean ${meant}?`
      : `Write ${block.prefix}processor.type = failover, or load_balance.`,
  });
}

function checkProcessor(
  scope: PlanScope,
  group: Group,
  processor: Property,
  known: FlumeComponent,
  members: readonly string[],
): void {
  const several = members.length > 1;
  if (known.type === 'failover') checkPriorities(scope, group, members);
  const isAlone = members.length === 1 && group.list.value.trim() === members[0];
  if (known.type === 'default' ? !several : !isAlone) return;
  const isBalance = known.type === 'load_balance';
  scope.add(isBalance ? 'error' : 'warning', 'group-of-one', atValue(processor), {
    what: several
      ? `A group of this kind has one sink, and ${group.name} has more.`
      : `The ${known.type} group ${group.name} has one sink only.`,
    consequence: several ? 'Each runs on its own.' : `${members[0]} runs on its own.`,
    inFlume: several || isBalance ? idle(members) : undefined,
    suggestion: several
      ? 'Write failover or load_balance.'
      : `Add another sink to ${group.list.key}, or remove the group.`,
  });
}

/** Each sink of a failover group needs a priority that no other has. */
function checkPriorities(scope: PlanScope, { block, list }: Group, members: readonly string[]) {
  const start = 'processor.priority.';
  const seen = new Map<string, string>();
  for (const [key, property] of block.properties) {
    if (!key.startsWith(start)) continue;
    const sink = key.slice(start.length);
    const other = seen.get(property.value);
    if (!members.includes(sink)) {
      const meant = nearest(sink, members);
      scope.add('warning', 'bad-priority', atKey(property), {
        what: `${sink} is no sink of this group.`,
        consequence: 'The line has no effect, here as in Flume.',
        suggestion: meant
          ? `Did you mean ${meant}?`
          : `Add ${sink} to ${list.key}, or remove this.`,
      });
    } else if (other !== undefined) {
      scope.add('warning', 'bad-priority', atValue(property), {
        what: `${sink} has the same priority as ${other}.`,
        consequence: 'Which of them is used is not settled.',
        inFlume: `Flume leaves ${sink} or ${other} out, for good.`,
        suggestion: 'Give each sink a number of its own; the highest goes first.',
      });
    } else seen.set(property.value, sink);
  }
  for (const sink of members) {
    if (block.properties.has(start + sink)) continue;
    const key = block.prefix + start + sink;
    scope.add('warning', 'bad-priority', missingAt(key, list), {
      what: `${key} is missing: the priority of ${sink}.`,
      consequence: `${sink} is used last.`,
      inFlume: 'It comes last, in an order that no one chose.',
      suggestion: `Write ${key} = …; the highest goes first.`,
    });
  }
}

function sayNotYet(
  scope: PlanScope,
  { name }: Group,
  place: Property,
  { type }: FlumeComponent,
  members: readonly string[],
  sinks: readonly SinkPlan[],
): void {
  if (type === 'default' || members.length < 2) return;
  const isBalance = type === 'load_balance';
  const isRunning = members.every((each) => sinks.some((sink) => sink.name === each));
  const names = members.join(', ');
  const meaning = isBalance
    ? `${names} each run at their own speed: events go to them, but not in turn.`
    : `${names} run all at once: each event goes to whichever takes it first.`;
  scope.add(isBalance ? 'warning' : 'error', 'group-not-yet', atValue(place), {
    what: `Millrace does not have sink groups yet, so ${name} is no ${type} group.`,
    consequence: isRunning ? meaning : 'The lines of the group have no effect.',
    suggestion: 'Keep Flume for this agent until they are here, if that is not good enough.',
  });
}
