import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { once } from '../codecs/codec.ts';
import { EventBatch } from '../core/event-batch.ts';
import { SinkCounters } from '../core/metrics.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { serializerContract } from '../testing/serializer-contract.ts';
import { decodeWritable, writableBytes } from './sequence-file/writables.ts';
import { SequenceFileSerializer, sequenceFileSerializer } from './sequence-file.ts';
import { readSequenceFile } from './sequence-file-reader.ts';

const sync = Buffer.from('0123456789abcdef');
const time = 1_325_430_245_678;
const defaults = {
  writeFormat: 'Writable',
  codec: 'none',
  compressionType: 'BLOCK',
  level: 0,
  blockBytes: 1_000_000,
} as const;

type Config = ConstructorParameters<typeof SequenceFileSerializer>[0];

function serializerOf(config: Partial<Config> = {}, counters = new SinkCounters()) {
  return new SequenceFileSerializer({ ...defaults, ...config }, { counters }, sync, () => time);
}

interface Found {
  readonly key: bigint;
  readonly body: Buffer;
}

/** Each run of records that the reader gives is one block, where there are blocks. */
async function readRuns(file: Buffer): Promise<Found[][]> {
  const { header, records } = await readSequenceFile(once(file));
  const runs: Found[][] = [];
  for await (const run of records) {
    runs.push(
      run.map(({ key, value }) => ({
        key: decodeWritable(header.keyClass, key) as bigint,
        body: writableBytes(header.valueClass, value) as Buffer,
      })),
    );
  }
  return runs;
}

async function fileOf(serializer: SequenceFileSerializer, ...batches: EventBatch[]) {
  const parts = [...serializer.begin()];
  for (const batch of batches) parts.push(...serializer.write(batch));
  return Buffer.concat([...parts, ...(await serializer.flush())]);
}

const compressed = ['default', 'snappy', 'lz4', 'zstd'].flatMap((codec) =>
  (['RECORD', 'BLOCK'] as const).map((compressionType) => ({ codec, compressionType })),
);
const kinds = [{ codec: 'none', compressionType: 'BLOCK' } as const, ...compressed];
const contractKinds = kinds.filter(
  ({ codec, compressionType }) =>
    ['none', 'default'].includes(codec) || (codec === 'snappy' && compressionType === 'BLOCK'),
);
for (const { codec, compressionType } of contractKinds) {
  for (const writeFormat of ['Writable', 'Text'] as const) {
    serializerContract(`sequence_file (${writeFormat}, ${codec}, ${compressionType})`, {
      create: () => serializerOf({ writeFormat, codec, compressionType, blockBytes: 5_000 }),
      read: async (file) => (await readRuns(file)).flat(),
      bodies: 'any',
      headers: 'none',
    });
  }
}

describe('the key of an event', () => {
  const keysOf = async (batch: EventBatch) => {
    const counters = new SinkCounters();
    const runs = await readRuns(await fileOf(serializerOf({}, counters), batch));
    return { keys: runs.flat().map(({ key }) => key), misfits: counters.EventMisfitCount };
  };
  const batchOf = (...timestamps: (string | undefined)[]) =>
    EventBatch.of(
      timestamps.map((timestamp) => ({
        headers: timestamp === undefined ? {} : { timestamp },
        body: 'b',
      })),
    );

  const longs: Readonly<Record<string, bigint>> = {
    '0': 0n,
    '-1': -1n,
    '+5': 5n,
    '007': 7n,
    '4294967295': 0xffff_ffffn,
    '4294967296': 0x1_0000_0000n,
    '1325430245678': 1_325_430_245_678n,
    '999999999999999': 999_999_999_999_999n,
    '1000000000000001': 1_000_000_000_000_001n,
    '9007199254740993': 9_007_199_254_740_993n,
    '9223372036854775807': 0x7fff_ffff_ffff_ffffn,
    '-9223372036854775808': -0x8000_0000_0000_0000n,
    '-1325430245678': -1_325_430_245_678n,
  };

  test('is its timestamp, one per event or the same for all', async () => {
    const texts = Object.keys(longs);
    const expected = { keys: Object.values(longs), misfits: 0 };
    assert.deepEqual(await keysOf(batchOf(...texts)), expected);
    for (const text of texts) {
      const keys = [longs[text], longs[text], longs[text]];
      assert.deepEqual(await keysOf(batchOf(text, text, text)), { keys, misfits: 0 });
    }
  });

  test('is the time of writing without one', async () => {
    const now = BigInt(time);
    assert.deepEqual(await keysOf(batchOf(undefined, '7', undefined)), {
      keys: [now, 7n, now],
      misfits: 0,
    });
    assert.deepEqual(await keysOf(batchOf(undefined)), { keys: [now], misfits: 0 });
  });

  test('is the time of writing where a timestamp is no 64-bit number, and is counted', async () => {
    const now = BigInt(time);
    const wrong = ['', 'x', '1.5', ' 1', '1 ', '+', '-', '0x10', '1e3', '9223372036854775808'];
    for (const text of [...wrong, '-9223372036854775809', '1_0', '９', '1'.repeat(100_000)]) {
      const label = text.slice(0, 30);
      assert.deepEqual(await keysOf(batchOf(text)), { keys: [now], misfits: 1 }, label);
      const mixed = { keys: [now, 8n, now, 9n], misfits: 2 };
      assert.deepEqual(await keysOf(batchOf(text, '8', text, '9')), mixed, label);
    }
  });
});

