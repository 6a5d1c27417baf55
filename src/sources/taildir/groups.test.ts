import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { parseGroup } from './groups.ts';

test('a group is a literal directory, a pattern, and the headers under its name', () => {
  const headers = new Map([
    ['g1.a', '1'],
    ['g1.b.c', '2'],
    ['g12.a', 'no'],
  ]);
  const group = parseGroup('g1', '/var/log.d/app.*\\.log', headers);
  assert.equal(group.directory, '/var/log.d');
  assert.deepEqual(
    [...group.headers],
    [
      ['a', '1'],
      ['b.c', '2'],
    ],
  );
  assert(group.pattern.test('app1.log'));
  assert(!group.pattern.test('app1xlog'));
});

test('a pattern without a directory is for the working directory, one under / for the root', () => {
  assert.equal(parseGroup('g', 'a.log', new Map()).directory, process.cwd());
  assert.equal(parseGroup('g', '/a.log', new Map()).directory, '/');
});
