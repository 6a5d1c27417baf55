/** Whose clock says so: the machine's (the variable `TZ`), UTC, or that of another zone. */
export type Zone = 'local' | 'utc' | ZoneOffsets;

export interface ZoneOffsets {
  /** How far the wall is ahead of UTC at that time, in ms since 1970; in ms. */
  offsetMs(time: number): number;
}

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
  return wallMsTime(zone, utc.getTime());
}

/** The same of a wall that is given as the time at which UTC's shows that. */
export function wallMsTime(zone: Zone, wallMs: number): number {
  if (zone === 'utc') return wallMs;
  // A clock is changed at most once in two days.
  const offset = offsetMs(zone, wallMs + dayMs);
  const later = wallMs - offset;
  return offsetMs(zone, later) === offset ? later : wallMs - offsetMs(zone, wallMs - dayMs);
}

/** So many months later; on the last day of a month that is too short. */
export function plusMonths(zone: Zone, time: number, months: number): number {
  // The fields of the shifted time are those of the wall.
  const at = new Date(time + offsetMs(zone, time));
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
export function offsetMs(zone: Zone, time: number): number {
  if (zone === 'utc') return 0;
  if (zone === 'local') return -new Date(time).getTimezoneOffset() * minuteMs;
  return zone.offsetMs(time);
}
