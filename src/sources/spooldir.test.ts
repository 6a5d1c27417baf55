import { strict as assert } from 'node:assert';
import { renameSync, rmSync } from 'node:fs';
import { copyFile, utimes } from 'node:fs/promises';
import { test } from 'node:test';
import { ChannelFullError } from '../core/errors.ts';
import { configOf } from '../testing/config-of.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { sourceContract } from '../testing/source-contract.ts';
import { FakeSpool, spools } from './spooldir/fake-spool.ts';
import { spooldirSource } from './spooldir.ts';

/** What is written comes as files that end where a line does. */
sourceContract('spooldir', {
  rereads: true,
  open: async () => {
    const spool = new FakeSpool({ batchSize: '10', 'deserializer.maxLineLength': '1001' });
    let clock = new ManualClock();
    let unfinished = Buffer.alloc(0);
    let count = 0;
    return {
      create: (context) => {
        if (context.clock instanceof ManualClock) clock = context.clock;
        return spool.create(context);
      },
      write: async (bytes) => {
        unfinished = Buffer.concat([unfinished, bytes]);
        if (unfinished.at(-1) === 10) {
          const name = `${String(count++).padStart(3, '0')}.log`;
          spool.drop(name, unfinished);
          await spool.age(name, 1000 - count);
          unfinished = Buffer.alloc(0);
        }
        await clock.advance(500);
      },
      maxLineBytes: 1001,
      close: () => spool.end(),
    };
  },
});

spools('lines are events, their CR stays, the rest is one too', async (t) => {
  t.drop('a.log', 'one\r\n\ntwo\nrest');
  await t.start();
  await t.poll();
  assert.deepEqual(t.bodies, ['one\r', '', 'two', 'rest']);
});

spools('a file is renamed when all of it is settled, and not before', async (t) => {
  t.drop('a.log', 'one\ntwo\n');
  await t.start();
  await t.poll();
  await t.poll();
  t.context.commit((event) => event.body === 'one');
  await t.poll();
  assert.deepEqual(t.names(), ['a.log']);
  t.context.commit();
  await t.poll();
  assert.deepEqual(t.names(), ['a.log.COMPLETED']);
  assert.equal(t.streamCount, 0);
  await t.poll();
  assert.deepEqual(t.bodies, ['one', 'two']);
});

spools('a stop renames what is settled by then', async (t) => {
  t.drop('a.log', 'one\n');
  await t.start();
  await t.poll();
  t.context.commit();
  await t.stop();
  assert.deepEqual(t.names(), ['a.log.COMPLETED']);
  assert.equal(t.context.settleCount, 1);
});

spools('the file of before is read again when it is given its name back', async (t) => {
  t.drop('a.log', 'one\n');
  await t.start();
  await t.pass();
  renameSync(t.path('a.log.COMPLETED'), t.path('a.log'));
  await t.pass();
  assert.deepEqual(t.bodies, ['one', 'one']);
});

for (const [order, expected] of [
  ['oldest', ['c', 'a', 'b', 'd']],
  ['youngest', ['d', 'a', 'b', 'c']],
] as const) {
  spools(
    `the ${order} file comes first, and of equals the one whose name does`,
    async (t) => {
      for (const [name, age] of [
        ['d', 10],
        ['b', 20],
        ['c', 30],
        ['a', 20],
      ] as const) {
        t.drop(name, name);
        const at = Math.floor(Date.now() / 1000) - age;
        await utimes(t.path(name), at, at);
      }
      await t.start();
      await t.poll();
      assert.deepEqual(t.bodies, expected);
    },
    { consumeOrder: order },
  );
}

spools(
  'in any order all files are read',
  async (t) => {
    for (const name of ['a', 'b', 'c']) t.drop(name, name);
    await t.start();
    await t.poll();
    assert.deepEqual([...t.bodies].sort(), ['a', 'b', 'c']);
  },
  { consumeOrder: 'RANDOM' },
);

