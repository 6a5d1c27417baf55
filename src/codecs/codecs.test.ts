import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { FormatError } from '../core/errors.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { codecNamed, codecs, unavailableCodecNamed, unavailableCodecs } from './codecs.ts';
import { decompressAll } from './decompress-all.ts';
import { deflateRaw, inflateRaw } from './deflate.ts';
import { lz4Codec, lz4Compress, lz4Uncompress } from './lz4.ts';
import { snappyCodec, snappyCompress, snappyUncompress } from './snappy.ts';

const hello = Buffer.from('hello hello hello flume');

/**
 * What Hadoop 3.4 makes of `hello`, by class. For one content there are many ways to compress it;
 * where ours is another one than Hadoop's, it follows.
 */
const golden: readonly (readonly [hadoopClass: string, hex: string, ours?: string])[] = [
  ['DefaultCodec', '789ccb48cdc9c957c84022d3724a735301682808b6'],
  ['GzipCodec', '1f8b0800000000000000cb48cdc9c957c84022d3724a735301a8e03ca517000000'],
  [
    'BZip2Codec',
    '425a68393141592653593b7cee5a00000511804000034682002000310c081b5463d4238517223bf9385dc914e14' +
      '240edf3b968',
    '425a68393141592653593b7cee5a0000051180400003468200200021b5463d4103011c28b911dfc9c2ee48a70' +
      'a12076f9dcb40',
  ],
  ['SnappyCodec', '0000001700000011171468656c6c6f202e060010666c756d65'],
  [
    'Lz4Codec',
    '000000170000000f6868656c6c6f20060050666c756d65',
    '00000017000000106768656c6c6f2006006020666c756d65',
  ],
];
/** Where gzip tells the operating system, which nobody asks for. */
const gzipSystemOffset = 9;

describe("Hadoop's files", () => {
  for (const [hadoopClass, hex, ours = hex] of golden) {
    test(`of ${hadoopClass} are read and written`, async () => {
      const codec = codecNamed(hadoopClass);
      assert(codec);
      const file = Buffer.from(hex, 'hex');
      assert.deepEqual(await decompressAll(codec, file, hello.length), hello);
      const written = await codec.compressor(0)([hello]);
      if (codec.name === 'gzip') written[gzipSystemOffset] = 0;
      assert.equal(written.toString('hex'), ours);
    });
  }

  test('of batches of one event, as Flume writes them with gzip, are read', async () => {
    const file = '1f8b08000000000000ffcbcf4be52a29cfe72ac9284a4de50200b6d5e6250e000000';
    const codec = codecNamed('gzip');
    assert(codec);
    const content = await decompressAll(codec, Buffer.from(file, 'hex'), 100);
    assert.equal(content.toString(), 'one\ntwo\nthree\n');
  });

  test('of nothing are four zeros in blocks, and an empty stream in bzip2', async () => {
    const empty = async (name: string) =>
      (await codecNamed(name)?.compressor(0)([]))?.toString('hex');
    assert.equal(await empty('snappy'), '00000000');
    assert.equal(await empty('lz4'), '00000000');
    assert.equal(await empty('bzip2'), '425a6839177245385090' + '00000000');
  });
});

describe('the frame of blocks', () => {
  const parts = async (codec: typeof snappyCodec, bytes: number) => {
    const file = await codec.compressor(0)([Buffer.alloc(bytes, 'a line of a log ')]);
    const lengths: number[] = [];
    for (let at = 0; at < file.length; at += 8 + file.readInt32BE(at + 4)) {
      lengths.push(file.readInt32BE(at));
    }
    return lengths;
  };

  test('has blocks no larger than what fits into the buffer of Hadoop', async () => {
    assert.deepEqual(await parts(snappyCodec, 218_422), [218_422]);
    assert.deepEqual(await parts(snappyCodec, 500_000), [218_422, 218_422, 63_156]);
    assert.deepEqual(await parts(lz4Codec, 261_101), [261_100, 1]);
  });

  test('may have several chunks in a block, and empty blocks anywhere', async () => {
    const content = new Prng(seedFromEnvironment()).bytes(300_000);
    const first = await lz4Compress(content.subarray(0, 261_100));
    const second = await lz4Compress(content.subarray(261_100));
    const int = (value: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32BE(value);
      return bytes;
    };
    const block = [int(300_000), int(first.length), first, int(second.length), second];
    const file = Buffer.concat([int(0), ...block, int(0), int(0)]);
    assert.deepEqual(await decompressAll(lz4Codec, file, 300_000), content);
    const short = Buffer.concat([int(299_999), ...block.slice(1)]);
    await assert.rejects(decompressAll(lz4Codec, short, 300_000), FormatError);
    const long = Buffer.concat([int(300_001), ...block.slice(1)]);
    await assert.rejects(decompressAll(lz4Codec, long, 300_001), FormatError);
  });

  test('is refused with negative lengths, and lengths of chunks that nobody writes', async () => {
    for (const hex of ['ffffffff', '0000000100000000', '00000001ffffffff', '0000000101000001']) {
      const file = Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(100)]);
      await assert.rejects(decompressAll(snappyCodec, file, 1000), FormatError);
    }
  });
});

