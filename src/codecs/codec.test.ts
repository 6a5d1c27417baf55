import { strict as assert } from 'node:assert';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { FormatError } from '../core/errors.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { type Codec, once } from './codec.ts';
import { codecs } from './codecs.ts';
import { decompressAll } from './decompress-all.ts';

const maxBytes = 64 * 2 ** 20;
const line = 'a line of a log, and another one. ';
const text = Buffer.from(line.repeat(2000));

const seed = seedFromEnvironment();

function seeded(context: TestContext): Prng {
  context.diagnostic(`MILLRACE_SEED=${seed}`);
  return new Prng(seed);
}

/** Content as it comes: text, noise, long runs, and mixtures of these. */
function contentOf(prng: Prng, bytes: number): Buffer {
  const parts: Buffer[] = [];
  let left = bytes;
  while (left > 0) {
    const length = Math.min(left, 1 + prng.integer(prng.pick([10, 300, 100_000])));
    const part = prng.pick([
      () => prng.bytes(length),
      () => Buffer.alloc(length, prng.integer(256)),
      () => Buffer.alloc(length, line),
      () => Buffer.alloc(length, prng.bytes(2)),
    ])();
    parts.push(part);
    left -= length;
  }
  return Buffer.concat(parts);
}

/** Yields a buffer in pieces of random length. */
async function* inPieces(prng: Prng, bytes: Buffer, maxPiece: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; ) {
    const to = from + prng.integer(maxPiece + 1);
    yield bytes.subarray(from, to);
    from = to;
  }
}

