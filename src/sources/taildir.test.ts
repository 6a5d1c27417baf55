import { strict as assert } from 'node:assert';
import { appendFileSync } from 'node:fs';
import { chmod, mkdir, utimes, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ChannelFullError } from '../core/errors.ts';
import { sourceContract } from '../testing/source-contract.ts';
import { FakeRunner } from './taildir/fake-runner.ts';
import { taildirSource } from './taildir.ts';

sourceContract('taildir', {
  rereads: true,
  open: async () => {
    const tailing = new FakeRunner({ batchSize: '10', maxLineBytes: '1000' });
    await tailing.append('app.log', '');
    return {
      create: (context) => tailing.create(context),
      write: async (bytes) => appendFileSync(tailing.path('app.log'), bytes),
      maxLineBytes: 1000,
      close: () => tailing.end(),
    };
  },
});

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

tails('lines are events without LF and the CR before it; an unfinished line waits', async (t) => {
  await t.append('app.log', 'one\r\ntwo\n\nth\rree');
  await t.start();
  await t.poll();
  assert.deepEqual(t.bodies, ['one', 'two', '']);
  await t.append('app.log', '\r\n');
  await t.poll();
  assert.deepEqual(t.bodies, ['one', 'two', '', 'th\rree']);
});

tails('a last line without newline is an event once the file is idle', async (t) => {
  await t.start();
  await t.append('app.log', 'part');
  await t.wait(0);
  await t.wait(119_000);
  assert.deepEqual(t.bodies, []);
  await t.wait(1_000);
  assert.deepEqual(t.bodies, ['part']);
  await t.append('app.log', 'more\n');
  await t.poll();
  assert.deepEqual(t.bodies, ['part', 'more']);
});

tails('a fragment that a channel has ends there again when it is read again', async (t) => {
  await t.start();
  await t.append('app.log', 'a\npart');
  await t.poll();
  await t.wait(120_000);
  await t.append('app.log', 'more\n');
  await t.poll();
  t.context.commit((event) => event.body === 'part');
  await t.crash();
  await t.start();
  await t.poll();
  assert.deepEqual(t.bodies, ['part', 'a', 'more']);
});

tails(
  'headers: those of the group, the path, where the line begins',
  async (t) => {
    t.headers = { 'g.service': 'web', 'g.a.b': 'dotted', 'other.x': 'no' };
    await t.append('app.log', 'one\ntwo\n');
    await t.start();
    await t.poll();
    const common = { service: 'web', 'a.b': 'dotted', path: t.path('app.log') };
    assert.deepEqual(
      t.context.events.map((event) => event.headers),
      [
        { ...common, byteoffset: '0' },
        { ...common, byteoffset: '4' },
      ],
    );
    const names = Object.keys(t.context.events[0]?.headers ?? {});
    assert.deepEqual(names, ['byteoffset', 'service', 'a.b', 'path']);
  },
  { fileHeader: 'true', fileHeaderKey: 'path', byteOffsetHeader: 'true' },
);

tails('the directory is literal and the name must match as a whole', async (t) => {
  t.files = { g: 'a.log' };
  for (const name of ['a.log', 'axlog', 'a.log.1', 'ba.log']) await t.append(name, `${name}\n`);
  await mkdir(t.path('a-log'));
  await t.start();
  await t.poll();
  assert.deepEqual([...t.bodies].sort(), ['a.log', 'axlog']);
});

tails('a file that two groups name is read once, for the first', async (t) => {
  t.files = { one: 'app.*', two: '.*log' };
  t.headers = { 'one.group': '1', 'two.group': '2' };
  await t.append('app.log', 'a\n');
  await t.start();
  await t.poll();
  await t.poll();
  assert.deepEqual(
    t.context.events.map(({ body, headers }) => [body, headers]),
    [['a', { group: '1' }]],
  );
});

