import type { Block } from '../blocks.ts';
import type { SinkPlan } from '../plan.ts';
import type { Property } from '../properties.ts';
import type { PlanScope } from './scope.ts';

/**
 * Sink groups have no processors here yet: the sinks of a group run on their own. Says so for each
 * group, and everything that Flume would say against it.
 */
export function checkSinkGroups(scope: PlanScope, sinks: readonly SinkPlan[]): void {
  const list = scope.agent.lists.get('sinkgroups');
  const blocks = scope.agent.components.sinkgroups;
  const owner = new Map<string, string>();
  const names = scope.names('sinkgroups');
  for (const name of names) {
    const block = blocks.get(name);
    if (block) checkGroup(scope, name, block, sinks, owner);
    else {
      scope.add('error', 'component-without-lines', list, {
        what: `${list?.key} lists ${name}, which has no lines of its own.`,
        consequence: 'There is no such group, as in Flume; its sinks run on their own.',
      });
    }
  }
  for (const [name, block] of blocks) {
    if (names.includes(name)) continue;
    const [first] = block.properties.values();
    scope.add(
      'warning',
      'unlisted-component',
      { ...first, key: block.prefix },
      {
        what: `The sink group ${name} is not listed in ${scope.agent.name}.sinkgroups.`,
        consequence: 'Its lines have no effect, as in Flume.',
      },
    );
  }
}

const ownKeys = /^(sinks$|processor\.)/;

function checkGroup(
  scope: PlanScope,
  name: string,
  block: Block,
  sinks: readonly SinkPlan[],
  owner: Map<string, string>,
): void {
  const [first] = block.properties.values();
  const list = block.properties.get('sinks');
  if (!list) {
    const key = `${block.prefix}sinks`;
    scope.add(
      'error',
      'missing-key',
      { ...first, key },
      {
        what: `${key} is missing: the sinks of the group ${name}.`,
        consequence: 'Flume would load nothing of this file; here the group is left out.',
      },
    );
    return;
  }
  for (const [key, property] of block.properties) {
    if (ownKeys.test(key)) continue;
    scope.add('warning', 'unknown-key', property, {
      what: `${property.key}: there is no option "${key}" here.`,
      consequence: 'The line has no effect.',
    });
  }
  const running = membersOf(scope, name, list, sinks, owner);
  if (running.length > 0) sayProcessor(scope, name, block, list, running);
}

function membersOf(
  scope: PlanScope,
  group: string,
  list: Property,
  sinks: readonly SinkPlan[],
  owner: Map<string, string>,
): string[] {
  const members: string[] = [];
  for (const word of new Set(list.value.split(/\s+/))) {
    const taken = owner.get(word);
    if (taken !== undefined) {
      scope.add('error', 'sink-in-two-groups', list, {
        what: `${list.key}: the sink ${word} is in the group ${taken} already.`,
        consequence: `The group ${group} does without it, as in Flume.`,
      });
      continue;
    }
    owner.set(word, group);
    if (sinks.some((sink) => sink.name === word)) members.push(word);
    else {
      scope.add('error', 'unknown-sink', list, {
        what: scope.names('sinks').includes(word)
          ? `${list.key}: the sink ${word} was left out.`
          : `${list.key}: there is no sink ${word}.`,
        consequence: `The group ${group} does without it; Flume may leave the whole agent empty.`,
      });
    }
  }
  return members;
}

function sayProcessor(
  scope: PlanScope,
  name: string,
  block: Block,
  list: Property,
  members: readonly string[],
): void {
  const processor = block.properties.get('processor.type');
  const [only] = members;
  const each = members.length === 1 ? `The sink ${only} runs` : `${members.join(', ')} run`;
  if (!processor) {
    scope.add(
      'error',
      'missing-key',
      { ...list, key: `${block.prefix}processor.type` },
      {
        what: `${block.prefix}processor.type is missing: failover or load_balance.`,
        consequence: `${each} without a group; in Flume the sinks of such a group do not run.`,
      },
    );
    return;
  }
  const type = processor.value.toLowerCase();
  if (type === 'default' && members.length === 1) return;
  const isFailover = type === 'failover';
  const isBalance = type === 'load_balance';
  const meaning = isFailover
    ? 'all at once instead of one at a time: each event goes to whichever takes it first.'
    : 'each at its own speed: each event still goes to one of them, but not in turn.';
  scope.add(isBalance ? 'warning' : 'error', 'group-not-yet', processor, {
    what:
      isFailover || isBalance
        ? `Sink groups are not in Millrace yet, so the group ${name} is no ${type} group.`
        : `${processor.key}: "${processor.value}" makes no group of these sinks.`,
    consequence: members.length === 1 ? `${each} on its own.` : `${each} ${meaning}`,
  });
}
