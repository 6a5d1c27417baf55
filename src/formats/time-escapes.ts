const secondMs = 1000;
const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** What of a time the escapes show. */
export interface Clock {
  /** The wall's fields are those of UTC here. */
  readonly wall: Date;
  readonly year: number;
  readonly offsetMs: number;
  /** Since 1970. */
  readonly seconds: bigint | number;
  /** The time itself, not rounded, in ms. */
  readonly raw: bigint | number;
}

/** How long its text stays, at least, and what it is. */
export interface Escape {
  readonly stepMs: number;
  readonly text: (clock: Clock) => string;
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September'],
  ...['October', 'November', 'December'],
];

/** Names are English, as in a JVM whose language is English. Any other letter is an empty text. */
export const escapes: Readonly<Record<string, Escape>> = {
  '%': { stepMs: dayMs, text: () => '%' },
  a: { stepMs: dayMs, text: ({ wall }) => dayName(wall).slice(0, 3) },
  A: { stepMs: dayMs, text: ({ wall }) => dayName(wall) },
  b: { stepMs: dayMs, text: ({ wall }) => monthName(wall).slice(0, 3) },
  B: { stepMs: dayMs, text: ({ wall }) => monthName(wall) },
  c: { stepMs: secondMs, text: dateAndTime },
  d: { stepMs: dayMs, text: ({ wall }) => padded(wall.getUTCDate(), 2) },
  e: { stepMs: dayMs, text: ({ wall }) => `${wall.getUTCDate()}` },
  D: { stepMs: dayMs, text: shortDate },
  H: { stepMs: hourMs, text: ({ wall }) => padded(wall.getUTCHours(), 2) },
  I: { stepMs: hourMs, text: ({ wall }) => padded(halfHour(wall), 2) },
  j: { stepMs: dayMs, text: ({ wall }) => padded(dayOfYear(wall), 3) },
  k: { stepMs: hourMs, text: ({ wall }) => `${wall.getUTCHours()}` },
  l: { stepMs: hourMs, text: ({ wall }) => `${halfHour(wall)}` },
  m: { stepMs: dayMs, text: ({ wall }) => padded(wall.getUTCMonth() + 1, 2) },
  n: { stepMs: dayMs, text: ({ wall }) => `${wall.getUTCMonth() + 1}` },
  M: { stepMs: minuteMs, text: ({ wall }) => padded(wall.getUTCMinutes(), 2) },
  p: { stepMs: hourMs, text: ({ wall }) => (wall.getUTCHours() < 12 ? 'AM' : 'PM') },
  s: { stepMs: secondMs, text: ({ seconds }) => `${seconds}` },
  S: { stepMs: secondMs, text: ({ wall }) => padded(wall.getUTCSeconds(), 2) },
  t: { stepMs: 1, text: ({ raw }) => `${raw}` },
  y: { stepMs: dayMs, text: ({ year }) => padded(year % 100, 2) },
  Y: { stepMs: dayMs, text: ({ year }) => padded(year, 4) },
  z: { stepMs: dayMs, text: ({ offsetMs }) => rfc822Offset(offsetMs) },
};
export const emptyEscape: Escape = { stepMs: dayMs, text: () => '' };

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

function dayName(wall: Date): string {
  return days[wall.getUTCDay()] ?? '';
}

function monthName(wall: Date): string {
  return months[wall.getUTCMonth()] ?? '';
}

function halfHour(wall: Date): number {
  return wall.getUTCHours() % 12 || 12;
}

function dayOfYear(wall: Date): number {
  const midnight = Date.UTC(2000, wall.getUTCMonth(), wall.getUTCDate());
  const isAfterLeapDay = wall.getUTCMonth() > 1 && !isLeap(wall.getUTCFullYear());
  return (midnight - Date.UTC(2000, 0, 0)) / dayMs - (isAfterLeapDay ? 1 : 0);
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** `Sun Jan 1 15:04:05 2012` */
function dateAndTime({ wall, year }: Clock): string {
  const date = `${dayName(wall).slice(0, 3)} ${monthName(wall).slice(0, 3)} ${wall.getUTCDate()}`;
  const clock = [wall.getUTCHours(), wall.getUTCMinutes(), wall.getUTCSeconds()];
  return `${date} ${clock.map((each) => padded(each, 2)).join(':')} ${padded(year, 4)}`;
}

/** `01/31/12` */
function shortDate({ wall, year }: Clock): string {
  const date = [wall.getUTCMonth() + 1, wall.getUTCDate(), year % 100];
  return date.map((each) => padded(each, 2)).join('/');
}

/** `+0530` */
function rfc822Offset(offsetMs: number): string {
  const minutes = Math.floor(Math.abs(offsetMs) / minuteMs);
  const sign = offsetMs <= -minuteMs ? '-' : '+';
  return `${sign}${padded(Math.floor(minutes / 60) * 100 + (minutes % 60), 4)}`;
}
