import { wallMsTime } from '../config/java-local-time.ts';
import { javaTimeZone, type TimeZone } from '../config/java-time-zone.ts';
import type { Column, EventBatch } from '../core/event-batch.ts';
import { thisMachine } from '../core/machine.ts';
import { type Clock, type Escape, emptyEscape, escapes } from './time-escapes.ts';

export interface EscapeOptions {
  /** Java's id, where an unknown one is GMT; undefined: the machine's zone. */
  readonly timeZone?: string | undefined;
  /**
   * Rounds the time down: the local field to a multiple of the value, within its parent unit. The
   * value is at most 60, or 24 hours.
   */
  readonly round?: { readonly unit: RoundUnit; readonly value: number } | undefined;
  /** Take the time from this, in ms since 1970, not from the header `timestamp`; once a batch. */
  readonly now?: (() => number) | undefined;
  /** What `%[localhost]`, `%[IP]` and `%[FQDN]` stand for; default: as far as known at once. */
  readonly host?: { readonly name: string; readonly address: string; readonly fqdn: string };
}

type RoundUnit = 'second' | 'minute' | 'hour';

export interface Expansion {
  /** One text for all events, or one per event. Equal texts are mostly the same object. */
  readonly values: string | readonly (string | undefined)[];
  /** Why an event has no text: `has no header timestamp`. By row. */
  readonly problems: ReadonlyMap<number, string>;
}

const secondMs = 1000;
const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

const timestampHeader = 'timestamp';
/** Times of so many digits are numbers that a `Date` can have. */
const maxDigits = 15;
/** After so many years the calendar, and the rules of every zone, repeat themselves. */
const cycleYears = 400;
const cycleMs = 12_622_780_800_000n;
/** Where all zones have come to rules that repeat: times beyond those of `Date` are put there. */
const cycleStart = BigInt(Date.UTC(2400, 0, 1));
const maxLong = 2n ** 63n;

/** Windows of time whose texts are remembered: a batch may have events of many hours. */
const maxWindows = 256;
/** Texts that are remembered for all windows together. */
const maxTexts = 4096;
/** So much of a bad header is shown. */
const maxShown = 40;

/**
 *   escape => time | header | host
 *     time   => '%' ( [A-Za-z0-9_] | '%' )
 *     header => '%{' [A-Za-z0-9_.-]+ '}'
 *     host   => '%[' [A-Za-z0-9_]+ ']'
 *
 * Source: Flume 1.11, `BucketPath.TAG_REGEX`. What does not match stays as it is.
 */
const grammar = /%([\w%])|%\{([\w.-]+)\}|%\[(\w+)\]/g;

/** A literal text, the value of a header, or a time escape: the last two by their number. */
type Piece = string | { readonly header: number } | { readonly time: number };

/** What it rounds to multiples of, and what it stays within. */
const roundUnits: Readonly<Record<RoundUnit, { unitMs: number; parentMs: number }>> = {
  second: { unitMs: secondMs, parentMs: minuteMs },
  minute: { unitMs: minuteMs, parentMs: hourMs },
  hour: { unitMs: hourMs, parentMs: dayMs },
};

/** A time during which all time escapes stay as they are: `[from, to)`, in ms since 1970. */
interface Window {
  readonly from: number;
  readonly to: number;
  readonly times: readonly string[];
  /** By the values of the headers, one after the other. */
  readonly known: Known;
}

type Known = Map<string, Known | string>;

/**
 * A text with Flume's escapes, read once and filled in per event, for paths and names. It remembers
 * the last texts: most events have the one of the event before.
 */
export class EscapedText {
  /** Does it need the time? `%%` does, as in Flume. */
  readonly usesTime: boolean;
  readonly #pieces: readonly Piece[];
  /** Names of the headers it shows, each once. */
  readonly #headers: readonly string[];
  readonly #escapes: readonly Escape[];
  readonly #zone: TimeZone;
  readonly #round?: { readonly stepMs: number; readonly parentMs: number };
  readonly #now: (() => number) | undefined;
  readonly #stepMs: number;
  /** By where they begin. */
  readonly #windows = new Map<number, Window>();
  #window: Window;
  #textCount = 0;
  /** Hardly any text comes twice. */
  readonly #isPerEvent: boolean;

  /** @throws Error when `%[word]` is none of the known words: in Flume every event fails then */
  constructor(template: string, options: EscapeOptions) {
    const { pieces, headers, escapes, usesTime } = parse(template, options);
    this.#pieces = pieces;
    this.#headers = headers;
    this.#escapes = escapes;
    this.#isPerEvent = headers.includes(timestampHeader);
    this.usesTime = usesTime;
    this.#zone = javaTimeZone(options.timeZone);
    if (options.round && usesTime) {
      const { unitMs, parentMs } = roundUnits[options.round.unit];
      this.#round = { stepMs: unitMs * options.round.value, parentMs };
    }
    this.#now = options.now;
    this.#stepMs = Math.min(dayMs, ...escapes.map(({ stepMs }) => stepMs));
    const [from, to] = usesTime ? [0, 0] : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    this.#window = { from, to, times: [], known: new Map() };
  }

