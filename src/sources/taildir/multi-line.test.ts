import { strict as assert } from 'node:assert';
import { appendFileSync } from 'node:fs';
import { test } from 'node:test';
import { Prng, seedFromEnvironment } from '../../testing/prng.ts';
import { FakeRunner } from './fake-runner.ts';

const start = { 'multiline.start': '^#', 'multiline.timeout': '1000', batchSize: '3' };

function joins(
  title: string,
  body: (tailing: FakeRunner) => Promise<void>,
  properties: Readonly<Record<string, string>> = start,
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

joins('lines up to the next first line are one event, the newlines between included', async (t) => {
  await t.append('app.log', '#1\n at a\r\n\n at b\r\n#2\n');
  await t.start();
  await t.poll();
  assert.deepEqual(t.bodies, ['#1\n at a\r\n\n at b']);
  await t.append('app.log', ' at c\n#3\n');
  await t.poll();
  assert.deepEqual(t.bodies.slice(1), ['#2\n at c']);
});

joins('an event that may go on is taken as it is after the time-out', async (t) => {
  await t.start();
  await t.append('app.log', '#1\n at a\npart');
  await t.wait(0);
  await t.wait(900);
  assert.deepEqual(t.bodies, []);
  await t.wait(100);
  assert.deepEqual(t.bodies, ['#1\n at a'], 'and not the line that is not ended');
  await t.append('app.log', ' of a line\n at c\n#2\n');
  await t.poll();
  assert.deepEqual(t.bodies.slice(1), ['part of a line\n at c']);
  await t.wait(1_000);
  assert.deepEqual(t.bodies.slice(2), ['#2']);
});

joins('new lines put the time-out off', async (t) => {
  await t.start();
  await t.append('app.log', '#1\n');
  await t.wait(0);
  for (let line = 0; line < 5; line++) {
    await t.append('app.log', ` at ${line}\n`);
    await t.wait(900);
  }
  assert.deepEqual(t.bodies, []);
  await t.wait(1_000);
  assert.deepEqual(t.bodies, ['#1\n at 0\n at 1\n at 2\n at 3\n at 4']);
});

joins('the runner is woken when an event is due', async (t) => {
  await t.start();
  await t.append('app.log', '#1\n');
  await t.poll();
  const before = t.context.wakeCount;
  await t.context.clock.advance(900);
  assert.equal(t.context.wakeCount, before);
  await t.context.clock.advance(200);
  assert(t.context.wakeCount > before);
});

joins(
  'a line without newline is an event with those before it once the file is idle',
  async (t) => {
    await t.start();
    await t.append('app.log', '#1\n at');
    await t.poll();
    await t.wait(1_000);
    assert.deepEqual(t.bodies, ['#1']);
    await t.wait(119_000);
    assert.deepEqual(t.bodies, ['#1', ' at']);
  },
);

joins('what a time-out cut is cut there again when it is read again', async (t) => {
  await t.start();
  await t.append('app.log', '#1\n at a\n');
  await t.poll();
  await t.wait(1_000);
  await t.append('app.log', ' at b\n#2\n#3\n');
  await t.poll();
  assert.deepEqual(t.bodies, ['#1\n at a', ' at b', '#2']);
  t.context.commit(({ body }) => body === ' at b');
  await t.crash();
  await t.start();
  await t.poll();
  assert.deepEqual(t.bodies, [' at b', '#1\n at a', '#2']);
});

joins(
  'limits cut an event, which is counted, marked, and the same when it is read again',
  async (t) => {
    await t.append('app.log', '#1\n a\n b\n c\n#2\n 23456789\n#3\n');
    await t.start();
    await t.poll();
    const cut = ['#1\n a', ' b\n c', '#2', ' 23456789'];
    assert.deepEqual(t.bodies, cut);
    assert.deepEqual(
      t.context.events.map(({ headers }) => headers['millrace.line']),
      ['cut', undefined, 'cut', undefined],
    );
    assert.equal(t.context.counters.LineTooLongCount, 2);
    assert.equal(t.said('An event is longer'), 1);
    t.context.commit(({ body }) => body === ' b\n c');
    await t.crash();
    await t.start();
    await t.poll();
    assert.deepEqual([...t.bodies].sort(), [...cut].sort());
  },
  { ...start, 'multiline.maxLines': '2', 'multiline.maxBytes': '10' },
);

joins('events longer than a read arrive whole', async (t) => {
  t.properties = { ...start, 'multiline.maxLines': '100000', 'multiline.maxBytes': '4000000' };
  const events = [1, 40_000, 3, 20_000, 9_000].map((lines, index) => {
    return `#${index}\n${' at some place in the code\n'.repeat(lines)}`;
  });
  await t.append('app.log', `${events.join('')}#end\n`);
  await t.start();
  await t.poll();
  assert.deepEqual(
    t.bodies.map((body) => body.length),
    events.map((event) => event.length - 1),
  );
});

joins(
  'where an event begins is where its first line does',
  async (t) => {
    await t.append('app.log', '#1\n a\n#2\n#3\n');
    await t.start();
    await t.poll();
    const offsets = t.context.events.map(({ headers }) => headers['byteoffset']);
    assert.deepEqual(offsets, ['0', '6']);
  },
  { ...start, byteOffsetHeader: 'true' },
);

joins('wherever a file is cut into writes, its events are the same', async (t) => {
  await t.start();
  for (let at = 0; at <= 35; at++) {
    // A file that repeats another one might be its copy, and is left alone for a while.
    const name = `#${at + 100}`;
    const text = `${name}\n at a\r\n\n#2\n#3\n at b\n at c\n#4\n`;
    const path = t.path(`app.log.${at}`);
    const before = t.bodies.length;
    appendFileSync(path, text.slice(0, at));
    await t.poll();
    await t.wait(900);
    appendFileSync(path, text.slice(at));
    await t.poll();
    await t.wait(1_000);
    const events = [`${name}\n at a\r\n`, '#2', '#3\n at b\n at c', '#4'];
    assert.deepEqual(t.bodies.slice(before), events, `${at} of ${text.length}`);
  }
});

/** Time-outs, limits and crashes at random: every byte is in one event, whatever is cut where. */
async function schedule(seed: number): Promise<void> {
  const random = new Prng(seed);
  const kind = random.pick(['start', 'continue', 'end']);
  const pattern = { start: '^#', continue: '^ ', end: ';$' }[kind] ?? '';
  const tailing = new FakeRunner({
    [`multiline.${kind}`]: pattern,
    'multiline.timeout': '1000',
    'multiline.maxLines': String(2 + random.integer(5)),
    'multiline.maxBytes': String(10 + random.integer(30)),
    maxLineBytes: String(6 + random.integer(20)),
    idleTimeout: '3000',
    batchSize: String(1 + random.integer(4)),
  });
  let text = '';
  try {
    await tailing.start();
    for (let step = 0; step < 60; step++) {
      const action = random.integer(8);
      if (action < 3) {
        const piece = Array.from({ length: random.integer(12) }, () => {
          return random.pick(['#', ' at', ';\n', '\n', 'x', '\n#', 'yyyyyyyyyyyy', '\n ']);
        }).join('');
        text += piece;
        appendFileSync(tailing.path('app.log'), piece);
      } else if (action < 5) await tailing.wait(random.pick([0, 500, 1_000, 3_000]));
      else if (action < 6) tailing.context.commit(() => random.chance(0.4));
      else if (action < 7) await tailing.poll();
      else {
        await tailing.crash();
        await tailing.start();
      }
    }
    await tailing.wait(3_000);
    await tailing.wait(3_000);
    const events = [...tailing.context.events].sort((a, b) => a.from - b.from);
    let end = 0;
    for (const { from, to, body } of events) {
      assert.equal(from, end, 'no byte is left out, and none is there twice');
      assert.equal(body, text.slice(from, to).replace(/\r?\n$/, ''));
      end = to;
    }
    assert.equal(end, text.length);
  } finally {
    await tailing.end();
  }
}

test('whatever is cut where, every byte is in one event', async (context) => {
  const seed = seedFromEnvironment();
  context.diagnostic(`MILLRACE_SEED=${seed}`);
  for (let run = 0; run < 15; run++) {
    await schedule(seed + run).catch((error) => {
      throw new Error(`MILLRACE_SEED=${seed + run}`, { cause: error });
    });
  }
});
