import { strict as assert } from 'node:assert';
import { copyFileSync, truncateSync } from 'node:fs';
import {
  copyFile,
  link,
  mkdir,
  open,
  rename,
  rm,
  stat,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { test } from 'node:test';
import { nodeDisk } from '../../core/node-disk.ts';
import { copyWaitMs } from './copies.ts';
import { FakeRunner } from './fake-runner.ts';

const dayMs = 24 * 60 * 60 * 1000;

function tails(
  title: string,
  body: (tailing: FakeRunner) => Promise<void>,
  properties: Readonly<Record<string, string>> = {},
): void {
  test(title, async () => {
    const tailing = new FakeRunner(properties);
    try {
      await body(tailing);
    } finally {
      await tailing.end();
    }
  });
}

/** Numbered lines, long enough for a file of them to be known by its content. */
function lines(from: number, to: number): string {
  return wanted(from, to)
    .map((line) => `${line}\n`)
    .join('');
}

function wanted(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `line ${from + index} ${'.'.repeat(90)}`);
}

/** As `cp app.log app.log.1 && : > app.log` does. */
async function copyTruncate(t: FakeRunner, name: string, copy: string): Promise<void> {
  await copyFile(t.path(name), t.path(copy));
  await truncate(t.path(name), 0);
}

tails(
  'a renamed file goes on where it was, under its new path',
  async (t) => {
    await t.append('app.log', 'a\n');
    await t.start();
    await t.poll();
    await t.append('app.log', 'b\n');
    await rename(t.path('app.log'), t.path('app.log.1'));
    await t.append('app.log', 'new\n');
    await t.poll();
    // Two files are read at once.
    assert.deepEqual(t.context.events.map(({ body, headers }) => [body, headers['file']]).sort(), [
      ['a', t.path('app.log')],
      ['b', t.path('app.log.1')],
      ['new', t.path('app.log')],
    ]);
  },
  { fileHeader: 'true' },
);

tails('a file renamed to what no pattern matches is read to its end, then closed', async (t) => {
  await t.append('app.log', 'a\n');
  await t.start();
  await t.poll();
  await rename(t.path('app.log'), t.path('old'));
  await t.poll();
  await t.append('old', 'b\nc');
  await t.poll();
  assert.deepEqual(t.bodies, ['a', 'b']);
  await t.wait(120_000);
  assert.deepEqual(t.bodies, ['a', 'b', 'c']);
  assert.equal(await t.openCount(), 1);
  t.context.commit();
  await t.wait(0);
  assert.equal(await t.openCount(), 0);
});

tails('a file renamed away while the agent was down is found and read to its end', async (t) => {
  await t.append('app.log', lines(0, 50));
  await t.start();
  await t.poll();
  t.context.commit();
  await t.stop();
  await t.append('app.log', lines(50, 60));
  await rename(t.path('app.log'), t.path('rotated-away'));
  await t.append('app.log', lines(60, 70));
  await t.start();
  await t.poll();
  assert.deepEqual([...t.bodies].sort(), wanted(0, 70).sort());
});

tails('a closed file renamed away is found by its inode', async (t) => {
  await t.append('app.log', lines(0, 5));
  await t.start();
  await t.poll();
  await t.wait(120_000);
  assert.equal(await t.openCount(), 0);
  await t.append('app.log', lines(5, 6));
  await rename(t.path('app.log'), t.path('rotated-away'));
  await t.poll();
  assert.deepEqual(t.bodies, wanted(0, 6));
});

tails('a copy that copytruncate made is not read again, and what it has more is', async (t) => {
  await t.append('app.log', lines(0, 100));
  await t.start();
  await t.poll();
  await t.append('app.log', lines(100, 110));
  await copyTruncate(t, 'app.log', 'app.log.1');
  await t.append('app.log', lines(110, 115));
  await t.poll();
  assert.deepEqual([...t.bodies].sort(), wanted(0, 115).sort());
  await t.append('app.log', lines(115, 116));
  await t.wait(copyWaitMs);
  assert.deepEqual([...t.bodies].sort(), wanted(0, 116).sort());
});

tails('a copy is waited for while it grows and its original stands', async (t) => {
  await t.append('app.log', lines(0, 100));
  await t.start();
  await t.poll();
  const whole = lines(0, 100);
  await t.append('app.log.1', whole.slice(0, 10));
  await t.wait(copyWaitMs - 1);
  await t.append('app.log.1', whole.slice(10, 5000));
  await t.wait(copyWaitMs - 1);
  await t.append('app.log.1', whole.slice(5000));
  await t.wait(copyWaitMs - 1);
  await truncate(t.path('app.log'), 0);
  await t.append('app.log', lines(100, 101));
  await t.poll();
  await t.wait(copyWaitMs);
  assert.deepEqual(t.bodies, wanted(0, 101));
});