  /** The text of every event. One whose time is missing or bad has none, and a problem. */
  expand(batch: EventBatch): Expansion {
    const columns = this.#headers.map((name) => batch.headers.get(name));
    const now = this.usesTime ? this.#now?.() : 0;
    const times = now === undefined ? batch.headers.get(timestampHeader) : undefined;
    if (typeof times === 'object' || columns.some((column) => typeof column === 'object')) {
      return this.#perRow(batch.length, columns, times, now);
    }
    const window = now === undefined ? this.#windowOf(times) : this.#windowAt(now);
    if (typeof window !== 'string') {
      return { values: this.#textOf(window, columns, 0), problems: new Map() };
    }
    const values = new Array<undefined>(batch.length).fill(undefined);
    return { values, problems: new Map(values.map((_none, row) => [row, window])) };
  }

  #perRow(
    length: number,
    columns: readonly (Column | undefined)[],
    times: Column | undefined,
    now: number | undefined,
  ): Expansion {
    const values = new Array<string | undefined>(length);
    const problems = new Map<number, string>();
    let window: Window | string = '';
    if (now !== undefined) window = this.#windowAt(now);
    else if (typeof times !== 'object') window = this.#windowOf(times);
    let isUniform = length > 0;
    let last: Window | undefined;
    let lastRow = 0;
    let lastText = '';
    for (let row = 0; row < length; row++) {
      if (typeof times === 'object') window = this.#windowOf(times[row]);
      if (typeof window === 'string') {
        problems.set(row, window);
        values[row] = undefined;
        isUniform = false;
        continue;
      }
      if (window !== last || !isSame(columns, row, lastRow)) {
        lastText = this.#textOf(window, columns, row);
        last = window;
        lastRow = row;
      }
      values[row] = lastText;
      isUniform &&= lastText === values[0];
    }
    return { values: isUniform ? lastText : values, problems };
  }

