const nul = 0;
const lineFeed = 10;
const carriageReturn = 13;
const zero = 48;
const lessThan = 60;
const greaterThan = 62;

/**
 * Finds the messages in a datagram. RFC 5426 has one in each, and so lines within it belong to the
 * message; but a line that begins with a priority of its own begins a message, since tools like
 * netcat send what they have as it comes. What ends a datagram (LF, CR LF, NUL) is no content.
 *
 * @param take is given each message, which is not empty: `bytes[from, to)`
 */
export function eachMessage(bytes: Buffer, take: (from: number, to: number) => void): void {
  let from = 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
    if (!startsMessage(bytes, at + 1)) continue;
    takeTrimmed(bytes, from, at, take);
    from = at + 1;
  }
  takeTrimmed(bytes, from, bytes.length, take);
}

function takeTrimmed(
  bytes: Buffer,
  from: number,
  to: number,
  take: (from: number, to: number) => void,
): void {
  let start = from;
  let end = to;
  while (end > start && isTrailer(bytes[end - 1] as number)) end--;
  while (start < end && isTrailer(bytes[start] as number)) start++;
  if (start < end) take(start, end);
}

function isTrailer(byte: number): boolean {
  return byte === lineFeed || byte === carriageReturn || byte === nul;
}

/** A priority: `<`, one to three digits, `>`. */
function startsMessage(bytes: Buffer, at: number): boolean {
  if (bytes[at] !== lessThan) return false;
  let end = at + 1;
  while (isDigit(bytes[end]) && end - at <= 3) end++;
  return end > at + 1 && bytes[end] === greaterThan;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= zero + 9;
}
