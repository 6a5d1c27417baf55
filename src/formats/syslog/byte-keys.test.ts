import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng, seedFromEnvironment } from '../../testing/prng.ts';
import { TextColumn } from './text-column.ts';
import { Texts } from './texts.ts';
import { TimeTexts } from './times.ts';

test('a text is what its bytes say, whatever was asked before', () => {
  const seed = seedFromEnvironment();
  const prng = new Prng(seed);
  const texts = new Texts();
  const letters = 'ab-1';
  for (let round = 0; round < 20_000; round++) {
    const length = prng.pick([0, 1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 300]);
    const text = Array.from({ length }, () => prng.pick([...letters])).join('');
    const offset = prng.integer(5);
    const bytes = Buffer.from(`${'x'.repeat(offset)}${text}yyyy`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const found = texts.textOf(bytes, view, offset, offset + length);
    assert.equal(found, text, `MILLRACE_SEED=${seed}, round ${round}`);
  }
});

test('the same bytes give the same text again, and it is made once', () => {
  const texts = new Texts();
  const bytes = Buffer.from('web-1 web-2 web-1');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let made = 0;
  const countingText = (...from: [BufferEncoding, number, number]) => {
    made++;
    return bytes.toString(...from);
  };
  const counting: Buffer = Object.create(bytes, { toString: { value: countingText } });
  for (let round = 0; round < 3; round++) {
    assert.equal(texts.textOf(counting, view, 0, 5), 'web-1');
    assert.equal(texts.textOf(counting, view, 6, 11), 'web-2');
    assert.equal(texts.textOf(counting, view, 12, 17), 'web-1');
  }
  assert.equal(made, 2);
});

test('a time is its number as text', () => {
  const texts = new TimeTexts();
  for (const time of [0, 1795169472000, -5, 1795169472000 + 1024, 1795169472000, 1.5]) {
    assert.equal(texts.textOf(time), String(time));
  }
});

test('a column is one value where all have it, and none where none has', () => {
  const column = new TextColumn('name');
  const made = (values: readonly (string | undefined)[]) => {
    column.begin(values.length);
    for (const [row, value] of values.entries()) if (value !== undefined) column.set(row, value);
    const headers = new Map();
    column.addTo(headers);
    return headers.get('name');
  };
  assert.equal(made(['a', 'a', 'a']), 'a');
  assert.equal(made([undefined, undefined]), undefined);
  assert.equal(made([]), undefined);
  for (const values of [
    ['a', 'b'],
    ['a', undefined],
    [undefined, 'a'],
    ['a', 'a', 'b', 'a'],
    ['a', undefined, 'a'],
    ['a', 'a', undefined],
  ]) {
    assert.deepEqual(made(values), values);
    assert(
      made(values).every(() => true),
      'no holes',
    );
    assert.equal(Object.keys(made(values)).length, values.length);
  }
});
