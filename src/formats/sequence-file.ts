import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { codecNamed, codecs, unavailableCodecNamed } from '../codecs/codecs.ts';
import { defineSerializer, type FieldProblem } from '../config/definition.ts';
import { type ConfigOf, choice, integer, text } from '../config/field.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { EventSerializer, SerializerContext } from '../core/serializer.ts';
import { CompressedBlocks } from './sequence-file/compressed-blocks.ts';
import { CompressedRecords } from './sequence-file/compressed-records.ts';
import { encodeHeader, syncBytes, syncEscapeOf } from './sequence-file/header.ts';
import { encodeKeys } from './sequence-file/keys.ts';
import { PlainRecords } from './sequence-file/plain-records.ts';
import { valueClasses } from './sequence-file/values.ts';

const fields = {
  writeFormat: choice({
    doc: 'The class of the values.',
    values: {
      Writable: 'BytesWritable: the bytes of the body.',
      Text: 'Text: for tools that show bodies as text; they should be UTF-8.',
    },
    default: 'Writable',
    extra: true,
  }),
  codec: text({
    doc: 'Compresses with this codec of Hadoop: default, gzip, bzip2, snappy, lz4 …; none: not.',
    default: 'none',
    extra: true,
  }),
  compressionType: choice({
    doc: 'What is compressed, where there is a codec.',
    values: {
      BLOCK: 'Many events together.',
      RECORD: 'Each body by itself: slower and larger, for readers that pick single records.',
    },
    default: 'BLOCK',
    extra: true,
  }),
  level: integer({
    doc: "From 1, the fastest, to the codec's strongest; 0: the codec's own default.",
    min: 0,
    max: 22,
    default: 0,
    extra: true,
  }),
  blockBytes: integer({
    doc: 'A block ends when its keys and values have this much, besides at each flush.',
    unit: 'bytes',
    min: 1,
    max: 1_073_741_824,
    default: 1_000_000,
    extra: true,
  }),
};

export const sequenceFileSerializer = defineSerializer({
  type: 'sequence_file',
  summary: "A Hadoop SequenceFile: each event's time as its key, its body as its value.",
  notes:
    'The key is the header `timestamp` as it stands, which is in ms since 1970 by custom. ' +
    'Without it, or where it is no whole number of 64 bits, it is the time of writing; the ' +
    'latter is counted in `EventMisfitCount`. Other headers are not written. A sync marker ' +
    'follows each flush, so small batches make small blocks.',
  fields,
  example: 'sink.serializer = sequence_file\nsink.serializer.codec = snappy',
  check,
  create: (config, context) =>
    new SequenceFileSerializer(config, context, randomBytes(syncBytes), Date.now),
});

const isNone = (codec: string) => codec.toLowerCase() === 'none';

function check({ codec, level }: ConfigOf<typeof fields>): readonly FieldProblem[] {
  if (isNone(codec)) return [];
  const unavailable = unavailableCodecNamed(codec);
  if (unavailable) return [{ key: 'codec', problem: `${codec}: ${unavailable.reason}` }];
  const known = codecNamed(codec);
  if (!known) {
    const names = codecs.map(({ name }) => name).join(', ');
    return [{ key: 'codec', problem: `no codec is called ${codec}; there are ${names}` }];
  }
  if (level <= known.maxLevel) return [];
  const problem =
    known.maxLevel === 0
      ? `${known.name} has no levels`
      : `${known.name} has levels 1 to ${known.maxLevel}, found ${level}`;
  return [{ key: 'level', problem }];
}

/** The parts of a SequenceFile behind its header; they differ by what is compressed. */
interface Records extends Pick<EventSerializer, 'flush'> {
  readonly heldBytes: number;
  /** @param keys 8 bytes per event */
  write(batch: EventBatch, keys: Buffer): readonly Buffer[];
}

/** Writes what Flume writes: see sequence-file/header.ts for the layout. */
export class SequenceFileSerializer implements EventSerializer {
  readonly blockBytes: number;
  readonly #counters: SerializerContext['counters'];
  readonly #now: () => number;
  readonly #header: Buffer;
  readonly #records: Records;

  /**
   * @param sync 16 random bytes; nothing in the file may look like them
   * @param now ms since 1970
   */
  constructor(
    config: ConfigOf<typeof fields>,
    { counters }: Pick<SerializerContext, 'counters'>,
    sync: Buffer,
    now: () => number,
  ) {
    const { writeFormat, blockBytes, compressionType } = config;
    const codec = codecNamed(config.codec);
    assert(codec || isNone(config.codec), `no codec is called ${config.codec}`);
    this.blockBytes = blockBytes;
    this.#counters = counters;
    this.#now = now;
    this.#header = encodeHeader({
      keyClass: 'org.apache.hadoop.io.LongWritable',
      valueClass: valueClasses[writeFormat],
      compressionType: codec ? compressionType : 'NONE',
      ...(codec && { codecClass: codecClassOf(config.codec, codec.hadoopClass) }),
      metadata: new Map(),
      sync,
    });
    const syncEscape = syncEscapeOf(sync);
    const compress = codec?.compressor(config.level);
    if (!compress) this.#records = new PlainRecords(syncEscape, writeFormat, this.#header.length);
    else if (compressionType === 'RECORD') {
      this.#records = new CompressedRecords(syncEscape, writeFormat, compress);
    } else this.#records = new CompressedBlocks(syncEscape, writeFormat, compress, blockBytes);
  }

  get heldBytes(): number {
    return this.#records.heldBytes;
  }

  begin(): readonly Buffer[] {
    return [this.#header];
  }

  write(batch: EventBatch): readonly Buffer[] {
    const { bytes, misfits } = encodeKeys(batch, this.#now());
    this.#counters.EventMisfitCount += misfits;
    return this.#records.write(batch, bytes);
  }

  flush(): readonly Buffer[] | Promise<readonly Buffer[]> {
    return this.#records.flush();
  }
}

/** Hadoop has two classes for zlib; the file names the one that was asked for. */
function codecClassOf(name: string, hadoopClass: string): string {
  const isDeflate = /^(.*\.)?deflate(codec)?$/i.test(name);
  return `org.apache.hadoop.io.compress.${isDeflate ? 'DeflateCodec' : hadoopClass}`;
}
