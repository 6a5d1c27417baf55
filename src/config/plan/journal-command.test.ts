import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfiguration } from '../load.ts';
import { journalInsteadOf } from './journal-command.ts';

function instead(command: string) {
  const bytes = Buffer.from(`a.sources = r\na.sources.r.command = ${command}\n`, 'latin1');
  const context = {
    environment: {},
    systemProperties: new Map<string, string>(),
    now: new Date(0),
  };
  const { agents } = loadConfiguration([{ file: 'x.conf', bytes }], context);
  const block = agents.get('a')?.components.sources.get('r');
  assert.ok(block);
  return journalInsteadOf(block);
}

function linesFor(command: string): string | undefined {
  return instead(command)
    ?.lines.map((line) => line.replace('a.sources.r.', ''))
    .join(', ');
}

test('a followed journal becomes a journal source that begins now', () => {
  assert.equal(linesFor('journalctl -f'), 'type = journal, since = now');
  assert.equal(linesFor('/usr/bin/journalctl --follow --no-pager'), 'type = journal, since = now');
});

test('options keep their meaning, however they are written', () => {
  const units = 'type = journal, units = nginx sshd.service, since = now';
  assert.equal(linesFor('journalctl -f -u nginx -u sshd.service'), units);
  assert.equal(linesFor('journalctl -fu nginx --unit=sshd.service'), units);
  assert.equal(linesFor('journalctl -qfunginx --unit sshd.service -o json'), units);
  assert.equal(
    linesFor('journalctl -D /x -p warning..err -k -t sudo -n0 -f _UID=0 -b'),
    'type = journal, priority = warning..err, ' +
      'matches = _UID=0 SYSLOG_IDENTIFIER=sudo _TRANSPORT=kernel, directory = /x, since = now',
  );
});

test('what a start sends again depends on the lines that are asked for', () => {
  const of = (options: string) => instead(`journalctl -f ${options}`)?.eachStart;
  assert.match(of('') ?? '', /the last 10 entries again and misses/);
  assert.match(of('-n 1') ?? '', /the last entry again and misses/);
  assert.equal(of('--lines=0'), 'Each start misses what came meanwhile');
  for (const all of ['--no-tail', '-n all']) {
    assert.equal(of(all), 'Each start sends all of the journal again');
    assert.equal(linesFor(`journalctl -f ${all}`), 'type = journal');
  }
});

test('only -o cat writes messages alone', () => {
  assert.equal(instead('journalctl -f -o cat')?.addsToMessages, false);
  assert.equal(instead('journalctl -f --output=json')?.addsToMessages, true);
  assert.equal(instead('journalctl -f')?.addsToMessages, true);
});

test('what does not follow the journal, or is not understood, is left alone', () => {
  for (const command of [
    'journalctl',
    'journalctl -u nginx',
    'journalctl -f -u',
    'journalctl -f -u nginx | grep x',
    "journalctl -f -u 'nginx'",
    'journalctl -f --user',
    'journalctl -f --follow=1',
    'journalctl -f -g pattern',
    'journalctl -f -n +5',
    'journalctl -f /usr/sbin/sshd',
    'journalctl -f -b -1',
    'journalctl -fZ',
    'journalctl -f --constructor',
    'my-journalctl -f',
  ]) {
    assert.equal(linesFor(command), undefined, command);
  }
});