tails(
  'skipToEnd skips what is there at the start, and only that',
  async (t) => {
    await t.append('app.log', 'old\n');
    await t.start();
    await t.append('app.log', 'new\n');
    await t.append('app.log.2', 'later\n');
    await t.poll();
    assert.deepEqual([...t.bodies].sort(), ['later', 'new']);
    t.context.commit();
    await t.stop();
    await t.append('app.log', 'while away\n');
    await t.start();
    await t.poll();
    assert.deepEqual([...t.bodies].sort(), ['later', 'new', 'while away']);
  },
  { skipToEnd: 'true' },
);

tails(
  'a long line becomes events of bounded size, the same when read again',
  async (t) => {
    const long = 'abcdefghijklmnopqrstuvwxyz';
    await t.append('app.log', `ok\n${long}\n${'x'.repeat(10)}\n`);
    await t.start();
    await t.poll();
    const pieces = ['ok', 'abcdefghij', 'klmnopqrst', 'uvwxyz', 'xxxxxxxxxx'];
    assert.deepEqual(t.bodies, pieces);
    assert.deepEqual(
      t.context.events.map((event) => event.headers['millrace.line']),
      [undefined, 'cut', 'cut', undefined, undefined],
    );
    assert.equal(t.context.counters.LineTooLongCount, 1);
    const said = t.context.log.lines.filter(({ level }) => level === 'warn');
    assert.deepEqual(
      said.map(({ fields }) => fields),
      [{ path: t.path('app.log'), offset: 3, maxLineBytes: 10 }],
    );
    t.context.commit((event) => event.body === 'klmnopqrst');
    await t.crash();
    await t.start();
    await t.poll();
    assert.deepEqual([...t.bodies].sort(), [...pieces].sort());
  },
  { maxLineBytes: '10' },
);

tails('lines longer than a read arrive whole', async (t) => {
  const lines = [1, 3_000_000, 5, 700_000, 524_288, 2].map((size) => 'y'.repeat(size));
  await t.append('app.log', `${lines.join('\n')}\n`);
  await t.start();
  await t.poll();
  assert.deepEqual(
    t.bodies.map((body) => body.length),
    lines.map((line) => line.length),
  );
});

tails('a line of megabytes may come bit by bit', async (t) => {
  await t.start();
  for (let piece = 0; piece < 30; piece++) {
    await t.append('app.log', 'z'.repeat(50_000));
    await t.poll();
  }
  await t.append('app.log', '\nnext\n');
  await t.poll();
  assert.deepEqual(
    t.bodies.map((body) => body.length),
    [1_500_000, 4],
  );
});

tails(
  'a busy file does not keep others waiting',
  async (t) => {
    await t.append('app.log', 'busy\n'.repeat(1000));
    await t.append('app.log.2', 'a\nb\n');
    await t.start();
    await t.pollOnce();
    assert.equal(t.bodies.filter((body) => body === 'busy').length, 20);
    assert(t.bodies.includes('b'));
    await t.poll();
    assert.equal(t.bodies.length, 1002);
  },
  { batchSize: '10', maxBatchCount: '2' },
);

tails(
  'batches have at most batchSize events and follow each other',
  async (t) => {
    const sizes: number[] = [];
    t.context.beforePut = (batch) => {
      sizes.push(batch.length);
    };
    await t.append('app.log', 'x\n'.repeat(25));
    await t.start();
    await t.poll();
    assert.deepEqual(sizes, [10, 10, 5]);
  },
  { batchSize: '10' },
);

tails(
  'a refused batch makes the poll fail, and is emitted again',
  async (t) => {
    let refuse = true;
    t.context.beforePut = (batch) => {
      if (refuse && batch.origin?.from !== 0) throw new ChannelFullError('c1', 'for a test');
    };
    await t.append('app.log', '0\n1\n2\n3\n4\n5\n');
    await t.append('app.log.2', 'other\n');
    await t.start();
    await assert.rejects(t.poll(), ChannelFullError);
    assert.deepEqual([...t.bodies].sort(), ['0', '1', 'other']);
    refuse = false;
    await t.poll();
    assert.deepEqual([...t.bodies].sort(), ['0', '1', '2', '3', '4', '5', 'other']);
  },
  { batchSize: '2' },
);