spools(
  'names: the whole name must match, ignored ones win, dots and done ones are left alone',
  async (t) => {
    for (const name of ['a.log', 'a.log1', 'b.log.tmp', '.a.log', 'a.log.COMPLETED', 'skip.log']) {
      t.drop(name, name);
    }
    t.drop('deep/a.log', 'deep');
    await t.start();
    await t.poll();
    assert.deepEqual(t.bodies, ['a.log']);
  },
  { includePattern: '.*\\.log', ignorePattern: 'skip.*' },
);

spools(
  'directories below are searched, but for those with a dot or an ignored name',
  async (t) => {
    for (const name of ['x/a', 'x/y/b', '.x/c', 'skip/d', 'x/skip/e']) t.drop(name, name);
    await t.start();
    await t.pass();
    assert.deepEqual([...t.bodies].sort(), ['x/a', 'x/y/b']);
    assert.deepEqual(t.names('x/y'), ['b.COMPLETED']);
  },
  { recursiveDirectorySearch: 'true', ignorePattern: 'skip' },
);

spools(
  'headers: the path and the name',
  async (t) => {
    t.drop('a.log', 'one\n');
    await t.start();
    await t.poll();
    assert.deepEqual(t.context.events[0]?.headers, { path: t.path('a.log'), basename: 'a.log' });
  },
  { fileHeader: 'true', fileHeaderKey: 'path', basenameHeader: 'true' },
);

spools(
  'a file is removed when all of it is settled',
  async (t) => {
    t.drop('a.log', 'one\n');
    await t.start();
    await t.poll();
    assert.deepEqual(t.names(), ['a.log']);
    t.context.commit();
    await t.poll();
    assert.deepEqual(t.names(), []);
    assert.equal(t.streamCount, 0);
  },
  { deletePolicy: 'immediate' },
);

spools(
  'a file that is done stays, with a mark elsewhere, and is not read again',
  async (t) => {
    t.drop('x/a.log', 'one\n');
    await t.start();
    await t.pass();
    assert.deepEqual(t.names('x'), ['a.log']);
    assert.deepEqual(t.names('.flumespool/x'), ['a.log.COMPLETED']);
    await t.stop();
    await t.start();
    await t.pass();
    assert.deepEqual(t.bodies, ['one']);
  },
  { trackingPolicy: 'tracker_dir', recursiveDirectorySearch: 'true' },
);

spools('an empty file is one event with an empty body, once', async (t) => {
  t.drop('a.log', '');
  await t.start();
  await t.poll();
  assert.deepEqual(t.bodies, ['']);
  await t.crash();
  await t.start();
  await t.poll();
  assert.deepEqual(t.bodies, ['']);
  t.context.commit();
  await t.crash();
  await t.start();
  await t.pass();
  assert.deepEqual(t.bodies, ['']);
  assert.deepEqual(t.names(), ['a.log.COMPLETED']);
});

spools('after a crash it goes on within the file, whatever else came', async (t) => {
  t.drop('b.log', 'one\ntwo\nthree\n');
  await t.start();
  await t.poll();
  t.context.commit((event) => event.body === 'one');
  await t.crash();
  t.drop('a.log', 'other\n');
  await t.age('a.log', 100);
  await t.start();
  await t.pass();
  assert.deepEqual(t.bodies, ['one', 'other', 'two', 'three']);
  assert.deepEqual(t.names(), ['a.log.COMPLETED', 'b.log.COMPLETED']);
});

spools('a file that got another name while nothing ran goes on', async (t) => {
  t.drop('a.log', 'one\ntwo\n');
  await t.start();
  await t.poll();
  t.context.commit((event) => event.body === 'one');
  await t.crash();
  renameSync(t.path('a.log'), t.path('b.log'));
  await t.start();
  await t.pass();
  assert.deepEqual(t.bodies, ['one', 'two']);
});

spools('a copy that was put back in its place goes on', async (t) => {
  t.drop('a.log', 'one\ntwo\n');
  const at = Math.floor(Date.now() / 1000) - 50;
  await utimes(t.path('a.log'), at, at);
  await t.start();
  await t.poll();
  t.context.commit((event) => event.body === 'one');
  await t.crash();
  await copyFile(t.path('a.log'), `${t.directory}.copy`);
  rmSync(t.path('a.log'));
  renameSync(`${t.directory}.copy`, t.path('a.log'));
  await utimes(t.path('a.log'), at, at);
  await t.start();
  await t.pass();
  assert.deepEqual(t.bodies, ['one', 'two']);
});

