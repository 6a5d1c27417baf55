import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import type { Lines } from './lines.ts';
import { firstLines, splitLines } from './lines.ts';

const none = Number.MAX_SAFE_INTEGER;

function split(text: string, maxLineBytes = none, final = false): Lines {
  const rules = { maxBytes: maxLineBytes, keepsCr: false };
  return splitLines(Buffer.from(text), text.length, 100, rules, final, 4);
}

function bodies(text: string, lines: Lines): string[] {
  return Array.from({ length: lines.count }, (_, row) => {
    return text.slice(lines.starts[row], lines.ends[row]);
  });
}

test('offsets are those just after the newlines', () => {
  const lines = split('a\r\nbc\n\nrest');
  assert.deepEqual(bodies('a\r\nbc\n\nrest', lines), ['a', 'bc', '']);
  assert.deepEqual([...lines.offsets.subarray(0, lines.count)], [103, 106, 107]);
});

test('the rest is a line when it is final, with its CR, unless there is none', () => {
  assert.deepEqual(bodies('a\nb\r', split('a\nb\r', none, true)), ['a', 'b\r']);
  assert.equal(split('a\n', none, true).count, 1);
  assert.equal(split('', none, true).count, 0);
});

test('bytes behind the length are not looked at', () => {
  const rules = { maxBytes: none, keepsCr: false };
  assert.equal(splitLines(Buffer.from('ab\ncd\n'), 2, 0, rules, false, 4).count, 0);
});

test('a CR can be kept, and a long line be cut anywhere, or not yet', () => {
  const slab = Buffer.from('ab\r\nabcdef\nabcdefgh');
  const rules = {
    maxBytes: 3,
    keepsCr: true,
    cutAt: (_: Buffer, begin: number, end: number) => (end - begin > 6 ? begin + 6 : undefined),
  };
  const lines = splitLines(slab, slab.length, 0, rules, false, 4);
  assert.deepEqual(bodies(`${slab}`, lines), ['ab\r', 'abcdef', 'abcdef']);
  assert.deepEqual(lines.pieces, [2]);
});

test('a line of the greatest length is whole, one byte more is cut', () => {
  assert.deepEqual(bodies('abc\n', split('abc\n', 3)), ['abc']);
  assert.deepEqual(bodies('abcd\n', split('abcd\n', 3)), ['abc', 'd']);
  assert.deepEqual(split('abcd\n', 3).pieces, [0]);
  assert.equal(split('abc', 3).count, 0);
  assert.deepEqual(bodies('abcd', split('abcd', 3)), ['abc']);
});

test('the first of the lines keep their pieces', () => {
  const lines = firstLines(split('abcdefgh\nabcdefgh\n', 3), 4);
  assert.deepEqual(lines.pieces, [0, 1, 3]);
  assert.equal(lines.offsets.length, 4);
});

test('any bytes give the lines that a plain reading gives', (context) => {
  const seed = seedFromEnvironment();
  context.diagnostic(`MILLRACE_SEED=${seed}`);
  const random = new Prng(seed);
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: random.integer(60) }, () => random.pick('ab\r\n'.split('')));
    const max = random.chance(0.5) ? none : 1 + random.integer(5);
    const [whole, final] = [text.join(''), random.chance(0.5)];
    const lines = split(whole, max, final);
    assert.deepEqual(bodies(whole, lines), plainLines(whole, max, final), JSON.stringify(whole));
    const ends = [...lines.offsets.subarray(0, lines.count)].map((offset) => offset - 100);
    assert.deepEqual(
      ends,
      [...ends].sort((a, b) => a - b),
    );
  }
});

function plainLines(text: string, max: number, final: boolean): string[] {
  const parts = text.split('\n');
  const rest = parts.pop() ?? '';
  const lines: string[] = [];
  const cut = (line: string) => {
    let left = line;
    while (left.length > max) {
      lines.push(left.slice(0, max));
      left = left.slice(max);
    }
    return left;
  };
  for (const part of parts) lines.push(cut(part).replace(/\r$/, ''));
  const left = cut(rest);
  if (final && left !== '') lines.push(left);
  return lines;
}
