import assert from 'node:assert/strict';
import { type Option, parseOptions, UsageError } from '../../../src/cli/options.ts';
import { expecting, type FuzzTarget, kindOf } from '../target.ts';

/** One of each sort. */
const options: readonly Option[] = [
  { names: ['-n', '--name'], value: 'NAME', doc: 'One value.' },
  { names: ['-f', '--conf-file'], value: 'FILE', repeatable: true, doc: 'Many values.' },
  { names: ['-d', '--dryrun'], doc: 'No value.' },
  { names: ['-c', '--conf'], value: 'DIR', doc: 'Ignored.', ignored: 'it has no meaning' },
  { names: ['-z'], value: 'HOSTS', doc: 'Refused.', refused: 'it is not there' },
];

export const optionsTarget: FuzzTarget = {
  name: 'options',
  tokens: [
    '-n ',
    '--name=',
    '-f ',
    '--conf',
    '-D',
    '-Dk=v',
    '=',
    '--',
    '-',
    '-X',
    '-z ',
    ' ',
    '-d ',
  ],
  seeds: () =>
    ['-n a1 -f x -c conf -Dk=v -Xmx1g', '--name=a1 --conf-file=x -d word -'].map((text) =>
      Buffer.from(text),
    ),
  run: (input) => {
    const args = input.toString().split(' ');
    const parsed = expecting([UsageError], () => parseOptions(options, args));
    if ('error' in parsed) return kindOf(parsed.error);
    const { values, words, systemProperties, ignored } = parsed.value;
    for (const [name, given] of values) {
      const option = options.find(({ names }) => names.at(-1) === name);
      assert(option, `${name} is an option`);
      assert(given.length === 1 || option.repeatable || option.ignored);
    }
    assert(words.every((word) => word === '-' || !word.startsWith('-')));
    return [
      values.size,
      Math.min(2, words.length),
      systemProperties.size > 0,
      ignored.length > 0,
    ].join();
  },
};
