import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { javaPattern, javaSearch } from './java-pattern.ts';

test('alternatives match as a whole', () => {
  assert(!javaPattern('a|b').test('ab'));
  assert(javaPattern('a|b').test('b'));
});

test('a search finds its pattern anywhere', () => {
  assert(javaSearch('b+').test('abbc'));
  assert(!javaSearch('^b').test('abbc'));
});

/** Pattern, texts that it matches as a whole, texts that it does not. */
const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['(?i)APP.*', ['app.log'], ['ap']],
  ['(?is)a.b', ['A\nB'], ['A\nC']],
  ['(?i:a)b', ['Ab'], ['AB']],
  ['\\Qa.b\\E.*', ['a.bc'], ['axbc']],
  ['a\\Q[-]', ['a[-]'], ['a-']],
  ['\\p{Digit}+\\.log', ['12.log'], ['ab.log', '12xlog']],
  ['[\\p{Upper}_]+', ['A_B'], ['a']],
  ['\\P{Alpha}', ['1'], ['x']],
  ['\\p{Punct}', ['/', '[', '~'], ['a', '{{']],
  ['\\p{L}+', ['é'], ['1']],
  ['\\p{IsLu}', ['É'], ['é']],
  ['a*+b', ['aab'], ['aa']],
  ['a{1,2}+b', ['aab'], ['aaab']],
  ['a+?b', ['aab'], ['b']],
  ['[*+]x', ['+x'], ['x']],
  ['a\\++', ['a++'], ['a']],
  ['(?>a|ab)c?', ['a'], ['b']],
  ['\\s', [' ', '\t', '\u000b'], ['\u00a0']],
  ['[\\s,]+', [' ,'], ['\u00a0']],
  ['\\S', ['\u00a0'], [' ']],
  ['\\h+', ['\u00a0\t'], ['\n']],
  ['\\Aa\\z', ['a'], ['b']],
  ['\\e\\a\\012\\x{1F600}', ['\u001b\u0007\n\u{1F600}'], ['']],
  ['\\_\\"\\-\\:\\/', ['_"-:/'], ['_']],
  ['[a\\-c]', ['-', 'c'], ['b']],
  ['[]a]', [']', 'a'], ['b']],
  ['(?<year>\\d{4})-\\k<year>', ['2026-2026'], ['2026-2025']],
];

for (const [pattern, matching, others] of cases) {
  test(`${pattern} means what it means in Java`, () => {
    for (const text of matching) assert(javaPattern(pattern).test(text), JSON.stringify(text));
    for (const text of others) assert(!javaPattern(pattern).test(text), JSON.stringify(text));
  });
}

test('what has no form here, or is no pattern, is refused', () => {
  const refused = ['a(?i)b', '(?x)a b', '[a&&b]', '[a[b]]', '\\Ga', '[a', '(a', 'a**', '\\p{Nix}'];
  for (const pattern of [...refused, '\\', '\\x{', '\\09', '*']) {
    assert.throws(() => javaPattern(pattern), SyntaxError, pattern);
  }
});
