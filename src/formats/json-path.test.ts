import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { parseJsonPath, valueAt } from './json-path.ts';

test('a path is steps of names and indices', () => {
  const cases: [string, (string | number)[]][] = [
    ['$', []],
    ['$.a', ['a']],
    ['a', ['a']],
    ['a.b[0].c', ['a', 'b', 0, 'c']],
    ['$[12][3]', [12, 3]],
    ["$['a.b']['it\\'s']['\\\\']", ['a.b', "it's", '\\']],
    ['$ref', ['$ref']],
    ['a-b.0.ü', ['a-b', '0', 'ü']],
    ["['']", ['']],
  ];
  for (const [text, steps] of cases) assert.deepEqual(parseJsonPath(text), steps, text);
});

test('what is no path is refused, with the place', () => {
  for (const text of ['', '.', '$.', 'a.', 'a..b', 'a[', 'a[x]', 'a[-1]', "a['b]", 'a b', 'a]']) {
    assert.throws(() => parseJsonPath(text), /expected|empty/, text);
  }
});

test('a value is found where the path leads, and nowhere else', () => {
  const document = JSON.parse('{"a":{"b":[10,null,{"c":"x"}],"length":1},"__proto__":5}');
  const cases: [string, unknown][] = [
    ['a.b[0]', 10],
    ['a.b[1]', null],
    ['a.b[2].c', 'x'],
    ['a.length', 1],
    ['__proto__', 5],
    ['a.b.length', undefined],
    ['a.b[3]', undefined],
    ['a[0]', undefined],
    ['a.b.0', undefined],
    ['a.b[0].c', undefined],
    ['a.b[1].c', undefined],
    ['constructor', undefined],
    ['a.toString', undefined],
  ];
  for (const [path, value] of cases) {
    assert.deepEqual(valueAt(document, parseJsonPath(path)), value, path);
  }
  assert.equal(valueAt('text', parseJsonPath('length')), undefined);
  assert.equal(valueAt(null, parseJsonPath('$')), null);
});
