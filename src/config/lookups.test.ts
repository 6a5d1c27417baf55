// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is the syntax under test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seedFromEnvironment } from '../testing/prng.ts';
import { type LookupContext, resolveLookups } from './lookups.ts';
import { mergeProperties, parseProperties } from './properties.ts';

const seed = seedFromEnvironment() | 0;

const context: LookupContext = {
  environment: { HOST: 'h1', REF: '${a}', env: 'prod', SPACE: ' x ' },
  systemProperties: new Map([['port', '99']]),
  now: new Date(2026, 10, 24, 9, 5, 7, 12),
};

function resolve(text: string, options: Partial<LookupContext> = {}) {
  const files = [parseProperties(Buffer.from(text, 'latin1'), 'x.conf')];
  const resolved = resolveLookups(mergeProperties(files).properties, { ...context, ...options });
  const of = (key: string) => resolved.properties.get(key)?.value;
  return { ...resolved, of };
}

const cases: readonly [value: string, expected: string][] = [
  ['${env:HOST}', 'h1'],
  ['x-${env:HOST}-y', 'x-h1-y'],
  ['${sys:port}', '99'],
  ['${a}', '1'],
  ['${ref}', '1'],
  ['${env:REF}', '1'],
  ['${nothing:-else}', 'else'],
  ['${nothing:-${a}}', '1'],
  ['${nothing:-}', ''],
  ['${a:-else}', '1'],
  ['${env:NOTHING:-else}', 'else'],
  ['$${a}', '${a}'],
  ['$$${a}', '$${a}'],
  ['${${env:env}_key}', '7'],
  ['${date:yyyy-MM-dd}', '2026-11-24'],
  ['${date:yyMMdd HH:mm:ss.SSS}', '261124 09:05:07.012'],
  ['${nothing}', '${nothing}'],
  ['${env:NOTHING}', '${env:NOTHING}'],
  ['${constructor:x}', '${constructor:x}'],
  ['${env:constructor}', '${env:constructor}'],
  ['${a', '${a'],
  ['$a {a} %{a}', '$a {a} %{a}'],
];

for (const [value, expected] of cases) {
  test(`the value ${value} becomes ${JSON.stringify(expected)}`, () => {
    const { of, findings } = resolve(`a=1\nref=\${a}\nprod_key=7\nx=${value}`);
    assert.equal(of('x'), expected);
    assert.deepEqual(findings, []);
  });
}

test('an expression that nothing gives a value is told, and stays', () => {
  const { unresolved } = resolve('x=${no} ${env:NO} ${a}\na=1');
  assert.deepEqual([...unresolved], [['x', ['${no}', '${env:NO}']]]);
});

test('a plain name falls back to the environment with the old switch, and only then', () => {
  const key = 'propertiesImplementation';
  const value = 'org.apache.flume.node.EnvVarResolverProperties';
  const systemProperties = new Map([[key, value]]);
  assert.equal(resolve('x=${HOST}', { systemProperties }).of('x'), 'h1');
  assert.equal(resolve('x=${HOST}').of('x'), '${HOST}');
});

test('references in a circle stay, and the circle is named', () => {
  const { of, findings } = resolve('a=${b}\nb=${c}\nc=${a}');
  assert.equal(of('a'), '${a}');
  assert.match(findings[0]?.what ?? '', /leads back to itself: a → b → c → a/);
  assert.equal(findings[0]?.line, 1);
});

test('values that multiply without end stop at a bound', () => {
  const lines = Array.from({ length: 60 }, (_, index) => `k${index}=\${k${index + 1}}`.repeat(1));
  const doubling = Array.from({ length: 40 }, (_, index) => {
    return `d${index}=\${d${index + 1}}\${d${index + 1}}`;
  });
  const { findings } = resolve(`${[...lines, ...doubling].join('\n')}\nk60=1\nd40=xxxxxxxx`);
  assert.ok(findings.some(({ what }) => what.includes('within one another')));
  assert.ok(findings.some(({ what }) => /grows beyond|substitutions/.test(what)));
});

test('a letter without meaning in a date is a finding', () => {
  const { of, findings } = resolve('x=${date:bbb}');
  assert.equal(of('x'), '${date:bbb}');
  assert.match(findings[0]?.what ?? '', /letter b/);
});

test('any value gives text, whatever its braces', () => {
  const atom = fc.constantFrom('${', '}', '$', ':-', 'a', 'b', 'env:', 'HOST', 'x', '$${', 'date:');
  const value = fc.array(atom, { maxLength: 30 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(value, value, (a, b) => {
      const { of } = resolve(`a=${a}\nb=${b}`);
      assert.equal(typeof of('a'), 'string');
    }),
    { seed, numRuns: 500 },
  );
});
