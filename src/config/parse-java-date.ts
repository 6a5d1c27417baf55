import { plusMonths, wallTime } from './java-local-time.ts';

/**
 * Reads times as Java's SimpleDateFormat does, lenient and in English: the text may go on behind
 * what the pattern says, fields beyond their range carry over, and what has no zone is local.
 */
export class JavaDateParser {
  readonly #parts: readonly Part[];

  /**
   * @param pattern such as `yyyy-MM-dd'T'HH:mm:ss`
   * @throws SyntaxError for a letter that has no meaning here
   */
  constructor(pattern: string) {
    this.#parts = partsOf(pattern);
  }

  /**
   * In ms since 1970; undefined when the text is no such time.
   *
   * @param now in which century a year of two digits is: at most 80 years ago, 20 ahead
   */
  parse(text: string, now: number): number | undefined {
    const fields: Fields = { now };
    let at = 0;
    for (const part of this.#parts) {
      const end = part(text, at, fields);
      if (end === undefined) return undefined;
      at = end;
    }
    return timeOf(fields);
  }
}

/** What was read, as far as the pattern has it. */
interface Fields {
  readonly now: number;
  year?: number;
  /** The year was of two digits: the century is not known. */
  isShortYear?: boolean;
  /** From 0. */
  month?: number;
  day?: number;
  dayOfYear?: number;
  hour?: number;
  /** Of 12. */
  halfHour?: number;
  isAfternoon?: boolean;
  minute?: number;
  second?: number;
  millisecond?: number;
  offsetMinutes?: number;
}

/** Reads one part of the pattern at `at`: gives where it ends, undefined when it is not there. */
type Part = (text: string, at: number, fields: Fields) => number | undefined;

const monthNames =
  'january february march april may june july august september october november december';
const dayNames = 'sunday monday tuesday wednesday thursday friday saturday';

function partsOf(pattern: string): Part[] {
  const runs = [...pattern.matchAll(/'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']/g)];
  if (runs.map(([run]) => run).join('') !== pattern) throw new SyntaxError('a quote is not closed');
  return runs.map(([run, quoted, letter], index) => {
    if (quoted !== undefined) return literal(quoted === '' ? "'" : quoted.replaceAll("''", "'"));
    if (letter === undefined) return literal(run);
    // Digits that follow each other directly are told apart by their number.
    const next = runs[index + 1];
    const abuts = next?.[2] !== undefined && isNumeric(next[2], next[0].length);
    return field(letter, run.length, abuts);
  });
}

function isNumeric(letter: string, width: number): boolean {
  return 'ydDHkKhmsS'.includes(letter) || ('ML'.includes(letter) && width < 3);
}

function field(letter: string, width: number, abuts: boolean): Part {
  const number = numericFields[letter];
  if ('ML'.includes(letter) && width > 2)
    return word(monthNames, (fields, index) => {
      fields.month = index;
    });
  if (letter === 'E') return word(dayNames, () => {});
  if (letter === 'a')
    return word('am pm', (fields, index) => {
      fields.isAfternoon = index === 1;
    });
  if (letter === 'X' && width === 1) return zone(/^(?:Z|([+-])(\d\d))/);
  if ('zZX'.includes(letter)) return zone(/^(?:Z|GMT|UTC)?(?:([+-])(\d\d):?(\d\d))?/);
  if (!number) throw new SyntaxError(`the letter ${letter} has no meaning in a date pattern here`);
  return (text, at, fields) => {
    const found = digitsAt(text, at, abuts ? width : undefined);
    if (!found) return undefined;
    number(fields, Number(found.digits), found.digits.length, width);
    return found.end;
  };
}

const numericFields: Readonly<
  Record<string, (fields: Fields, value: number, digits: number, width: number) => void>
> = {
  y: (fields, value, digits, width) => {
    fields.year = value;
    fields.isShortYear = width <= 2 && digits === 2;
  },
  M: (fields, value) => {
    fields.month = value - 1;
  },
  L: (fields, value) => {
    fields.month = value - 1;
  },
  d: (fields, value) => {
    fields.day = value;
  },
  D: (fields, value) => {
    fields.dayOfYear = value;
  },
  H: (fields, value) => {
    fields.hour = value;
  },
  k: (fields, value) => {
    fields.hour = value === 24 ? 0 : value;
  },
  K: (fields, value) => {
    fields.halfHour = value;
  },
  h: (fields, value) => {
    fields.halfHour = value === 12 ? 0 : value;
  },
  m: (fields, value) => {
    fields.minute = value;
  },
  s: (fields, value) => {
    fields.second = value;
  },
  S: (fields, value) => {
    fields.millisecond = value;
  },
};

function literal(expected: string): Part {
  return (text, at) => (text.startsWith(expected, at) ? at + expected.length : undefined);
}

/** A number, after blanks; of exactly so many digits where another number follows directly. */
function digitsAt(text: string, at: number, width: number | undefined) {
  const start = at + (/^[ \t]*/.exec(text.slice(at))?.[0].length ?? 0);
  const digits = /^\d+/.exec(text.slice(start, width && start + width))?.[0];
  return digits === undefined ? undefined : { digits, end: start + digits.length };
}

/** The longest of the words, whole or their first three letters, in any case. */
function word(words: string, found: (fields: Fields, index: number) => void): Part {
  const candidates = words
    .split(' ')
    .flatMap((each, index) => [each, each.slice(0, 3)].map((name) => ({ name, index })))
    .sort((left, right) => right.name.length - left.name.length);
  return (text, at, fields) => {
    const rest = text.slice(at, at + 9).toLowerCase();
    const match = candidates.find(({ name }) => rest.startsWith(name));
    if (!match) return undefined;
    found(fields, match.index);
    return at + match.name.length;
  };
}

/** Where a pattern says so: sign, hours, minutes. Names of zones other than UTC's are not known. */
function zone(pattern: RegExp): Part {
  return (text, at, fields) => {
    const found = pattern.exec(text.slice(at));
    const [whole = '', sign, hours = '0', minutes = '0'] = found ?? [];
    if (whole === '' || Number(hours) > 23 || Number(minutes) > 59) return undefined;
    fields.offsetMinutes = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
    return at + whole.length;
  };
}

function timeOf(fields: Fields): number {
  const { year = 1970, isShortYear, now } = fields;
  if (!isShortYear) return timeInYear(fields, year);
  const earliest = plusMonths('local', now, -80 * 12);
  const century = new Date(earliest).getFullYear();
  const time = timeInYear(fields, century - (century % 100) + year);
  return time < earliest ? timeInYear(fields, century - (century % 100) + year + 100) : time;
}

function timeInYear(fields: Fields, year: number): number {
  const { month, day, dayOfYear, hour, halfHour = 0, isAfternoon } = fields;
  const { minute = 0, second = 0, millisecond = 0, offsetMinutes } = fields;
  const byYear = dayOfYear !== undefined && month === undefined;
  const wall = {
    year,
    month: byYear ? 0 : (month ?? 0),
    day: byYear ? dayOfYear : (day ?? 1),
    hour: hour ?? halfHour + (isAfternoon ? 12 : 0),
    minute,
    second,
  };
  const offset = offsetMinutes ?? 0;
  const time = wallTime(offsetMinutes === undefined ? 'local' : 'utc', wall);
  return time - offset * 60_000 + millisecond;
}
