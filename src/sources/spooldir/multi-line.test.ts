import { strict as assert } from 'node:assert';
import { appendFileSync } from 'node:fs';
import { test } from 'node:test';
import { Prng, seedFromEnvironment } from '../../testing/prng.ts';
import { FakeSpool, spools } from './fake-spool.ts';

const start = { 'multiline.start': '^#' };

spools(
  'lines up to the next first line, or the end of the file, are one event',
  async (t) => {
    t.drop('a.log', '#1\n at a\r\n\n at b\r\n#2\n#3\n at c');
    await t.start();
    await t.pass();
    assert.deepEqual(t.bodies, ['#1\n at a\r\n\n at b\r', '#2', '#3\n at c']);
    assert.deepEqual(t.names(), ['a.log.COMPLETED']);
  },
  start,
);

spools(
  'a line that is longer than its limit is one line of its event all the same',
  async (t) => {
    t.drop('a.log', `#1\n ${'x'.repeat(30)}#\n#2\n`);
    await t.start();
    await t.poll();
    assert.deepEqual(t.bodies, [`#1\n ${'x'.repeat(30)}#`, '#2']);
  },
  { ...start, 'deserializer.maxLineLength': '10' },
);

spools(
  'limits cut an event, which is counted and said once',
  async (t) => {
    t.drop('a.log', '#1\n a\n b\n c\n#2\n d\n e\n');
    await t.start();
    await t.poll();
    assert.deepEqual(t.bodies, ['#1\n a', ' b\n c', '#2\n d', ' e']);
    assert.equal(t.context.counters.LineTooLongCount, 2);
    assert.equal(t.said('An event is longer'), 1);
  },
  { ...start, 'multiline.maxLines': '2' },
);

spools(
  'in another charset lines are joined as well',
  async (t) => {
    const text = '#é\n à\n#2\n ü';
    t.drop('a.log', Buffer.from(text, 'utf16le'));
    await t.start();
    await t.poll();
    assert.deepEqual(t.bodies, ['#é\n à', '#2\n ü']);
    t.context.commit(({ body }) => body === '#é\n à');
    await t.crash();
    await t.start();
    await t.pass();
    assert.deepEqual(t.bodies, ['#é\n à', '#2\n ü']);
  },
  { ...start, inputCharset: 'UTF-16LE' },
);

spools(
  'of a file that grows the last event waits for the rest',
  async (t) => {
    const before = `${'#'.repeat(999)}\n`.repeat(600);
    t.drop('a.log', `${before}#1\n a\n`);
    t.context.beforePut = () => {
      t.context.beforePut = undefined;
      appendFileSync(t.path('a.log'), ' b\n#2\n');
    };
    await t.start();
    await t.pass();
    assert.deepEqual(t.bodies.slice(600), []);
    await t.wait(1_000);
    await t.wait(60_000);
    assert.deepEqual(t.bodies.slice(600), ['#1\n a\n b', '#2']);
  },
  start,
);

/** Crashes and islands at random: every byte of every file is in one event. */
async function schedule(seed: number): Promise<void> {
  const random = new Prng(seed);
  const kind = random.pick(['start', 'continue', 'end']);
  const spool = new FakeSpool({
    [`multiline.${kind}`]: { start: '^#', continue: '^ ', end: ';$' }[kind] ?? '',
    'multiline.maxLines': String(2 + random.integer(5)),
    'multiline.maxBytes': String(10 + random.integer(30)),
    'deserializer.maxLineLength': String(4 + random.integer(20)),
    basenameHeader: 'true',
    batchSize: String(1 + random.integer(4)),
  });
  const contents = new Map<string, string>();
  try {
    await spool.start();
    for (let step = 0; step < 40; step++) {
      const action = random.integer(8);
      if (action < 3) {
        const pieces = Array.from({ length: 1 + random.integer(40) }, () => {
          return random.pick(['#', ' at', ';\n', '\n', 'x', '\n#', 'yyyyyyyyyyyy', '\n ']);
        });
        const name = `f${contents.size}`;
        contents.set(name, pieces.join(''));
        spool.drop(name, pieces.join(''));
      } else if (action < 5) await spool.poll();
      else if (action < 7) spool.context.commit(() => random.chance(0.4));
      else {
        await spool.crash();
        await spool.start();
      }
    }
    for (let round = 0; round < 3; round++) await spool.pass();
    const ends = new Map<string, number>();
    for (const { from, to, body, headers } of [...spool.context.events].sort(
      (a, b) => a.from - b.from,
    )) {
      const name = headers['basename'] ?? '';
      assert.equal(from, ends.get(name) ?? 0, 'no byte is left out, and none is there twice');
      assert.equal(body, contents.get(name)?.slice(from, to).replace(/\n$/, ''));
      ends.set(name, to);
    }
    const lengths = [...contents].map(([name, content]) => [name, content.length]);
    assert.deepEqual([...ends].sort(), lengths.sort());
  } finally {
    await spool.end();
  }
}

test('whatever is cut where, every byte is in one event', async (context) => {
  const seed = seedFromEnvironment();
  context.diagnostic(`MILLRACE_SEED=${seed}`);
  for (let run = 0; run < 25; run++) {
    await schedule(seed + run).catch((error) => {
      throw new Error(`MILLRACE_SEED=${seed + run}`, { cause: error });
    });
  }
});
