import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { describe, type TestContext, test } from 'node:test';
import { FormatError } from '../../core/errors.ts';
import { Prng, seedFromEnvironment } from '../../testing/prng.ts';
import { bzip2Codec } from '../bzip2.ts';
import { once } from '../codec.ts';
import { BitWriter } from './bit-writer.ts';
import { Bzip2Decoder } from './decoder.ts';
import { Bzip2Encoder } from './encoder.ts';
import { blockMagic, endMagic } from './format.ts';
import { canonicalCodes, codeLengths, HuffmanDecoder } from './huffman.ts';
import { sortSuffixes } from './suffix-sort.ts';
import { Bzip2Thread } from './thread.ts';

const seed = seedFromEnvironment();

function seeded(context: TestContext): Prng {
  context.diagnostic(`MILLRACE_SEED=${seed}`);
  return new Prng(seed);
}

function compress(content: Buffer, level = 9): Buffer {
  const encoder = new Bzip2Encoder(level);
  encoder.add(content);
  encoder.end();
  return Buffer.from(encoder.take());
}

function decompress(file: Buffer, feedBytes = file.length): Buffer {
  const decoder = new Bzip2Decoder();
  const pieces: Uint8Array[] = [];
  const read = () => {
    for (let piece = decoder.read(); piece.length > 0; piece = decoder.read()) pieces.push(piece);
  };
  for (let from = 0; from < file.length; from += feedBytes) {
    decoder.add(file.subarray(from, from + feedBytes));
    read();
  }
  decoder.end();
  read();
  return Buffer.concat(pieces);
}

function fibonacci(bytes: number): Buffer {
  let [shorter, longer] = ['a', 'ab'];
  while (longer.length < bytes) [shorter, longer] = [longer, longer + shorter];
  return Buffer.from(longer.slice(0, bytes));
}

/** What sorting algorithms fear, of 900,000 bytes each: one block. */
const nasty: Readonly<Record<string, (prng: Prng) => Buffer>> = {
  'the same byte': () => Buffer.alloc(900_000, 'a'),
  'two bytes in turn': () => Buffer.alloc(900_000, 'ab'),
  'three of each byte in turn': () => Buffer.alloc(900_000, 'aaabbb'),
  'the same line': () => Buffer.alloc(900_000, 'a line of a log, and another one.\n'),
  'the same line, then another byte': () =>
    Buffer.alloc(900_000, 'a line of a log.\n').fill('z', 899_999),
  'the same 100,000 random bytes': (prng) => Buffer.alloc(900_000, prng.bytes(100_000)),
  'a Fibonacci word': () => fibonacci(900_000),
  'runs of growing length': () =>
    Buffer.from(Array.from({ length: 1300 }, (_, run) => `${'a'.repeat(run)}b`).join('')),
  'all bytes, falling': () => Buffer.alloc(900_000, Buffer.from([...Array(256).keys()].reverse())),
  noise: (prng) => prng.bytes(900_000),
  'noise of two bytes': (prng) => prng.bytes(900_000).map((byte) => byte & 1) as Buffer,
};
const noBzip2 = spawnSync('bzip2', ['--help']).error ? 'needs bzip2' : false;

