import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { inflateRawSync, zstdDecompressSync } from 'node:zlib';
import avsc from 'avsc';
import snappy from 'snappy';
import { FormatError } from '../../../src/core/errors.ts';
import { type Event, EventBatch, type Origin } from '../../../src/core/event-batch.ts';
import { AvroEventSerializer } from '../../../src/formats/avro-event.ts';
import { decodeBatch, encodeBatch } from '../../../src/formats/batch-encoding.ts';
import { expecting, type FuzzTarget, kindOf } from '../target.ts';

const events = [
  { headers: { host: 'web-1', file: 'a.log' }, body: 'a line' },
  { headers: { host: 'web-1' }, body: '' },
  { headers: { host: 'web-1', file: 'é' }, body: Buffer.from([0, 255, 10]) },
];
const origin: Origin = { stream: 'r1/s', from: 3, to: 40, ends: Float64Array.of(10, 11, 20) };
const batches = [EventBatch.empty, EventBatch.of(events), EventBatch.of(events, origin)];
const slab = Buffer.from('one\ntwo\nthree\n');
const lines = new EventBatch(slab, Uint32Array.of(0, 4, 8), Uint32Array.of(3, 7, 13));

export const batchTarget: FuzzTarget = {
  name: 'batches',
  tokens: ['\x01', '\x00\x00\x00\x00', '\xff\xff\xff\xff', 'host', '\x01\x01'],
  seeds: () => [...batches, lines].map((batch) => Buffer.concat(encodeBatch(batch))),
  run: (input) => {
    const decoded = expecting([FormatError], () => decodeBatch(input));
    if ('error' in decoded) return kindOf(decoded.error);
    const { value: batch } = decoded;
    const again = decodeBatch(Buffer.concat(encodeBatch(batch)));
    assert.deepEqual([...again], [...batch]);
    assert.deepEqual([...again.headers.keys()], [...batch.headers.keys()]);
    assert.deepEqual(again.origin, batch.origin);
    return `${Math.min(9, batch.length)} ${batch.headers.size} ${batch.origin !== undefined}`;
  },
};

const sync = Buffer.from('0123456789abcdef');

type Done = (error: Error | null, data?: Buffer) => void;

const codecs = {
  null: (block: Buffer, done: Done) => done(null, block),
  deflate: (block: Buffer, done: Done) => done(null, inflateRawSync(block)),
  snappy: (block: Buffer, done: Done) =>
    done(null, Buffer.from(snappy.uncompressSync(block.subarray(0, -4)))),
  zstandard: (block: Buffer, done: Done) => done(null, zstdDecompressSync(block)),
};

/** What the input describes is written by us, and read by another implementation. */
export const avroTarget: FuzzTarget = {
  name: 'avro',
  tokens: ['\n', 'k=v ', '=', ' ', '\x00', 'é', 'host=', '__proto__=x '],
  seeds: () =>
    ['', 'n\n', 'd\nk=v a body\n', 's\nhost=a file=b body\nhost=a c\n', 'z\nk= \n\n'].map((text) =>
      Buffer.from(text),
    ),
  run: async (input) => {
    const codec = { d: 'deflate', s: 'snappy', z: 'zstandard' }[String.fromCharCode(input[0] ?? 0)];
    const compressionCodec = codec ?? 'null';
    const options = { compressionCodec, compressionLevel: 0, syncIntervalBytes: 4096 };
    const serializer = new AvroEventSerializer(options, sync);
    const described = describedBy(input);
    // Blocks are made at the same time, of so many events each.
    const blockEvents = 1 + (input.at(-1) ?? 0);
    const parts: (readonly Buffer[] | Promise<readonly Buffer[]>)[] = [serializer.begin()];
    for (let from = 0; from < described.length; from += blockEvents) {
      parts.push(serializer.write(EventBatch.of(described.slice(from, from + blockEvents))));
      parts.push(serializer.flush());
    }
    const file = Buffer.concat((await Promise.all(parts)).flat());
    assert.deepEqual(await readAvro(file), described);
    return `${compressionCodec} ${Math.min(9, described.length)}`;
  },
};

/** Each may be a block of its own, which codecs take their time for. */
const maxEvents = 2_000;

/** One event per line; its words with = are its headers. */
function describedBy(input: Buffer): Event[] {
  const found: Event[] = [];
  for (let start = 0; start < input.length && found.length < maxEvents; ) {
    const end = input.indexOf('\n', start);
    const line = input.subarray(start, end < 0 ? input.length : end);
    const words = line.toString().split(' ', 50);
    const pairs = words.map((word) => word.split('=', 2));
    const headers = pairs.filter(([name, value]) => value !== undefined && name !== '__proto__');
    found.push({
      headers: Object.fromEntries(headers.map(([name = '', value = '']) => [name, value])),
      body: Buffer.from(line),
    });
    start += line.length + 1;
  }
  return found;
}

function readAvro(file: Buffer): Promise<Event[]> {
  const found: Event[] = [];
  const decoder: Duplex = new avsc.streams.BlockDecoder({ codecs });
  return new Promise((resolve, reject) => {
    decoder.on('data', ({ headers, body }: Event) => {
      found.push({ headers: { ...headers }, body: Buffer.from(body) });
    });
    decoder.on('end', () => resolve(found)).on('error', reject);
    decoder.end(file);
  });
}
