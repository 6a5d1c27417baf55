import { strict as assert } from 'node:assert';
import { type TestContext, test } from 'node:test';
import { ChannelFullError } from '../core/errors.ts';
import type { LogFields } from '../core/log.ts';
import type { Source } from '../core/source.ts';
import { configOf } from '../testing/config-of.ts';
import { FakeSourceContext } from '../testing/fake-source-context.ts';
import { sourceContract } from '../testing/source-contract.ts';
import { FakeJournal } from './journal/fake-journal.ts';
import { journalSource } from './journal.ts';

sourceContract('journal', {
  rereads: true,
  skip: {
    'nothing is acknowledged before emit has resolved': 'a journal is told nothing',
  },
  open: async () => {
    const journal = new FakeJournal();
    let rest = '';
    return {
      create: (context) => {
        const { folder, journalctl } = journal;
        const properties = { directory: folder, journalctl, batchSize: '10' };
        return journalSource.create(configOf(journalSource.fields, properties), context);
      },
      write: async (bytes) => {
        const lines = (rest + bytes).split('\n');
        rest = lines.pop() ?? '';
        journal.write(...lines);
      },
      close: async () => journal.remove(),
    };
  },
});

const patienceMs = 10_000;

/** Waits for the world outside. */
async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    assert(performance.now() < deadline, `waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A journal, and a source that reads it as an agent has it do. */
class Reading {
  readonly journal = new FakeJournal();
  readonly context = new FakeSourceContext();
  readonly #properties: Readonly<Record<string, string>>;
  #source: Source | undefined;

  constructor(t: TestContext, properties: Readonly<Record<string, string>> = {}) {
    this.#properties = properties;
    this.context.transactionCapacity = 1_000;
    t.after(async () => {
      this.context.beforePut = undefined;
      await this.#source?.stop();
      this.journal.remove();
    });
  }

  async start(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const { folder, journalctl } = this.journal;
    const properties = { directory: folder, journalctl, ...this.#properties, ...more };
    const config = configOf(journalSource.fields, properties);
    this.#source = journalSource.create(config, this.context);
    await this.#source.start();
  }

  async stop(): Promise<void> {
    await this.#source?.stop();
  }

  async restart(more: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.stop();
    await this.start(more);
  }

  poll(): Promise<unknown> | undefined {
    return this.#source?.poll?.(new AbortController().signal).catch(() => {});
  }

  /** Polls until there are so many events, which are these. */
  async arrive(...bodies: readonly string[]): Promise<void> {
    await until(async () => {
      await this.poll();
      return this.context.bodies.length >= bodies.length;
    }, bodies.join());
    assert.deepEqual(this.context.bodies, bodies);
  }

  /** Everything is settled, up to this entry, and the source has noticed. */
  async settle(cursor: string | undefined): Promise<void> {
    await until(async () => {
      this.context.commit();
      await this.context.clock.advance(1_000);
      await this.poll();
      const identity = this.context.streams.get('r1/position')?.identity;
      return JSON.stringify(identity).includes(`"cursor":"${cursor}"`);
    }, 'the position');
  }

  said(sentence: string): LogFields[] {
    const lines = this.context.log.lines.filter((line) => line.sentence.includes(sentence));
    return lines.map(({ fields }) => fields);
  }

  /** By which option, if any, journalctl is told where to begin when the source starts again. */
  async restartsWith(): Promise<string | undefined> {
    const runs = () => this.journal.calls().filter((words) => !words.includes('--follow'));
    const before = runs().length;
    await this.restart();
    await until(() => runs().length > before, 'journalctl');
    return runs()[before]?.find((word) => /^--(cursor|since)=/.test(word));
  }
}

test('the message is the body; fields that are asked for, and the time, are headers', async (t) => {
  const reading = new Reading(t);
  const fields = { _HOSTNAME: 'web-1', PRIORITY: '3', SYSLOG_IDENTIFIER: 'sshd', _UID: '0' };
  reading.journal.write({ message: 'grüß', fields, at: 1_795_000_000_123 });
  reading.journal.write({ fields: { _HOSTNAME: 'web-1' }, at: 1_795_000_000_123 });
  await reading.start();
  await reading.arrive('grüß', '');
  const [first, second] = reading.context.events.map(({ headers }) => headers);
  const timestamp = '1795000000123';
  const others = { PRIORITY: '3', SYSLOG_IDENTIFIER: 'sshd' };
  assert.deepEqual(first, { timestamp, host: 'web-1', ...others });
  assert.deepEqual(second, { timestamp, host: 'web-1' });
});

test('other fields may be the body and the headers', async (t) => {
  const reading = new Reading(t, { body: 'CODE_FUNC', headers: 'MESSAGE:text _UID' });
  reading.journal.write({ message: 'm', fields: { CODE_FUNC: 'main', _UID: '7', _HOSTNAME: 'h' } });
  await reading.start();
  await reading.arrive('main');
  const { timestamp, ...headers } = reading.context.events[0]?.headers ?? {};
  assert.deepEqual(headers, { text: 'm', _UID: '7' });
});

test('journalctl gives what is there, then what comes, of what is asked for', async (t) => {
  const reading = new Reading(t, {
    units: 'a.service b.service',
    priority: 'warning',
    matches: '_UID=0 + _UID=1',
  });
  await reading.start();
  await until(() => reading.journal.calls().length === 2, 'both');
  const common = ['--output=export', '--no-pager', `--directory=${reading.journal.folder}`];
  const filter = [
    '--unit=a.service',
    '--unit=b.service',
    '--priority=warning',
    '_UID=0',
    '+',
    '_UID=1',
  ];
  assert.deepEqual(reading.journal.calls(), [
    [...common, ...filter],
    [...common, '--follow', '--no-tail', '--merge', ...filter],
  ]);
});

test('it begins with the oldest entry, or now, or at a time', async (t) => {
  const at = (text: string) => Date.parse(text);
  for (const [since, bodies] of [
    ['oldest', ['old', 'newer', 'late']],
    ['2026-11-20T00:00:00Z', ['newer', 'late']],
    ['now', ['late']],
  ] as const) {
    const reading = new Reading(t, { since });
    const now = at('2026-11-24T00:00:00Z');
    reading.context.clock.set(now);
    reading.journal.write({ message: 'old', at: at('2026-11-19T23:59:59.999Z') });
    reading.journal.write({ message: 'newer', at: at('2026-11-20T00:00:00Z') });
    await reading.start();
    await until(() => reading.journal.calls().length === 2, 'it to follow');
    reading.journal.write({ message: 'late', at: now });
    await reading.arrive(...bodies);
  }
});

test('a start after the first does not begin again, though nothing had come', async (t) => {
  const reading = new Reading(t, { since: 'now' });
  await reading.start();
  await reading.stop();
  await reading.context.clock.advance(60_000);
  reading.journal.write({ message: 'between', at: reading.context.clock.now() - 30_000 });
  await reading.start();
  await reading.arrive('between');
});

test('after a restart it asks for what follows the last settled entry', async (t) => {
  const reading = new Reading(t);
  const [, second] = reading.journal.write('a', 'b');
  await reading.start();
  await reading.arrive('a', 'b');
  await reading.settle(second);
  const [third] = reading.journal.write('c');
  await reading.arrive('a', 'b', 'c');
  assert.equal(await reading.restartsWith(), `--cursor=${second}`);
  await reading.arrive('a', 'b', 'c');
  await reading.settle(third);
  assert.equal(await reading.restartsWith(), `--cursor=${third}`);
  await reading.arrive('a', 'b', 'c');
  assert.deepEqual(reading.said('is gone'), []);
});

test('nothing is skipped that a crash took from the channels', async (t) => {
  const reading = new Reading(t);
  reading.journal.write('a', 'b', 'c', 'd');
  await reading.start();
  await reading.arrive('a', 'b', 'c', 'd');
  reading.context.commit(({ body }) => body === 'a' || body === 'c');
  await reading.context.clock.advance(1_000);
  reading.context.crash();
  await reading.restart();
  await reading.arrive('a', 'c', 'b', 'd');
});

test('entries that were vacuumed are said to be missing, and nothing is doubled', async (t) => {
  const reading = new Reading(t);
  const [, , third] = reading.journal.write('a', 'b', 'c');
  await reading.start();
  await reading.arrive('a', 'b', 'c');
  await reading.settle(third);
  await reading.stop();
  reading.journal.write('d', 'e');
  reading.journal.vacuum(4);
  await reading.start();
  await reading.arrive('a', 'b', 'c', 'e');
  assert.deepEqual(reading.said('is gone'), [{ cursor: third }]);
});

test('a journal that was cleared, or is another one, is read from its beginning', async (t) => {
  const reading = new Reading(t);
  const [, last] = reading.journal.write('a', 'b');
  await reading.start();
  await reading.arrive('a', 'b');
  await reading.settle(last);
  await reading.stop();
  reading.journal.vacuum(2);
  reading.journal.beginSeries('b');
  // Its clock was behind.
  reading.journal.write({ message: 'c', at: Date.UTC(2020, 0, 1) }, 'd');
  await reading.start();
  await reading.arrive('a', 'b', 'c', 'd');
});

test('entries that journald moved to another file are not doubled', async (t) => {
  const reading = new Reading(t);
  const [, last] = reading.journal.write('a', 'b');
  await reading.start();
  await reading.arrive('a', 'b');
  await reading.settle(last);
  await reading.stop();
  reading.journal.renumber('b');
  reading.journal.write('c');
  await reading.start();
  await reading.arrive('a', 'b', 'c');
  assert.deepEqual(reading.said('is gone'), []);
});

test('entries of several series keep their places', async (t) => {
  const reading = new Reading(t, { batchSize: '3' });
  const bodies: string[] = [];
  const numbers: Record<string, number> = { a: 0, b: 0 };
  for (let index = 0; index < 40; index++) {
    const letter = index % 7 < 3 ? 'a' : 'b';
    reading.journal.beginSeries(letter);
    reading.journal.number = numbers[letter] ?? 0;
    numbers[letter] = (numbers[letter] ?? 0) + 2;
    bodies.push(`${letter}${index}`);
    reading.journal.write(`${letter}${index}`);
  }
  await reading.start();
  await reading.arrive(...bodies);
  reading.context.commit(({ body }) => body.endsWith('3') || body === 'a0');
  reading.context.crash();
  await reading.restart();
  await until(async () => {
    await reading.poll();
    return reading.context.bodies.length >= bodies.length;
  }, 'all of them again');
  assert.deepEqual([...reading.context.bodies].sort(), bodies.sort());
});

test('with other matches it goes on where it was', async (t) => {
  const reading = new Reading(t);
  const [, last] = reading.journal.write('a', 'b');
  await reading.start();
  await reading.arrive('a', 'b');
  await reading.settle(last);
  await reading.stop();
  // What stands in for journalctl gives this as the entry that fits next.
  reading.journal.vacuum(2);
  reading.journal.write('c');
  await reading.start({ matches: '_UID=0' });
  await reading.arrive('a', 'b', 'c');
  assert.deepEqual(reading.said('is gone'), []);
});

test('a channel that lacks more than the others is served from the oldest entry', async (t) => {
  const reading = new Reading(t);
  const [, , last] = reading.journal.write('a', 'b', 'c');
  await reading.start();
  await reading.arrive('a', 'b', 'c');
  await reading.settle(last);
  const { streams } = reading.context;
  const stream = `r1/${'a'.repeat(32)}`;
  const behind = streams.get(stream);
  assert(behind);
  t.mock.method(streams, 'all', () => new Map([[stream, { ...behind, held: behind.held - 1 }]]));
  assert.equal(await reading.restartsWith(), undefined);
});

test('journalctl is run again when it ends, and gives each entry once', async (t) => {
  const reading = new Reading(t);
  reading.journal.write('a');
  await reading.start();
  await reading.arrive('a');
  const { clock } = reading.context;
  for (const body of ['b', 'c']) {
    await until(() => reading.journal.kill(), 'journalctl to follow');
    const runs = reading.journal.calls().length;
    await until(async () => {
      await clock.advance(3_000);
      return reading.journal.calls().length >= runs + 2;
    }, 'it to be run again');
    reading.journal.write(body);
    await reading.poll();
  }
  await reading.arrive('a', 'b', 'c');
});

test('what can not be understood is counted, said, and read again', async (t) => {
  const reading = new Reading(t);
  reading.journal.write('a');
  reading.journal.writeText(`${'x'.repeat(100)}\n\n`);
  await reading.start();
  await reading.arrive('a');
  const { counters } = reading.context;
  await until(() => counters.EventReadFail > 0, 'the failure');
  assert.equal(reading.said('not understood').length, 1);
});

test('entries that are numbered like others are handed on, and said', async (t) => {
  const reading = new Reading(t);
  reading.journal.write('a', 'b');
  reading.journal.number = 1;
  reading.journal.write('other b');
  reading.journal.writeText('__CURSOR=who knows\n__REALTIME_TIMESTAMP=1\nMESSAGE=c\n\n');
  reading.journal.write('d');
  await reading.start();
  await reading.arrive('a', 'b', 'other b', 'c', 'd');
  const streams = reading.context.events.map(({ stream }) => stream !== undefined);
  assert.deepEqual(streams, [true, true, false, false, true]);
  assert.equal(reading.said('numbers an entry').length, 1);
});

test('of a body that is too long the beginning arrives, and it is counted', async (t) => {
  const reading = new Reading(t, { maxBodyBytes: '10' });
  reading.journal.write('1234567890', '12345678901', 'short');
  await reading.start();
  await reading.arrive('1234567890', '1234567890', 'short');
  assert.equal(reading.context.counters.LineTooLongCount, 1);
  assert.deepEqual(reading.said('longer than maxBodyBytes'), [{ maxBodyBytes: 10, times: 1 }]);
});

test('large bodies and many entries arrive whole', async (t) => {
  const reading = new Reading(t);
  const bodies = Array.from({ length: 3_000 }, (_, index) => `${index} ${'x'.repeat(index % 500)}`);
  bodies.push('y'.repeat(1_000_000), 'z'.repeat(300_000), 'end');
  reading.journal.write(...bodies);
  await reading.start();
  await reading.arrive(...bodies);
});

test('while channels refuse, little is read, and nothing is lost', async (t) => {
  const reading = new Reading(t);
  const bodies = Array.from({ length: 60_000 }, (_, index) => `${index} ${'x'.repeat(500)}`);
  reading.journal.write(...bodies);
  let full = true;
  reading.context.beforePut = () => {
    if (full) throw new ChannelFullError('c1', 'for a test');
  };
  await reading.start();
  const before = process.memoryUsage().arrayBuffers;
  for (let round = 0; round < 20; round++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await reading.poll();
  }
  const grown = process.memoryUsage().arrayBuffers - before;
  assert(grown < 16_000_000, `${grown} bytes`);
  full = false;
  await reading.arrive(...bodies);
});

test('a machine without journalctl is told so at the start', async (t) => {
  const reading = new Reading(t);
  await assert.rejects(reading.start({ journalctl: 'no-journalctl' }), {
    message: 'no-journalctl: there is no such program',
  });
});

test('mistakes in the options are found before anything starts', () => {
  const problems = (properties: Readonly<Record<string, string>>) =>
    journalSource.check?.(configOf(journalSource.fields, properties))?.map(({ key }) => key);
  assert.deepEqual(problems({}), []);
  assert.deepEqual(problems({ priority: '3..warning', since: '2026-11-24 08:00' }), []);
  assert.deepEqual(problems({ priority: '8', since: 'yesterday' }), ['priority', 'since']);
  assert.deepEqual(problems({ matches: 'FIELD=x + nginx' }), ['matches']);
  assert.deepEqual(problems({ headers: 'message _PID: _UID _UID' }), [
    'headers',
    'headers',
    'headers',
  ]);
  assert.deepEqual(problems({ headers: 'MESSAGE __CURSOR' }), ['headers', 'headers']);
  assert.deepEqual(problems({ body: '__CURSOR' }), ['body']);
});
