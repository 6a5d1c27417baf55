import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { EmitWindow } from './emit-window.ts';

const slab = Buffer.alloc(0);
const unexpected = (error: unknown) => assert.fail(String(error));

test('it is full at a number of emits, and has room when one of them is settled', async () => {
  const window = new EmitWindow();
  const resolves: (() => void)[] = [];
  while (!window.full) {
    window.add(new Promise((resolve) => resolves.push(resolve)), slab, 1, unexpected);
  }
  assert.equal(resolves.length, 256);
  let room = false;
  const waiting = window.room().then(() => {
    room = true;
  });
  await Promise.resolve();
  assert.equal(room, false);
  resolves[100]?.();
  await waiting;
  for (const resolve of resolves) resolve();
  await window.drained();
});

test('it is full at a number of bytes', () => {
  const window = new EmitWindow();
  window.add(new Promise(() => {}), slab, 8 * 1024 * 1024, unexpected);
  assert(window.full);
});

test('a failure is told to whoever emitted, and counts as settled', async () => {
  const window = new EmitWindow();
  const failures: unknown[] = [];
  window.add(Promise.reject(new Error('one')), slab, 1, (error) => failures.push(error));
  window.add(Promise.resolve(), slab, 1, unexpected);
  await window.drained();
  assert.deepEqual(failures.map(String), ['Error: one']);
});
