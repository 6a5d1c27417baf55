/** bzip2's CRC-32: the polynomial of gzip's, but with the highest bit first. */
const table = new Int32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = (value << 1) ^ (value < 0 ? 0x04c11db7 : 0);
  table[byte] = value;
}

/** What a sum begins with; its complement is what stands in a file. */
export const crcStart = -1;

export function crcOf(crc: number, byte: number): number {
  return (crc << 8) ^ (table[(crc >>> 24) ^ byte] as number);
}

/** The sum of a stream takes in that of its next block. */
export function combinedCrc(stream: number, block: number): number {
  return ((stream << 1) | (stream >>> 31)) ^ block;
}
