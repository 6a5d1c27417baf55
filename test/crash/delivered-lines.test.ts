import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Expectation, verifyDelivered } from './delivered-lines.ts';
import { numberedLine } from './numbered-log.ts';

const expected: Expectation = {
  logs: [{ name: 'w', lines: 100, firstOfGeneration: [0, 60] }],
  ordered: true,
};
const lines = Array.from({ length: 100 }, (_, index) => numberedLine('w', +(index >= 60), index));

/** What the verifier says of these files, named and filled in the order of file_roll. */
function verdictOf(files: readonly (string | Buffer)[], expectation = expected, ending = '') {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-verify-'));
  try {
    for (const [index, content] of files.entries()) {
      writeFileSync(join(folder, `1700000000000-${index + 1}${ending}`), content);
    }
    const { lost, doubled, strange, disordered } = verifyDelivered([folder], expectation);
    return { lost, doubled, strange, disordered };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const text = (of: readonly string[]) => of.map((line) => `${line}\n`).join('');
const clean = { lost: 0, doubled: 0, strange: 0, disordered: 0 };

describe('the verifier of the kill loop', () => {
  test('finds nothing wrong with a whole delivery, in twelve files', () => {
    const files = Array.from({ length: 12 }, (_, i) => text(lines.slice(i * 9, i * 9 + 9)));
    assert.deepEqual(verdictOf(files), clean);
  });

  test('reads gzip members one after the other', () => {
    const members = [lines.slice(0, 50), lines.slice(50)].map((part) => gzipSync(text(part)));
    assert.deepEqual(verdictOf([Buffer.concat(members)], expected, '.gz'), clean);
  });

  test('finds each line that is lost', () => {
    for (const index of [0, 59, 60, 99]) {
      assert.deepEqual(verdictOf([text(lines.toSpliced(index, 1))]), { ...clean, lost: 1 });
    }
  });

  test('finds a line that came twice, in the same file or in another', () => {
    assert.deepEqual(verdictOf([text(lines.toSpliced(7, 0, lines[7] ?? ''))]), {
      ...clean,
      doubled: 1,
    });
    assert.deepEqual(verdictOf([text(lines), text(lines.slice(97))]), { ...clean, doubled: 3 });
  });

  test('finds a torn line, a merged one, and one that was never written', () => {
    assert.deepEqual(verdictOf([text(lines).slice(0, -2)]), { ...clean, lost: 1, strange: 1 });
    const merged = text(lines).replace(/\nw 0 30 /, 'w 0 30 ');
    assert.deepEqual(verdictOf([merged]), { ...clean, lost: 2, strange: 1 });
    const unwritten = text([...lines, numberedLine('w', 1, 100)]);
    assert.deepEqual(verdictOf([unwritten]), { ...clean, strange: 1 });
  });

  test('finds lines of one generation that changed places, where order is promised', () => {
    const swapped = lines.toSpliced(10, 2, lines[11] ?? '', lines[10] ?? '');
    assert.deepEqual(verdictOf([text(swapped)]), { ...clean, disordered: 1 });
    assert.deepEqual(verdictOf([text(swapped)], { ...expected, ordered: false }), clean);
    const otherFileFirst = [...lines.slice(60), ...lines.slice(0, 60)];
    assert.deepEqual(verdictOf([text(otherFileFirst)]), clean);
  });

  test('wants suppressed lines to be absent, and only those', () => {
    const expectation = { ...expected, suppressed: (sequence: number) => sequence % 3 === 0 };
    const kept = lines.filter((_, index) => index % 3 !== 0);
    assert.deepEqual(verdictOf([text(kept)], expectation), clean);
    assert.deepEqual(verdictOf([text(lines)], expectation), { ...clean, strange: 34 });
    assert.deepEqual(verdictOf([text(kept.slice(1))], expectation), { ...clean, lost: 1 });
  });
});
