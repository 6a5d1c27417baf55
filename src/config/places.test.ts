import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atKey, atKeyPart, atValue, missingAt } from './places.ts';
import { parseProperties } from './properties.ts';

/** The text that a place marks, with its line. */
function marked(text: string, place: (property: Property) => ReturnType<typeof atKey>): string {
  const [property] = parseProperties(Buffer.from(text, 'latin1'), 'x.conf');
  const { line = 0, column = 0, length = 0 } = place(property ?? assert.fail());
  const source = text.split(/\r\n|\r|\n/)[line - 1] ?? '';
  return `${line}: ${source.slice(column - 1, column - 1 + length)}`;
}

type Property = ReturnType<typeof parseProperties>[number];

test('key, value and word are found where they stand', () => {
  const text = '# c\n  a.b.c  =  one two  ';
  assert.equal(marked(text, atKey), '2: a.b.c');
  assert.equal(
    marked(text, (each) => atKeyPart(each, 'b')),
    '2: b',
  );
  assert.equal(
    marked(text, (each) => atKeyPart(each, 'x')),
    '2: a.b.c',
  );
  assert.equal(
    marked(text, (each) => atValue(each)),
    '2: one two',
  );
  assert.equal(
    marked(text, (each) => atValue(each, 'two')),
    '2: two',
  );
});

test('a word is whole, and the last that is the same', () => {
  assert.equal(
    marked('a = cc c cc', (each) => atValue(each, 'c')),
    '1: c',
  );
  assert.equal(
    marked('a = cc', (each) => atValue(each, 'c')),
    '1: cc',
  );
  assert.equal(
    marked('aa.a = 1', (each) => atKeyPart(each, 'a')),
    '1: a',
  );
});

test('on lines that go on, a place ends with its line', () => {
  const text = 'a = one \\\n    two \\\n  three';
  assert.equal(
    marked(text, (each) => atValue(each)),
    '1: one ',
  );
  assert.equal(
    marked(text, (each) => atValue(each, 'two')),
    '2: two',
  );
  assert.equal(
    marked(text, (each) => atValue(each, 'three')),
    '3: three',
  );
});

test('without a value the key is marked, and what is missing has the place of another line', () => {
  assert.equal(
    marked('a.b =', (each) => atValue(each)),
    '1: a.b',
  );
  const [property] = parseProperties(Buffer.from('a.b = 1'), 'x.conf');
  assert.deepEqual(missingAt('a.c', property), {
    key: 'a.c',
    file: 'x.conf',
    line: 1,
    column: 1,
    length: 3,
  });
  assert.deepEqual(missingAt('a.c', undefined), { key: 'a.c' });
});
