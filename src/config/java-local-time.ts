/** Whose clock says so: the machine's (the variable `TZ`), or UTC. */
export type Zone = 'local' | 'utc';

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** What a clock on the wall shows. January is month 0. */
export interface Wall {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/**
 * In ms since 1970. As in Java's calendars, fields beyond their range carry over (the 32nd of a
 * month), an hour that a clock skips counts on from before, and one that it shows twice is the
 * second of the two. JavaScript would take the first.
 */
export function wallTime(zone: Zone, wall: Wall): number {
  const { year, month, day, hour, minute, second } = wall;
  const utc = new Date(0);
  utc.setUTCFullYear(year, month, day);
  utc.setUTCHours(hour, minute, second);
  if (zone === 'utc') return utc.getTime();
  const local = new Date(year, month, day, hour, minute, second);
  // To JavaScript the years 0 to 99 are those of the 20th century.
  if (year < 100) local.setFullYear(year);
  const earlier = local.getTime();
  const offset = offsetMs(earlier + dayMs);
  const later = utc.getTime() - offset;
  return later > earlier && offsetMs(later) === offset ? later : earlier;
}

/** So many months later; on the last day of a month that is too short. */
export function plusMonths(zone: Zone, time: number, months: number): number {
  // The fields of the shifted time are those of the wall.
  const at = new Date(zone === 'utc' ? time : time + offsetMs(time));
  const month = at.getUTCMonth() + months;
  const lastDay = new Date(Date.UTC(at.getUTCFullYear(), month + 1, 0)).getUTCDate();
  return wallTime(zone, {
    year: at.getUTCFullYear(),
    month,
    day: Math.min(at.getUTCDate(), lastDay),
    hour: at.getUTCHours(),
    minute: at.getUTCMinutes(),
    second: at.getUTCSeconds(),
  });
}

/** How far the wall is ahead of UTC. */
function offsetMs(time: number): number {
  return -new Date(time).getTimezoneOffset() * minuteMs;
}
