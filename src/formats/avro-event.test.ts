import { strict as assert } from 'node:assert';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { crc32, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import avsc from 'avsc';
import snappy from 'snappy';
import { EventBatch } from '../core/event-batch.ts';
import { type ReadEvent, serializerContract } from '../testing/serializer-contract.ts';
import { AvroEventSerializer, avroEventSerializer } from './avro-event.ts';

const sync = Buffer.from('08175b6ff1db89b1270b0e304e42a319', 'hex');

/** Of a Flume 1.11: hdfs sink, DataStream, `serializer = avro_event`, three events in one batch. */
const golden =
  '4f626a0104166176726f2e736368656d618a027b2274797065223a227265636f7264222c226e616d65223a2245' +
  '76656e74222c226669656c6473223a5b7b226e616d65223a2268656164657273222c2274797065223a7b227479' +
  '7065223a226d6170222c2276616c756573223a22737472696e67227d7d2c7b226e616d65223a22626f6479222c' +
  '2274797065223a226279746573227d5d7d146176726f2e636f646563086e756c6c0008175b6ff1db89b1270b0e' +
  '304e42a31906b801021274696d657374616d701a3133323534333032343536373800066f6e65021274696d6573' +
  '74616d701a31333235343330323435363739000674776f021274696d657374616d701a31333235343330323435' +
  '363830000a746872656508175b6ff1db89b1270b0e304e42a319';

function create(compressionCodec = 'null', syncIntervalBytes = 2_048_000): AvroEventSerializer {
  return new AvroEventSerializer({ compressionCodec, syncIntervalBytes }, sync);
}

type Done = (error: Error | null, data?: Buffer) => void;

const codecs = {
  null: (block: Buffer, done: Done) => done(null, block),
  deflate: (block: Buffer, done: Done) => done(null, inflateRawSync(block)),
  snappy: (block: Buffer, done: Done) => {
    const data = Buffer.from(snappy.uncompressSync(block.subarray(0, -4)));
    assert.equal(block.readUInt32BE(block.length - 4), crc32(data));
    done(null, data);
  },
  zstandard: (block: Buffer, done: Done) => done(null, zstdDecompressSync(block)),
};

/** Reads a file with another implementation. */
function read(file: Buffer): Promise<ReadEvent[]> {
  const events: ReadEvent[] = [];
  const decoder: Duplex = new avsc.streams.BlockDecoder({ codecs });
  return new Promise((resolve, reject) => {
    decoder.on('data', (event: { headers: Record<string, string>; body: Buffer }) => {
      events.push({ headers: event.headers, body: Buffer.from(event.body) });
    });
    decoder.on('end', () => resolve(events)).on('error', reject);
    decoder.end(file);
  });
}

for (const codec of ['null', 'deflate', 'snappy', 'zstandard', 'lzma']) {
  serializerContract(`avro_event (${codec})`, {
    create: () => create(codec, 4096),
    read,
    bodies: 'any',
    headers: 'any',
  });
}

test('the bytes are those of a Flume 1.11', () => {
  const events = ['one', 'two', 'three'].map((body, index) => ({
    headers: { timestamp: String(1_325_430_245_678 + index) },
    body,
  }));
  const serializer = create();
  const parts = [
    ...serializer.begin(),
    ...serializer.write(EventBatch.of(events)),
    ...serializer.flush(),
  ];
  assert.equal(Buffer.concat(parts).toString('hex'), golden);
});

test('a block ends as soon as it holds syncIntervalBytes', () => {
  const serializer = create('null', 32);
  const events = Array.from({ length: 4 }, () => ({ body: 'x'.repeat(20) }));
  const blocks = Buffer.concat(serializer.write(EventBatch.of(events)));
  // An event takes 22 bytes: two to a block, and nothing left to flush.
  assert.equal(blocks.length, 2 * (1 + 1 + 44 + 16));
  assert.deepEqual(serializer.flush(), []);
});

test('an unknown codec is left out of the metadata, and warned of', () => {
  const header = Buffer.concat(create('lzma').begin());
  assert.equal(header[4], 2, 'one entry');
  assert(!header.includes('avro.codec'));
  const problems = avroEventSerializer.check?.({ compressionCodec: 'lzma', syncIntervalBytes: 32 });
  assert.equal(problems?.[0]?.severity, 'warning');
});

test('every file has another sync marker', () => {
  const config = { compressionCodec: 'null', syncIntervalBytes: 2_048_000 };
  const marker = () => Buffer.concat(avroEventSerializer.create(config).begin()).subarray(-16);
  assert.notDeepEqual(marker(), marker());
});
