import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { javaSearch } from '../config/java-pattern.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { bytePrefixOf } from './byte-prefix.ts';
import { LineMatcher } from './line-matcher.ts';

const patterns = [
  '^\\d{4}-\\d\\d',
  '^\\s',
  '^\\S',
  '^\\s+at ',
  '^[^ ]',
  '^[\\[<]',
  '^(?!\\s)',
  '^a?b',
  '^a|b',
  '^a{0}b',
  '^\\[a',
  '^-x',
  '^.{2}x',
  'é',
  '^é',
  'a.b$',
  'x$',
  '^$',
  '^\\s*$',
  '(?i)^error',
  '^\\p{L}b',
  '^[\\u00e0-\\u00ff]b',
  '^\\D\\D$',
  'a.*é',
  '(?m)^b',
  '\\bat\\b',
  '^\\d+-',
  '^a*a',
  '^a*b+x?$',
  '^a{2,}b',
  '^a{1,2}',
  '^x*\\S',
  '^\\s*at ',
  '^ ?[^a]b',
  '^a+?b',
  '^\\[a{2}',
  '^a|b',
  '^[|]?a',
  '^ (a|b)',
  '^(a|b)x',
  '(?i)^AT .',
];

test('it finds what the pattern finds in the line as text, wherever the line lies', (context) => {
  const seed = seedFromEnvironment();
  context.diagnostic(`MILLRACE_SEED=${seed}`);
  const random = new Prng(seed);
  const pieces = [
    'a',
    'b',
    'x',
    ' ',
    '\t',
    'é',
    '中',
    '\u{1F600}',
    '2026-11',
    '[',
    'at ',
    'ERROR',
    '-',
    '\r',
  ];
  for (const pattern of patterns) {
    const matcher = new LineMatcher(pattern);
    const plain = javaSearch(pattern);
    for (let round = 0; round < 20; round++) {
      const lines = Array.from({ length: 30 }, () => {
        const line = Array.from({ length: random.integer(6) }, () => random.pick(pieces)).join('');
        return random.chance(1 / 20) ? line + 'y'.repeat(20_000) : line;
      });
      const bytes = Buffer.from(lines.join('\n'));
      matcher.lookAt(bytes);
      let start = 0;
      for (const line of lines) {
        const end = start + Buffer.byteLength(line);
        const expected = plain.test(line.replace(/\r$/, ''));
        assert.equal(matcher.test(start, end), expected, `${pattern} in ${JSON.stringify(line)}`);
        start = end + 1;
      }
    }
  }
});

test('other bytes at the same place are looked at anew', () => {
  const matcher = new LineMatcher('^.a');
  const bytes = Buffer.from('xa');
  matcher.lookAt(bytes);
  assert(matcher.test(0, 2));
  bytes.write('xb');
  matcher.lookAt(bytes);
  assert(!matcher.test(0, 2));
});

test('what is told from bytes alone is the whole of a simple pattern, else its beginning', () => {
  const isWhole = (pattern: string) => bytePrefixOf(javaSearch(pattern))?.isWhole;
  for (const pattern of ['^\\d{4}-\\d\\d', '^\\s', '^\\[', '^\\S', '^\\s+at ', '^\\d+\\.\\d+']) {
    assert.equal(isWhole(pattern), true, pattern);
  }
  for (const pattern of ['^\\d{4}.*x', '^a$', '^a*ab', '^ (a|b)', '^\\Sa', '^a(?!b)']) {
    assert.equal(isWhole(pattern), false, pattern);
  }
  for (const pattern of ['a', '^a|b', '^(a|b)', '^.', '^é', '(?m)^a', '^(?!a)', '^a+?']) {
    assert.equal(isWhole(pattern), undefined, pattern);
  }
});
