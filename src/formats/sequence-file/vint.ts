/**
 * Hadoop's integers of variable length.
 * Source: Hadoop 3.4 Java, `WritableUtils.writeVLong`.
 *
 *   vint => first [byte]
 *     first  => -112 to 127   the value itself, nothing follows
 *               -113 to -120  so many bytes below -112 follow: the value
 *               -121 to -128  so many bytes below -120 follow: the value's complement
 *     byte   => 1 to 8        highest first
 */

/** The bytes that a vint of 0 to 2^31-1 takes. */
export function vintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x100) return 2;
  if (value < 0x10000) return 3;
  return value < 0x1000000 ? 4 : 5;
}

/**
 * Writes 0 to 2^31-1.
 *
 * @returns the offset behind it
 */
export function writeVint(target: Buffer, at: number, value: number): number {
  const bytes = vintBytes(value) - 1;
  if (bytes === 0) {
    target[at] = value;
    return at + 1;
  }
  target[at] = 0x90 - bytes;
  for (let index = bytes, rest = value; index > 0; index--, rest >>>= 8) target[at + index] = rest;
  return at + 1 + bytes;
}

/** How long a vint with this first byte is, 1 to 9. */
export function vintBytesAfter(first: number): number {
  if (first < 0x80 || first >= 0x90) return 1;
  return first >= 0x88 ? 0x91 - first : 0x89 - first;
}

/** The vint at an offset, which is there as a whole. */
export function readVlong(source: Buffer, at: number): bigint {
  const bytes = vintBytesAfter(source[at] as number);
  if (bytes === 1) return BigInt(source.readInt8(at));
  let value = 0n;
  for (let index = 1; index < bytes; index++)
    value = (value << 8n) | BigInt(source[at + index] as number);
  return BigInt.asIntN(64, (source[at] as number) >= 0x88 ? value : ~value);
}

/** The same, where it is between -2^31 and 2^31-1; NaN where it is not. */
export function readVint(source: Buffer, at: number): number {
  const first = source[at] as number;
  if (first < 0x80) return first;
  const value = readVlong(source, at);
  return BigInt.asIntN(32, value) === value ? Number(value) : Number.NaN;
}
