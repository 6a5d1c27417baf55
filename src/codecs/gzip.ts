import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { Codec } from './codec.ts';

const gzipAsync = promisify<Buffer, { level: number }, Buffer>(gzip);

/** RFC 1952; members may follow each other, and every gzip reader takes them as one stream. */
export const gzipCodec: Codec = {
  extension: '.gz',
  maxLevel: constants.Z_BEST_COMPRESSION,
  compressor: (level) => (input) =>
    gzipAsync(Buffer.concat(input), { level: level || constants.Z_DEFAULT_COMPRESSION }),
};
