/**
 * How events become bytes, for components of one's own: `import { … } from 'millrace/formats'`.
 */
export type { Codec, Compress } from '../codecs/codec.ts';
export { gzipCodec } from '../codecs/gzip.ts';
export { zstdCodec } from '../codecs/zstd.ts';
export type { EventSerializer } from '../core/serializer.ts';
export { decodeBatch, encodeBatch } from './batch-encoding.ts';
export {
  type ConfiguredSerializer,
  configureSerializer,
  eventSerializers,
} from './event-serializers.ts';
