import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolver } from '../../registry.ts';
import { loadConfiguration } from '../load.ts';
import { planAgent } from '../plan.ts';

/** Two sources, from their own lines; what is left of them, and what is said. */
async function two(first: string, second: string) {
  const lines = [
    ...['a.sources = r s', 'a.channels = c', 'a.sinks = k', 'a.channels.c.type = memory'],
    ...['a.sinks.k.type = null', 'a.sinks.k.channel = c'],
    ...first.split('\n').map((line) => `a.sources.r.${line}`),
    ...second.split('\n').map((line) => `a.sources.s.${line}`),
    ...['a.sources.r.channels = c', 'a.sources.s.channels = c'],
  ];
  const files = [{ file: 'x.conf', bytes: Buffer.from(lines.join('\n')) }];
  const context = {
    environment: {},
    systemProperties: new Map<string, string>(),
    now: new Date(0),
  };
  const { plan, findings } = await planAgent(loadConfiguration(files, context), 'a', resolver('/'));
  const left = plan.sources.map(({ name }) => name).join(' ');
  return { left, said: findings.filter(({ code }) => code === 'clash') };
}

const netcat = (bind: string, port: number) => `type = netcat\nbind = ${bind}\nport = ${port}`;
const avro = (bind: string, port: number) => `type = avro\nbind = ${bind}\nport = ${port}`;
const tail = 'type = TAILDIR\nfilegroups = f\nfilegroups.f = /x';

const clashing: readonly [title: string, first: string, second: string, left: string][] = [
  ['one port at one address', netcat('127.0.0.1', 4444), netcat('127.0.0.1', 4444), 'r'],
  ['one port under two names of an address', netcat('localhost', 5), netcat('127.0.0.1', 5), 'r'],
  ['one port at all addresses and at one', netcat('0.0.0.0', 5), netcat('10.1.1.1', 5), 'r'],
  ['a port of what only Flume has', avro('0.0.0.0', 5), netcat('127.0.0.1', 5), ''],
  ['the default position file', tail, tail, 'r s'],
  ['one position file', `${tail}\npositionFile = /p`, `${tail}\npositionFile = /p`, 'r s'],
];

for (const [title, first, second, left] of clashing) {
  test(`two that want ${title} clash`, async () => {
    const found = await two(first, second);
    assert.equal(found.said.length, 1);
    if (left !== '') assert.equal(found.left, left);
  });
}

const apart: readonly [title: string, first: string, second: string][] = [
  ['two ports', netcat('0.0.0.0', 5), netcat('0.0.0.0', 6)],
  ['one port at two addresses', netcat('10.1.1.1', 5), netcat('10.1.1.2', 5)],
  ['port 0', netcat('0.0.0.0', 0), netcat('0.0.0.0', 0)],
  ['one number, over TCP and over UDP', netcat('0.0.0.0', 5), 'type = netcatudp\nport = 5'],
  ['two position files', `${tail}\npositionFile = /p`, `${tail}\npositionFile = /q`],
];

for (const [title, first, second] of apart) {
  test(`two that want ${title} do not clash`, async () => {
    assert.deepEqual((await two(first, second)).said, []);
  });
}

test('a position file that two share is a warning, since both can run', async () => {
  const { said } = await two(tail, tail);
  assert.equal(said[0]?.severity, 'warning');
  assert.match(
    said[0]?.what ?? '',
    /^The source r has the file .*taildir_position\.json; the source s/,
  );
});
