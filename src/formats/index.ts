/**
 * Events as files, and files as events, without an agent: `import { … } from 'millrace/formats'`.
 *
 * @example
 * const serializer = createSerializer('sequence_file', { codec: 'snappy' });
 * const parts = [...serializer.begin(), ...serializer.write(batch), ...(await serializer.flush())];
 *
 * const { content } = await openFile('FlumeData.1.parquet');
 */
export { type Codec, type Compress, once } from '../codecs/codec.ts';
export { codecNamed, codecs } from '../codecs/codecs.ts';
export { decompressAll } from '../codecs/decompress-all.ts';
export type { EventSerializer, SerializerContext } from '../core/serializer.ts';
export { type AvroFile, type AvroReaderOptions, readAvroFile } from './avro-reader.ts';
export { decodeBatch, encodeBatch } from './batch-encoding.ts';
export { type CsvReaderOptions, readCsv } from './csv-reader.ts';
export { createSerializer, eventSerializers, serializerNamed } from './event-serializers.ts';
export { readLines } from './line-reader.ts';
export { type FileContent, type OpenedFile, openFile } from './open-file.ts';
export {
  type ParquetColumn,
  type ParquetFile,
  type ParquetOptions,
  type ParquetRows,
  readParquet,
} from './parquet-reader.ts';
export { decodeWritable, writableBytes } from './sequence-file/writables.ts';
export { type ReadOptions, readSequenceFile, type SequenceFile } from './sequence-file-reader.ts';