describe('bzip2', () => {
  for (const [name, contentOf] of Object.entries(nasty)) {
    test(`compresses ${name}, as well as the original does`, { timeout: 60_000 }, (context) => {
      const content = contentOf(seeded(context));
      const file = compress(content);
      assert(decompress(file).equals(content));
      if (noBzip2) return;
      const original = spawnSync('bzip2', ['-9c'], { input: content, maxBuffer: 2 ** 24 }).stdout;
      assert(file.length <= original.length * 1.01 + 20, `${file.length}, not ${original.length}`);
      const { stdout } = spawnSync('bzip2', ['-dc'], { input: file, maxBuffer: 2 ** 24 });
      assert(stdout.equals(content));
    });
  }

  test('reads what the original writes, at every level', { skip: noBzip2 }, (context) => {
    const prng = seeded(context);
    const lines = Array.from(
      { length: 20_000 },
      () => `${prng.integer(1e6)} took ${prng.integer(99)}`,
    );
    const content = Buffer.from(lines.join('\n'));
    for (let level = 1; level <= 9; level++) {
      const original = spawnSync('bzip2', [`-${level}c`], { input: content }).stdout;
      assert(decompress(original, 10_000).equals(content));
      const ours = compress(content, level);
      assert(Math.abs(ours.length - original.length) < original.length / 100);
      const tested = spawnSync('bzip2', ['-t'], { input: ours });
      assert.equal(tested.status, 0, tested.stderr.toString());
      assert(decompress(ours, 10_000).equals(content));
    }
  });

  test('keeps runs whose end is around that of a block', () => {
    for (let length = 99_975; length < 99_984; length++) {
      const noise = new Prng(1).bytes(length).map((byte, index) => (byte & 0xfe) | (index & 1));
      for (const run of [4, 256, 600]) {
        const content = Buffer.concat([noise, Buffer.alloc(run, 7), Buffer.from('end')]);
        assert(decompress(compress(content, 1)).equals(content), `${length} and ${run}`);
      }
    }
  });

  test('refuses blocks that lie, without an end or an answer of another kind', () => {
    const head = (write: (out: BitWriter) => void) => {
      const out = new BitWriter();
      for (const byte of Buffer.from('BZh1')) out.write(byte, 8);
      out.write(blockMagic[0], 24);
      out.write(blockMagic[1], 24);
      out.write32(0);
      write(out);
      for (let byte = 0; byte < 100_000; byte++) out.write(0xff, 8);
      return Buffer.from(out.take());
    };
    const map = (out: BitWriter, randomised = 0) => {
      out.write(randomised, 1);
      out.write(0, 24);
      out.write(0x8000, 16);
      out.write(0xc000, 16);
    };
    const cases: readonly (readonly [RegExp, (out: BitWriter) => void])[] = [
      [/0\.9\.0 or older/, (out) => map(out, 1)],
      [/without bytes/, (out) => [out.write(0, 24), out.write(0, 17)]],
      [/code tables/, (out) => [map(out), out.write(1, 3)]],
      [/code tables/, (out) => [map(out), out.write(7, 3)]],
      [/without selectors/, (out) => [map(out), out.write(2, 3), out.write(0, 15)]],
      [/selector of no table/, (out) => [map(out), out.write(2, 3), out.write(1, 15)]],
      [/code length/, (out) => [map(out), out.write(2, 3), out.write(1, 15), out.write(0, 1 + 5)]],
      [/code length/, (out) => [map(out), out.write(2, 3), out.write(1, 15), out.write(21, 1 + 5)]],
      [
        /code length/,
        (out) => {
          map(out);
          out.write(2, 3);
          out.write(1, 15);
          out.write(5, 1 + 5);
          for (let steps = 0; steps < 100; steps++) out.write(steps % 2 === 0 ? 0b10 : 0b11, 2);
        },
      ],
      [
        /too many codes/,
        (out) => {
          map(out);
          out.write(2, 3);
          out.write(1, 15);
          // All four symbols have codes of one bit.
          out.write(1 << 4, 1 + 5 + 4);
        },
      ],
    ];
    for (const [message, write] of cases) {
      assert.throws(
        () => decompress(head((out) => void write(out))),
        (error) => error instanceof FormatError && message.test(error.message),
        String(message),
      );
    }
  });

  test('refuses wrong sums, and streams that are longer than they say', () => {
    const content = Buffer.from('hello hello hello flume');
    const file = compress(content);
    assert.deepEqual(decompress(Buffer.concat([file, file])).toString(), `${content}${content}`);
    const wrong = (at: number) => {
      const turned = Buffer.from(file);
      turned.writeUInt8(turned.readUInt8(at) ^ 4, at);
      return turned;
    };
    assert.throws(() => decompress(wrong(12)), /a block has a wrong sum/);
    assert.throws(() => decompress(wrong(file.length - 3)), /a stream has a wrong sum/);
    assert.throws(() => decompress(Buffer.concat([file, Buffer.from('BZh')])), /cut off/);
    assert.throws(() => decompress(Buffer.concat([file, Buffer.from('BZip')])), /no stream/);
    const out = new BitWriter();
    for (const byte of Buffer.from('BZh5')) out.write(byte, 8);
    out.write(endMagic[0], 24);
    out.write(endMagic[1], 24);
    out.write32(0);
    assert.equal(decompress(Buffer.from(out.take())).length, 0);
  });
});

