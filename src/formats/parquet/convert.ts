import type { ColumnType, Scalar } from './types.ts';

/** What a number says that is a time: seconds since 1970, or parts of one. */
export type TimeUnit = 's' | 'ms' | 'us' | 'ns';

const unitsPerMs: Readonly<Record<TimeUnit, number>> = { s: 0.001, ms: 1, us: 1e3, ns: 1e6 };

/** Makes a column's values from what an event has. Undefined: it does not fit. */
export interface Converter {
  fromText(text: string): Scalar | undefined;
  /** From a value in a JSON document, which is not null. */
  fromJson(value: unknown): Scalar | undefined;
}

export function converterOf(type: ColumnType, unit: TimeUnit): Converter {
  const fromText = textConverter(type, unit);
  return { fromText, fromJson: jsonConverter(type, unit, fromText) };
}

function textConverter(type: ColumnType, unit: TimeUnit): Converter['fromText'] {
  switch (type) {
    case 'string':
    case 'binary':
      return (text) => text;
    case 'json':
      return (text) => (isJson(text) ? text : undefined);
    case 'int32':
      return int32Of;
    case 'int64':
      return int64Of;
    case 'float':
      return (text) => floatOf(doubleOf(text));
    case 'double':
      return doubleOf;
    case 'boolean':
      return booleanOf;
    case 'timestamp':
      return (text) => {
        // A colon or a dash inside is no number's, and looking is cheaper than trying.
        if (text.indexOf('-', 1) > 0) return timeOf(text);
        const number = doubleOf(text);
        return number === undefined ? undefined : msOf(number, unit);
      };
  }
}

function jsonConverter(
  type: ColumnType,
  unit: TimeUnit,
  fromText: Converter['fromText'],
): Converter['fromJson'] {
  if (type === 'json') return (value) => JSON.stringify(value);
  return (value) => {
    if (typeof value === 'string') return fromText(value);
    if (type === 'string' || type === 'binary') {
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
    }
    if (typeof value === 'boolean') return type === 'boolean' ? value : undefined;
    if (typeof value !== 'number') return undefined;
    return fromNumber(type, unit, value);
  };
}

function fromNumber(type: ColumnType, unit: TimeUnit, value: number): Scalar | undefined {
  if (type === 'int32') return isInt32(value) ? value : undefined;
  // What was written there may have been another number: JSON's own are doubles.
  if (type === 'int64') return Number.isSafeInteger(value) ? value : undefined;
  if (type === 'float') return floatOf(value);
  if (type === 'double') return value;
  return type === 'timestamp' ? msOf(value, unit) : undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A number of 1 to 15 digits, which is what most texts are that are numbers; -1: it is none. */
function digitsOf(text: string): number {
  const { length } = text;
  if (length === 0 || length > 15) return -1;
  let value = 0;
  for (let index = 0; index < length; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

const wholeNumber = /^\s*[+-]?\d+\s*$/;

function int32Of(text: string): number | undefined {
  const digits = digitsOf(text);
  if (digits >= 0) return isInt32(digits) ? digits : undefined;
  if (!wholeNumber.test(text)) return undefined;
  const value = Number(text);
  return isInt32(value) ? value : undefined;
}

/** `-0`, too, is 0. */
function isInt32(value: number): boolean {
  return (value | 0) === value;
}

function int64Of(text: string): number | bigint | undefined {
  const digits = digitsOf(text);
  if (digits >= 0) return digits;
  if (!wholeNumber.test(text)) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  // 20 characters hold every one of them, but for leading zeros, of which that many are no number.
  if (text.length > 100) return undefined;
  const exact = BigInt(text.trim().replace(/^\+/, ''));
  return exact === BigInt.asIntN(64, exact) ? exact : undefined;
}

const decimal = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const special: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  '+infinity': Number.POSITIVE_INFINITY,
  '-infinity': Number.NEGATIVE_INFINITY,
};

function doubleOf(text: string): number | undefined {
  const digits = digitsOf(text);
  if (digits >= 0) return digits;
  if (decimal.test(text)) return Number(text);
  const word = text.trim().toLowerCase();
  return Object.hasOwn(special, word) ? special[word] : undefined;
}

/** A number too large for a float is no infinite one. */
function floatOf(value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  const rounded = Math.fround(value);
  return Number.isFinite(value) && !Number.isFinite(rounded) ? undefined : rounded;
}

function booleanOf(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  return word === 'true' ? true : word === 'false' ? false : undefined;
}

function msOf(value: number, unit: TimeUnit): number | undefined {
  const ms = Math.floor(unit === 's' ? value * 1000 : value / unitsPerMs[unit]);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

const dateForm = /(\d{4})-(\d\d)-(\d\d)/;
const timeForm = /(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?/;
const zoneForm = /Z|[+-]\d\d(?::?\d\d)?/;
const iso = new RegExp(
  `^\\s*${dateForm.source}(?:[T ]${timeForm.source}\\s*(${zoneForm.source})?)?\\s*$`,
  'i',
);

/** ISO 8601 and RFC 3339: date and time, which is UTC without a zone. */
function timeOf(text: string): number | undefined {
  const found = iso.exec(text);
  if (!found) return undefined;
  const [, years, months, days, hours = 0, minutes = 0, seconds = 0, fraction = ''] = found;
  const [year, month, day] = [Number(years), Number(months), Number(days)];
  const [hour, minute, second] = [Number(hours), Number(minutes), Number(seconds)];
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  // Of earlier years, `Date.UTC` makes others.
  if (year < 100 || month < 1 || month > 12 || day < 1) return undefined;
  // The day before the first of the next month is the last one of this.
  if (day > 28 && day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined;
  const ms = fraction === '' ? 0 : Number(fraction.padEnd(3, '0').slice(0, 3));
  const zone = found[8] ?? 'Z';
  return Date.UTC(year, month - 1, day, hour, minute, second, ms) - offsetMs(zone);
}

function offsetMs(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(':', ''));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}
