/* The bytes that syslog messages are made of. */

export const lineFeed = 10;
export const blank = 32;
export const dash = 45;
export const dot = 46;
export const zero = 48;
export const colon = 58;
export const lessThan = 60;
export const greaterThan = 62;

const digitClass = 1;
const spaceClass = 2;
const hostClass = 4;
const wordClass = 8;
const capitalClass = 16;
const smallClass = 32;

/** What Java's regular expressions call digits, white space and word characters: ASCII only. */
const patterns: readonly (readonly [number, RegExp])[] = [
  [digitClass, /[0-9]/],
  [spaceClass, /[\t\n\v\f\r ]/],
  [hostClass, /[A-Za-z0-9_.@-]/],
  [wordClass, /[A-Za-z0-9_]/],
  [capitalClass, /[A-Z]/],
  [smallClass, /[a-z]/],
];

const classes = Uint8Array.from({ length: 256 }, (_, byte) => {
  const matching = patterns.filter(([, pattern]) => pattern.test(String.fromCharCode(byte)));
  return matching.reduce((flags, [flag]) => flags | flag, 0);
});

function isOf(byte: number, flag: number): boolean {
  return ((classes[byte] as number) & flag) !== 0;
}

export function isDigit(byte: number): boolean {
  return isOf(byte, digitClass);
}

export function isSpace(byte: number): boolean {
  return isOf(byte, spaceClass);
}

/** May it begin the name of a host? */
export function isWord(byte: number): boolean {
  return isOf(byte, wordClass);
}

/** May it stand in the name of a host? */
export function isOfHost(byte: number): boolean {
  return isOf(byte, hostClass);
}

export function isCapital(byte: number): boolean {
  return isOf(byte, capitalClass);
}

export function isSmall(byte: number): boolean {
  return isOf(byte, smallClass);
}

/** Two decimal digits as a number; below 0 when they are none. */
export function twoDigits(bytes: Buffer, at: number): number {
  if (!isDigit(bytes[at] as number) || !isDigit(bytes[at + 1] as number)) return -1;
  return ((bytes[at] as number) - zero) * 10 + (bytes[at + 1] as number) - zero;
}
