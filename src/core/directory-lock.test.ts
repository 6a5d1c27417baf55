import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DirectoryInUseError, lockDirectory } from './directory-lock.ts';

async function directory(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-lock-'));
  context.after(() => rm(path, { recursive: true }));
  return join(path, 'a'.repeat(120));
}

test('a locked directory is refused, and names who has it', async (context) => {
  const path = await directory(context);
  const release = await lockDirectory(path);
  await assert.rejects(lockDirectory(path), new RegExp(`in use by process ${process.pid}`));
  await release();
  await (await lockDirectory(path))();
});

test('the lock of a process that was killed is taken over, by one of many', async (context) => {
  const path = await directory(context);
  const module = new URL('./directory-lock.ts', import.meta.url).href;
  const script = `import(${JSON.stringify(module)}).then(async (lock) => {
    await lock.lockDirectory(${JSON.stringify(path)}); console.log('locked');
    setInterval(() => {}, 1e6); });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await assert.rejects(lockDirectory(path), DirectoryInUseError);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(path)));
  const held = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  assert.equal(held.length, 1);
  await Promise.all(held.map((release) => release()));
});