tails('a missing directory is said once, and the other groups run', async (t) => {
  t.files = { g: 'app\\.log', missing: 'later/.*' };
  await t.append('app.log', 'a\n');
  await t.start();
  await t.poll();
  await t.poll();
  assert.deepEqual(t.bodies, ['a']);
  assert.equal(t.said('Directory can not be listed'), 1);
  await mkdir(t.path('later'));
  await t.append('later/x', 'b\n');
  await t.poll();
  assert.deepEqual(t.bodies, ['a', 'b']);
  assert.equal(t.said('Directory is back'), 1);
});

tails(
  'no more files are open than allowed',
  async (t) => {
    for (let file = 0; file < 12; file++) await t.append(`app.log.${file}`, `first ${file}\n`);
    await t.start();
    await t.poll();
    for (let file = 0; file < 12; file++) await t.append(`app.log.${file}`, `second ${file}\n`);
    await t.poll();
    assert.equal(new Set(t.bodies).size, 24);
    assert.equal(t.bodies.length, 24);
    assert((await t.openCount()) <= 3, `${await t.openCount()} open`);
  },
  { maxOpenFiles: '3' },
);

tails('an idle file is closed, and read on when it changes', async (t) => {
  await t.append('app.log', 'a\n');
  await t.start();
  await t.poll();
  assert.equal(await t.openCount(), 1);
  await t.wait(120_000);
  assert.equal(await t.openCount(), 0);
  await t.append('app.log', 'b\n');
  await t.poll();
  assert.deepEqual(t.bodies, ['a', 'b']);
});

tails(
  'a changed file is noticed and a poll is asked for',
  async (t) => {
    await t.append('app.log', 'a\n');
    await t.start();
    await t.poll();
    await t.context.clock.advance(1000);
    const before = t.context.wakeCount;
    await t.append('app.log', 'b\n');
    await t.append('app.log.new', 'c\n');
    const deadline = performance.now() + 5000;
    while (t.context.wakeCount === before && performance.now() < deadline) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert(t.context.wakeCount > before);
    await t.wait(1000);
    assert.deepEqual([...t.bodies].sort(), ['a', 'b', 'c']);
  },
  { watch: 'true' },
);

test('groups without files are left out, bad patterns and no group at all are problems', () => {
  const config = (files: Record<string, string>) => ({
    filegroups: ['a', 'b'],
    files: new Map(Object.entries(files)),
    headers: new Map<string, string>(),
  });
  const check = (files: Record<string, string>) =>
    (taildirSource.check?.(config(files)) ?? []).map(({ key, severity }) => [key, severity]);
  assert.deepEqual(check({ a: '/x/.*', b: '/y/z+' }), []);
  assert.deepEqual(check({ a: '/x/.*' }), [['filegroups', 'warning']]);
  assert.deepEqual(check({ a: '/x/(', b: '/y' }), [['filegroups.a', undefined]]);
  assert.deepEqual(check({}).at(-1), ['filegroups', undefined]);
});

tails('the position file has what is settled, in the form that Flume has', async (t) => {
  await t.append('app.log', 'one\ntwo\nthr');
  await t.start();
  await t.poll();
  await t.wait(3000);
  const entry = { inode: await t.inode('app.log'), pos: 0, file: t.path('app.log') };
  assert.equal(await t.positions(), JSON.stringify([entry]));
  t.context.commit();
  await t.wait(3000);
  assert.equal(await t.positions(), JSON.stringify([{ ...entry, pos: 8 }]));
  await t.append('app.log', 'ee\n');
  await t.poll();
  t.context.commit();
  await t.stop();
  assert.equal(await t.positions(), JSON.stringify([{ ...entry, pos: 14 }]));
});