describe('sync escapes', () => {
  const syncEscape = Buffer.concat([Buffer.from('ffffffff', 'hex'), sync]);
  const ends = (file: Buffer) => {
    const found: number[] = [];
    for (let at = file.indexOf(syncEscape); at >= 0; at = file.indexOf(syncEscape, at + 1)) {
      found.push(at + syncEscape.length);
    }
    return found;
  };

  for (const compressionType of ['NONE', 'RECORD'] as const) {
    test(`${compressionType}: stand where 100 KiB were written since the last`, async () => {
      const random = new Prng(seedFromEnvironment());
      const events = Array.from({ length: 700 }, () => ({ body: random.bytes(1000) }));
      const options = compressionType === 'NONE' ? {} : { codec: 'default', compressionType };
      const serializer = serializerOf(options);
      const file = await fileOf(serializer, EventBatch.of(events), EventBatch.of(events));
      const found = ends(file);
      assert(found.length > 12);
      // The last one stands behind the last record.
      for (const [index, end] of found.slice(0, -1).entries()) {
        const sinceLast = end - syncEscape.length - (found[index - 1] ?? 0);
        assert(sinceLast >= 102_400 - 1024 && sinceLast < 102_400 + 1100, `${sinceLast}`);
      }
      assert.equal(found.at(-1), file.length);
    });
  }

  test('one follows a flush, and none a flush of nothing', async () => {
    const serializer = serializerOf();
    serializer.begin();
    assert.deepEqual(await serializer.flush(), []);
    serializer.write(EventBatch.of([{ body: 'b' }]));
    assert.deepEqual(Buffer.concat(await serializer.flush()), syncEscape);
    assert.deepEqual(await serializer.flush(), []);
  });
});

describe('blocks', () => {
  test('end when keys and values are large enough, in and between batches', async () => {
    const serializer = serializerOf({ codec: 'default', blockBytes: 100 });
    // A key and a value of 8 + 4 + 13 bytes: four of them are a block.
    const events = (count: number) =>
      EventBatch.of(Array.from({ length: count }, () => ({ body: 'thirteen byte' })));
    const runs = await readRuns(await fileOf(serializer, events(3), events(6), events(2)));
    assert.deepEqual(
      runs.map((run) => run.length),
      [4, 4, 3],
    );
  });

  test('count as held until they are flushed', async () => {
    for (const compressionType of ['RECORD', 'BLOCK'] as const) {
      const serializer = serializerOf({ codec: 'gzip', compressionType, blockBytes: 50 });
      assert.equal(serializer.blockBytes, 50);
      assert.equal(serializer.heldBytes, 0);
      for (let count = 1; count <= 5; count++) {
        assert.deepEqual(serializer.write(EventBatch.of([{ body: 'abc' }])), []);
        assert.equal(serializer.heldBytes, count * (8 + 4 + 3));
      }
      await serializer.flush();
      assert.equal(serializer.heldBytes, 0);
    }
  });

  test('keep what they hold when the memory of the batch is used again', async () => {
    for (const { codec, compressionType } of kinds) {
      const serializer = serializerOf({ codec, compressionType });
      const batch = EventBatch.of([{ headers: { timestamp: '5' }, body: 'kept' }]);
      const parts = [...serializer.begin(), ...serializer.write(batch)];
      if (codec !== 'none') batch.slab.fill(0);
      parts.push(...(await serializer.flush()));
      assert.deepEqual(await readRuns(Buffer.concat(parts)), [
        [{ key: 5n, body: Buffer.from('kept') }],
      ]);
    }
  });

  test('are smaller at a higher level', async () => {
    const lines = Array.from({ length: 5000 }, (_, index) => `${index ** 2} GET /a/${index % 97}`);
    const body = lines.join('\n');
    const sizes: number[] = [];
    for (const level of [1, 9]) {
      const serializer = serializerOf({ codec: 'default', level });
      sizes.push((await fileOf(serializer, EventBatch.of([{ body }]))).length);
    }
    assert((sizes[1] as number) < (sizes[0] as number), `${sizes}`);
  });
});

