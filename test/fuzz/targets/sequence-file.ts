import assert from 'node:assert/strict';
import { FormatError } from '../../../src/core/errors.ts';
import { EventBatch } from '../../../src/core/event-batch.ts';
import { SinkCounters } from '../../../src/core/metrics.ts';
import { encodeHeader, syncEscapeOf } from '../../../src/formats/sequence-file/header.ts';
import { decodeWritable, writableBytes } from '../../../src/formats/sequence-file/writables.ts';
import { SequenceFileSerializer } from '../../../src/formats/sequence-file.ts';
import { readSequenceFile } from '../../../src/formats/sequence-file-reader.ts';
import { expecting, type FuzzTarget, kindOf } from '../target.ts';

const sync = Buffer.from('0123456789abcdef');
const maxBytes = 1 << 20;
/** What 64 KiB may become, with each value or part of a block at its limit. */
const mostBytes = 1 << 28;

/** Two batches, with a flush behind each. */
async function fileOf(
  codec: string,
  compressionType: 'RECORD' | 'BLOCK',
  writeFormat: 'Writable' | 'Text',
): Promise<Buffer> {
  const config = { codec, compressionType, writeFormat, level: 0, blockBytes: 100 };
  const counters = { counters: new SinkCounters() };
  const serializer = new SequenceFileSerializer(config, counters, sync, () => 5);
  const parts = [...serializer.begin()];
  for (const bodies of [
    ['one', '', 'a longer line of text'],
    ['\0\xff', 'x'.repeat(150)],
  ]) {
    const events = bodies.map((body) => ({ headers: { timestamp: '1325430245678' }, body }));
    parts.push(...serializer.write(EventBatch.of(events)), ...(await serializer.flush()));
  }
  return Buffer.concat(parts);
}

const withMetadata = encodeHeader({
  keyClass: 'org.apache.hadoop.io.VIntWritable',
  valueClass: 'org.apache.hadoop.io.NullWritable',
  compressionType: 'NONE',
  metadata: new Map([
    ['k1', 'v1'],
    ['k2', 'ünï'],
  ]),
  sync,
});

/** Of every kind; what the block codecs compress has no checksum. */
const files = await Promise.all([
  fileOf('none', 'BLOCK', 'Writable'),
  fileOf('none', 'BLOCK', 'Text'),
  fileOf('default', 'RECORD', 'Text'),
  fileOf('snappy', 'RECORD', 'Writable'),
  fileOf('gzip', 'BLOCK', 'Writable'),
  fileOf('snappy', 'BLOCK', 'Text'),
  fileOf('lz4', 'BLOCK', 'Writable'),
  fileOf('zstd', 'BLOCK', 'Text'),
]);

interface Found {
  /** Keys and values. */
  readonly records: readonly Buffer[];
  readonly kind: string;
  readonly error?: FormatError;
}

async function read(input: Buffer, pieceBytes: number): Promise<Found> {
  async function* pieces() {
    for (let start = 0; start < input.length; start += pieceBytes) {
      yield input.subarray(start, start + pieceBytes);
    }
  }
  const records: Buffer[] = [];
  let kind = 'not a SequenceFile';
  let bytes = 0;
  try {
    const { header, records: runs } = await readSequenceFile(pieces(), { maxBytes });
    const { keyClass, valueClass, compressionType, codecClass, metadata } = header;
    kind = `${compressionType} ${codecClass?.length} ${metadata.size}`;
    for await (const run of runs) {
      for (const { key, value } of run) {
        records.push(Buffer.from(key), Buffer.from(value));
        bytes += key.length + value.length;
        expecting([FormatError], () => decodeWritable(keyClass, key));
        expecting([FormatError], () => writableBytes(valueClass, value));
      }
      assert(bytes < mostBytes, `${bytes} bytes of records`);
    }
    return { records, kind };
  } catch (error) {
    if (error instanceof FormatError) return { records, kind, error };
    throw error;
  }
}

export const sequenceFileTarget: FuzzTarget = {
  name: 'sequence-file',
  tokens: [
    syncEscapeOf(sync).toString('latin1'),
    'SEQ\x06',
    '\x00\x00\x00\x08',
    '\x8f\x80',
    '\x8c\x7f\xff\xff\xff',
    'org.apache.hadoop.io.compress.SnappyCodec',
  ],
  seeds: () => [...files, withMetadata],
  // How the input comes in pieces changes nothing.
  run: async (input) => {
    const whole = await read(input, input.length);
    const inPieces = await read(input, 37);
    assert.equal(inPieces.error?.message, whole.error?.message);
    assert.deepEqual(inPieces.records, whole.records);
    const { error, kind, records } = whole;
    if (error) assert(error.offset >= 0 && error.offset <= input.length, String(error));
    return `${kind} ${Math.min(9, records.length)} ${error ? kindOf(error) : ''}`;
  },
};
