import { atKeyPart, atValue } from '../places.ts';
import { channelsOf } from './batches.ts';
import { adviseOnFiles } from './hdfs-files.ts';
import { journalInsteadOf } from './journal-command.ts';
import type { Component, PlanScope } from './scope.ts';
import { linesInsteadOfTail } from './tail-command.ts';
import { adviseOnTime } from './time-escapes.ts';
import { wordOf } from './values.ts';

/** What would do better than what is configured. */
export function advise(scope: PlanScope): void {
  for (const component of scope.components) {
    if (component.kind === 'source' && !followsByExec(scope, component)) {
      lostAtCrash(scope, component);
    }
  }
  for (const component of scope.components) fileGroups(scope, component);
  adviseOnFiles(scope);
  adviseOnTime(scope);
}

/** Lines of file groups that taildir does not read, since its list has others. */
function fileGroups(scope: PlanScope, component: Component): void {
  const { block } = component;
  const list = block.properties.get('filegroups');
  if (wordOf(component) !== 'taildir' || !list) return;
  const listed = list.value.split(/\s+/);
  const said = new Set(listed);
  for (const [key, property] of block.properties) {
    const [, name] = /^(?:filegroups|headers)\.([^.]+)/.exec(key) ?? [];
    if (name === undefined || said.has(name)) continue;
    said.add(name);
    scope.add('warning', 'unlisted-component', atKeyPart(property, name), {
      what: `The file group ${name} is not listed in ${list.key}.`,
      consequence: 'Its lines have no effect, here as in Flume.',
      suggestion: `Add ${name} to ${list.key} in line ${list.line}, or remove its lines.`,
    });
  }
}

/** A command that follows what a source of its own follows without losing its place. */
function followsByExec(scope: PlanScope, component: Component): boolean {
  const { block } = component;
  const command = block.properties.get('command');
  if (!command || wordOf(component) !== 'exec') return false;
  const instead = 'Write these lines in place of those of the source, and keep its channels';
  const tail = linesInsteadOfTail(block);
  if (tail) {
    scope.add('warning', 'tail-by-exec', atValue(command), {
      what: 'tail does not remember how far it came.',
      consequence:
        'Each start sends the last ten lines again and misses what came meanwhile, here as in ' +
        'Flume.',
      suggestion: `${instead}:`,
      lines: tail,
    });
    return true;
  }
  const journal = journalInsteadOf(block);
  if (!journal) return false;
  const difference = '; an event is then the message alone';
  scope.add('warning', 'journal-by-exec', atValue(command), {
    what: 'journalctl -f does not remember how far it came.',
    consequence: `${journal.eachStart}, here as in Flume.`,
    suggestion: `${instead}${journal.addsToMessages ? difference : ''}:`,
    lines: journal.lines,
  });
  return true;
}

/** Sources for trying things out: whoever uses them does not mind. */
const trials = ['seq', 'stress', 'org.apache.flume.source.stresssource'];
/** Channels that have nothing after a crash but what they can ask the source for. */
const memory = ['memory', 'spillablememory', 'org.apache.flume.channel.pseudotxnmemorychannel'];

function lostAtCrash(scope: PlanScope, component: Component): void {
  const { block, type, name, definition, known } = component;
  const rereads = known?.rereads ?? 'yes';
  const isSafe = definition?.kind === 'source' ? definition.rereads : rereads === 'yes';
  if (isSafe || known?.never || trials.includes(wordOf(component))) return;
  const channels = channelsOf(scope, component).filter((each) => memory.includes(wordOf(each)));
  if (channels.length === 0) return;
  const names = channels.map((each) => each.name).join(', ');
  const are = channels.length === 1 ? `channel ${names} is` : `channels ${names} are`;
  scope.add(
    'note',
    'lost-at-crash',
    { ...atKeyPart(type, name), key: block.prefix },
    {
      what:
        rereads === 'sender'
          ? `Who sends to ${name} is told that events arrived when ${names} has them in memory.`
          : `${type.value} cannot send its events again, and the ${are} in memory.`,
      consequence: `A crash loses what is in ${names} at that moment, here as in Flume.`,
      suggestion: 'If that matters, keep the events on disk:',
      lines: channels.map((each) => `${each.block.prefix}type = file`),
    },
  );
}
