import { bzip2Codec } from './bzip2.ts';
import type { Codec } from './codec.ts';
import { deflateCodec } from './deflate.ts';
import { gzipCodec } from './gzip.ts';
import { lz4Codec } from './lz4.ts';
import { snappyCodec } from './snappy.ts';
import { zstdCodec } from './zstd.ts';

/** Every codec, the ones that need least explanation first. */
export const codecs: readonly Codec[] = [
  gzipCodec,
  zstdCodec,
  snappyCodec,
  lz4Codec,
  bzip2Codec,
  deflateCodec,
];

/** A codec that configurations may name, and that cannot be had here. */
export interface UnavailableCodec {
  readonly name: string;
  /** With its package. */
  readonly hadoopClass: string;
  /** Why, and what to use instead: a sentence. */
  readonly reason: string;
}

const lzoReason =
  'the LZO library is under the GPL and is no part of Hadoop; use snappy or lz4, which are as fast';

export const unavailableCodecs: readonly UnavailableCodec[] = [
  { name: 'lzo', hadoopClass: 'com.hadoop.compression.lzo.LzoCodec', reason: lzoReason },
  { name: 'lzop', hadoopClass: 'com.hadoop.compression.lzo.LzopCodec', reason: lzoReason },
];

const hadoopPackage = 'org.apache.hadoop.io.compress.';

/** The names that Hadoop's classes give, and its second class for what it calls DefaultCodec. */
const byClass: readonly (readonly [hadoopClass: string, codec: Codec])[] = [
  ...codecs.map((codec) => [codec.hadoopClass, codec] as const),
  ['DeflateCodec', deflateCodec],
];

/**
 * The codec that Hadoop and Flume find under a name: the class, or the class without its package,
 * with or without `Codec` at its end, in any case. Our own names are understood too: `zstd`.
 */
export function codecNamed(name: string): Codec | undefined {
  return (
    byClass.find(([hadoopClass]) => isNamed(hadoopPackage + hadoopClass, name))?.[1] ??
    codecs.find((codec) => codec.name === name.toLowerCase())
  );
}

/** What `codecNamed` does not give because it cannot be had here. */
export function unavailableCodecNamed(name: string): UnavailableCodec | undefined {
  return unavailableCodecs.find(({ hadoopClass }) => isNamed(hadoopClass, name));
}

function isNamed(hadoopClass: string, name: string): boolean {
  if (name === hadoopClass) return true;
  const simple = hadoopClass.slice(hadoopClass.lastIndexOf('.') + 1).toLowerCase();
  const given = name.toLowerCase();
  return given === simple || `${given}codec` === simple;
}
