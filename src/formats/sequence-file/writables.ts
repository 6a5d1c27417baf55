import { FormatError } from '../../core/errors.ts';
import { readVint, readVlong, vintBytesAfter } from './vint.ts';

/** What a key or a value of a SequenceFile holds; null for NullWritable, which holds nothing. */
export type WritableContent = bigint | number | boolean | string | Buffer | null;

/** Reads one Writable, which takes all of its bytes. */
type Decoder = (bytes: Buffer) => WritableContent;

const hadoopPackage = 'org.apache.hadoop.io.';

/** By class, without its package. Integers are big-endian. */
const decoders: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['LongWritable', (bytes) => sized(bytes, 8).readBigInt64BE()],
  ['IntWritable', (bytes) => sized(bytes, 4).readInt32BE()],
  ['ShortWritable', (bytes) => sized(bytes, 2).readInt16BE()],
  ['ByteWritable', (bytes) => sized(bytes, 1).readInt8()],
  ['BooleanWritable', (bytes) => sized(bytes, 1)[0] !== 0],
  ['DoubleWritable', (bytes) => sized(bytes, 8).readDoubleBE()],
  ['FloatWritable', (bytes) => sized(bytes, 4).readFloatBE()],
  ['VIntWritable', (bytes) => vintOf(sized(bytes, vintSize(bytes)))],
  ['VLongWritable', (bytes) => readVlong(sized(bytes, vintSize(bytes)), 0)],
  ['Text', (bytes) => textBytes(bytes).toString()],
  ['BytesWritable', (bytes) => bytesWritableBytes(bytes)],
  ['NullWritable', (bytes) => sized(bytes, 0) && null],
]);

/**
 * The content of a key or a value: LongWritable and VLongWritable as bigint, smaller numbers as
 * number, Text as string, BytesWritable as a view. Undefined: the class is another one.
 *
 * @param className with its package, as the header has it
 * @throws FormatError with the offset in `bytes` when they are not as the class writes them
 */
export function decodeWritable(className: string, bytes: Buffer): WritableContent | undefined {
  if (!className.startsWith(hadoopPackage)) return undefined;
  return decoders.get(className.slice(hadoopPackage.length))?.(bytes);
}

/**
 * The bytes that a Text or a BytesWritable holds, whatever they are: a view. Undefined: the class
 * is another one.
 *
 * @throws FormatError as `decodeWritable`
 */
export function writableBytes(className: string, bytes: Buffer): Buffer | undefined {
  if (className === `${hadoopPackage}Text`) return textBytes(bytes);
  if (className === `${hadoopPackage}BytesWritable`) return bytesWritableBytes(bytes);
  return undefined;
}

function textBytes(bytes: Buffer): Buffer {
  const prefixBytes = vintSize(bytes);
  const length = vintOf(sized(bytes, prefixBytes, Number.POSITIVE_INFINITY));
  return sized(bytes, prefixBytes + length).subarray(prefixBytes);
}

function bytesWritableBytes(bytes: Buffer): Buffer {
  const length = sized(bytes, 4, Number.POSITIVE_INFINITY).readInt32BE();
  return sized(bytes, 4 + length).subarray(4);
}

function vintSize(bytes: Buffer): number {
  return vintBytesAfter(bytes[0] ?? 0);
}

function vintOf(bytes: Buffer): number {
  const value = readVint(bytes, 0);
  if (Number.isNaN(value)) throw new FormatError('a number of more than 32 bits', 0);
  return value;
}

function sized(bytes: Buffer, min: number, max = min): Buffer {
  if (bytes.length >= min && bytes.length <= max) return bytes;
  throw new FormatError(`${bytes.length} bytes where ${min} were expected`, 0);
}