describe('the options', () => {
  const problemsOf = (config: Partial<Config>) =>
    sequenceFileSerializer.check?.({ ...defaults, ...config }) ?? [];

  test('take every codec under the names that Hadoop and Flume know', async () => {
    const classes: Readonly<Record<string, string>> = {
      default: 'DefaultCodec',
      DefaultCodec: 'DefaultCodec',
      deflate: 'DeflateCodec',
      'org.apache.hadoop.io.compress.DeflateCodec': 'DeflateCodec',
      gzip: 'GzipCodec',
      GZIPCODEC: 'GzipCodec',
      'org.apache.hadoop.io.compress.SnappyCodec': 'SnappyCodec',
      lz4: 'Lz4Codec',
      bzip2: 'BZip2Codec',
      zstd: 'ZStandardCodec',
    };
    for (const [codec, name] of Object.entries(classes)) {
      assert.deepEqual(problemsOf({ codec }), []);
      const file = Buffer.concat(serializerOf({ codec }).begin());
      const { header } = await readSequenceFile(once(file));
      assert.equal(header.codecClass, `org.apache.hadoop.io.compress.${name}`);
      assert.equal(header.compressionType, 'BLOCK');
    }
  });

  test('refuse a codec that is not known, and one that cannot be had', () => {
    const [unknown, ...others] = problemsOf({ codec: 'brotli' });
    assert.equal(unknown?.key, 'codec');
    assert.match(unknown?.problem ?? '', /no codec is called brotli; there are .*gzip/);
    assert.deepEqual(others, []);
    const [lzo] = problemsOf({ codec: 'lzo' });
    assert.match(lzo?.problem ?? '', /^lzo: .*LZO/);
  });

  test('refuse a level that the codec does not have', () => {
    assert.match(problemsOf({ codec: 'gzip', level: 10 })[0]?.problem ?? '', /1 to 9, found 10/);
    assert.match(problemsOf({ codec: 'snappy', level: 1 })[0]?.problem ?? '', /no levels/);
    assert.deepEqual(problemsOf({ codec: 'zstd', level: 12 }), []);
    assert.deepEqual(problemsOf({ codec: 'None', level: 12 }), []);
  });

  test('make a serializer with a marker of its own per file', () => {
    const context = { counters: new SinkCounters() };
    const file = () =>
      Buffer.concat([...sequenceFileSerializer.create(defaults, context as never).begin()]);
    assert.notDeepEqual(file(), file());
    assert.deepEqual(file().subarray(0, -16), file().subarray(0, -16));
  });
});

test('bodies of every size come through in every kind of file', async () => {
  const seed = seedFromEnvironment();
  const random = new Prng(seed);
  const sizes = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 1_000_000];
  const bodies = random.shuffle(sizes).map((size) => random.bytes(size));
  const batch = EventBatch.of(bodies.map((body) => ({ body })));
  for (const { codec, compressionType } of kinds) {
    for (const writeFormat of ['Writable', 'Text'] as const) {
      const file = await fileOf(serializerOf({ writeFormat, codec, compressionType }), batch);
      const found = (await readRuns(file)).flat();
      const label = `${writeFormat} ${codec} ${compressionType}, MILLRACE_SEED=${seed}`;
      assert.equal(found.length, bodies.length, label);
      for (const [index, body] of bodies.entries()) {
        assert(found[index]?.body.equals(body), `${label}: body of ${body.length} bytes`);
      }
    }
  }
});
