import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { configOf } from '../testing/config-of.ts';
import { splitLines } from './lines.ts';
import type { MultiLineRules } from './multi-line.ts';
import { LineGroups, multiLineFields, multiLineProblems, multiLineRulesOf } from './multi-line.ts';

const rules = (changes: Partial<MultiLineRules>): MultiLineRules => {
  return { kind: 'start', pattern: '^#', timeoutMs: 1, maxLines: 100, maxBytes: 1000, ...changes };
};

interface Found {
  readonly bodies: readonly string[];
  readonly ends: readonly number[];
  readonly cut: readonly number[];
}

function join(
  text: string,
  changes: Partial<MultiLineRules>,
  options: { closes?: boolean; inside?: boolean; maxLineBytes?: number } = {},
): Found {
  const { closes = true, inside = false, maxLineBytes = 1000 } = options;
  const slab = Buffer.from(text);
  const rule = { maxBytes: maxLineBytes, keepsCr: false };
  const lines = splitLines(slab, slab.length, 0, rule, closes, 4);
  const found = new LineGroups(rules(changes)).join(slab, lines, inside, closes);
  const bodies: string[] = [];
  for (let row = 0; row < found.count; row++) {
    bodies.push(slab.subarray(found.starts[row], found.ends[row]).toString());
  }
  const ends = [...found.offsets.subarray(0, found.count)];
  return { bodies, ends, cut: found.pieces };
}

const trace = '#1\n at a\n at b\n#2\n#3\n at c\n';

test('a pattern for first lines: others go on, and what comes before the first one too', () => {
  assert.deepEqual(join(trace, {}), {
    bodies: ['#1\n at a\n at b', '#2', '#3\n at c'],
    ends: [15, 18, 27],
    cut: [],
  });
  assert.deepEqual(join(' at x\n at y\n#1\n', {}).bodies, [' at x\n at y', '#1']);
});

test('a pattern for lines that go on: others begin', () => {
  const found = join(trace, { kind: 'continue', pattern: '^\\s' });
  assert.deepEqual(found.bodies, ['#1\n at a\n at b', '#2', '#3\n at c']);
});

test('a pattern for last lines: each ends an event', () => {
  const found = join('a\nb;\nc;\nd\n', { kind: 'end', pattern: ';$' });
  assert.deepEqual(found.bodies, ['a\nb;', 'c;', 'd']);
});

test('an event of which the end is not known is left', () => {
  assert.deepEqual(join(trace, {}, { closes: false }).ends, [15, 18]);
  const ended = join('a\nb;\nc\n', { kind: 'end', pattern: ';' }, { closes: false });
  assert.deepEqual(ended.ends, [5]);
  assert.deepEqual(join('#1\n at a', {}, { closes: false }).ends, []);
});

test('the CR before the last newline goes, those within stay', () => {
  assert.deepEqual(join('#1\r\n at a\r\n#2\r\n', {}).bodies, ['#1\r\n at a', '#2']);
});

test('an empty line is a line', () => {
  assert.deepEqual(join('#1\n\n at a\n#2\n\n', {}).bodies, ['#1\n\n at a', '#2\n']);
});

test('an event of too many lines, or bytes, goes on in the next one', () => {
  const lines = join('#1\n a\n b\n c\n d\n#2\n', { maxLines: 2 });
  assert.deepEqual(lines.bodies, ['#1\n a', ' b\n c', ' d', '#2']);
  assert.deepEqual(lines.cut, [0, 1]);
  const bytes = join('#1\n a\n bcd\n#2\n', { maxBytes: 5 });
  assert.deepEqual(bytes.bodies, ['#1\n a', ' bcd', '#2']);
  assert.deepEqual(bytes.cut, [0]);
});

test('a line that is too long to be read at once is one line all the same', () => {
  const found = join('#1\n#234567890\n x\n', {}, { maxLineBytes: 4 });
  assert.deepEqual(found.bodies, ['#1', '#234567890\n x']);
  const last = join('abcdefg;\nx\n', { kind: 'end', pattern: '^ab' }, { maxLineBytes: 4 });
  assert.deepEqual(last.bodies, ['abcdefg;', 'x']);
  const cut = join('#234567890\n x\n', { maxBytes: 8 }, { maxLineBytes: 4 });
  assert.deepEqual(cut.bodies, ['#2345678', '90\n x']);
  assert.deepEqual(cut.cut, [0]);
});

test('the rest of a line is no first line, whatever it looks like', () => {
  assert.deepEqual(join('a\n#b\n', {}, { inside: true }).bodies, ['a', '#b']);
  assert.deepEqual(
    join('#x\n y\n#b\n', { kind: 'continue', pattern: '^#' }, { inside: true }).bodies,
    ['#x', ' y\n#b'],
  );
});

test('one pattern says how lines are joined', () => {
  const problems = (properties: Readonly<Record<string, string>>) => {
    return multiLineProblems(configOf(multiLineFields, properties)).map(({ key }) => key);
  };
  assert.deepEqual(problems({}), []);
  assert.deepEqual(problems({ 'multiline.start': '^\\d' }), []);
  assert.deepEqual(problems({ 'multiline.start': '[' }), ['multiline.start']);
  const both = { 'multiline.start': '^a', 'multiline.end': 'b' };
  assert.deepEqual(problems(both), ['multiline.end']);
  assert.equal(multiLineRulesOf(configOf(multiLineFields, {})), undefined);
  const read = multiLineRulesOf(configOf(multiLineFields, { 'multiline.end': 'x' }));
  assert.deepEqual(read, {
    kind: 'end',
    pattern: 'x',
    timeoutMs: 5_000,
    maxLines: 500,
    maxBytes: 1024 * 1024,
  });
});
