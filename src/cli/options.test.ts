import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Option, parseOptions, UsageError } from './options.ts';

const options: readonly Option[] = [
  { names: ['-n', '--name'], value: 'NAME', doc: 'Name.' },
  { names: ['-f', '--conf-file'], value: 'FILE', repeatable: true, doc: 'File.' },
  { names: ['--strict'], doc: 'Strict.' },
  { names: ['-c', '--conf'], value: 'DIR', doc: 'Dir.', ignored: 'no reason' },
  { names: ['-z', '--zk'], value: 'HOSTS', doc: 'ZooKeeper.', refused: 'use -f' },
];

test('short and long options are read, with the value behind or in them', () => {
  const { values, words } = parseOptions(options, ['-n', 'a1', '--conf-file=x=y', '-f', 'z', 'w']);
  assert.deepEqual(values.get('--name'), ['a1']);
  assert.deepEqual(values.get('--conf-file'), ['x=y', 'z']);
  assert.deepEqual(words, ['w']);
});

test('-D gives system properties, of which the last counts', () => {
  const args = ['-Da=1', '-Da=2', '-Db=x=y', '-Dc', '-Dd='];
  const { systemProperties } = parseOptions(options, args);
  assert.deepEqual([...systemProperties].sort(), [
    ['a', '2'],
    ['b', 'x=y'],
    ['c', ''],
    ['d', ''],
  ]);
});

test('options of the Java machine and of no use are accepted and told', () => {
  const { ignored } = parseOptions(options, ['-Xmx20m', '-javaagent:x.jar', '-c', 'conf']);
  const found = ignored.map(({ option }) => option);
  assert.deepEqual(found, ['-Xmx20m', '-javaagent:x.jar', '-c']);
});

const bad: readonly [args: readonly string[], message: RegExp][] = [
  [['-n'], /-n needs a value: NAME/],
  [['-q'], /-q is no option/],
  [['--conf-files', 'x'], /did you mean --conf-file\?/],
  [['--strict=1'], /takes no value/],
  [['-n', 'a', '--name', 'b'], /given twice/],
  [['-z', 'host'], /-z: use -f/],
];

for (const [args, message] of bad) {
  test(`${args.join(' ')} is refused`, () => {
    assert.throws(
      () => parseOptions(options, args),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}