spools('another file of the same name is read from its beginning', async (t) => {
  t.drop('a.log', 'one\ntwo\n');
  await t.start();
  await t.poll();
  t.context.commit((event) => event.body === 'one');
  await t.crash();
  t.drop('a.log', 'one\ntwo\nthree\n');
  await t.start();
  await t.pass();
  assert.deepEqual(t.bodies, ['one', 'one', 'two', 'three']);
});

spools(
  'a long line is cut where Flume cuts it, counted, and the same when read again',
  async (t) => {
    t.properties = { 'deserializer.maxLineLength': '5', bufferMaxLineLength: '4' };
    t.drop('a.log', 'abcdefgh\r\nxy\nnoeol');
    await t.start();
    await t.poll();
    const pieces = ['abcd', 'efgh', '\r', 'xy', 'noeo', 'l'];
    assert.deepEqual(t.bodies, pieces);
    assert.equal(t.context.counters.LineTooLongCount, 2);
    assert.equal(t.said('A line is longer'), 1);
    t.context.commit(({ body }) => body === 'efgh');
    await t.crash();
    await t.start();
    await t.poll();
    assert.deepEqual([...t.bodies].sort(), [...pieces].sort());
  },
);

spools('lines longer than a read arrive whole', async (t) => {
  t.properties = { 'deserializer.maxLineLength': '4000000' };
  const lines = [1, 3_000_000, 5, 700_000, 524_288, 2].map((size) => 'y'.repeat(size));
  t.drop('a.log', `${lines.join('\n')}\n`);
  await t.start();
  await t.poll();
  assert.deepEqual(
    t.bodies.map((body) => body.length),
    lines.map((line) => line.length),
  );
});

spools('a full channel: no file is skipped, and their order stays', async (t) => {
  t.properties = { batchSize: '2' };
  for (let file = 0; file < 5; file++) {
    t.drop(`${file}.log`, [0, 1, 2, 3, 4].map((line) => `${file}.${line}\n`).join(''));
    await t.age(`${file}.log`, 100 - file);
  }
  let full = true;
  t.context.beforePut = (batch) => {
    if (full && batch.body(0).toString() >= '1.2') throw new ChannelFullError('c1', 'for a test');
  };
  await t.start();
  await assert.rejects(t.poll(), ChannelFullError);
  full = false;
  await t.poll();
  const all = [0, 1, 2, 3, 4].flatMap((file) => [0, 1, 2, 3, 4].map((line) => `${file}.${line}`));
  assert.deepEqual(t.bodies, all);
});

test('what can not be is said before anything starts', () => {
  const problems = (properties: Readonly<Record<string, string>>) => {
    const config = configOf(spooldirSource.fields, { spoolDir: '/in', ...properties });
    return (spooldirSource.check?.(config) ?? []).map(({ key }) => key);
  };
  assert.deepEqual(problems({}), []);
  assert.deepEqual(problems({ deserializer: 'line' }), []);
  assert.deepEqual(
    problems({ deserializer: 'org.apache.flume.serialization.LineDeserializer$Builder' }),
    [],
  );
  assert.deepEqual(problems({ deserializer: 'com.example.Mine$Builder' }), ['deserializer']);
  assert.deepEqual(problems({ includePattern: '[a' }), ['includePattern']);
  assert.deepEqual(problems({ inputCharset: 'IBM037' }), ['inputCharset']);
  const output = 'deserializer.outputCharset';
  assert.deepEqual(problems({ inputCharset: 'latin1', [output]: 'ISO-8859-1' }), []);
  assert.deepEqual(problems({ inputCharset: 'latin1', [output]: 'Cp1252' }), [output]);
  assert.deepEqual(problems({ inputCharset: 'GBK', [output]: 'GBK' }), [output]);
});
