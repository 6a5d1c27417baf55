import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Trace } from './trace-writes.ts';

const program = `
import fs from 'node:fs';
import { open } from 'node:fs/promises';
const log = await open('segment-7', 'w');
const output = await open('out/1-1', 'w');
const other = await open('spare-1', 'w');
fs.writeSync(log.fd, Buffer.alloc(3), 0, 3, 0);
fs.writevSync(log.fd, [Buffer.alloc(4), Buffer.alloc(5)], 3);
await log.datasync();
await output.writev([Buffer.alloc(6), Buffer.alloc(1)], 0);
await output.sync();
fs.writeSync(other.fd, Buffer.alloc(8), 0, 8, 0);
await other.datasync();
console.log(fs.fstatSync(log.fd).size, fs.fstatSync(output.fd).size);
for (const file of [log, output, other]) await file.close();
`;

test('a trace has every write and sync of the log and the output, in order', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'out'));
  const path = join(folder, 'trace.json');
  const preload = join(import.meta.dirname, 'trace-writes.ts');
  const args = ['--import', preload, '--input-type=module', '--eval', program];
  const env = { ...process.env, MILLRACE_BENCH_TRACE: path };
  const printed = execFileSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' });
  assert.equal(printed, '12 7\n', 'and the calls do what they did');
  const trace: Trace = JSON.parse(readFileSync(path, 'utf8'));
  const calls = trace.calls.map(({ file, bytes }) => `${file} ${bytes}`);
  assert.deepEqual(calls, ['log 3', 'log 9', 'log 0', 'output 7', 'output 0']);
  assert.deepEqual([trace.otherBytes, trace.otherSyncs], [8, 1]);
});
