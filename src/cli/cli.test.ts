import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { packageRoot, packageVersion } from './command.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
after(() => rmSync(directory, { recursive: true }));

function run(...args: string[]): { code: number | null; out: string; err: string } {
  const command = [join(packageRoot(), 'bin', 'millrace'), ...args];
  const options = { cwd: directory, encoding: 'utf8', timeout: 20_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, command, options);
  return { code: status, out: stdout, err: stderr };
}

const sound = `a.sources = r
a.channels = c
a.sinks = k
a.sources.r.type = taildir
a.sources.r.filegroups = f
a.sources.r.filegroups.f = /tmp/none/x
a.sources.r.channels = c
a.channels.c.type = memory
a.sinks.k.type = null
a.sinks.k.channel = c
`;
writeFileSync(join(directory, 'sound.conf'), sound);
writeFileSync(join(directory, 'warned.conf'), `${sound}a.sinks.k.btchSize = 7\n`);
writeFileSync(join(directory, 'dead.conf'), sound.replace('taildir', 'tialdir'));
writeFileSync(join(directory, 'secret.conf'), `${sound}a.sinks.k.my-password = hunter2\n`);
writeFileSync(join(directory, 'broken.conf'), 'a=\\u12\n');

test('version and help print and end with 0', () => {
  assert.match(run('version').out, new RegExp(`^Millrace ${packageVersion()} \\(Node`));
  assert.match(run().out, /^Usage: millrace COMMAND/);
  for (const name of ['agent', 'check', 'explain', 'demo', 'version']) {
    const { out, code } = run('help', name);
    assert.match(out, new RegExp(`^Usage: millrace ${name}`));
    assert.equal(code, 0);
  }
  assert.equal(run('agent', '--help').out, run('help', 'agent').out);
});

test('an unknown command, option or value ends with 2', () => {
  const wrong = [['fly'], ['agent'], ['agent', '-n', 'a'], ['agent', '-q'], ['check'], ['tool']];
  for (const args of wrong) {
    const { code, err } = run(...args);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, /^millrace /);
  }
});

test('check ends with 0, 1 or 2, and shows each finding with its line', () => {
  assert.equal(run('check', 'sound.conf').code, 0);
  assert.equal(run('check', '--strict', 'sound.conf').code, 0);
  assert.equal(run('check', '-f', 'warned.conf', '-n', 'a').code, 0);
  const warned = run('check', '--strict', 'warned.conf');
  assert.equal(warned.code, 1);
  assert.match(
    warned.out,
    /^warned\.conf:11:11: warning: .*\n {4}11 \| a\.sinks\.k\.btchSize = 7\n {7}\| {11}\^{8}\n/,
  );
  assert.match(warned.out, /a: 1 source, 1 channel, 1 sink would run\.\n {2}r → c → k: /);
  assert.equal(run('check', 'dead.conf').code, 2);
  assert.equal(run('check', 'broken.conf').code, 2);
  assert.equal(run('check', 'absent.conf').code, 2);
});

test('check prints JSON, SARIF and charts, one at a time, with the same exit codes', () => {
  const json = run('check', '--json', '--strict', 'warned.conf');
  assert.equal(json.code, 1);
  assert.equal(JSON.parse(json.out).findings[0].code, 'unknown-key');
  const sarif = run('check', '--sarif', 'broken.conf');
  assert.equal(sarif.code, 2);
  assert.equal(JSON.parse(sarif.out).runs[0].results[0].ruleId, 'unreadable');
  assert.match(run('check', '--mermaid', 'sound.conf').out, /^flowchart LR\n/);
  assert.match(run('check', '--graph', 'sound.conf').out, /^a\n {2}r \(taildir\)\n {2}└─▶ c/);
  assert.equal(run('check', '--json', '--sarif', 'sound.conf').code, 2);
});

test('check does not show the value of what is called a password', () => {
  const { out } = run('check', 'secret.conf');
  assert.match(out, /my-password = \*\*\*/);
  assert.doesNotMatch(out, /hunter2/);
});

test('agent ends with 2 when nothing can run, and with --strict on a warning', () => {
  const dead = run('agent', '-n', 'a', '-f', 'dead.conf');
  assert.equal(dead.code, 2);
  assert.match(dead.err, /"code":"unknown-type"/);
  assert.equal(run('agent', '-n', 'b', '-f', 'sound.conf').code, 2);
  assert.equal(run('agent', '-n', 'a', '-f', 'absent.conf').code, 2);
  assert.equal(run('agent', '-n', 'a', '-f', 'warned.conf', '--strict', '-d').code, 2);
  assert.equal(run('agent', '-n', 'a', '-f', 'warned.conf', '-c', 'conf', '-d').code, 0);
});

test('explain prints a component, and ends with 1 for an unknown one', () => {
  const { out, code } = run('explain', 'taildir');
  assert.equal(code, 0);
  assert.match(out, /^taildir \(source\)\n/);
  assert.match(run('explain').out, /^sources\n {2}taildir/);
  assert.equal(run('explain', 'tialdir').code, 1);
});
