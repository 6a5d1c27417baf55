import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ChannelFullError } from '../core/errors.ts';
import { EventBatch } from '../core/event-batch.ts';
import { FakeSourceContext } from '../testing/fake-source-context.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { Intake, maxEmits, maxPendingBytes, type Sender } from './intake.ts';

const full = () => new ChannelFullError('c1', 'for a test');

/** Sends texts, and keeps what it is told, in order: `+2` two are delivered, `-1` one is lost. */
class FakeSender implements Sender {
  readonly headers: ReadonlyMap<string, string>;
  readonly told: string[] = [];
  bytes = 0;
  readonly #intake: Intake;

  constructor(intake: Intake, headers: Readonly<Record<string, string>> = {}) {
    this.#intake = intake;
    this.headers = new Map(Object.entries(headers));
  }

  send(text: string, note = 0): void {
    const bytes = Buffer.from(`<${text}>`);
    this.bytes += this.#intake.add(this, bytes, 1, bytes.length - 1, note);
  }

  /** Several at once. */
  sendRun(texts: readonly string[], notes?: Uint8Array): void {
    const bytes = Buffer.from(texts.join('\n'));
    const ends = Uint32Array.from(texts, (_, row) => {
      return Buffer.byteLength(texts.slice(0, row + 1).join('\n'));
    });
    const starts = Uint32Array.from(texts, (_, row) => (row === 0 ? 0 : Number(ends[row - 1]) + 1));
    const run = { bytes, count: texts.length, starts, ends };
    this.bytes += this.#intake.addRun(this, run, notes);
  }

  delivered(events: number, bytes: number): void {
    this.told.push(`+${events}`);
    this.bytes -= bytes;
  }

  refused(events: number, bytes: number): void {
    this.told.push(`-${events}`);
    this.bytes -= bytes;
  }
}

/** An intake, its channel, and the batches that were emitted. */
class Run {
  readonly context = new FakeSourceContext();
  readonly batches: EventBatch[] = [];
  readonly notes: number[] = [];
  readonly intake: Intake;

  constructor({ retries = false, transactionCapacity = 10 } = {}) {
    this.context.transactionCapacity = transactionCapacity;
    this.intake = new Intake(this.context, {
      retries,
      toBatch: ({ slab, starts, ends, headers, notes }) => {
        this.notes.push(...notes);
        const batch = new EventBatch(slab, starts, ends, headers);
        this.batches.push(batch);
        return batch;
      },
    });
  }

  turn(): Promise<void> {
    return this.context.clock.settle();
  }

  get sizes(): number[] {
    return this.batches.map(({ length }) => length);
  }
}

function range(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index));
}

describe('what comes in one turn', () => {
  test('is one batch, whoever sent it, with a column per header that differs', async () => {
    const run = new Run();
    const senders = range(3).map((host) => new FakeSender(run.intake, { host, kind: 'x' }));
    for (const sender of senders) sender.send('a');
    senders[0]?.sendRun(['b', 'c']);
    await run.turn();
    assert.deepEqual(run.sizes, [5]);
    assert.deepEqual(
      run.context.events.map(({ body, headers }) => `${body} ${headers['host']}`),
      ['a 0', 'a 1', 'a 2', 'b 0', 'c 0'],
    );
    assert.equal(run.batches[0]?.headers.get('kind'), 'x');
    assert.deepEqual(senders[0]?.told, ['+1', '+2']);
    assert.equal(senders[0]?.bytes, 0);
  });

  test('is as many batches as the channels need', async () => {
    const run = new Run();
    const sender = new FakeSender(run.intake);
    sender.send('first');
    sender.sendRun(range(24));
    await run.turn();
    assert.deepEqual(run.sizes, [10, 10, 5]);
    assert.deepEqual(run.context.bodies, ['first', ...range(24)]);
  });

  test('has the notes of the messages, 0 for those without', async () => {
    const run = new Run();
    const sender = new FakeSender(run.intake);
    sender.sendRun(['a', 'b']);
    sender.send('c', 7);
    sender.sendRun(['d', 'e'], Uint8Array.of(8, 9));
    sender.send('f');
    await run.turn();
    sender.sendRun(['g']);
    await run.turn();
    assert.deepEqual(run.notes, [0, 0, 7, 8, 9, 0, 0]);
  });
});

