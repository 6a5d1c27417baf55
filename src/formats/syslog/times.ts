import { plusMonths, type Wall, wallTime, type Zone } from '../../config/java-local-time.ts';
import { ByteKeys } from './byte-keys.ts';
import { colon, dash, isCapital, isDigit, isSmall, isSpace, twoDigits, zero } from './bytes.ts';

/** Times that are remembered: senders' clocks differ by some seconds. */
const slots = 64;
/** As many as that are remembered as text: about a second of each. */
const timeTexts = 1024;
/** `Nov  5 10:11:12` or `Nov 25 10:11:12` */
const usualBytes = 15;
/** `Nov 5 10:11:12` */
const leastBytes = 14;
/** `2026-11-20T10:11:12`. */
export const secondBytes = 19;

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** What of a time can be wrong, and what becomes of it. */
export type Leniency =
  /** 25 o'clock is 1 o'clock of the next day. */
  | 'carries'
  /** There is no 25 o'clock. But `NOV` is as good as `Nov`. */
  | 'strict';

/**
 * Where a time of RFC 3164 ends that begins at `from`: `Nov  5 10:11:12`, with one blank or two,
 * one digit or two. `from` itself when there is none.
 *
 * @param anyCase may be `NOV` as well
 */
function endOfShortTime(bytes: Buffer, from: number, end: number, anyCase: boolean): number {
  if (end - from < leastBytes) return from;
  let at = from + 3;
  if (!isMonth(bytes, from, anyCase) || !isSpace(bytes[at++] as number)) return from;
  if (isSpace(bytes[at] as number)) at++;
  if (!isDigit(bytes[at++] as number)) return from;
  if (isDigit(bytes[at] as number)) at++;
  if (!isSpace(bytes[at++] as number)) return from;
  return end - at >= 8 && isClock(bytes, at) ? at + 8 : from;
}

/** A capital letter and two small ones. */
function isMonth(bytes: Buffer, at: number, anyCase: boolean): boolean {
  const second = bytes[at + 1] as number;
  const third = bytes[at + 2] as number;
  return (
    isCapital(bytes[at] as number) &&
    (isSmall(second) || (anyCase && isCapital(second))) &&
    (isSmall(third) || (anyCase && isCapital(third)))
  );
}

/** `10:11:12` */
function isClock(bytes: Buffer, at: number): boolean {
  return (
    twoDigits(bytes, at) >= 0 &&
    bytes[at + 2] === colon &&
    twoDigits(bytes, at + 3) >= 0 &&
    bytes[at + 5] === colon &&
    twoDigits(bytes, at + 6) >= 0
  );
}

/**
 * Times of RFC 3164, as the text of ms since 1970. They lack a year: it is the one that puts them
 * less than a month ahead, and at most eleven months behind.
 */
export class ShortTimes {
  readonly #zone: Zone;
  readonly #leniency: Leniency;
  readonly #keys = new ByteKeys(slots, usualBytes);
  readonly #texts: (string | undefined)[] = [];
  readonly #anyCase: boolean;
  #now = 0;
  /** The time that was read last; undefined: there is none. */
  text: string | undefined;

  constructor(zone: Zone, leniency: Leniency) {
    this.#zone = zone;
    this.#leniency = leniency;
    this.#anyCase = leniency === 'strict';
  }

