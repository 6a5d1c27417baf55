import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { once } from '../../codecs/codec.ts';
import { FormatError } from '../../core/errors.ts';
import { EventBatch } from '../../core/event-batch.ts';
import { SinkCounters } from '../../core/metrics.ts';
import { SequenceFileSerializer } from '../sequence-file.ts';
import { readSequenceFile } from '../sequence-file-reader.ts';
import { encodeHeader, type SequenceFileHeader } from './header.ts';
import { decodeWritable, writableBytes } from './writables.ts';

/*
 * Files that Hadoop 3.4.1 wrote (SequenceFile.Writer) and Flume 1.11.0 (HDFS sink, one batch), read
 * here and written again, byte for byte.
 */

interface Golden {
  readonly name: string;
  readonly hex: string;
  readonly sync: string;
  readonly writeFormat: 'Writable' | 'Text';
  readonly codec: string;
  readonly compressionType: 'RECORD' | 'BLOCK';
  /** Timestamps and bodies. */
  readonly events: readonly (readonly [timestamp: string, body: string])[];
  /** Ends with the sync escape that we write as Flume does, and Hadoop only when it is asked to. */
  readonly flushed: boolean;
  readonly metadata?: ReadonlyMap<string, string>;
}

const longWritable = '6f72672e6170616368652e6861646f6f702e696f2e4c6f6e675772697461626c65';
const bytesWritable = '6f72672e6170616368652e6861646f6f702e696f2e42797465735772697461626c65';
const textClass = '6f72672e6170616368652e6861646f6f702e696f2e54657874';
const toBytes = `5345510621${longWritable}22${bytesWritable}`;
const toText = `5345510621${longWritable}19${textClass}`;
const defaultCodec =
  '2a6f72672e6170616368652e6861646f6f702e696f2e636f6d70726573732e44656661756c74436f646563';

const hello = ['438705139482625', 'hello'] as const;
const hadoopEvents = [hello, ['438705139482626', 'flume!']] as const;
const flumeEvents = [
  ['1325430245678', 'one'],
  ['1325430245679', 'two'],
  ['1325430245680', 'three'],
] as const;

const goldens: readonly Golden[] = [
  {
    name: 'Hadoop, not compressed',
    hex:
      `${toBytes}000000000000ceb8797764e486a1a01a7e4ce3ec1bdc` +
      '000000110000000800018f00000000010000000568656c6c6f' +
      '000000120000000800018f000000000200000006666c756d6521',
    sync: 'ceb8797764e486a1a01a7e4ce3ec1bdc',
    writeFormat: 'Writable',
    codec: 'none',
    compressionType: 'BLOCK',
    events: hadoopEvents,
    flushed: false,
  },
  {
    name: 'Hadoop, Text with metadata and a sync escape',
    hex:
      `${toText}000000000001026b310276315bec34f4a47416888b18dc68a13679e6` +
      '0000000e0000000800018f00000000010568656c6c6f' +
      'ffffffff5bec34f4a47416888b18dc68a13679e6' +
      '0000000e0000000800000000000000070568656c6c6f',
    sync: '5bec34f4a47416888b18dc68a13679e6',
    writeFormat: 'Text',
    codec: 'none',
    compressionType: 'BLOCK',
    events: [hello, ['7', 'hello']],
    flushed: false,
    metadata: new Map([['k1', 'v1']]),
  },
  {
    name: 'Hadoop, RECORD',
    hex:
      `${toBytes}0100${defaultCodec}000000001b9cdbc770cb135b1f58576deee508af` +
      '000000190000000800018f0000000001789c63606060cd48cdc9c90700064e021a',
    sync: '1b9cdbc770cb135b1f58576deee508af',
    writeFormat: 'Writable',
    codec: 'default',
    compressionType: 'RECORD',
    events: [hello],
    flushed: false,
  },
  {
    name: 'Hadoop, BLOCK',
    hex:
      `${toBytes}0101${defaultCodec}00000000c63cd7fdecbb96853275c7f9380287f9` +
      'ffffffffc63cd7fdecbb96853275c7f9380287f9020a789ce3e00000001a0011' +
      '12789c6360ec670002460608cd04000b5d01240a789ce3e40200001e0014' +
      '1b789c63606060cd48cdc9c9676060604bcb29cd4d5504002402045a',
    sync: 'c63cd7fdecbb96853275c7f9380287f9',
    writeFormat: 'Writable',
    codec: 'default',
    compressionType: 'BLOCK',
    events: hadoopEvents,
    flushed: true,
  },
  {
    name: 'Flume, Writable',
    hex:
      `${toBytes}000000000000c2749a3c12ef4214172e6fb7437a0a32` +
      '0000000f000000080000013499cc892e000000036f6e65' +
      '0000000f000000080000013499cc892f0000000374776f' +
      '00000011000000080000013499cc8930000000057468726565' +
      'ffffffffc2749a3c12ef4214172e6fb7437a0a32',
    sync: 'c2749a3c12ef4214172e6fb7437a0a32',
    writeFormat: 'Writable',
    codec: 'none',
    compressionType: 'BLOCK',
    events: flumeEvents,
    flushed: true,
  },
  {
    name: 'Flume, Text',
    hex:
      `${toText}000000000000e4b083d9e226b01de17da3d51b51f963` +
      '0000000c000000080000013499cc892e036f6e65' +
      '0000000c000000080000013499cc892f0374776f' +
      '0000000e000000080000013499cc8930057468726565' +
      'ffffffffe4b083d9e226b01de17da3d51b51f963',
    sync: 'e4b083d9e226b01de17da3d51b51f963',
    writeFormat: 'Text',
    codec: 'none',
    compressionType: 'BLOCK',
    events: flumeEvents,
    flushed: true,
  },
  {
    name: 'Flume, BLOCK',
    hex:
      `${toBytes}0101${defaultCodec}00000000a5c058a1a44587344dc79bd05b2fcc66` +
      'ffffffffa5c058a1a44587344dc79bd05b2fcc66030b789ce3e0e00000003300' +
      '1916789c636060349979a6538f0142eb436903004cf106f7' +
      '0b789c6367e70400002f00181c789c63606060cecf4b65005225e5f9408ab5' +
      '24a3283515002c9204c0',
    sync: 'a5c058a1a44587344dc79bd05b2fcc66',
    writeFormat: 'Writable',
    codec: 'default',
    compressionType: 'BLOCK',
    events: flumeEvents,
    flushed: true,
  },
];

