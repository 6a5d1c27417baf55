/**
 * Java's SimpleDateFormat, as far as file names and headers use it: letters repeated give the
 * width, text between single quotes stands as it is, two of them are one.
 *
 * @param pattern such as `yyyy-MM-dd`
 * @throws Error for a letter that has no meaning here
 */
export function formatJavaDate(pattern: string, date: Date): string {
  return pattern.replaceAll(
    /'([^']*)'|([A-Za-z])\2*|'/g,
    (run, quoted?: string, letter?: string) => {
      if (quoted !== undefined) return quoted === '' ? "'" : quoted;
      if (letter === undefined) return run;
      const write = letters[letter];
      if (!write) throw new Error(`the letter ${letter} has no meaning in a date pattern here`);
      return write(date, run.length);
    },
  );
}

const months =
  'January February March April May June July August September October November December';
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday';

const digits = (number: number, width: number) => String(number).padStart(width, '0');

function word(words: string, index: number, width: number): string {
  const full = words.split(' ')[index] ?? '';
  return width < 4 ? full.slice(0, 3) : full;
}

function year(date: Date, width: number): string {
  const full = digits(date.getFullYear(), width);
  return width === 2 ? full.slice(-2) : full;
}

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getFullYear(), 0, 1);
  return (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - start) / 86_400_000 + 1;
}

function offset(date: Date, separator: string): string {
  const minutes = -date.getTimezoneOffset();
  const sign = minutes < 0 ? '-' : '+';
  const size = Math.abs(minutes);
  return `${sign}${digits(Math.floor(size / 60), 2)}${separator}${digits(size % 60, 2)}`;
}

const letters: Readonly<Record<string, (date: Date, width: number) => string>> = {
  y: year,
  M: (date, width) =>
    width > 2 ? word(months, date.getMonth(), width) : digits(date.getMonth() + 1, width),
  d: (date, width) => digits(date.getDate(), width),
  D: (date, width) => digits(dayOfYear(date), width),
  E: (date, width) => word(days, date.getDay(), width),
  u: (date, width) => digits(date.getDay() || 7, width),
  a: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  H: (date, width) => digits(date.getHours(), width),
  k: (date, width) => digits(date.getHours() || 24, width),
  K: (date, width) => digits(date.getHours() % 12, width),
  h: (date, width) => digits(date.getHours() % 12 || 12, width),
  m: (date, width) => digits(date.getMinutes(), width),
  s: (date, width) => digits(date.getSeconds(), width),
  S: (date, width) => digits(date.getMilliseconds(), width),
  Z: (date) => offset(date, ''),
  X: (date, width) =>
    date.getTimezoneOffset() === 0
      ? 'Z'
      : offset(date, width < 3 ? '' : ':').slice(0, width < 2 ? 3 : 6),
};
