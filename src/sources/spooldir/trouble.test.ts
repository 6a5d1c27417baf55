import { strict as assert } from 'node:assert';
import { appendFileSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { nodeDisk } from '../../core/node-disk.ts';
import { spools } from './fake-spool.ts';

/* What goes wrong with a file. */

spools('a file that grows is an error once; its rest is read when it is still', async (t) => {
  t.drop('a.log', 'one\ntwo');
  await t.start();
  await t.poll();
  assert.deepEqual(t.bodies, ['one', 'two']);
  appendFileSync(t.path('a.log'), ' and more\nthree\n');
  t.drop('b.log', 'other\n');
  await t.pass();
  await t.poll();
  assert.deepEqual(t.names(), ['a.log', 'b.log.COMPLETED']);
  assert.equal(t.said('File changed'), 1);
  assert.equal(t.context.counters.EventReadFail, 1);
  await t.wait(50_000);
  assert.deepEqual(t.bodies, ['one', 'two', 'other']);
  await t.wait(60_000);
  await t.pass();
  assert.deepEqual(t.bodies, ['one', 'two', 'other', ' and more', 'three']);
  assert.deepEqual(t.names(), ['a.log.COMPLETED', 'b.log.COMPLETED']);
  assert.equal(t.said('File changed'), 1);
});

spools('a file that grows while it is read does not end within a line', async (t) => {
  const before = `${'x'.repeat(999)}\n`.repeat(600);
  t.drop('a.log', `${before}one\ntwo`);
  t.context.beforePut = () => {
    t.context.beforePut = undefined;
    appendFileSync(t.path('a.log'), ' more');
  };
  await t.start();
  await t.pass();
  assert.deepEqual(t.bodies.slice(600), ['one']);
  assert.equal(t.context.counters.EventReadFail, 1);
  await t.wait(1_000);
  await t.wait(60_000);
  assert.deepEqual(t.bodies.slice(600), ['one', 'two more']);
});

spools('a file that grew while nothing ran is read on, once', async (t) => {
  t.drop('a.log', 'one\n');
  await t.start();
  await t.poll();
  t.context.commit();
  await t.crash();
  appendFileSync(t.path('a.log'), 'two\n');
  await t.start();
  await t.pass();
  assert.deepEqual(t.bodies, ['one', 'two']);
  assert.deepEqual(t.names(), ['a.log.COMPLETED']);
});

spools('an empty file that is filled later is read as another one', async (t) => {
  t.drop('a.log', '');
  await t.start();
  await t.poll();
  writeFileSync(t.path('a.log'), 'one\n');
  await t.pass();
  assert.equal(t.context.counters.EventReadFail, 1);
  await t.wait(1_000);
  await t.wait(60_000);
  await t.pass();
  assert.deepEqual(t.bodies, ['', 'one']);
  await t.stop();
  assert.equal(t.streamCount, 0);
});

spools('a file whose final name exists stays, and is renamed when that is free', async (t) => {
  t.drop('a.log', 'one\n');
  t.drop('a.log.COMPLETED', 'before');
  t.drop('b.log', 'two\n');
  await t.start();
  await t.pass();
  for (let minute = 0; minute < 3; minute++) await t.wait(61_000);
  assert.deepEqual(t.names(), ['a.log', 'a.log.COMPLETED', 'b.log.COMPLETED']);
  assert.equal(readFileSync(t.path('a.log.COMPLETED'), 'utf8'), 'before');
  assert.equal(t.said('File is delivered, but what it is to be renamed to exists'), 1);
  assert.equal(t.context.counters.EventReadFail, 1);
  rmSync(t.path('a.log.COMPLETED'));
  await t.wait(61_000);
  await t.poll();
  assert.deepEqual(t.names(), ['a.log.COMPLETED', 'b.log.COMPLETED']);
  assert.deepEqual([...t.bodies].sort(), ['one', 'two']);
});

spools('a process that dies between two names leaves nothing to be done twice', async (t) => {
  t.drop('a.log', 'one\n');
  await t.start();
  await t.poll();
  t.context.commit();
  await t.crash();
  linkSync(t.path('a.log'), t.path('a.log.COMPLETED'));
  await t.start();
  await t.pass();
  assert.deepEqual(t.names(), ['a.log.COMPLETED']);
  assert.deepEqual(t.bodies, ['one']);
});

spools('bytes that are no character: the file is set aside, others go on', async (t) => {
  const bad = Buffer.concat([Buffer.from('ok\nbad '), Buffer.from([0xff]), Buffer.from('\nend\n')]);
  t.drop('a.log', bad);
  await t.age('a.log', 10);
  t.drop('b.log', 'two\n');
  await t.start();
  await t.pass();
  await t.wait(600_000);
  assert.deepEqual(t.bodies, ['ok', 'two']);
  assert.deepEqual(t.names(), ['a.log', 'b.log.COMPLETED']);
  assert.equal(t.said('File has bytes that are no character'), 1);
  assert.equal(t.context.counters.EventReadFail, 1);
  await t.stop();
  await t.start();
  await t.pass();
  assert.deepEqual(t.bodies, ['ok', 'two']);
  assert.equal(t.said('File has bytes that are no character'), 2, 'once more in a new process');
  t.drop('a.log', 'ok\nbad ?\nend\n');
  await t.pass();
  assert.deepEqual(t.bodies, ['ok', 'two', 'bad ?', 'end']);
  assert.deepEqual(t.names(), ['a.log.COMPLETED', 'b.log.COMPLETED']);
});

for (const [policy, body] of [
  ['replace', 'bad \ufffd'],
  ['IGNORE', 'bad '],
] as const) {
  spools(
    `bytes that are no character: ${policy}`,
    async (t) => {
      t.drop('a.log', Buffer.concat([Buffer.from('bad '), Buffer.from([0xff, 10])]));
      await t.start();
      await t.pass();
      assert.deepEqual(t.bodies, [body]);
      assert.deepEqual(t.names(), ['a.log.COMPLETED']);
    },
    { decodeErrorPolicy: policy },
  );
}

spools(
  'other charsets become UTF-8, and offsets stay those of the file',
  async (t) => {
    t.drop('a.log', Buffer.from('caf\u00e9\nna\u00efve\n', 'latin1'));
    await t.start();
    await t.poll();
    assert.deepEqual(t.bodies, ['café', 'naïve']);
    t.context.commit(({ body }) => body === 'café');
    await t.crash();
    await t.start();
    await t.pass();
    assert.deepEqual(t.bodies, ['café', 'naïve']);
    assert.deepEqual(t.names(), ['a.log.COMPLETED']);
  },
  { inputCharset: 'ISO-8859-1' },
);

spools('a name that is not UTF-8 is said once', async (t) => {
  const path = Buffer.concat([Buffer.from(t.path('a')), Buffer.from([0xff])]);
  writeFileSync(path, 'one\n');
  await t.start();
  await t.pass();
  await t.pass();
  assert.equal(t.said('File has a name that is not UTF-8'), 1);
});

spools('a file that vanishes half read is said, and forgotten after a day', async (t) => {
  t.drop('a.log', 'one\ntwo\n');
  await t.start();
  await t.poll();
  t.context.commit(({ body }) => body === 'one');
  await t.crash();
  rmSync(t.path('a.log'));
  await t.start();
  await t.poll();
  assert.equal(t.said('File is gone, and not all of it was read.'), 1);
  assert.equal(t.context.counters.EventReadFail, 1);
  assert.equal(t.streamCount, 1);
  await t.wait(25 * 3_600_000);
  assert.equal(t.streamCount, 0);
  assert.equal(t.said('File is gone'), 1);
});

spools('a file that was replaced is delivered, and the new one as well', async (t) => {
  t.drop('a.log', 'one\n');
  await t.start();
  await t.poll();
  t.drop('a.log', 'new\n');
  await t.pass();
  await t.pass();
  assert.deepEqual(t.bodies, ['one', 'new']);
  assert.deepEqual(t.names(), ['a.log.COMPLETED']);
  assert.equal(t.said('File was removed or replaced'), 1);
});

spools('a stream is forgotten only when the name is durable', async (t) => {
  let fails = true;
  t.context.disk = new Proxy(nodeDisk, {
    get(target, name: keyof typeof nodeDisk) {
      if (name === 'syncDirectory' && fails) return () => Promise.reject(new Error('EIO'));
      return target[name].bind(target);
    },
  });
  t.drop('a.log', 'one\n');
  await t.start();
  await t.poll();
  t.context.commit();
  await assert.rejects(t.poll(), /EIO/);
  assert.equal(t.streamCount, 1);
  fails = false;
  await t.poll();
  assert.equal(t.streamCount, 0);
  assert.deepEqual(t.names(), ['a.log.COMPLETED']);
});

spools('where files can have no second name they are renamed all the same', async (t) => {
  t.context.disk = new Proxy(nodeDisk, {
    get(target, name: keyof typeof nodeDisk) {
      const refuses = () => Promise.reject(Object.assign(new Error('no'), { code: 'EPERM' }));
      return name === 'link' ? refuses : target[name].bind(target);
    },
  });
  t.drop('a.log', 'one\n');
  t.drop('b.log', 'two\n');
  t.drop('b.log.COMPLETED', 'before');
  await t.start();
  await t.pass();
  assert.deepEqual(t.names(), ['a.log.COMPLETED', 'b.log', 'b.log.COMPLETED']);
});

spools('what ended an event before ends one again, whatever the limits are by now', async (t) => {
  t.properties = { 'deserializer.maxLineLength': '4' };
  t.drop('a.log', 'abcdefghij\nrest');
  await t.start();
  await t.poll();
  assert.deepEqual(t.bodies, ['abcd', 'efgh', 'ij', 'rest']);
  t.context.commit(({ body }) => body === 'efgh' || body === 'rest');
  await t.crash();
  appendFileSync(t.path('a.log'), ' and more\n');
  t.properties = {};
  await t.start();
  await t.pass();
  assert.deepEqual(t.bodies, ['efgh', 'rest', 'abcd', 'ij', ' and more']);
  assert.deepEqual(t.names(), ['a.log.COMPLETED']);
});
