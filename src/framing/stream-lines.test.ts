import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { StreamLines } from './stream-lines.ts';

/** The lines that chunks give; `…` stands after one that was cut. */
function linesOf(maxBytes: number, chunks: readonly (string | Buffer)[], ends = false): string[] {
  const taken: string[] = [];
  const lines = new StreamLines(maxBytes, ({ bytes, count, starts, ends: to, cut }) => {
    for (let row = 0; row < count; row++) {
      const text = bytes.toString('latin1', starts[row], to[row]);
      taken.push(cut[row] === 1 ? `${text}…` : text);
    }
  });
  for (const chunk of chunks) lines.push(Buffer.from(chunk));
  if (ends) lines.end();
  return taken;
}

test('lines end at newlines; a CR belongs to them, and empty ones are lines', () => {
  assert.deepEqual(linesOf(100, ['a\r\n\n\nb\nrest']), ['a\r', '', '', 'b']);
});

test('the beginning of a line waits for its end', () => {
  assert.deepEqual(linesOf(100, ['a', 'b', 'c\nd', '\n', '\n']), ['abc', 'd', '']);
});

test('what has begun is a line when it is said to end', () => {
  assert.deepEqual(linesOf(100, ['a\nb', 'c'], true), ['a', 'bc']);
  assert.deepEqual(linesOf(100, ['a\n'], true), ['a']);
});

test('a line as long as the limit is whole, and a longer one is cut there', () => {
  assert.deepEqual(linesOf(3, ['abc\nabcd\nabcdefg\n']), ['abc', 'abc…', 'd', 'abc…', 'def…', 'g']);
  assert.deepEqual(linesOf(3, ['ab', 'c', '\n']), ['abc']);
  assert.deepEqual(linesOf(3, ['ab', 'cd', 'e\n']), ['abc…', 'de']);
  assert.deepEqual(linesOf(1, ['ab\n\n']), ['a…', 'b', '']);
});

test('no more is kept of a line than the limit', () => {
  const lines = new StreamLines(1000, () => {});
  for (let count = 0; count < 100; count++) {
    lines.push(Buffer.alloc(777, 'x'));
    assert(lines.kept.length <= 1000);
    assert(lines.kept.buffer.byteLength <= 2000);
  }
});

test('what is kept is a copy', () => {
  const chunk = Buffer.from('abc');
  const lines = new StreamLines(10, ({ bytes, starts, ends }) => {
    assert.equal(bytes.toString('latin1', starts[0], ends[0]), 'abcd');
  });
  lines.push(chunk);
  chunk.fill('x');
  lines.push(Buffer.from('d\n'));
  assert.equal(lines.kept.length, 0);
});

test('what has begun can be forgotten', () => {
  const lines = new StreamLines(10, ({ bytes, starts, ends }) => {
    assert.equal(bytes.toString('latin1', starts[0], ends[0]), 'new');
  });
  lines.push(Buffer.from('old'));
  lines.clear();
  lines.push(Buffer.from('new\n'));
});

const seed = seedFromEnvironment();
test(`however bytes are cut into chunks, the lines are the same (seed ${seed})`, () => {
  const random = new Prng(seed);
  for (let round = 0; round < 300; round++) {
    const maxBytes = 1 + random.integer(12);
    const text = Array.from({ length: random.integer(60) }, () => random.pick(['a', 'b', '\n']));
    const whole = linesOf(maxBytes, [text.join('')], true);
    const chunks: string[] = [];
    for (let at = 0; at < text.length; ) {
      const length = 1 + random.integer(7);
      chunks.push(text.slice(at, at + length).join(''));
      at += length;
    }
    assert.deepEqual(linesOf(maxBytes, chunks, true), whole);
    const joined = whole.map((line) => line.replace(/…$/, ''));
    assert.equal(joined.join(''), text.join('').replaceAll('\n', ''));
  }
});

test('thousands of lines in one chunk are one run', () => {
  let runs = 0;
  const lines = new StreamLines(10, ({ count }) => {
    runs++;
    assert.equal(count, 5000);
  });
  lines.push(Buffer.from('x\n'.repeat(5000)));
  assert.equal(runs, 1);
});
