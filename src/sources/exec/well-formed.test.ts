import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { LineRun } from '../../framing/line-run.ts';
import { wellFormed } from './well-formed.ts';

function runOf(lines: readonly Buffer[]): LineRun {
  const starts = new Uint32Array(lines.length);
  const ends = new Uint32Array(lines.length);
  let at = 3;
  for (const [row, line] of lines.entries()) {
    starts[row] = at;
    ends[row] = at += line.length;
    at++;
  }
  const newline = Buffer.from('\n');
  const bytes = Buffer.concat([Buffer.from('xx\n'), ...lines.flatMap((line) => [line, newline])]);
  return { bytes, count: lines.length, starts, ends, cut: new Uint8Array(lines.length) };
}

function made(charset: string, lines: readonly Buffer[]): string[] {
  const { bytes, count, starts, ends } = wellFormed(charset)?.(runOf(lines)) ?? assert.fail();
  return Array.from({ length: count }, (_, row) =>
    bytes.subarray(starts[row], ends[row]).toString('hex'),
  );
}

const hex = (...lines: readonly string[]) => lines.map((line) => Buffer.from(line, 'hex'));

test('lines that are characters already are not copied', () => {
  const run = runOf([Buffer.from('Grüße'), Buffer.from('')]);
  for (const charset of ['UTF-8', 'utf8', 'ISO-8859-1', 'GBK', 'windows-1252']) {
    assert.equal(wellFormed(charset)?.(run), run, charset);
  }
  const ascii = runOf([Buffer.from('plain')]);
  assert.equal(wellFormed('US-ASCII')?.(ascii), ascii);
});

test('in UTF-8 what is no character becomes U+FFFD, and its neighbours stay', () => {
  const lines = hex('61ff62', '', '47c3bc', 'e282', 'eda080');
  const expected = ['61efbfbd62', '', '47c3bc', 'efbfbd', 'efbfbd'];
  assert.deepEqual(made('UTF-8', lines), expected);
});

test('in ASCII what is no character becomes a question mark', () => {
  assert.deepEqual(made('US-ASCII', hex('61', 'c3bc62')), ['61', '3f3f62']);
});

test('a charset that has no bytes for a newline, or is unknown, is refused', () => {
  for (const charset of ['UTF-16', 'UTF-16LE', 'ISO-2022-JP', 'klingon', '']) {
    assert.equal(wellFormed(charset), undefined, charset);
  }
});
