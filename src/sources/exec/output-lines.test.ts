import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Prng, seedFromEnvironment } from '../../testing/prng.ts';
import { OutputLines } from './output-lines.ts';

interface Line {
  readonly text: string;
  readonly cut: boolean;
}

/** The lines of some bytes that come in these pieces. */
function linesOf(pieces: readonly Buffer[], maxBytes = 1_000): Line[] {
  const found: Line[] = [];
  const lines = new OutputLines(maxBytes, ({ bytes, count, starts, ends, cut }) => {
    for (let row = 0; row < count; row++) {
      const text = bytes.subarray(starts[row], ends[row]).toString('latin1');
      found.push({ text, cut: cut[row] === 1 });
    }
  });
  for (const piece of pieces) lines.push(Buffer.from(piece));
  lines.end();
  return found;
}

const texts = (lines: readonly Line[]) => lines.map(({ text }) => text);
const piecesOf = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );

test('LF, CR and CRLF end a line, and so does the end', () => {
  const all = 'a\nb\r\nc\rd\n\ne\r\r\nf\n\rg\r\n\r\nlast';
  const expected = ['a', 'b', 'c', 'd', '', 'e', '', 'f', '', 'g', '', 'last'];
  for (const size of [1, 2, 3, 5, 100]) {
    assert.deepEqual(texts(linesOf(piecesOf(Buffer.from(all), size))), expected, `${size}`);
  }
});

test('an end without anything before it is no line', () => {
  assert.deepEqual(linesOf([]), []);
  assert.deepEqual(texts(linesOf([Buffer.from('a\n')])), ['a']);
  assert.deepEqual(texts(linesOf([Buffer.from('a\r')])), ['a']);
  assert.deepEqual(texts(linesOf([Buffer.from('a\r'), Buffer.from('\n')])), ['a']);
});

test('a line of the longest length is whole; a longer one is cut between characters', () => {
  for (const size of [1, 3, 100]) {
    const cut = linesOf(piecesOf(Buffer.from('12345678\n123456789\n'), size), 8);
    assert.deepEqual(cut, [
      { text: '12345678', cut: false },
      { text: '12345678', cut: true },
      { text: '9', cut: false },
    ]);
  }
  const [first, second] = linesOf([Buffer.from('1234567é\n')], 8);
  assert.deepEqual(first, { text: '1234567', cut: true });
  assert.equal(Buffer.from(second?.text ?? '', 'latin1').toString(), 'é');
});

test('bytes that are no characters are cut at the limit', () => {
  const lines = linesOf([Buffer.alloc(25, 0x80)], 8);
  assert.deepEqual(
    lines.map(({ text }) => text.length),
    [8, 8, 8, 1],
  );
});

/** What a reader does that looks at one byte after the other. */
function simple(bytes: Buffer): string[] {
  const text = bytes.toString('latin1');
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

test('any bytes in any pieces give the lines of a simple reader', (t) => {
  const seed = seedFromEnvironment();
  t.diagnostic(`MILLRACE_SEED=${seed}`);
  const random = new Prng(seed);
  for (let round = 0; round < 500; round++) {
    const bytes = Buffer.from(
      Array.from({ length: random.integer(60) }, () => random.pick([10, 13, 97, 98])),
    );
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const to = at + random.integer(9);
      pieces.push(bytes.subarray(at, to));
      at = to;
    }
    assert.deepEqual(texts(linesOf(pieces)), simple(bytes), JSON.stringify(bytes.toString()));
    const short = linesOf(pieces, 4);
    let joined = '';
    const rejoined: string[] = [];
    for (const { text, cut } of short) {
      assert(text.length <= 4);
      joined += text;
      if (!cut) rejoined.push(joined);
      if (!cut) joined = '';
    }
    assert.deepEqual(rejoined, simple(bytes));
  }
});