  /** Says what time it is: which year is meant may change with every second. */
  setNow(now: number): void {
    if (Math.floor(now / 1000) !== Math.floor(this.#now / 1000)) this.#keys.clear();
    this.#now = now;
  }

  /**
   * Where the time ends that begins at `from`, as `endOfShortTime` says; `text` has it then. A time
   * that was seen before is known by its bytes.
   */
  read(bytes: Buffer, view: DataView, from: number, end: number): number {
    const usual = from + usualBytes;
    const found = usual < end ? this.#keys.find(view, from, usual) : -1;
    if (found >= 0) {
      this.text = this.#texts[found];
      return usual;
    }
    const to = endOfShortTime(bytes, from, end, this.#anyCase);
    if (to === from) return from;
    const time = this.#parse(bytes, from, to);
    this.text = time === undefined ? undefined : String(time);
    if (to === usual && to < end) {
      this.#texts[~found] = this.text;
      this.#keys.set(~found, view, from, to);
    }
    return to;
  }

  #parse(bytes: Buffer, from: number, to: number): number | undefined {
    const month = months.indexOf(bytes.toString('latin1', from, from + 3).toLowerCase());
    const clock = to - 8;
    const hour = twoDigits(bytes, clock);
    const minute = twoDigits(bytes, clock + 3);
    const second = twoDigits(bytes, clock + 6);
    const hasTens = isDigit(bytes[clock - 3] as number);
    const day = hasTens ? twoDigits(bytes, clock - 3) : (bytes[clock - 2] as number) - zero;
    if (month < 0) return undefined;
    const isStrict = this.#leniency === 'strict';
    if (isStrict && (day < 1 || day > (monthDays[month] as number))) return undefined;
    if (isStrict && (hour > 23 || minute > 59 || second > 59)) return undefined;
    return this.#inYear({ month, day, hour, minute, second });
  }

  #inYear(wall: Omit<Wall, 'year'>): number {
    const year = new Date(this.#now).getUTCFullYear();
    const time = this.#wallTime({ ...wall, year });
    if (time > this.#now && plusMonths(this.#zone, time, -1) > this.#now) {
      return this.#wallTime({ ...wall, year: year - 1 });
    }
    if (time < this.#now && plusMonths(this.#zone, time, 11) < this.#now) {
      return this.#wallTime({ ...wall, year: year + 1 });
    }
    return time;
  }

  #wallTime(wall: Wall): number {
    const { year, month, day } = wall;
    const days = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
    // The 29th of February is the 28th in other years, where it doesn't carry over.
    const isOver = this.#leniency === 'strict' && day > days;
    return wallTime(this.#zone, isOver ? { ...wall, day: days } : wall);
  }
}

/**
 * Times of RFC 5424 up to the second, each in a slot: what the text of a fraction and a zone makes
 * of it is up to the caller.
 */
export class Seconds {
  readonly #leniency: Leniency;
  readonly #keys = new ByteKeys(slots, secondBytes);
  /** Per slot, in ms since 1970: by UTC's clock, and by the local one. */
  readonly #utc = new Float64Array(slots);
  readonly #local = new Float64Array(slots);

  constructor(leniency: Leniency) {
    this.#leniency = leniency;
  }

  /** The slot of the time that begins at `from`; below 0 when there is none. */
  slotOf(bytes: Buffer, view: DataView, from: number, end: number): number {
    const to = from + secondBytes;
    if (to > end) return -1;
    const found = this.#keys.find(view, from, to);
    if (found >= 0) return found;
    const wall = this.#parse(bytes, from);
    if (!wall) return -1;
    this.#utc[~found] = wallTime('utc', wall);
    this.#local[~found] = wallTime('local', wall);
    this.#keys.set(~found, view, from, to);
    return ~found;
  }

  utc(slot: number): number {
    return this.#utc[slot] as number;
  }

  local(slot: number): number {
    return this.#local[slot] as number;
  }

  #parse(bytes: Buffer, from: number): Wall | undefined {
    const century = twoDigits(bytes, from);
    const year = century * 100 + twoDigits(bytes, from + 2);
    const month = twoDigits(bytes, from + 5) - 1;
    const day = twoDigits(bytes, from + 8);
    const clock = from + 11;
    const isShaped =
      Math.min(century, twoDigits(bytes, from + 2), month + 1, day) >= 0 &&
      bytes[from + 4] === dash &&
      bytes[from + 7] === dash &&
      bytes[from + 10] === letterT &&
      isClock(bytes, clock);
    if (!isShaped) return undefined;
    const hour = twoDigits(bytes, clock);
    const minute = twoDigits(bytes, clock + 3);
    const second = twoDigits(bytes, clock + 6);
    const wall = { year, month, day, hour, minute, second };
    return this.#leniency === 'carries' || exists(wall) ? wall : undefined;
  }
}

const letterT = 84;

/** Times in ms since 1970 as text: those that come again and again are made once. */
export class TimeTexts {
  readonly #times = new Float64Array(timeTexts).fill(Number.NaN);
  readonly #texts: string[] = [];

  textOf(time: number): string {
    const slot = time - Math.floor(time / timeTexts) * timeTexts;
    if (this.#times[slot] !== time) {
      this.#times[slot] = time;
      this.#texts[slot] = String(time);
    }
    return this.#texts[slot] as string;
  }
}

function exists({ year, month, day, hour, minute, second }: Wall): boolean {
  const days = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const isDay = month >= 0 && month <= 11 && day >= 1 && day <= days;
  return isDay && hour <= 23 && minute <= 59 && second <= 59;
}