async function contentFrom(codec: Codec, input: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of codec.decompress(input)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The content, or undefined where the codec says that the file is broken. */
async function contentIfSound(codec: Codec, file: Buffer): Promise<Buffer | undefined> {
  try {
    return await decompressAll(codec, file, maxBytes);
  } catch (error) {
    assert(error instanceof FormatError, String(error));
    assert(error.offset >= 0 && error.offset <= file.length, error.message);
    return undefined;
  }
}

for (const codec of codecs) {
  const { name, maxLevel } = codec;
  const compress = codec.compressor(0);

  describe(name, () => {
    test('a member holds all of its buffers, at every level', async () => {
      const pieces = [text.subarray(0, 10), Buffer.alloc(0), text.subarray(10)];
      for (const level of new Set([0, Math.min(1, maxLevel), maxLevel])) {
        const member = await codec.compressor(level)(pieces);
        assert(member.length < text.length / 10);
        assert.deepEqual(await decompressAll(codec, member, text.length), text);
      }
    });

    test('nothing, and one byte, come back', async () => {
      for (const content of [Buffer.alloc(0), Buffer.from([0]), Buffer.from([255])]) {
        const member = await compress([content]);
        assert(member.length > 0);
        assert.deepEqual(await decompressAll(codec, member, 1), content);
      }
      assert.deepEqual(await decompressAll(codec, await compress([]), 1), Buffer.alloc(0));
      assert.deepEqual(await decompressAll(codec, Buffer.alloc(0), 1), Buffer.alloc(0));
    });

    test('content of any size and kind comes back, from pieces of any size', async (context) => {
      const prng = seeded(context);
      for (const bytes of [2, 5, 100, 218_421, 218_422, 218_423, 261_101, 899_981, 5_000_000]) {
        const content = contentOf(prng, prng.chance(0.5) ? bytes : prng.integer(bytes));
        const member = await compress([content]);
        const input = inPieces(prng, member, 1 + prng.integer(member.length));
        assert((await contentFrom(codec, input)).equals(content));
      }
    });

    test('members that follow each other are one file', async (context) => {
      const prng = seeded(context);
      const contents = Array.from({ length: 200 }, () => contentOf(prng, prng.integer(500)));
      const members: Buffer[] = [];
      for (const content of contents) members.push(await compress([content]));
      const file = Buffer.concat(members);
      const expected = Buffer.concat(contents);
      assert.deepEqual(await decompressAll(codec, file, maxBytes), expected);
      for (const maxPiece of [1, 7, 1000]) {
        assert.deepEqual(await contentFrom(codec, inPieces(prng, file, maxPiece)), expected);
      }
      assert.deepEqual(await contentFrom(codec, inPieces(prng, await compress([text]), 1)), text);
    });

    test('a file that is cut off is so found, unless the cut is between members', async () => {
      const members = [await compress([Buffer.from('one\n')]), await compress([text])];
      const file = Buffer.concat(members);
      const first = members[0]?.length;
      for (let cut = 0; cut < file.length; cut++) {
        const content = await contentIfSound(codec, file.subarray(0, cut));
        const expected = cut === 0 ? '' : cut === first ? 'one\n' : undefined;
        assert.equal(content?.toString(), expected, `cut at ${cut}`);
      }
    });

    test('what is readable in front of a cut is given', async () => {
      const member = await compress([text]);
      const pieces: Buffer[] = [];
      const input = once(Buffer.concat([member, member.subarray(0, -1)]));
      await assert.rejects(async () => {
        for await (const piece of codec.decompress(input)) pieces.push(piece);
      }, FormatError);
      const content = Buffer.concat(pieces);
      assert(content.length >= text.length);
      assert(content.equals(Buffer.concat([text, text]).subarray(0, content.length)));
    });

    test('a file with any bit turned is read or refused', async () => {
      const content = Buffer.from('one two two two three\n');
      const file = Buffer.concat([await compress([content]), await compress([content])]);
      let refused = 0;
      for (let bit = 0; bit < file.length * 8; bit++) {
        const turned = Buffer.from(file);
        turned[bit >> 3] = (turned[bit >> 3] as number) ^ (1 << (bit & 7));
        if ((await contentIfSound(codec, turned)) === undefined) refused++;
      }
      assert(refused > file.length, `${refused} of ${file.length * 8} were refused`);
    });

    test('noise, and bytes behind the last member, are refused', async (context) => {
      const prng = seeded(context);
      const member = await compress([text]);
      for (let round = 0; round < 50; round++) {
        const noise = prng.bytes(5 + prng.integer(100));
        assert.equal(await contentIfSound(codec, noise), undefined);
        assert.equal(await contentIfSound(codec, Buffer.concat([member, noise])), undefined);
      }
      const garbage = Buffer.concat([member, Buffer.from('garbage')]);
      assert.equal(await contentIfSound(codec, garbage), undefined);
    });

    test('an error tells where: not before the member that is broken', async () => {
      const member = await compress([text]);
      const file = Buffer.concat([member, member, Buffer.from('this is no member, not at all')]);
      await assert.rejects(decompressAll(codec, file, maxBytes), (error) => {
        assert(error instanceof FormatError);
        assert(error.offset >= member.length * 2 && error.offset <= file.length, error.message);
        return true;
      });
    });

    test('much content in few bytes takes little memory', async () => {
      const zeros = Buffer.alloc(8 * 2 ** 20);
      const member = await compress([zeros]);
      const endless = async function* () {
        for (;;) yield member;
      };
      let length = 0;
      const before = process.memoryUsage();
      for await (const piece of codec.decompress(endless())) {
        assert(piece.length <= 2 ** 20);
        assert(piece.equals(zeros.subarray(0, piece.length)));
        length += piece.length;
        if (length > 128 * 2 ** 20) break;
        await setImmediate();
      }
      const { external } = process.memoryUsage();
      assert(external - before.external < 64 * 2 ** 20, `${external - before.external} bytes`);
      await assert.rejects(decompressAll(codec, member, 2 ** 20), FormatError);
    });

    test('reading that ends early lets go of the input', async () => {
      const member = await compress([text]);
      let closed = 0;
      const input = async function* () {
        try {
          for (;;) yield member;
        } finally {
          closed++;
        }
      };
      for await (const piece of codec.decompress(input())) {
        assert(piece.length > 0);
        break;
      }
      assert.equal(closed, 1);
      const failing = async function* () {
        yield member;
        throw new Error('the disk fails');
      };
      await assert.rejects(contentFrom(codec, failing()), /the disk fails/);
    });

    test('many files at a time do not get into each other', async (context) => {
      const prng = seeded(context);
      const contents = Array.from({ length: 20 }, () => contentOf(prng, prng.integer(300_000)));
      const files = await Promise.all(contents.map((content) => compress([content])));
      const back = await Promise.all(
        files.map((file) => contentFrom(codec, inPieces(prng.fork(), file, 50_000))),
      );
      for (const [index, content] of back.entries()) {
        assert(content.equals(contents[index] as Buffer));
      }
    });
  });
}
