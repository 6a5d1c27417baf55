import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { putLines } from '../channels/file/tools/put-lines.ts';
import { seams } from '../channels/file/tools/reading.ts';
import { silentLogger } from '../core/log.ts';
import { nodeDisk } from '../core/node-disk.ts';
import { packageRoot } from './command.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-channel-'));
after(() => rmSync(directory, { recursive: true }));
const data = join(directory, 'data');

const configuration = `a.sources = r
a.channels = c
a.sinks = k
a.sources.r.type = seq
a.sources.r.channels = c
a.channels.c.type = file
a.channels.c.dataDirs = data
a.channels.c.checkpointDir = checkpoint
a.sinks.k.type = null
a.sinks.k.channel = c
`;

before(async () => {
  await nodeDisk.makeDirectory(data);
  const place = { dataDirectories: [data], checkpointDirectory: join(directory, 'checkpoint') };
  await putLines(place, bodies(), { ...seams, disk: nodeDisk }, silentLogger);
});

async function* bodies() {
  for (let index = 0; index < 5; index++) yield JSON.stringify({ headers: {}, body: `b${index}` });
}

function run(
  args: readonly string[],
  input = '',
): { code: number | null; out: string; err: string } {
  const command = [join(packageRoot(), 'bin', 'millrace'), 'channel', ...args];
  const options = { cwd: directory, encoding: 'utf8', timeout: 20_000, input } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, command, options);
  return { code: status, out: stdout, err: stderr };
}

test('status, check and export read a channel; replay fills one, named by a configuration', () => {
  const status = run(['status', 'data']);
  assert.equal(status.code, 0, status.err);
  assert.match(status.out, /^running {3}no$/m);
  assert.match(status.out, /^events {4}5, /m);
  assert.match(run(['check', 'data']).out, /^Sound: \d+ records in 1 segment\.$/m);
  assert.equal(run(['export', 'data', '--raw', '--from', '1', '--to', '3']).out, 'b1\nb2\n');
  const lines = run(['export', 'data']).out;
  assert.equal(lines.split('\n')[0], '{"sequence":0,"headers":{},"body":"b0"}');
  writeFileSync(join(directory, 'a.conf'), configuration);
  const named = ['-n', 'a', '-f', 'a.conf', '--channel', 'c'];
  const replayed = run(['replay', ...named], lines);
  assert.equal(replayed.out, '5 events were put.\n', replayed.err);
  assert.match(run(['status', ...named]).out, /^events {4}10, /m);
});

test('what is wrong on the command line ends with 2, what fails with 1', () => {
  const wrong = [
    [],
    ['fly', 'data'],
    ['status'],
    ['status', 'absent'],
    ['export', 'data', '--from', 'x'],
  ];
  for (const args of wrong) assert.equal(run(args).code, 2, args.join(' '));
  assert.equal(run(['replay', 'data'], 'nonsense\n').code, 1);
  assert.equal(run(['replay', 'data', '--input', 'absent']).code, 1);
});

test('check ends with 1 on damage, and repair mends it, for the user whose channel it was', () => {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(data, 4711, 4712);
  chmodSync(data, 0o750);
  const [name = ''] = readdirSync(data)
    .filter((each) => each.startsWith('segment-'))
    .sort();
  const path = join(data, name);
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(4096 + 70) ^ 1, 4096 + 70);
  writeFileSync(path, bytes);
  const damaged = run(['check', 'data']);
  assert.equal(damaged.code, 1);
  assert.match(damaged.out, /segment-\d+ byte \d+: .*can't be read/);
  const repaired = run(['repair', 'data']);
  assert.equal(repaired.code, 0, repaired.err);
  assert.match(repaired.out, /^Kept: \d+ events\.$/m);
  assert.equal(run(['check', 'data']).code, 0);
  const { uid, gid, mode } = statSync(data);
  assert.equal(mode & 0o7777, 0o750);
  if (isRoot) assert.deepEqual([uid, gid], [4711, 4712]);
});
