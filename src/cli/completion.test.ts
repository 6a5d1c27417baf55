import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { completionCommand } from './completion.ts';
import { UsageError } from './options.ts';

async function scriptFor(shell: string): Promise<string> {
  const printed: string[] = [];
  const { log } = console;
  console.log = (text: string) => printed.push(text);
  try {
    assert.equal(await completionCommand.run([shell]), 0);
  } finally {
    console.log = log;
  }
  return printed.join('\n');
}

const missing = (shell: string) =>
  spawnSync(shell, ['-c', ':']).status !== 0 && `${shell} is not there`;

/** What bash offers for the last of some words. */
function offered(script: string, words: readonly string[]): string[] {
  const line = words.map((word) => `'${word}'`).join(' ');
  const at = `COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}`;
  const ask = `${at}; _millrace; echo "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', `${script}\n${ask}`], { encoding: 'utf8' });
  assert.equal(stderr, '');
  return stdout.trim().split(' ').filter(Boolean);
}

test('bash completes commands, options, types and files', { skip: missing('bash') }, async () => {
  const script = await scriptFor('bash');
  assert.deepEqual(offered(script, ['millrace', 'ch']), ['check', 'channel']);
  assert.deepEqual(offered(script, ['millrace', 'check', '--st']), ['--strict']);
  assert.deepEqual(offered(script, ['millrace', 'explain', 'taild']), ['taildir']);
  assert.deepEqual(offered(script, ['millrace', 'channel', 'rep']), ['repair', 'replay']);
  assert.deepEqual(offered(script, ['millrace', 'agent', '-f', '/etc/hostnam']), ['/etc/hostname']);
  assert.deepEqual(offered(script, ['millrace', 'completion', 'z']), ['zsh']);
});

test('options without effect are not offered', async () => {
  const script = await scriptFor('bash');
  assert.ok(script.includes('--dryrun'));
  assert.ok(!script.includes('--zkConnString'));
});

for (const shell of ['zsh', 'fish']) {
  test(`the script for ${shell} can be read by it`, { skip: missing(shell) }, async () => {
    const { status, stderr } = spawnSync(shell, ['-n'], { input: await scriptFor(shell) });
    assert.equal(status, 0, stderr.toString());
  });
}

test('the scripts for zsh and fish have every command and its options', async () => {
  const zsh = await scriptFor('zsh');
  const fish = await scriptFor('fish');
  for (const name of [
    'agent',
    'check',
    'explain',
    'channel',
    'hdfs',
    'completion',
    'demo',
    'version',
  ]) {
    assert.match(zsh, new RegExp(`^ {4}'${name}:\\S`, 'm'));
    assert.match(fish, new RegExp(`-a ${name} -d '\\S`));
  }
  assert.match(zsh, /'--conf-file\[.*\]:FILE:_files'/);
  assert.match(fish, /-s f -l conf-file -r -F -d '/);
  // Quotes are in pairs, so that no text ends a word.
  for (const line of fish.split('\n')) assert.equal((line.match(/'/g) ?? []).length % 2, 0, line);
});

test('a shell that is unknown is a mistake', async () => {
  await assert.rejects(completionCommand.run(['ksh']), UsageError);
});