describe('raw blocks', () => {
  const text = Buffer.from('one and two and one and two '.repeat(100_000));
  const blocks = [
    ['deflate', deflateRaw, inflateRaw],
    ['snappy', snappyCompress, snappyUncompress],
    ['lz4', lz4Compress, lz4Uncompress],
  ] as const;
  for (const [name, compress, uncompress] of blocks) {
    test(`of ${name} come back, and are refused when broken or too large`, async () => {
      for (const content of [Buffer.alloc(0), Buffer.from('x'), hello, text]) {
        const block = await compress(content);
        assert.deepEqual(await uncompress(block, content.length), content);
        assert.deepEqual(await uncompress(block, content.length + 1000), content);
        if (content.length > 0) {
          await assert.rejects(uncompress(block, content.length - 1), FormatError);
          await assert.rejects(uncompress(block, 0), FormatError);
        }
        await assert.rejects(uncompress(block.subarray(0, -1), content.length), FormatError);
      }
      await assert.rejects(uncompress(Buffer.alloc(0), 100), FormatError);
      await assert.rejects(uncompress(Buffer.alloc(20, 255), 2 ** 31), FormatError);
    });
  }

  test('of deflate are compressed as well as is asked for', async () => {
    assert.deepEqual(await deflateRaw(text, 1), deflateRawSync(text, { level: 1 }));
    assert.deepEqual(await deflateRaw(text, 9), deflateRawSync(text, { level: 9 }));
    const block = Buffer.concat([await deflateRaw(hello), Buffer.from('x')]);
    await assert.rejects(inflateRaw(block, 100), FormatError, 'bytes follow');
  });
});

describe('codecNamed', () => {
  const found = (name: string) => codecNamed(name)?.extension;

  test("finds a codec under Hadoop's names for it, whatever the case of the short ones", () => {
    for (const { hadoopClass, extension } of codecs) {
      const short = hadoopClass.replace(/Codec$/, '');
      const names = [hadoopClass, hadoopClass.toUpperCase(), short, short.toLowerCase()];
      for (const name of names) assert.equal(found(name), extension, name);
      assert.equal(found(`org.apache.hadoop.io.compress.${hadoopClass}`), extension);
      assert.equal(found(`ORG.apache.hadoop.io.compress.${hadoopClass}`), undefined);
      assert.equal(found(`org.apache.hadoop.io.compress.${short}`), undefined);
    }
  });

  test('knows the second class of deflate, and zstd', () => {
    for (const name of ['DeflateCodec', 'deflate', 'default', 'DefaultCodec']) {
      assert.equal(found(name), '.deflate', name);
    }
    assert.equal(found('org.apache.hadoop.io.compress.DeflateCodec'), '.deflate');
    assert.equal(found('zstd'), '.zst');
    assert.equal(found('zstandard'), '.zst');
    for (const codec of codecs) assert.equal(codecNamed(codec.name), codec);
  });

  test('finds nothing else; of LZO it can be said why', () => {
    for (const name of ['', 'codec', 'none', 'gzi', 'gz', 'lzo', 'LzopCodec', 'toString']) {
      assert.equal(found(name), undefined, name);
    }
    for (const name of ['lzo', 'LZOP', 'LzoCodec', 'com.hadoop.compression.lzo.LzopCodec']) {
      assert.match(unavailableCodecNamed(name)?.reason ?? '', /GPL.*use snappy or lz4/);
    }
    assert.equal(unavailableCodecNamed('gzip'), undefined);
    assert.deepEqual(
      unavailableCodecs.map(({ name }) => name),
      ['lzo', 'lzop'],
    );
  });
});