tails(
  'a position file of Flume says where a file begins that no channel knows',
  async (t) => {
    for (const name of ['app.log', 'app.log.1', 'app.log.2'])
      await t.append(name, `one\ntwo\n${name}\n`);
    const entry = async (name: string, pos: number, file = t.path(name)) => {
      return { inode: await t.inode(name), pos, file };
    };
    await mkdir(t.path('state'));
    const entries = [
      await entry('app.log', 4),
      await entry('app.log.1', 4, t.path('app.log.0')),
      await entry('app.log.2', 99),
    ];
    await writeFile(t.path('state/positions.json'), JSON.stringify(entries));
    await t.start();
    await t.poll();
    const read = t.context.events.map(({ body, headers }) => `${headers['file']}: ${body}`);
    const expected = [
      'app.log: two',
      'app.log: app.log',
      ...['app.log.1', 'app.log.2'].flatMap((name) => {
        return [`${name}: one`, `${name}: two`, `${name}: ${name}`];
      }),
    ];
    assert.deepEqual(read.sort(), expected.map((line) => t.path(line)).sort());
  },
  { fileHeader: 'true' },
);

tails('a position file that is not JSON is set aside', async (t) => {
  await mkdir(t.path('state'));
  await writeFile(t.path('state/positions.json'), '[{"inode":1');
  await t.append('app.log', 'a\n');
  await t.start();
  await t.poll();
  assert.deepEqual(t.bodies, ['a']);
  assert.equal(t.said('Position file is not JSON'), 1);
  assert.equal(await t.positions('.bad'), '[{"inode":1');
});

tails('a pattern that matches the position file does not have it read', async (t) => {
  t.files = { g: '.*' };
  t.properties = { positionFile: t.path('positions.json') };
  await t.append('app.log', 'a\n');
  await t.start();
  await t.poll();
  for (let round = 0; round < 3; round++) {
    t.context.commit();
    await t.wait(3000);
  }
  assert.deepEqual(t.bodies, ['a']);
});

for (const [cache, names] of Object.entries({ true: ['a'], false: ['a', 'b'] })) {
  tails(
    `names in a directory of unchanged mtime are listed again or not: ${cache}`,
    async (t) => {
      const old = new Date(Date.now() - 60_000);
      await t.append('app.log', 'a\n');
      await utimes(t.directory, old, old);
      await t.start();
      await t.append('app.log.1', 'b\n');
      await utimes(t.directory, old, old);
      await t.poll();
      assert.deepEqual([...t.bodies].sort(), names);
    },
    { cachePatternMatching: cache },
  );
}

tails(
  'with very many files, few are open while the source starts',
  async (t) => {
    for (let file = 0; file < 120; file++) {
      await t.append(`app.log.${file}`, file % 2 ? '' : `${file}\n`);
    }
    let most = 0;
    let started = false;
    const starting = t.start().then(() => {
      started = true;
    });
    while (!started) most = Math.max(most, await t.openCount());
    await starting;
    most = Math.max(most, await t.openCount());
    await t.poll();
    assert.equal(t.bodies.length, 60);
    assert(most > 0 && most <= 12, `${most} open`);
  },
  { maxOpenFiles: '4' },
);

tails(
  'files that no group names ask for no poll',
  async (t) => {
    await t.append('app.log', 'a\n');
    await t.start();
    await t.poll();
    await t.context.clock.advance(1000);
    const before = t.context.wakeCount;
    await t.append('other', 'x\n');
    await t.append('app.log', 'b\n');
    const deadline = performance.now() + 5000;
    while (t.context.wakeCount === before && performance.now() < deadline) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(t.context.wakeCount, before + 1);
    assert.equal(await t.pollOnce(), 'idle');
    assert.deepEqual(t.bodies, ['a', 'b']);
  },
  { watch: 'true' },
);

test('a file that can not be read is said once and tried again', {
  skip: process.getuid?.() === 0 ? 'the superuser may read everything' : false,
}, async () => {
  const t = new FakeRunner();
  try {
    await t.append('app.log', 'a\n');
    await chmod(t.path('app.log'), 0);
    await t.start();
    await t.poll();
    await t.poll();
    assert.equal(t.said('File can not be read'), 1);
    assert(t.context.counters.EventReadFail >= 2);
    await chmod(t.path('app.log'), 0o600);
    await t.poll();
    assert.deepEqual(t.bodies, ['a']);
  } finally {
    await t.end();
  }
});
