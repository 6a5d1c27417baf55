import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, nearest } from './nearest.ts';

test('a change, a removal, an addition and a swap count one each', () => {
  assert.equal(editDistance('abc', 'abc'), 0);
  assert.equal(editDistance('abc', 'abd'), 1);
  assert.equal(editDistance('abc', 'ac'), 1);
  assert.equal(editDistance('abc', 'abxc'), 1);
  assert.equal(editDistance('abc', 'acb'), 1);
  assert.equal(editDistance('', 'abc'), 3);
});

test('the nearest word is found, and none where all are far', () => {
  const known = ['batchSize', 'capacity', 'hdfs', 'taildir'];
  assert.equal(nearest('batchsize', known), 'batchSize');
  assert.equal(nearest('hdsf', known), 'hdfs');
  assert.equal(nearest('capactiy', known), 'capacity');
  assert.equal(nearest('foo', known), undefined);
});

test('huge words are answered at once', () => {
  assert.equal(nearest('x'.repeat(100_000), ['y'.repeat(100_000)]), undefined);
});