test('memory is used again, and a message too long for a piece of it gets its own', async () => {
  const run = new Run();
  const sender = new FakeSender(run.intake);
  for (let count = 0; count < 50; count++) {
    sender.send('x'.repeat(200_000));
    await run.turn();
  }
  const pieces = new Set(run.batches.map(({ slab }) => slab.buffer));
  assert(pieces.size < 5, `${pieces.size} pieces of memory`);
  sender.send('y'.repeat(1_000_000));
  sender.send('z');
  await run.turn();
  assert.equal(run.context.bodies.at(-2)?.length, 1_000_000);
  assert.equal(run.context.bodies.at(-1), 'z');
});

test('while channels are slow messages are gathered into whole batches', async () => {
  const run = new Run();
  const waiting: (() => void)[] = [];
  run.context.beforePut = () => new Promise((resolve) => waiting.push(resolve));
  const sender = new FakeSender(run.intake);
  for (let count = 0; count < maxEmits + 25; count++) {
    sender.send(String(count));
    await run.turn();
  }
  assert.equal(waiting.length, maxEmits);
  for (let emitted = 0; emitted < waiting.length; emitted++) {
    waiting[emitted]?.();
    await run.turn();
  }
  assert.deepEqual(run.context.bodies, range(maxEmits + 25));
  assert.deepEqual(run.sizes, [...Array(maxEmits).fill(1), 10, 10, 5]);
});

test('senders are told in the order of their events, whichever batch is in first', async () => {
  const run = new Run();
  const waiting: { pass: () => void; refuse: (error: Error) => void }[] = [];
  run.context.beforePut = () =>
    new Promise((pass, refuse) => waiting.push({ pass: () => pass(), refuse }));
  const sender = new FakeSender(run.intake);
  sender.sendRun(range(25));
  await run.turn();
  waiting[2]?.pass();
  waiting[1]?.refuse(full());
  await run.turn();
  assert.deepEqual(sender.told, []);
  waiting[0]?.pass();
  await run.turn();
  assert.deepEqual(sender.told, ['+10', '-10', '+5']);
});

describe('with retries', () => {
  test('nothing newer is emitted until what was refused is in', async () => {
    const run = new Run({ retries: true });
    const sender = new FakeSender(run.intake);
    const tried: string[] = [];
    let isFull = true;
    run.context.beforePut = (batch) => {
      tried.push(`${batch.body(0)}`);
      if (isFull) throw full();
    };
    sender.send('a');
    await run.turn();
    sender.send('b');
    await run.turn();
    await run.context.clock.advance(200);
    assert.deepEqual(new Set(tried), new Set(['a']));
    isFull = false;
    await run.context.clock.advance(64);
    await run.turn();
    assert.deepEqual(run.context.bodies, ['a', 'b']);
    assert.deepEqual(sender.told, ['+1', '+1']);
    const said = run.context.log.lines.filter(({ level }) => level === 'warn');
    assert.equal(said.length, 1, 'it is said once');
  });

  test('what was refused together follows in order, at once', async () => {
    const run = new Run({ retries: true });
    const sender = new FakeSender(run.intake);
    let refusals = 2;
    run.context.beforePut = () => {
      if (refusals-- > 0) throw full();
    };
    sender.sendRun(range(30));
    await run.turn();
    await run.context.clock.advance(1);
    assert.deepEqual(run.context.bodies, range(30));
    assert.deepEqual(sender.told, ['+10', '+10', '+10']);
  });

  test('a stop gives up, and tells whose events are lost', async () => {
    const run = new Run({ retries: true });
    const sender = new FakeSender(run.intake);
    run.context.beforePut = () => {
      throw full();
    };
    sender.sendRun(range(15));
    await run.turn();
    await run.intake.stop();
    assert.deepEqual(sender.told, ['-10', '-5']);
    run.context.beforePut = undefined;
    sender.send('again');
    await run.turn();
    assert.deepEqual(run.context.bodies, ['again'], 'it works after a stop');
  });
});

test('what can never be put is lost even with retries, and counted', async () => {
  const run = new Run({ retries: true });
  const sender = new FakeSender(run.intake);
  run.context.beforePut = (batch) => {
    if (`${batch.body(0)}`.startsWith('bad')) throw new Error('an interceptor failed');
  };
  for (const text of ['bad 1', 'bad 2', 'good']) {
    sender.send(text);
    await run.turn();
  }
  assert.deepEqual(sender.told, ['-1', '-1', '+1']);
  assert.equal(run.context.counters.GenericProcessingFail, 2);
  assert.equal(run.context.log.lines.length, 1);
});

