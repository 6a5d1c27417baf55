import type { Codec } from '../codecs/codec.ts';
import { codecNamed, codecs, unavailableCodecNamed } from '../codecs/codecs.ts';
import type { ChosenSerializer } from '../config/serializer-field.ts';
import type { EventSerializer, SerializerContext } from '../core/serializer.ts';
import { CompressedStream } from './compressed-stream.ts';

/** What the files of a sink are made of. */
export interface FileFormat {
  /** Makes the serializer of one file. */
  readonly create: (context: SerializerContext) => EventSerializer;
  /** What their names get when nothing else is configured: `.gz`, or nothing. */
  readonly extension: string;
  /** A file is only readable, and committed, as a whole. */
  readonly isWhole: boolean;
}

export interface CompressionOptions {
  readonly codec: Codec;
  /** 0: the codec's own. */
  readonly level: number;
  /** A member ends when it holds so much. */
  readonly memberBytes: number;
}

/** What a serializer gives, as it is or as a compressed stream. */
export function fileFormat(
  serializer: ChosenSerializer,
  compression?: CompressionOptions,
): FileFormat {
  const { wholeFile = false, extension = '' } = serializer.definition;
  if (!compression) {
    return { create: (context) => serializer.create(context), extension, isWhole: wholeFile };
  }
  const { codec, level, memberBytes } = compression;
  const compress = codec.compressor(level);
  return {
    create: (context) => new CompressedStream(serializer.create(context), compress, memberBytes),
    extension: codec.extension,
    isWhole: false,
  };
}

/** Why there is no codec of that name, for people; undefined: there is one. */
export function codecProblem(name: string): string | undefined {
  const unavailable = unavailableCodecNamed(name);
  if (unavailable) return `${name} cannot be had: ${unavailable.reason}`;
  if (codecNamed(name)) return undefined;
  return `no codec is called ${name}; there are ${codecs.map((each) => each.name).join(', ')}`;
}

/** Why a codec has no such level; undefined: it has. */
export function levelProblem({ name, maxLevel }: Codec, level: number): string | undefined {
  if (level <= maxLevel) return undefined;
  return maxLevel === 0 ? `${name} has no levels` : `${name} has levels 1 to ${maxLevel}`;
}