/** Programs that do the same, with what makes them read and write files of their kind. */
const python = (code: string) => ['python3', '-c', `import sys,zlib\n${code}`] as const;
const readZlib = `
data = sys.stdin.buffer.read()
while data:
    stream = zlib.decompressobj()
    sys.stdout.buffer.write(stream.decompress(data))
    assert stream.eof
    data = stream.unused_data`;
const writeZlib = 'sys.stdout.buffer.write(zlib.compress(sys.stdin.buffer.read()))';
const peers = [
  ['gzip', ['gzip', '-dc'], ['gzip', '-c']],
  ['bzip2', ['bzip2', '-dc'], ['bzip2', '-c']],
  ['zstd', ['zstd', '-dcq'], ['zstd', '-cq']],
  ['deflate', python(readZlib), python(writeZlib)],
] as const;

describe('other programs', () => {
  const run = ([program, ...args]: readonly string[], input: Buffer) =>
    spawnSync(program as string, args, { input, maxBuffer: 2 ** 26 });
  const prng = new Prng(seedFromEnvironment());
  const contents = [
    Buffer.alloc(0),
    hello,
    Buffer.from('a line of a log, and another one.\n'.repeat(50_000)),
    prng.bytes(300_000),
    Buffer.alloc(2_000_000),
  ];

  for (const [name, reader, writer] of peers) {
    const skip = run([reader[0], '--version'], Buffer.alloc(0)).error && `needs ${reader[0]}`;
    test(`read and write ${name} as we do`, { skip: skip ?? false }, async (context) => {
      context.diagnostic(`MILLRACE_SEED=${prng.seed}`);
      const codec = codecNamed(name);
      assert(codec);
      const ours: Buffer[] = [];
      const theirs: Buffer[] = [];
      for (const content of contents) {
        ours.push(await codec.compressor(0)([content]));
        theirs.push(run(writer, content).stdout);
      }
      const all = Buffer.concat(contents);
      for (const file of [...ours, Buffer.concat(ours)]) {
        const { status, stdout, stderr } = run(reader, file);
        assert.equal(status, 0, stderr.toString());
        const content = contents[ours.indexOf(file)] ?? all;
        assert(stdout.equals(content));
      }
      for (const file of [...theirs, Buffer.concat(theirs)]) {
        const content = contents[theirs.indexOf(file)] ?? all;
        assert((await decompressAll(codec, file, all.length)).equals(content));
      }
    });
  }

  test('may write gzip with a name, a comment and a sum of the header', async () => {
    const codec = codecNamed('gzip');
    assert(codec);
    const deflated = (await codec.compressor(0)([hello])).subarray(10);
    const flags = (hex: string) => Buffer.concat([Buffer.from(hex, 'hex'), deflated]);
    const name = Buffer.from('log\0').toString('hex');
    const read = (file: Buffer) => decompressAll(codec, file, 100);
    assert.deepEqual(await read(flags(`1f8b0808000000000003${name}`)), hello);
    assert.deepEqual(await read(flags(`1f8b081c0000000000030200abcd${name}${name}`)), hello);
    const sums = run(
      python(
        'head=sys.stdin.buffer.read();' +
          'sys.stdout.buffer.write(head+(zlib.crc32(head)&0xffff).to_bytes(2,"little"))',
      ),
      Buffer.from(`1f8b080a000000000003${name}`, 'hex'),
    ).stdout;
    assert.deepEqual(await read(flags(sums.toString('hex'))), hello);
    sums.writeUInt8(sums.readUInt8(sums.length - 1) ^ 1, sums.length - 1);
    await assert.rejects(read(flags(sums.toString('hex'))), FormatError);
    await assert.rejects(read(flags('1f8b0820000000000003')), FormatError);
    await assert.rejects(read(flags('1f8b0700000000000003')), FormatError);
  });

  test('may put frames that are no content between those of zstd', async () => {
    const codec = codecNamed('zstd');
    assert(codec);
    const frame = await codec.compressor(0)([hello]);
    const skippable = Buffer.from('502a4d1803000000616263', 'hex');
    const other = Buffer.from('5f2a4d1800000000', 'hex');
    const file = Buffer.concat([skippable, frame, other, skippable, frame, skippable]);
    assert.deepEqual(await decompressAll(codec, file, 100), Buffer.concat([hello, hello]));
    assert.deepEqual(await decompressAll(codec, skippable, 100), Buffer.alloc(0));
    await assert.rejects(decompressAll(codec, file.subarray(0, -1), 100), FormatError);
  });
});