  /** The window of a header `timestamp`, or what is wrong with it. */
  #windowOf(text: string | undefined): Window | string {
    if (text === undefined) return 'has no header timestamp';
    const time = parseTime(text);
    if (time !== undefined) return this.#windowAt(time);
    const shown = text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
    return `has a header timestamp that is no number of ms: "${shown}"`;
  }

  #windowAt(time: number | bigint): Window | string {
    if (this.#round && time <= 0) return `has the time ${time}: only times after 0 are rounded`;
    const last = this.#window;
    if (time >= last.from && time < last.to) return last;
    // Far from our times nothing is remembered.
    if (typeof time === 'bigint') return this.#windowBetween(time, 0, 0);
    const [from, to] = this.#boundsOf(time);
    let window = this.#windows.get(from);
    if (!window) {
      window = this.#windowBetween(time, from, to);
      if (this.#windows.size >= maxWindows) this.#forget();
      this.#windows.set(from, window);
    }
    this.#window = window;
    return window;
  }

  #forget(): void {
    this.#windows.clear();
    this.#textCount = 0;
  }

  /**
   * The steps are those of the wall. Where its clock is changed they end, or begin, as far as is
   * known: a window may be shorter than it could be.
   */
  #boundsOf(time: number): [from: number, to: number] {
    const zone = this.#zone;
    const span = zone.spanAt(time);
    const wall = time + span.offsetMs;
    const stepMs = this.#stepMs === 1 ? 1 : (this.#round?.stepMs ?? this.#stepMs);
    const parent = floorTo(wall, this.#round?.parentMs ?? dayMs);
    const start = parent + floorTo(wall - parent, stepMs);
    const end = Math.min(start + stepMs, parent + (this.#round?.parentMs ?? dayMs));
    const from = start - span.offsetMs;
    const to = end - span.offsetMs;
    // Between two times of a day with one offset there is no other.
    const isFirst = from < span.from && zone.offsetMs(from) !== span.offsetMs;
    const isLast = to > span.to && zone.offsetMs(to - 1) !== span.offsetMs;
    return [isFirst ? span.from : from, isLast ? span.to : to];
  }

  #windowBetween(time: number | bigint, from: number, to: number): Window {
    const clock = this.#clockAt(time);
    return { from, to, times: this.#escapes.map(({ text }) => text(clock)), known: new Map() };
  }

  #clockAt(time: number | bigint): Clock {
    const isNear = typeof time === 'number';
    const cycles = isNear ? 0n : floorDivide(time - cycleStart, cycleMs);
    const near = isNear ? time : Number(time - cycles * cycleMs);
    const rounded = this.#rounded(near);
    const offsetMs = this.#zone.offsetMs(rounded);
    const wall = new Date(rounded + offsetMs);
    const year = wall.getUTCFullYear() + cycleYears * Number(cycles);
    const seconds = isNear
      ? Math.trunc(rounded / secondMs)
      : (BigInt(rounded) + cycles * cycleMs) / BigInt(secondMs);
    // Before the first year Java counts back.
    return { wall, year: year > 0 ? year : 1 - year, offsetMs, seconds, raw: time };
  }

  /** As Java's calendar, it may round a time to the second of two hours of the same name. */
  #rounded(time: number): number {
    if (!this.#round) return time;
    const wall = time + this.#zone.offsetMs(time);
    const parent = floorTo(wall, this.#round.parentMs);
    return wallMsTime(this.#zone, parent + floorTo(wall - parent, this.#round.stepMs));
  }

  #textOf(window: Window, columns: readonly (Column | undefined)[], row: number): string {
    if (this.#isPerEvent) return this.#compose(window, columns, row);
    let known = window.known;
    let value = '';
    for (let index = 0; index < columns.length; index++) {
      if (index > 0) known = within(known, value);
      value = valueAt(columns[index], row);
    }
    const found = known.get(value);
    if (typeof found === 'string') return found;
    const text = this.#compose(window, columns, row);
    if (this.#textCount >= maxTexts) {
      this.#forget();
      window.known.clear();
    }
    this.#textCount++;
    known.set(value, text);
    return text;
  }

  #compose(window: Window, columns: readonly (Column | undefined)[], row: number): string {
    let text = '';
    for (const piece of this.#pieces) {
      if (typeof piece === 'string') text += piece;
      else if ('header' in piece) text += valueAt(columns[piece.header], row);
      else text += window.times[piece.time];
    }
    return text;
  }
}

interface Parsed {
  readonly pieces: readonly Piece[];
  readonly headers: readonly string[];
  readonly escapes: readonly Escape[];
  readonly usesTime: boolean;
}

function parse(template: string, options: EscapeOptions): Parsed {
  const pieces: Piece[] = [];
  const headers: string[] = [];
  const found: Escape[] = [];
  const addHeader = (name: string) => {
    if (!headers.includes(name)) headers.push(name);
    pieces.push({ header: headers.indexOf(name) });
  };
  let usesTime = false;
  let end = 0;
  for (const match of template.matchAll(grammar)) {
    const [whole, letter, header, word] = match;
    pieces.push(template.slice(end, match.index));
    end = match.index + whole.length;
    if (header !== undefined) addHeader(header);
    else if (word !== undefined) pieces.push(hostWord(word, options));
    else if (letter !== undefined) {
      usesTime = true;
      // The text of the header itself, whatever it is rounded to.
      if (letter === 't' && !options.now) addHeader(timestampHeader);
      else pieces.push({ time: found.push(escapes[letter] ?? emptyEscape) - 1 });
    }
  }
  pieces.push(template.slice(end));
  return { pieces: pieces.filter((piece) => piece !== ''), headers, escapes: found, usesTime };
}

function hostWord(word: string, { host }: EscapeOptions): string {
  switch (word.toLowerCase()) {
    case 'localhost':
      return host?.name ?? thisMachine.name;
    case 'ip':
      return host?.address ?? thisMachine.addresses[0] ?? thisMachine.name;
    case 'fqdn':
      return host?.fqdn ?? thisMachine.name;
    default:
      throw new Error(`%[${word}] means nothing: known are %[localhost], %[IP] and %[FQDN]`);
  }
}

/**
 * A time as `Long.valueOf` reads it: an ordinary one as a number, one that few calendars have as
 * bigint.
 */
function parseTime(text: string): number | bigint | undefined {
  const length = text.length;
  if (length > 0 && length <= maxDigits) {
    let time = 0;
    let index = 0;
    for (; index < length; index++) {
      const digit = text.charCodeAt(index) - 48;
      if (digit < 0 || digit > 9) break;
      time = time * 10 + digit;
    }
    if (index === length) return time;
  }
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const long = BigInt(text.replace(/^\+/, ''));
  if (long >= maxLong || long < -maxLong) return undefined;
  return text.replace(/^[+-]?0*/, '').length <= maxDigits ? Number(long) : long;
}

/** Does an event show the same headers as that one? */
function isSame(columns: readonly (Column | undefined)[], row: number, other: number): boolean {
  for (const column of columns) {
    if (typeof column === 'object' && column[row] !== column[other]) return false;
  }
  return true;
}

/** A header that an event does not have is empty. */
function valueAt(column: Column | undefined, row: number): string {
  return (typeof column === 'object' ? column[row] : column) ?? '';
}

function within(known: Known, value: string): Known {
  const found = known.get(value);
  if (found instanceof Map) return found;
  const made: Known = new Map();
  known.set(value, made);
  return made;
}

function floorTo(value: number, step: number): number {
  return Math.floor(value / step) * step;
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return quotient * divisor > value ? quotient - 1n : quotient;
}
