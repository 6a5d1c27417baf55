import { formatVersion } from '../../channels/file/segments.ts';
import type { ChannelPlace } from '../../channels/file/tools/reading.ts';
import type { Repaired } from '../../channels/file/tools/repair.ts';
import type { Damage } from '../../channels/file/tools/scan.ts';
import type { ChannelStatus } from '../../channels/file/tools/status.ts';
import type { Survey } from '../../channels/file/tools/survey.ts';

/* What `millrace channel` prints. */

export function statusText(place: ChannelPlace, status: ChannelStatus, now: number): string {
  const { holder, events, oldest, segments, unused } = status;
  const lines = [
    `channel   ${place.dataDirectories.join(', ')}`,
    `snapshots ${place.checkpointDirectory}`,
    `running   ${holder === undefined ? 'no' : `yes, process ${holder}`}`,
    `format    ${formatVersion}`,
    `events    ${events}, in ${size(status.liveBytes)} of segments`,
  ];
  if (oldest) {
    const { sequence, stream, offset, timestamp } = oldest;
    const from = stream === undefined ? '' : `, from ${stream} up to offset ${offset}`;
    const age = timestamp === undefined ? '' : `, ${ageText(now - timestamp)} old`;
    lines.push(`oldest    sequence ${sequence}${from}${age}`);
  }
  lines.push(`committed everything before sequence ${status.committedTo}`);
  lines.push(`next      sequence ${status.nextSequence}`, '', 'Segments');
  for (const { path, capacity, live, isLast } of segments) {
    const use = isLast ? 'the last one' : live > 0 ? 'holds events' : 'kept for a snapshot';
    lines.push(`  ${path}  ${size(capacity)}, ${count(live, 'event')}, ${use}`);
  }
  for (const path of unused) lines.push(`  ${path}  ready for use`);
  lines.push('', 'Streams');
  for (const [name, { first, held, islands }] of status.streams) {
    const beyond = islands.map(([from, to]) => ` and ${from} to ${to}`).join('');
    lines.push(`  ${name}  has offsets ${first} to ${held}${beyond}`);
  }
  if (status.streams.size === 0) lines.push('  none');
  lines.push('', 'Sinks');
  for (const [name, state] of status.sinks) {
    lines.push(`  ${name}  remembers ${count(state.size, 'key')}`);
    for (const [key, value] of state) lines.push(`    ${key} = ${JSON.stringify(value)}`);
  }
  if (status.sinks.size === 0) lines.push('  none');
  return lines.join('\n');
}

export function checkText(survey: Survey): string {
  const { damage, notes, records, segments } = survey;
  const lines = damage.map(damageText);
  for (const { path, offset, what } of notes) lines.push(`note: ${path} byte ${offset}: ${what}`);
  const read = `${count(records, 'record')} in ${count(segments.length, 'segment')}`;
  if (damage.length === 0) lines.push(`Sound: ${read}.`);
  else lines.push('', `Damaged: ${read} can be read.`, ...lossLines(survey));
  return lines.join('\n');
}

export function repairText({ survey, kept, moved }: Repaired): string {
  if (moved.size === 0) return 'There is no damage: nothing was changed.';
  const lines = survey.damage.map(damageText);
  lines.push('', `Kept: ${count(kept, 'event')}.`, ...lossLines(survey), '');
  for (const [from, to] of moved) lines.push(`${from} is new; the old one is ${to}`);
  return lines.join('\n');
}

function damageText({ path, offset, what }: Damage): string {
  return `${path}${offset === undefined ? '' : ` byte ${offset}`}: ${what}`;
}

/** What can't be had any more. */
function lossLines({ lost, ledger, nextSequence, mayLackCommits, mayLackEnd }: Survey): string[] {
  const lines: string[] = [];
  for (const { sequences, streams } of lost) {
    const [from, to] = sequences;
    lines.push(`Gone: ${count(to - from, 'event')}, sequences ${from} to ${to - 1}.`);
    for (const { stream, from: first, to: end } of streams) {
      if (first === undefined) {
        lines.push(`  Perhaps of ${stream}: offsets before ${end}.`);
        continue;
      }
      const again = ledger.isDone(stream, first, end)
        ? 'its source does not read them again'
        : 'its source reads them again, if it still can';
      lines.push(`  Of ${stream}: offsets ${first} to ${end}; ${again}.`);
    }
  }
  if (mayLackEnd) {
    lines.push(
      `Perhaps gone: events from sequence ${nextSequence} on, for what came last can't be read; a`,
      'source that can read again has not moved past them.',
    );
  } else if (lost.length === 0) lines.push('Gone: no event.');
  if (mayLackCommits) {
    lines.push(
      'Commits may be gone too: events that were delivered may be delivered again, and what sinks',
      'remember may be older than their files.',
    );
  }
  return lines;
}

function size(bytes: number): string {
  if (bytes < 1 << 10) return `${bytes} bytes`;
  return bytes < 1 << 20
    ? `${(bytes / (1 << 10)).toFixed(1)} KiB`
    : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

function ageText(ms: number): string {
  return `${Math.max(0, Math.round(ms / 1000))} s`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