describe('sortSuffixes', () => {
  test('gives the order of the suffixes', (context) => {
    const prng = seeded(context);
    for (let round = 0; round < 3_000; round++) {
      const letters = 1 + prng.integer(4);
      const text = prng.bytes(1 + prng.integer(60)).map((byte) => byte % letters) as Buffer;
      const suffixes = new Int32Array(text.length);
      sortSuffixes(text, suffixes, 256);
      const expected = [...text.keys()].sort((a, b) =>
        Buffer.compare(text.subarray(a), text.subarray(b)),
      );
      assert.deepEqual([...suffixes], expected);
    }
  });

  test('sorts long pieces that are almost equal', () => {
    // Rising letters are one piece, of more letters than a byte counts.
    const rising = Buffer.from(Array.from({ length: 900 }, (_, index) => 1 + (index >> 2)));
    const text = Buffer.concat([rising, rising, Buffer.from([0]), rising, rising.fill(3, 5, 9)]);
    const suffixes = new Int32Array(text.length);
    sortSuffixes(text, suffixes, 256);
    for (let index = 1; index < text.length; index++) {
      const [before, after] = [suffixes[index - 1] as number, suffixes[index] as number];
      assert(Buffer.compare(text.subarray(before), text.subarray(after)) < 0);
    }
  });
});

describe('Huffman codes', () => {
  test('are found again, and no longer than 17 bits', (context) => {
    const prng = seeded(context);
    for (let round = 0; round < 200; round++) {
      const counts = new Int32Array(3 + prng.integer(256));
      for (const symbol of counts.keys()) {
        // As in a Fibonacci word, where codes are as long as can be, or anyhow.
        counts[symbol] = round % 2 === 0 ? 1.6 ** Math.min(28, symbol) : prng.integer(1000);
      }
      const lengths = new Uint8Array(counts.length);
      codeLengths(counts, lengths);
      const codes = canonicalCodes(lengths);
      const decoder = HuffmanDecoder.of(lengths);
      assert(decoder);
      for (const [symbol, bits] of lengths.entries()) {
        assert(bits >= 1 && bits <= 17);
        const noise = prng.integer(2 ** (20 - bits));
        assert.equal(decoder.find(((codes[symbol] as number) << (20 - bits)) | noise), symbol);
        assert.equal(decoder.bits, bits);
      }
    }
    assert.equal(HuffmanDecoder.of(Uint8Array.of(1, 1, 1)), undefined);
    assert.equal(HuffmanDecoder.of(Uint8Array.of(2, 2))?.find(2 ** 20 - 1), -1);
  });
});

describe("bzip2's thread", () => {
  const content = Buffer.alloc(3_000_000, 'a line of a log, and another one. ');

  test('fails what it has in hand when it ends, and is started anew', async () => {
    const { thread, session } = Bzip2Thread.session();
    const compressing = bzip2Codec.compressor(9)([content]);
    const decompressing = async () => {
      for await (const piece of bzip2Codec.decompress(once(compress(content)))) {
        assert(piece.length > 0);
        await thread.terminate();
      }
    };
    await Promise.all([
      assert.rejects(decompressing(), /has ended/),
      assert.rejects(compressing, /has ended/),
    ]);
    const late = thread.ask({ task: 'decompress', session, last: true });
    await assert.rejects(late, /has ended/);
    const file = await bzip2Codec.compressor(9)([content]);
    assert(decompress(file).equals(content));
  });

  test('keeps the process alive while it works, and no longer', () => {
    const script = `
      import { bzip2Codec } from ${JSON.stringify(new URL('../bzip2.ts', import.meta.url))};
      bzip2Codec.compressor(9)([Buffer.alloc(2e6)]).then((file) => console.log(file.length));
    `;
    const args = ['--input-type=module', '--eval', script];
    const { status, stdout, signal } = spawnSync(process.execPath, args, { timeout: 60_000 });
    assert.deepEqual({ status, signal }, { status: 0, signal: null });
    assert.match(stdout.toString(), /^\d+\n$/);
  });
});
