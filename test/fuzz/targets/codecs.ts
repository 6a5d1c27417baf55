import assert from 'node:assert/strict';
import { type Codec, once } from '../../../src/codecs/codec.ts';
import { codecs } from '../../../src/codecs/codecs.ts';
import { inflateRaw } from '../../../src/codecs/deflate.ts';
import { lz4Uncompress } from '../../../src/codecs/lz4.ts';
import { snappyUncompress } from '../../../src/codecs/snappy.ts';
import { FormatError } from '../../../src/core/errors.ts';
import { type FuzzTarget, kindOf } from '../target.ts';

/** Of a file's content, so much is read: an input may hold gigabytes. */
const enoughBytes = 8 * 2 ** 20;
const maxPieceBytes = 2 ** 20;

const contents = [
  '',
  'x',
  'one\ntwo\nthree\n',
  'hello hello hello flume',
  'a line of a log, and another one. '.repeat(100),
  '\0'.repeat(100_000),
];

/** Beginnings of members and blocks, and lengths. */
const tokens = [
  '\x1f\x8b\b',
  '\x78\x9c',
  '\x28\xb5\x2f\xfd',
  '\x50\x2a\x4d\x18',
  'BZh9',
  '1AY&SY',
  '\x17rE8P\x90',
  '\x00\x00\x00\x00',
  '\x00\x00\x00\x01',
  '\xff\xff\xff\xff',
  '\x7f\xff\xff\xff',
];

const compressed = await Promise.all(codecs.map(seedsOf));

async function seedsOf(codec: Codec): Promise<Buffer[]> {
  const members: Buffer[] = [];
  for (const content of contents) {
    members.push(await codec.compressor(0)([Buffer.from(content)]));
  }
  return [...members, Buffer.concat(members.slice(0, 5))];
}

/** Files of each codec: content is given in bounded pieces, or the file is refused. */
export const codecTargets: readonly FuzzTarget[] = codecs.map((codec, index) => ({
  name: codec.name,
  tokens,
  seeds: () => compressed[index] as Buffer[],
  run: async (input) => {
    const whole = await readBy(codec, once(input), input.length);
    const half = input.length >> 1;
    const halves = async function* () {
      yield input.subarray(0, half);
      yield input.subarray(half);
    };
    const again = await readBy(codec, halves(), input.length);
    // Of a broken member, what is given before the error depends on the pieces.
    if (whole.answer === 'all') assert.deepEqual(again, whole);
    else assert.notEqual(again.answer, 'all');
    return `${Math.min(9, whole.bytes.toString(2).length)} ${whole.answer}`;
  },
}));

async function readBy(
  codec: Codec,
  input: AsyncIterable<Buffer>,
  inputBytes: number,
): Promise<{ bytes: number; answer: string }> {
  let bytes = 0;
  try {
    for await (const piece of codec.decompress(input)) {
      assert(piece.length > 0 && piece.length <= maxPieceBytes, `a piece of ${piece.length} bytes`);
      bytes += piece.length;
      if (bytes >= enoughBytes) return { bytes: enoughBytes, answer: 'much' };
    }
    return { bytes, answer: 'all' };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    assert(error.offset >= 0 && error.offset <= inputBytes, error.message);
    return { bytes, answer: kindOf(error) };
  }
}

const blocks = [inflateRaw, snappyUncompress, lz4Uncompress];
const maxBlockBytes = 100_000;

/** Raw blocks, whose codec the first byte chooses. */
export const rawBlocksTarget: FuzzTarget = {
  name: 'raw-blocks',
  tokens,
  seeds: () => [
    Buffer.from([0, 0x4b, 0x4c, 0x4a, 0x06, 0x00]),
    Buffer.from('01171468656c6c6f202e060010666c756d65', 'hex'),
    Buffer.from('026868656c6c6f20060050666c756d65', 'hex'),
  ],
  run: async (input) => {
    const index = (input[0] ?? 0) % blocks.length;
    const uncompress = blocks[index] as (typeof blocks)[0];
    try {
      const block = await uncompress(input.subarray(1), maxBlockBytes);
      assert(block.length <= maxBlockBytes);
      return `${index} ${block.length.toString(2).length}`;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return `${index} ${kindOf(error)}`;
    }
  },
};
