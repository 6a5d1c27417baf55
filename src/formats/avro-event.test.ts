import { strict as assert } from 'node:assert';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { crc32, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import avsc from 'avsc';
import snappy from 'snappy';
import { once } from '../codecs/codec.ts';
import { EventBatch } from '../core/event-batch.ts';
import { serializerContext } from '../testing/component-context.ts';
import { type ReadEvent, serializerContract } from '../testing/serializer-contract.ts';
import { AvroEventSerializer, avroEventSerializer } from './avro-event.ts';
import { readAvroFile } from './avro-reader.ts';

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
  const options = { compressionCodec, syncIntervalBytes, compressionLevel: 0 };
  return new AvroEventSerializer(options, sync);
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
function readWithAvsc(file: Buffer): Promise<ReadEvent[]> {
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

/** And with our own. */
async function read(file: Buffer): Promise<ReadEvent[]> {
  const events: unknown[] = [];
  for await (const some of (await readAvroFile(once(file))).records) events.push(...some);
  return events as ReadEvent[];
}

for (const codec of ['null', 'deflate', 'snappy', 'zstandard', 'lzma']) {
  serializerContract(`avro_event (${codec}), read by another library,`, {
    create: () => create(codec, 4096),
    read: readWithAvsc,
    bodies: 'any',
    headers: 'any',
  });
}

for (const codec of ['null', 'deflate', 'snappy', 'zstandard', 'bzip2', 'lzma']) {
  serializerContract(`avro_event (${codec})`, {
    create: () => create(codec, 4096),
    read,
    bodies: 'any',
    headers: 'any',
  });
}

test('the bytes are those of a Flume 1.11', async () => {
  const events = ['one', 'two', 'three'].map((body, index) => ({
    headers: { timestamp: String(1_325_430_245_678 + index) },
    body,
  }));
  const serializer = create();
  const parts = [
    ...serializer.begin(),
    ...serializer.write(EventBatch.of(events)),
    ...(await serializer.flush()),
  ];
  assert.equal(Buffer.concat(parts).toString('hex'), golden);
});

test('an event is its headers and its body', async () => {
  const serializer = create();
  serializer.write(EventBatch.of([{ headers: { k: 'v' }, body: 'hello' }]));
  const block = Buffer.concat(await serializer.flush()).toString('hex');
  assert.equal(block, `021802026b0276000a68656c6c6f${sync.toString('hex')}`);
});

test('a file of a Flume 1.11 is read', async () => {
  const events = await read(Buffer.from(golden, 'hex'));
  assert.deepEqual(
    events.map(({ headers, body }) => [headers?.['timestamp'], body.toString()]),
    [
      ['1325430245678', 'one'],
      ['1325430245679', 'two'],
      ['1325430245680', 'three'],
    ],
  );
});

test('events are held for a block of syncIntervalBytes, until a flush', async () => {
  const serializer = create('null', 32);
  assert.equal(serializer.blockBytes, 32);
  assert.equal(serializer.heldBytes, 0);
  const events = Array.from({ length: 4 }, () => ({ body: 'x'.repeat(20) }));
  assert.deepEqual(serializer.write(EventBatch.of(events)), []);
  // An event takes 22 bytes.
  assert.equal(serializer.heldBytes, 88);
  const block = Buffer.concat(await serializer.flush());
  assert.equal(block.length, 1 + 2 + 88 + 16);
  assert.equal(serializer.heldBytes, 0);
});

test('a higher level makes smaller blocks', async () => {
  const body = Array.from({ length: 3000 }, (_, index) => `${index} ${index * 7919}`).join(' ');
  const sizes = [1, 9].map(async (compressionLevel) => {
    const options = { compressionCodec: 'deflate', syncIntervalBytes: 1 << 20, compressionLevel };
    const serializer = new AvroEventSerializer(options, sync);
    serializer.write(EventBatch.of([{ body }]));
    return Buffer.concat(await serializer.flush()).length;
  });
  const [fastest = 0, smallest = 0] = await Promise.all(sizes);
  assert(smallest < fastest, `${smallest} < ${fastest}`);
});

test('an unknown codec is left out of the metadata, and warned of', () => {
  const header = Buffer.concat(create('lzma').begin());
  assert.equal(header[4], 2, 'one entry');
  assert(!header.includes('avro.codec'));
  assert.equal(problemsOf('lzma', 0)[0]?.severity, 'warning');
});

test('a level that the codec does not have is refused', () => {
  assert.deepEqual(problemsOf('deflate', 9), []);
  assert.deepEqual(problemsOf('zstandard', 19), []);
  assert.equal(problemsOf('deflate', 10)[0]?.problem, 'deflate has the levels 1 to 9');
  assert.equal(problemsOf('snappy', 1)[0]?.problem, 'snappy has no levels');
});

function problemsOf(compressionCodec: string, compressionLevel: number) {
  const config = { compressionCodec, compressionLevel, syncIntervalBytes: 32 };
  return avroEventSerializer.check?.(config) ?? [];
}

test('every file has another sync marker', () => {
  const config = { compressionCodec: 'null', syncIntervalBytes: 2_048_000, compressionLevel: 0 };
  const marker = () => {
    const serializer = avroEventSerializer.create(config, serializerContext());
    return Buffer.concat(serializer.begin()).subarray(-16);
  };
  assert.notDeepEqual(marker(), marker());
});
