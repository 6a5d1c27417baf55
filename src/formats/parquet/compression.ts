import { decompressAll } from '../../codecs/decompress-all.ts';
import { gzipCodec } from '../../codecs/gzip.ts';
import { lz4Compress, lz4Uncompress } from '../../codecs/lz4.ts';
import { snappyCompress, snappyUncompress } from '../../codecs/snappy.ts';
import { zstdCodec } from '../../codecs/zstd.ts';

/** What becomes of a page's bytes. Source: parquet-format 2.11, "Compression". */
export interface PageCodec {
  /** Its number in a file. */
  readonly id: number;
  /** The strongest level; 0: there are none to choose from. */
  readonly maxLevel: number;
  /** @param level 0 is the codec's own default */
  compress(page: Buffer, level: number): Promise<Buffer>;
  /** @throws FormatError when the page is broken or holds more than `plainBytes` */
  uncompress(page: Buffer, plainBytes: number): Promise<Buffer>;
}

export const pageCodecs: Readonly<
  Record<'none' | 'snappy' | 'gzip' | 'zstd' | 'lz4_raw', PageCodec>
> = {
  none: { id: 0, maxLevel: 0, compress: async (page) => page, uncompress: async (page) => page },
  snappy: { id: 1, maxLevel: 0, compress: snappyCompress, uncompress: snappyUncompress },
  gzip: {
    id: 2,
    maxLevel: gzipCodec.maxLevel,
    compress: (page, level) => gzipCodec.compressor(level)([page]),
    uncompress: (page, plainBytes) => decompressAll(gzipCodec, page, plainBytes),
  },
  zstd: {
    id: 6,
    maxLevel: zstdCodec.maxLevel,
    compress: (page, level) => zstdCodec.compressor(level)([page]),
    uncompress: (page, plainBytes) => decompressAll(zstdCodec, page, plainBytes),
  },
  lz4_raw: { id: 7, maxLevel: 0, compress: lz4Compress, uncompress: lz4Uncompress },
};

/** By their numbers in a file. */
const codecNames = ['none', 'snappy', 'gzip', 'lzo', 'brotli', 'lz4', 'zstd', 'lz4_raw'] as const;

/** How a codec is called; one that is not here, too. */
export function codecName(id: number): string {
  return codecNames[id] ?? `number ${id}`;
}

export function codecOf(id: number): PageCodec | undefined {
  return Object.values(pageCodecs).find((codec) => codec.id === id);
}
