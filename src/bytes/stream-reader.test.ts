import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { FormatError } from '../core/errors.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { StreamReader } from './stream-reader.ts';

async function* chunks(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

test('gives as many bytes as are asked for, however they come', async () => {
  const reader = new StreamReader(chunks('ab', '', 'c', 'defg'));
  assert.equal((await reader.read(1, 'x')).toString(), 'a');
  assert.equal((await reader.read(4, 'x')).toString(), 'bcde');
  assert.equal(reader.position, 5);
  assert.equal(reader.buffered, 2);
  assert.equal((await reader.read(0, 'x')).length, 0);
  assert.equal(await reader.atEnd(), false);
  assert.equal((await reader.read(2, 'x')).toString(), 'fg');
  assert.equal(await reader.atEnd(), true);
});

test('an input that ends too early is a FormatError at what is cut off', async () => {
  const reader = new StreamReader(chunks('abc'));
  await reader.read(1, 'x');
  await assert.rejects(reader.read(3, 'a record'), (error) => {
    assert(error instanceof FormatError);
    assert.equal(error.message, 'a record is cut off, at byte 1');
    assert.equal(error.offset, 1);
    return true;
  });
  assert.equal((await reader.read(2, 'the rest')).toString(), 'bc');
});

test('looking ahead moves nothing', async () => {
  const reader = new StreamReader(chunks('ab', 'cd', 'e'));
  assert.equal(await reader.fill(3), true);
  assert.equal(reader.peek(3).toString(), 'abc');
  assert.equal(reader.peek(1).toString(), 'a');
  assert.equal(reader.position, 0);
  assert.equal(reader.take(2).toString(), 'ab');
  assert.equal(reader.peek(reader.buffered).toString(), 'cd');
  assert.equal(await reader.fill(4), false);
  assert.equal(reader.peek(3).toString(), 'cde');
  assert.throws(() => reader.peek(4), /more is taken/);
});

test('a length that lies reads no more than there is', async () => {
  let asked = 0;
  async function* input() {
    for (; asked < 3; asked++) yield Buffer.alloc(10);
  }
  const reader = new StreamReader(input());
  assert.equal(await reader.fill(2 ** 40), false);
  assert.equal(reader.buffered, 30);
});

test('a view is given where the bytes are in one piece', async () => {
  const whole = Buffer.from('abcdef');
  async function* input() {
    yield whole;
  }
  const reader = new StreamReader(input());
  const taken = await reader.read(3, 'x');
  assert.equal(taken.buffer, whole.buffer);
  assert.equal(taken.byteOffset, whole.byteOffset);
});

test('the input is let go of, and its failure passed on', async () => {
  let closed = 0;
  async function* endless() {
    try {
      for (;;) yield Buffer.of(1);
    } finally {
      closed++;
    }
  }
  const reader = new StreamReader(endless());
  await reader.read(2, 'x');
  await reader.close();
  assert.equal(closed, 1);
  await assert.rejects(reader.read(1, 'x'), FormatError);

  // biome-ignore lint/correctness/useYield: it fails before the first.
  async function* failing(): AsyncGenerator<Buffer> {
    throw new Error('no disk');
  }
  await assert.rejects(new StreamReader(failing()).read(1, 'x'), /no disk/);
});

test('random reads of random pieces give the bytes in order', async () => {
  const seed = seedFromEnvironment();
  const random = new Prng(seed);
  const content = random.bytes(20_000);
  async function* input() {
    for (let start = 0; start < content.length; ) {
      const end = start + random.pick([0, 1, 2, 100, 3000]);
      yield content.subarray(start, end);
      start = end;
    }
  }
  const reader = new StreamReader(input());
  while (!(await reader.atEnd())) {
    const at = reader.position;
    const want = random.pick([0, 1, 7, 500, 5000]);
    const count = (await reader.fill(want)) ? want : reader.buffered;
    const ahead = reader.peek(count);
    const expected = content.subarray(at, at + count);
    assert(ahead.equals(expected), `MILLRACE_SEED=${seed}`);
    assert(reader.take(count).equals(expected), `MILLRACE_SEED=${seed}`);
  }
  assert.equal(reader.position, content.length);
});
