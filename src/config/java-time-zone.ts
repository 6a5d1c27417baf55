import { offsetMs, type Zone, type ZoneOffsets } from './java-local-time.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** Days whose offset is remembered per zone: more than a year. */
const maxDays = 400;

/**
 * How ids of zones are spelt. Java knows no other case of theirs, JavaScript knows every one. What
 * has this form and is no zone is sorted out by asking for it.
 */
const spelling = new RegExp(
  [
    // Asia/Tokyo, America/Port-au-Prince, Cuba.
    /(?!.*[_-](?:Of|Es|Au)[_-])[A-Z][a-z]{3,}(?:[/_-](?:[A-Z][a-z]+|of|es|au))*/,
    /Etc\/[A-Z][a-z]{3,}/,
    // PST, US/Pacific, NZ-CHAT.
    /[A-Z]{3}|GB|NZ|W-SU|NZ-CHAT|GB-Eire|US\/[A-Z][a-z]+(?:-[A-Z][a-z]+)?/,
    // Etc/GMT-5, Etc/GMT0, PST8PDT.
    /Etc\/(?:GMT(?:0|[+-]\d{1,2})?|UCT|UTC)|GMT0|(?:SystemV\/)?[CEMPY]ST\d(?:[CEMPY]DT)?/,
    /SystemV\/(?:AST4(?:ADT)?|HST10)/,
    /America\/(?:Argentina\/ComodRivadavia|Knox_IN)|Antarctica\/(?:DumontDUrville|McMurdo)/,
    /Australia\/(?:ACT|LHI|NSW)|Brazil\/DeNoronha|Chile\/EasterIsland|Mexico\/Baja(?:Norte|Sur)/,
  ]
    .map(({ source }) => `^(?:${source})$`)
    .join('|'),
);

/** JavaScript knows it, Java does not. */
const onlyHere = 'ROC';

/** An offset from UTC, and in which times it holds, as far as is known: `[from, to)`. */
export interface OffsetSpan {
  readonly offsetMs: number;
  readonly from: number;
  readonly to: number;
}

/**
 * A zone, and what its offset was on some hundred days: to ask for it takes a microsecond. Exact
 * from 1970 on.
 */
export class TimeZone implements ZoneOffsets {
  readonly #zone: Zone;
  readonly #days = new Map<number, OffsetSpan>();

  constructor(zone: Zone) {
    this.#zone = zone;
  }

  offsetMs(time: number): number {
    return this.spanAt(time).offsetMs;
  }

  /** What holds at that time, in ms since 1970: for the rest of its day (UTC's), or less. */
  spanAt(time: number): OffsetSpan {
    const day = Math.floor(time / dayMs);
    const known = this.#days.get(day);
    if (known && time >= known.from && time < known.to) return known;
    const span = this.#spanAt(time, day * dayMs);
    if (this.#days.size >= maxDays) this.#days.clear();
    this.#days.set(day, span);
    return span;
  }

  /** No zone changes its offset twice in a day: the shortest time between two is a week. */
  #spanAt(time: number, start: number): OffsetSpan {
    let from = start;
    let to = start + dayMs;
    const before = offsetMs(this.#zone, from);
    const after = offsetMs(this.#zone, to - 1);
    if (before === after) return { offsetMs: before, from, to };
    // The last time known to have the first offset, and the first known to have the second.
    let low = from;
    let high = to - 1;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (offsetMs(this.#zone, middle) === before) low = middle;
      else high = middle;
    }
    if (time < high) to = high;
    else from = high;
    return { offsetMs: time < high ? before : after, from, to };
  }
}

/**
 * The zone of a Java id, as `TimeZone.getTimeZone` has it: a region (`Europe/Berlin`), one of
 * the old abbreviations (`PST`) or an offset (`GMT+8`, `GMT-03:30`, `GMT+1000`). Any other text is
 * GMT.
 *
 * @param id undefined: the machine's zone
 */
export function javaTimeZone(id: string | undefined): TimeZone {
  if (id === undefined) return new TimeZone('local');
  return new TimeZone(fixedZone(id) ?? regionalZone(id) ?? 'utc');
}

/** Is that an id that Java knows? It takes any other for GMT. */
export function isJavaTimeZone(id: string): boolean {
  return fixedZone(id) !== undefined || regionalZone(id) !== undefined;
}

/** `GMT+8`, `GMT+08`, `GMT+0800`, `GMT+8:00`: the sign is that of the wall, ahead of UTC. */
function fixedZone(id: string): ZoneOffsets | undefined {
  const [, sign, hours = '', minutes] = /^GMT([+-])(\d*)(?::(\d\d))?$/.exec(id) ?? [];
  if (sign === undefined) return undefined;
  let hour = Number(hours);
  let minute = Number(minutes ?? 0);
  if (minutes === undefined) {
    if (hours === '') return undefined;
    if (hours.length > 2) [hour, minute] = [Math.floor(hour / 100), hour % 100];
  } else if (hours.length > 2) return undefined;
  if (hour > 23 || minute > 59) return undefined;
  const offset = (hour * 60 + minute) * (sign === '-' ? -minuteMs : minuteMs);
  return { offsetMs: () => offset };
}

function regionalZone(id: string): ZoneOffsets | undefined {
  if (!spelling.test(id) || id === onlyHere) return undefined;
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: id, timeZoneName: 'longOffset' });
    return { offsetMs: (time) => offsetIn(format.format(time)) };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** `1/1/2012, GMT-08:00`; `GMT` alone, or seconds behind the minutes, may stand there, too. */
function offsetIn(text: string): number {
  const found = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
  if (!found) throw new Error(`a zone's offset in ${text}: expected GMT+00:00`);
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = found;
  const offset = (Number(hours) * 60 + Number(minutes)) * minuteMs + Number(seconds) * 1000;
  return sign === '-' ? -offset : offset;
}