test('a stop waits for what is under way', async () => {
  const run = new Run();
  const sender = new FakeSender(run.intake);
  let release = () => {};
  run.context.beforePut = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  sender.send('a');
  let isStopped = false;
  const stopped = run.intake.stop().then(() => {
    isStopped = true;
  });
  await run.turn();
  assert.equal(isStopped, false);
  release();
  await stopped;
  assert.deepEqual(sender.told, ['+1']);
});

describe('when it is full', () => {
  const filled = async () => {
    const run = new Run({ transactionCapacity: 1_000 });
    const waiting: (() => void)[] = [];
    run.context.beforePut = () => new Promise((resolve) => waiting.push(resolve));
    const sender = new FakeSender(run.intake);
    let count = 0;
    for (; !run.intake.isFull; count++) sender.send('x'.repeat(100_000));
    await run.turn();
    return { run, waiting, sender, count };
  };

  test('bytes count, and events without any', async () => {
    const { count } = await filled();
    assert(count * 100_000 <= maxPendingBytes + 200_000);
    const run = new Run();
    run.context.beforePut = () => new Promise(() => {});
    const sender = new FakeSender(run.intake);
    let events = 0;
    for (; !run.intake.isFull; events++) sender.send('');
    assert(events < maxPendingBytes / 32, `${events} empty events`);
    for (; !run.intake.isOverfull; events++) sender.send('');
    assert(events < maxPendingBytes / 16, `${events} empty events`);
  });

  test('those who wait are resumed when there is room, a few at a time, in order', async () => {
    const { run, waiting } = await filled();
    const resumed: number[] = [];
    for (let index = 0; index < 1_000; index++) {
      run.intake.whenRoom({ resume: () => resumed.push(index) });
    }
    await run.turn();
    assert.deepEqual(resumed, []);
    waiting[0]?.();
    await run.context.clock.settle();
    assert(resumed.length > 0 && resumed.length < 200, `${resumed.length} at once`);
    for (let turns = 0; turns < 1_000 && resumed.length < 1_000; turns++) await run.turn();
    assert.deepEqual(
      resumed,
      Array.from({ length: 1_000 }, (_, index) => index),
      'all, although those resumed send nothing',
    );
  });
});

const seed = seedFromEnvironment();
test(`whatever channels refuse, nothing is lost or doubled untold (seed ${seed})`, async () => {
  const random = new Prng(seed);
  for (const retries of [false, true]) {
    const run = new Run({ retries });
    run.context.beforePut = async () => {
      for (let turns = random.integer(4); turns > 0; turns--) await run.turn();
      if (random.integer(5) === 0) throw full();
    };
    const senders = range(5).map(() => new FakeSender(run.intake));
    const sent = new Map(senders.map((sender) => [sender, 0]));
    for (let step = 0; step < 300; step++) {
      const sender = random.pick(senders);
      const count = 1 + random.integer(30);
      const first = sent.get(sender) ?? 0;
      const name = senders.indexOf(sender);
      sender.sendRun(range(count).map((_, index) => `${name}:${first + index}`));
      sent.set(sender, first + count);
      if (random.integer(3) === 0) await run.context.clock.advance(10);
    }
    for (let turns = 0; turns < 20_000 && senders.some(({ bytes }) => bytes > 0); turns++) {
      await run.context.clock.advance(10);
    }
    for (const [name, sender] of senders.entries()) {
      const arrived = run.context.bodies.filter((body) => body.startsWith(`${name}:`));
      const delivered = outcomes(sender).filter((outcome) => outcome === '+').length;
      assert.equal(sender.bytes, 0);
      assert.equal(outcomes(sender).length, sent.get(sender));
      assert.equal(arrived.length, delivered);
      assert.equal(new Set(arrived).size, arrived.length);
      if (retries) assert.equal(arrived.length, sent.get(sender));
      else {
        const expected = range(sent.get(sender) ?? 0)
          .filter((_, index) => outcomes(sender)[index] === '+')
          .map((index) => `${name}:${index}`);
        assert.deepEqual([...arrived].sort(), expected.sort(), 'each is told of its own');
      }
    }
  }
});

/** Per event of a sender, in order, what became of it. */
function outcomes({ told }: FakeSender): string[] {
  return told.flatMap((each) => Array<string>(Number(each.slice(1))).fill(each[0] ?? ''));
}
