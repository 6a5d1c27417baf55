import { promisify } from 'node:util';
import { constants, type ZstdOptions, zstdCompress } from 'node:zlib';
import type { Codec } from './codec.ts';

const compressAsync = promisify<Buffer, ZstdOptions, Buffer>(zstdCompress);

/** RFC 8878; frames may follow each other, and `zstd -d` reads them as one stream. */
export const zstdCodec: Codec = {
  extension: '.zst',
  maxLevel: 19,
  compressor: (level) => (input) =>
    compressAsync(Buffer.concat(input), {
      params: {
        [constants.ZSTD_c_compressionLevel]: level || constants.ZSTD_CLEVEL_DEFAULT,
        [constants.ZSTD_c_checksumFlag]: 1,
      },
    }),
};