for (const golden of goldens) {
  const file = Buffer.from(golden.hex, 'hex');

  test(`${golden.name}: is read`, async () => {
    const { header, events } = await readEvents(file);
    assert.deepEqual(events, golden.events);
    assert.equal(header.keyClass, 'org.apache.hadoop.io.LongWritable');
    assert.equal(header.sync.toString('hex'), golden.sync);
    assert.deepEqual(header.metadata, golden.metadata ?? new Map());
  });

  test(`${golden.name}: its header is written`, async () => {
    const { header } = await readEvents(file);
    const written = encodeHeader(header);
    assert.equal(written.toString('hex'), golden.hex.slice(0, written.length * 2));
  });

  // Flume and we write no metadata.
  if (!golden.metadata) {
    test(`${golden.name}: is written`, async () => {
      assert.equal(expanded(await write(golden), golden), expanded(file, golden));
    });
  }

  test(`${golden.name}: cut off anywhere, what is whole is read, then a FormatError`, async () => {
    let cutOff = 0;
    for (let length = 0; length < file.length; length++) {
      const found: [string, string][] = [];
      try {
        await readEvents(file.subarray(0, length), found);
      } catch (error) {
        assert(error instanceof FormatError);
        assert(error.offset <= length);
        cutOff++;
      }
      assert.deepEqual(found, golden.events.slice(0, found.length));
    }
    assert(cutOff >= file.length - 1 - 2 * golden.events.length);
  });

  // Flume's are of the same kinds.
  if (golden.name.startsWith('Hadoop')) {
    test(`${golden.name}: any flipped bit gives a FormatError or a well-formed file`, async () => {
      let refused = 0;
      const readFlipped = async (byte: number, bit: number) => {
        const flipped = Buffer.from(file);
        flipped[byte] = (flipped[byte] as number) ^ (1 << bit);
        try {
          await readEvents(flipped);
        } catch (error) {
          assert(error instanceof FormatError, String(error));
          refused++;
        }
      };
      const bits = [0, 1, 2, 3, 4, 5, 6, 7];
      for (let byte = 0; byte < file.length; byte++) {
        await Promise.all(bits.map((bit) => readFlipped(byte, bit)));
      }
      assert(refused > 32, 'the magic number at least');
    });
  }
}

/** A file with what is compressed taken apart: two versions of zlib choose different bytes. */
function expanded(file: Buffer, { codec, compressionType, sync }: Golden): string {
  if (codec === 'none') return file.toString('hex');
  const headerBytes = file.indexOf(sync, 0, 'hex') + 16;
  const parts = [file.toString('hex', 0, headerBytes)];
  if (compressionType === 'RECORD') {
    const length = file.readInt32BE(headerBytes);
    assert.equal(file.readInt32BE(headerBytes + 4), 8);
    const value = file.subarray(headerBytes + 16, headerBytes + 8 + length);
    parts.push(file.toString('hex', headerBytes + 8, headerBytes + 16));
    parts.push(inflateSync(value).toString('hex'));
    return parts.join(' ');
  }
  let at = headerBytes + 21;
  parts.push(file.toString('hex', headerBytes, at));
  while (at < file.length) {
    const end = at + 1 + (file[at] as number);
    parts.push(inflateSync(file.subarray(at + 1, end)).toString('hex'));
    at = end;
  }
  assert.equal(parts.length, 2 + 4);
  return parts.join(' ');
}

async function write(golden: Golden): Promise<Buffer> {
  const { writeFormat, codec, compressionType, events, flushed } = golden;
  const config = { writeFormat, codec, compressionType, level: 0, blockBytes: 1_000_000 };
  const sync = Buffer.from(golden.sync, 'hex');
  const counters = { counters: new SinkCounters() };
  const serializer = new SequenceFileSerializer(config, counters, sync, () => 0);
  const batch = EventBatch.of(
    events.map(([timestamp, body]) => ({ headers: { timestamp }, body })),
  );
  const parts = [...serializer.begin(), ...serializer.write(batch)];
  if (flushed || codec !== 'none') parts.push(...(await serializer.flush()));
  return Buffer.concat(parts);
}

/** @param found gets what was read before a failure */
async function readEvents(
  file: Buffer,
  found: [timestamp: string, body: string][] = [],
): Promise<{ header: SequenceFileHeader; events: readonly (readonly [string, string])[] }> {
  const { header, records } = await readSequenceFile(once(file), { maxBytes: 1 << 20 });
  for await (const run of records) {
    for (const { key, value } of run) {
      const body = writableBytes(header.valueClass, value);
      found.push([String(decodeWritable(header.keyClass, key)), String(body)]);
    }
  }
  return { header, events: found };
}