tails('a copy whose original stays as it is becomes a file of its own', async (t) => {
  await t.append('app.log', 'a\n');
  await t.start();
  await t.poll();
  await t.append('app.log.1', 'a\n');
  await t.poll();
  await t.wait(copyWaitMs - 1);
  assert.deepEqual(t.bodies, ['a']);
  await t.wait(1);
  assert.deepEqual(t.bodies, ['a', 'a']);
});

tails(
  'a copy is known when a read is the first to see that its original was cut back',
  async (t) => {
    await t.append('app.log', 'short\n');
    await t.start();
    await t.poll();
    await t.append('app.log', lines(0, 20_000));
    await changeTime();
    let cut = false;
    t.context.beforePut = () => {
      if (cut) return;
      cut = true;
      copyFileSync(t.path('app.log'), t.path('app.log.1'));
      truncateSync(t.path('app.log'));
    };
    await t.poll();
    await t.wait(copyWaitMs);
    assert.deepEqual(t.bodies, ['short', ...wanted(0, 20_000)]);
  },
);

tails('copytruncate to where no pattern looks doubles nothing and loses nothing', async (t) => {
  t.files = { g: 'app\\.log' };
  await t.append('app.log', lines(0, 100));
  await t.start();
  await t.poll();
  await t.append('app.log', lines(100, 110));
  await copyTruncate(t, 'app.log', 'app.log.1');
  await t.poll();
  await t.append('app.log', lines(110, 115));
  await t.poll();
  assert.deepEqual([...t.bodies].sort(), wanted(0, 115).sort());
});

tails('copytruncate while the agent was down: the copy goes on', async (t) => {
  await t.append('app.log', lines(0, 100));
  await t.start();
  await t.poll();
  t.context.commit();
  await t.stop();
  await t.append('app.log', lines(100, 110));
  await copyTruncate(t, 'app.log', 'app.log.1');
  await t.append('app.log', lines(110, 300));
  await t.start();
  await t.poll();
  assert.deepEqual([...t.bodies].sort(), wanted(0, 300).sort());
});

tails('a file that was cut back and grew beyond where it was is read from 0', async (t) => {
  await t.append('app.log', lines(0, 10));
  await t.start();
  await t.poll();
  await writeFile(t.path('app.log'), lines(10, 40));
  await t.poll();
  assert.deepEqual(t.bodies, wanted(0, 40));
});

tails('a file that was overwritten with as many bytes is read from 0', async (t) => {
  await t.append('app.log', lines(10, 20));
  await t.start();
  await t.poll();
  await changeTime();
  await writeFile(t.path('app.log'), lines(20, 30));
  await t.poll();
  assert.deepEqual(t.bodies, wanted(10, 30));
});

tails('a file cut back while the agent was down is read from 0', async (t) => {
  await t.append('app.log', lines(0, 10));
  await t.start();
  await t.poll();
  await t.stop();
  await writeFile(t.path('app.log'), lines(10, 13));
  await t.start();
  await t.poll();
  assert.deepEqual(t.bodies, wanted(0, 13));
});

tails('an inode that was given to another file is another stream', async (t) => {
  await t.append('app.log', lines(0, 10));
  await t.start();
  await t.poll();
  await t.stop();
  await unlink(t.path('app.log'));
  await t.append('app.log', lines(10, 40));
  await t.start();
  await t.poll();
  assert.deepEqual(t.bodies, wanted(0, 40));
  assert.equal(new Set(t.context.events.map((event) => event.stream)).size, 2);
});

tails('a deleted file is read to its end and closed when that is settled', async (t) => {
  await t.append('app.log', 'a\n');
  await t.start();
  await t.poll();
  const writer = await open(t.path('app.log'), 'a');
  await unlink(t.path('app.log'));
  await t.poll();
  await writer.write('b\nc');
  await t.poll();
  assert.deepEqual(t.bodies, ['a', 'b']);
  await writer.close();
  await t.wait(120_000);
  assert.deepEqual(t.bodies, ['a', 'b', 'c']);
  assert.equal(await t.openCount(), 1);
  assert(t.context.settleCount > 0);
  t.context.commit();
  await t.poll();
  assert.equal(await t.openCount(), 0);
});

