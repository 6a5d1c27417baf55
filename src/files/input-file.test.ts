import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { InputFile, statOf } from './input-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'taildir-input-'));
const path = join(folder, 'app.log');
const content = Buffer.alloc(1024 * 1024, 'abcdefg');
writeFileSync(path, content);
after(() => rmSync(folder, { recursive: true }));

test('a read fills its buffers as far as the file reaches, small or large', async () => {
  const file = await InputFile.open(path);
  for (const length of [1, 1000, content.length]) {
    const [first, second] = [Buffer.alloc(10), Buffer.alloc(length)];
    const bytesRead = await file.read([first, second], 5);
    assert.equal(bytesRead, Math.min(10 + length, content.length - 5));
    const bytes = Buffer.concat([first, second]).subarray(0, bytesRead);
    assert(bytes.equals(content.subarray(5, 5 + bytesRead)));
  }
  assert.equal((await file.stat()).size, content.length);
  await file.close();
});

test('a name that leads nowhere is an error with a code', async () => {
  await assert.rejects(InputFile.open(join(folder, 'none')), { code: 'ENOENT' });
  await assert.rejects(statOf(join(folder, 'none')), { code: 'ENOENT' });
});

test('a close waits for the reads under way, so that none of them meets another file', async () => {
  const file = await InputFile.open(path);
  const bytes = Buffer.alloc(content.length);
  let read = false;
  const reading = file.read([bytes], 0).then(() => {
    read = true;
  });
  await file.close();
  assert(read);
  await reading;
  await file.close();
  await assert.rejects(file.read([bytes], 0), { code: 'EBADF' });
  await assert.rejects(file.stat(), { code: 'EBADF' });
});

test('timers have their turn while very much is read in small pieces', async () => {
  const file = await InputFile.open(path);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const until = performance.now() + 100;
  const bytes = Buffer.alloc(100);
  while (performance.now() < until) await file.read([bytes], 0);
  clearInterval(timer);
  await file.close();
  assert(turns > 2, `${turns} turns`);
});
