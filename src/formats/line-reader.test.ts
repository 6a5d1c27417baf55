import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { FormatError } from '../core/errors.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { readLines } from './line-reader.ts';

async function* inPieces(bytes: Buffer, prng: Prng): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; ) {
    const to = from + prng.integer(8);
    yield bytes.subarray(from, to);
    from = to;
  }
}

async function linesOf(input: AsyncIterable<Buffer>, maxBytes = 1000): Promise<string[]> {
  const lines: string[] = [];
  for await (const some of readLines(input, maxBytes)) lines.push(...some.map(String));
  return lines;
}

test('lines are the same however the input comes, the last one without an end, too', async () => {
  const seed = seedFromEnvironment();
  const prng = new Prng(seed);
  for (let round = 0; round < 300; round++) {
    const lines = Array.from({ length: prng.integer(20) }, () =>
      prng.pick(['', 'a', 'ü', '\r', 'x'.repeat(prng.integer(30))]),
    );
    const last = prng.pick(['', 'last']);
    const text = lines.map((line) => `${line}\n`).join('') + last;
    const expected = last === '' ? lines : [...lines, last];
    const found = await linesOf(inPieces(Buffer.from(text), prng));
    assert.deepEqual(found, expected, `MILLRACE_SEED=${seed}, round ${round}`);
  }
});

test('a line may be as long as the limit, and no longer, ended or not', async () => {
  const prng = new Prng(1);
  const input = (text: string) => inPieces(Buffer.from(text), prng);
  assert.deepEqual(await linesOf(input('12345\n12345'), 5), ['12345', '12345']);
  for (const text of ['1\n123456\n', '1\n123456']) {
    await assert.rejects(linesOf(input(text), 5), (error) => {
      assert(error instanceof FormatError);
      assert.equal(error.offset, 2);
      return true;
    });
  }
});
