import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { generateEvenLog, generateLog, generateSplitLog } from './generate-log.ts';
import { differenceOf } from './same-lines.ts';

function twoFolders(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [input, output] = [join(folder, 'in'), join(folder, 'out')];
  mkdirSync(input);
  mkdirSync(output);
  return { input, output };
}

describe('the generated log', () => {
  test('is the same on every machine, and of about 196 bytes a line', (t) => {
    const { input } = twoFolders(t);
    const path = join(input, 'access.log');
    const bytes = generateLog(path, { lines: 10_000 });
    assert(Math.abs(bytes / 10_000 - 196) < 1, `${bytes / 10_000} bytes a line`);
    const digest = createHash('sha256').update(readFileSync(path)).digest('hex');
    assert.equal(digest, 'd2153a9dd7b1fcec6b49ee6e5a4372940e9d2e4d21332d44b44cb7c742977e6c');
  });

  test('has lines of one length when asked to', (t) => {
    const { input } = twoFolders(t);
    for (const length of [20, 200, 65_536]) {
      const path = join(input, `${length}.log`);
      assert.equal(generateEvenLog(path, 10, length), 10 * length);
      const lengths = readFileSync(path, 'latin1')
        .split('\n')
        .map((line) => line.length + 1);
      assert.deepEqual(lengths.slice(0, -1), Array(10).fill(length));
    }
  });
});

describe('the comparison of output and input', () => {
  test('finds a changed byte in one file', async (t) => {
    const { input, output } = twoFolders(t);
    generateLog(join(input, 'access.log'), { lines: 10_000 });
    const content = readFileSync(join(input, 'access.log'));
    writeFileSync(join(output, '1'), content);
    assert.equal(await differenceOf(input, output), undefined);
    content[content.length - 2] = 0;
    writeFileSync(join(output, '1'), content);
    assert.match(String(await differenceOf(input, output)), /differs/);
  });

  test('finds lost, doubled and changed lines of many files, in any order', async (t) => {
    const { input, output } = twoFolders(t);
    generateSplitLog(input, 1_000, 7);
    const names = [0, 1, 2, 3, 4, 5, 6].map((index) => join(input, `access-${index}.log`));
    const lines = names.flatMap((name) => readFileSync(name, 'utf8').trim().split('\n')).reverse();
    const differs = (these: readonly string[]) => {
      writeFileSync(join(output, '1'), `${these.join('\n')}\n`);
      return differenceOf(input, output);
    };
    assert.equal(await differs(lines), undefined);
    assert.match(String(await differs(lines.slice(1))), /1000 lines in, 999 lines out/);
    assert.match(String(await differs([...lines, lines[0] ?? ''])), /1001 lines out/);
    assert.match(String(await differs(lines.with(5, lines[6] ?? ''))), /not the same ones/);
  });
});
