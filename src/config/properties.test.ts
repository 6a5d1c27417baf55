import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FormatError } from '../core/errors.ts';
import { seedFromEnvironment } from '../testing/prng.ts';
import { mergeProperties, parseProperties } from './properties.ts';

const seed = seedFromEnvironment() | 0;

function pairs(text: string): [string, string][] {
  const properties = parseProperties(Buffer.from(text, 'latin1'), 'x.conf');
  return properties.map(({ key, value }) => [key, value]);
}

// Each of these was read by java.util.Properties of Java 17 with the same result.
const seenInJava: readonly [text: string, expected: [string, string][]][] = [
  ['a=1', [['a', '1']]],
  ['a = 1', [['a', '1']]],
  ['a:1', [['a', '1']]],
  ['a 1', [['a', '1']]],
  ['a\t:\f 1 ', [['a', '1 ']]],
  ['a==1', [['a', '=1']]],
  ['a : = 1', [['a', '= 1']]],
  ['a', [['a', '']]],
  ['=1', [['', '1']]],
  ['a\\=b=1', [['a=b', '1']]],
  ['a\\ b 1', [['a b', '1']]],
  ['a=\\d\\\\d', [['a', 'd\\d']]],
  ['a=\\t\\n\\r\\f\\x', [['a', '\t\n\r\fx']]],
  ['a=\\u00e9\\u4e2d', [['a', 'é中']]],
  ['a=1\\\n   2', [['a', '12']]],
  [
    'a=1\\\\\n2=3',
    [
      ['a', '1\\'],
      ['2', '3'],
    ],
  ],
  [
    'a=1\\\r\n 2\r\nb=3\rc=4',
    [
      ['a', '12'],
      ['b', '3'],
      ['c', '4'],
    ],
  ],
  [
    'a=1\\\n\nb=2',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  ['# c\\\na=1', [['a', '1']]],
  ['  ! c\na=1', [['a', '1']]],
  ['a=1 # c', [['a', '1 # c']]],
  ['a=1\\\n# c', [['a', '1# c']]],
  ['a\\', [['a', '']]],
  ['\\', [['', '']]],
  ['\\\n', [['', '']]],
  ['\\\r\n', []],
  ['\\\n\n', []],
  ['\\\n# c\na=1', [['a', '1']]],
  ['\n \t\n\r\n', []],
];

for (const [text, expected] of seenInJava) {
  test(`${JSON.stringify(text)} is read as Java reads it`, () => {
    assert.deepEqual(pairs(text), expected);
  });
}

test('bytes are ISO-8859-1, so UTF-8 arrives as several characters', () => {
  const [property] = parseProperties(Buffer.from('a=é', 'utf8'), 'x.conf');
  assert.equal(property?.value, 'Ã©');
});

test('each property has the line and column where its key begins', () => {
  const text = '# c\na = 1\\\n  2\n\n   b = 3';
  const places = parseProperties(Buffer.from(text), 'x.conf').map((each) => [
    each.key,
    each.line,
    each.column,
    each.file,
  ]);
  assert.deepEqual(places, [
    ['a', 2, 1, 'x.conf'],
    ['b', 5, 4, 'x.conf'],
  ]);
});

test('a \\u without four hexadecimal digits fails the load and names the line', () => {
  for (const bad of ['a=\\u12', 'a=\\u12g4', 'a\\u=1', 'a=\\u', 'a=\\u12\\u0041']) {
    assert.throws(
      () => pairs(`ok=1\n${bad}`),
      (error) => error instanceof FormatError && error.message.startsWith('x.conf:2: a \\u'),
      bad,
    );
  }
});

test('characters that lose their backslash are remembered, but for those that need it', () => {
  const [property] = parseProperties(Buffer.from('a=\\d+\\.\\t\\\\w\\s\\=\\ '), 'x.conf');
  assert.deepEqual(property?.lostBackslashes, ['d', '.', 's']);
});

test('a later file overrides key by key, and the loser is kept', () => {
  const first = parseProperties(Buffer.from('a=1\nb=2\na=3'), 'one');
  const second = parseProperties(Buffer.from('b=4\nc=5'), 'two');
  const { properties, overridden } = mergeProperties([first, second]);
  const values = [...properties].map(([key, { value, file }]) => [key, value, file]);
  assert.deepEqual(values, [
    ['a', '3', 'one'],
    ['b', '4', 'two'],
    ['c', '5', 'two'],
  ]);
  const lost = overridden.map((each) => [each.lost.value, each.winner.value]);
  assert.deepEqual(lost, [
    ['1', '3'],
    ['2', '4'],
  ]);
});

/** Any text as a key or value of the format. */
function escaped(text: string): string {
  const codes = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  return codes.map((code) => `\\u${code.toString(16).padStart(4, '0')}`).join('');
}

test('what is written with escapes is read back', () => {
  const entries = fc.array(fc.tuple(fc.string({ unit: 'binary', minLength: 1 }), fc.string()));
  fc.assert(
    fc.property(entries, (list) => {
      const text = list.map(([key, value]) => `${escaped(key)} = ${escaped(value)}\n`).join('');
      assert.deepEqual(pairs(text), list);
    }),
    { seed },
  );
});

test('any bytes give properties or a FormatError, with places inside the text', () => {
  const words = [
    'a',
    'b.c',
    '=',
    ':',
    ' ',
    '\t',
    '\\',
    '\\',
    '\n',
    '\r',
    '\r\n',
    '#',
    '!',
    '\\u00',
  ];
  const atoms = fc.oneof(fc.constantFrom(...words), fc.string({ unit: 'binary', maxLength: 2 }));
  fc.assert(
    fc.property(fc.array(atoms, { maxLength: 40 }), (parts) => {
      const bytes = Buffer.from(parts.join(''), 'latin1');
      const lineCount = bytes.toString('latin1').split(/\r\n|\r|\n/).length;
      try {
        const properties = parseProperties(bytes, 'x.conf');
        let last = 0;
        for (const { line, column } of properties) {
          assert.ok(line > last && line <= lineCount && column >= 1);
          last = line;
        }
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }),
    { seed, numRuns: 500 },
  );
});