tails('a deleted file that is written anew with the same bytes is read', async (t) => {
  await t.append('app.log', 'hello\n');
  await t.start();
  await t.poll();
  await unlink(t.path('app.log'));
  await changeTime();
  await t.append('app.log', 'hello\n');
  await t.poll();
  assert.deepEqual(t.bodies, ['hello', 'hello']);
});

tails('a file moved from another file system is the stream that its content says', async (t) => {
  await t.append('app.log', lines(0, 100));
  await t.start();
  await t.poll();
  await copyFile(t.path('app.log'), t.path('app.log.1'));
  await unlink(t.path('app.log'));
  await t.append('app.log.1', lines(100, 101));
  await t.poll();
  assert.deepEqual(t.bodies, wanted(0, 101));
});

tails(
  'a stream is forgotten a day after its file is gone, once all of it is committed',
  async (t) => {
    await t.append('app.log', lines(0, 3));
    await t.start();
    await t.poll();
    t.context.commit();
    await unlink(t.path('app.log'));
    await t.poll();
    await t.wait(120_000);
    assert.equal(t.context.streams.all().size, 1);
    await t.context.clock.advance(dayMs - 60_000);
    await t.poll();
    assert.equal(t.context.streams.all().size, 1);
    await t.stop();
    await t.start();
    await t.context.clock.advance(120_000);
    await t.poll();
    assert.equal(t.context.streams.all().size, 0);
  },
);

tails('a directory that can not be listed does not make a stream forgotten', async (t) => {
  t.files = { g: 'logs/.*' };
  await mkdir(t.path('logs'));
  await t.append('logs/app.log', lines(0, 30));
  await t.start();
  await t.poll();
  t.context.commit();
  await t.stop();
  await rename(t.path('logs'), t.path('unmounted'));
  await t.start();
  await t.wait(0);
  await t.context.clock.advance(dayMs * 2);
  await t.poll();
  assert.equal(t.context.streams.all().size, 1);
  await rename(t.path('unmounted'), t.path('logs'));
  await t.append('logs/app.log', lines(30, 31));
  await t.poll();
  assert.deepEqual(t.bodies, wanted(0, 31));
});

tails('a file that lost its end with the power is read on from its present end', async (t) => {
  await t.append('app.log', lines(0, 100));
  await t.start();
  await t.poll();
  t.context.commit();
  await t.stop();
  const { size } = await stat(t.path('app.log'));
  await truncate(t.path('app.log'), size / 2);
  t.context.disk = Object.assign(Object.create(nodeDisk), { bootId: async () => 'another boot' });
  await t.start();
  await t.poll();
  await t.append('app.log', lines(200, 210));
  await t.poll();
  assert.deepEqual(t.bodies, [...wanted(0, 100), ...wanted(200, 210)]);
  assert.equal(t.said('File lost its end with the power'), 1);
});

tails('hard links and symbolic links to one file are one stream', async (t) => {
  await t.append('app.log', 'a\n');
  await link(t.path('app.log'), t.path('app.log.hard'));
  await t.start();
  await t.poll();
  await t.append('app.log', 'b\n');
  await t.poll();
  await rm(t.path('app.log'));
  await t.append('app.log.hard', 'c\n');
  await t.poll();
  assert.deepEqual(t.bodies, ['a', 'b', 'c']);
});

tails('a file that was renamed away while the agent was down keeps its group', async (t) => {
  t.files = { a: 'a\\.log', b: 'b\\.log' };
  t.headers = { 'a.of': 'a', 'b.of': 'b' };
  await t.append('b.log', lines(0, 50));
  await t.start();
  await t.poll();
  t.context.commit();
  await t.stop();
  await t.append('b.log', lines(50, 60));
  await rename(t.path('b.log'), t.path('old'));
  // The second start knows it by a name that no group has.
  for (const count of [60, 70]) {
    await t.start();
    await t.poll();
    t.context.commit();
    await t.stop();
    assert.equal(t.context.events.length, count);
    await t.append('old', lines(60, 70));
  }
  const groups = new Set(t.context.events.map(({ headers }) => headers['of']));
  assert.deepEqual([...groups], ['b']);
});

/** Lets the file system's own clock move on: it tells times some milliseconds apart. */
async function changeTime(): Promise<void> {
  const begun = performance.now();
  while (performance.now() - begun < 12) await new Promise((resolve) => setImmediate(resolve));
}
