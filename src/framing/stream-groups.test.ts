import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { ManualClock } from '../testing/manual-clock.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import type { MultiLineRules } from './multi-line.ts';
import { StreamGroups } from './stream-groups.ts';
import { StreamLines } from './stream-lines.ts';

const rules = (changes: Partial<MultiLineRules> = {}): MultiLineRules => {
  const limits = { timeoutMs: 1_000, maxLines: 100, maxBytes: 1_000 };
  return { kind: 'start', pattern: '^#', ...limits, ...changes };
};

/** A peer: bytes go in, events come out; of those that go on, a `+` at the end says so. */
class Peer {
  readonly events: string[] = [];
  readonly clock = new ManualClock();
  readonly #lines: StreamLines;
  readonly #groups: StreamGroups;

  constructor(changes: Partial<MultiLineRules> = {}, maxLineBytes = 1_000) {
    this.#groups = new StreamGroups(rules(changes), this.clock, (run) => {
      for (let row = 0; row < run.count; row++) {
        const body = run.bytes.toString('utf8', run.starts[row], run.ends[row]);
        this.events.push(run.cut[row] ? `${body}+` : body);
      }
    });
    this.#lines = new StreamLines(maxLineBytes, (run) => this.#groups.push(run));
  }

  push(text: string): void {
    this.#lines.push(Buffer.from(text));
  }

  end(): readonly string[] {
    this.#lines.end();
    this.#groups.end();
    return this.events;
  }
}

function join(chunks: readonly string[], changes?: Partial<MultiLineRules>, maxLineBytes?: number) {
  const peer = new Peer(changes, maxLineBytes);
  for (const chunk of chunks) peer.push(chunk);
  return peer.end();
}

for (const [title, text, changes, events, maxLineBytes] of [
  ['first lines', 'x\n#1\n a\n b\n#2\n#3\n c', {}, ['x', '#1\n a\n b', '#2', '#3\n c'], 100],
  ['lines that go on', '1\n a\n2\n', { kind: 'continue', pattern: '^ ' }, ['1\n a', '2'], 100],
  ['last lines', 'a\nb;\nc;\nd\n', { kind: 'end', pattern: ';$' }, ['a\nb;', 'c;', 'd'], 100],
  ['too many lines', '#1\n a\n b\n c\n#2\n', { maxLines: 2 }, ['#1\n a+', ' b\n c', '#2'], 100],
  ['too many bytes', '#1\n abc\n d\n', { maxBytes: 7 }, ['#1\n abc+', ' d'], 100],
  ['long lines', '#1\n#23456789\n a\n', {}, ['#1', '#23456789\n a'], 3],
  [
    'long last lines',
    'ab\n;3456789\nc\n',
    { kind: 'end', pattern: '^;' },
    ['ab\n;3456789', 'c'],
    3,
  ],
  ['empty lines', '\n#1\n\n\n#2\n', {}, ['', '#1\n\n', '#2'], 100],
] as const) {
  test(`${title}: wherever the stream is split`, () => {
    assert.deepEqual(join([text], changes, maxLineBytes), events);
    for (let at = 1; at < text.length; at++) {
      const chunks = [text.slice(0, at), text.slice(at)];
      assert.deepEqual(join(chunks, changes, maxLineBytes), events, `${at}`);
    }
    assert.deepEqual(join([...text], changes, maxLineBytes), events);
  });
}

test('an event that may go on is given after the time-out, which new lines put off', async () => {
  const peer = new Peer();
  peer.push('#1\n');
  await peer.clock.advance(900);
  peer.push(' a\n');
  await peer.clock.advance(900);
  assert.deepEqual(peer.events, []);
  await peer.clock.advance(100);
  assert.deepEqual(peer.events, ['#1\n a']);
  peer.push(' b\n#2\n');
  assert.deepEqual(peer.events, ['#1\n a', ' b']);
  await peer.clock.advance(1_000);
  assert.deepEqual(peer.events, ['#1\n a', ' b', '#2']);
  assert.equal(peer.clock.sleeperCount, 0);
});

test('after the end nothing waits', async () => {
  const peer = new Peer();
  peer.push('#1\n');
  peer.end();
  assert.deepEqual(peer.events, ['#1']);
  await peer.clock.settle();
  assert.equal(peer.clock.sleeperCount, 0);
});

test('lines that do not lie one after the other are joined by one newline', () => {
  const events: string[] = [];
  const groups = new StreamGroups(rules(), new ManualClock(), (run) => {
    for (let row = 0; row < run.count; row++) {
      events.push(run.bytes.toString('utf8', run.starts[row], run.ends[row]));
    }
  });
  const bytes = Buffer.from('#0\n#1\r\n a\r b\n#2\n');
  const starts = Uint32Array.of(0, 3, 7, 10, 13);
  const ends = Uint32Array.of(2, 5, 9, 12, 15);
  groups.push({ bytes, count: 5, starts, ends, cut: new Uint8Array(5) });
  groups.end();
  assert.deepEqual(events, ['#0', '#1\n a\n b', '#2']);
});

test('any stream gives the same events, however it is split', (context) => {
  const seed = seedFromEnvironment();
  context.diagnostic(`MILLRACE_SEED=${seed}`);
  const random = new Prng(seed);
  for (let round = 0; round < 300; round++) {
    const kind = random.pick(['start', 'continue', 'end'] as const);
    const pattern = { start: '^#', continue: '^ ', end: ';$' }[kind];
    const limits = { maxLines: 1 + random.integer(5), maxBytes: 5 + random.integer(20) };
    const changes = { kind, pattern, ...limits };
    const maxLineBytes = 2 + random.integer(10);
    const pieces = Array.from({ length: random.integer(60) }, () => {
      return random.pick(['#', ' a', ';\n', '\n', 'x', '\n#', '\n ', 'yyyyyy']);
    });
    const text = pieces.join('');
    const whole = join([text], changes, maxLineBytes);
    const chunks: string[] = [];
    for (let at = 0; at < text.length; ) {
      const size = 1 + random.integer(20);
      chunks.push(text.slice(at, at + size));
      at += size;
    }
    assert.deepEqual(join(chunks, changes, maxLineBytes), whole, JSON.stringify(text));
  }
});
