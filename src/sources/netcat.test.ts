import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { ChannelFullError } from '../core/errors.ts';
import type { Source } from '../core/source.ts';
import { FakePeer, until } from '../net/fake-peer.ts';
import { configOf } from '../testing/config-of.ts';
import { FakeSourceContext } from '../testing/fake-source-context.ts';
import { type SourceInput, sourceContract } from '../testing/source-contract.ts';
import { netcatSource } from './netcat.ts';

type Properties = Readonly<Record<string, string>>;

const tooLong16 = 'FAILED: Event exceeds the maximum length (16 chars, including newline)\n';

function create(context: FakeSourceContext, properties: Properties = {}): Source {
  const all = { bind: '127.0.0.1', port: '0', ...properties };
  return netcatSource.create(configOf(netcatSource.fields, all), context);
}

/** A started source, and what it hands on. */
class Run {
  readonly context = new FakeSourceContext();
  readonly source: Source;
  readonly #peers: FakePeer[] = [];

  private constructor(properties: Properties) {
    this.source = create(this.context, properties);
  }

  static async start(t: TestContext, properties: Properties = {}): Promise<Run> {
    const run = new Run(properties);
    await run.source.start();
    t.after(async () => {
      for (const peer of run.#peers) peer.close();
      run.context.beforePut = undefined;
      await run.source.stop();
    });
    return run;
  }

  get port(): number {
    return portOf(this.context);
  }

  async connect(): Promise<FakePeer> {
    const peer = await FakePeer.connect(this.port);
    this.#peers.push(peer);
    return peer;
  }

  /** What a peer that sends this, and then nothing more, is answered. */
  async exchange(bytes: string | Buffer): Promise<string> {
    const peer = await this.connect();
    await peer.send(bytes);
    peer.finish();
    await peer.until(() => peer.ended !== undefined, 'the end');
    return peer.answers;
  }
}

function portOf({ log }: FakeSourceContext): number {
  const line = log.lines.findLast(({ sentence }) => sentence === 'Listening.');
  return Number(line?.fields['port']);
}

describe('the contract', () => {
  sourceContract('netcat', {
    rereads: false,
    skip: {
      'what a full channel refused is emitted again, in order': 'its sender is told: FAILED',
    },
    open: async (): Promise<SourceInput> => {
      let peer: FakePeer | undefined;
      let source: Source | undefined;
      let port = 0;
      return {
        create: (context) => {
          source = create(context as FakeSourceContext);
          const start = source.start.bind(source);
          source.start = async () => {
            await start();
            port = portOf(context as FakeSourceContext);
          };
          return source;
        },
        write: async (bytes) => {
          peer ??= await FakePeer.connect(port);
          await peer.send(bytes);
        },
        acknowledged: () => peer?.answers.split('\n').filter((line) => line === 'OK').length ?? 0,
        close: async () => peer?.close(),
      };
    },
  });
});

describe('netcat answers as Flume does', () => {
  test('OK to each line, a CR is kept', async (t) => {
    const run = await Run.start(t);
    assert.equal(await run.exchange('hello\r\nabc\n'), 'OK\nOK\n');
    assert.deepEqual(run.context.bodies, ['hello\r', 'abc']);
  });

  test('empty lines are events', async (t) => {
    const run = await Run.start(t);
    assert.equal(await run.exchange('\n\nx\n'), 'OK\nOK\nOK\n');
    assert.deepEqual(run.context.bodies, ['', '', 'x']);
  });

  test('a line that is too long ends the connection, after what came before it', async (t) => {
    const run = await Run.start(t, { 'max-line-length': '16' });
    const peer = await run.connect();
    await peer.send(`a\nb\n${'y'.repeat(19)}\nzz\n`);
    await peer.until(() => peer.ended !== undefined, 'the end');
    assert.equal(peer.answers, `OK\nOK\n${tooLong16}`);
    assert.equal(peer.ended, 'end');
    assert.deepEqual(run.context.bodies, ['a', 'b']);
    assert.equal(run.context.counters.EventReadFail, 1);
  });

  test('the limit counts the newline', async (t) => {
    const run = await Run.start(t, { 'max-line-length': '16' });
    assert.equal(await run.exchange(`${'p'.repeat(15)}\n`), 'OK\n');
    assert.equal(await run.exchange(`${'p'.repeat(16)}\n`), tooLong16);
  });

  test('a line without end is refused as soon as it is too long', async (t) => {
    const run = await Run.start(t, { 'max-line-length': '16' });
    const peer = await run.connect();
    for (let count = 0; count < 15; count++) await peer.send('p');
    assert.equal(peer.ended, undefined);
    await peer.send('p');
    await peer.answered(tooLong16);
  });

  test('characters are counted as Java counts them', async (t) => {
    const run = await Run.start(t, { 'max-line-length': '16' });
    const lines = ['é'.repeat(15), '\u{1f600}'.repeat(7), '€'.repeat(15)];
    assert.equal(await run.exchange(`${lines.join('\n')}\n`), 'OK\nOK\nOK\n');
    assert.equal(await run.exchange(`${'é'.repeat(16)}\n`), tooLong16);
    assert.equal(await run.exchange(`${'\u{1f600}'.repeat(8)}\n`), tooLong16);
    assert.equal(await run.exchange(`${'€'.repeat(16)}\n`), tooLong16);
    const peer = await run.connect();
    for (const byte of Buffer.from('€'.repeat(15))) await peer.send(Buffer.of(byte));
    assert.equal(peer.ended, undefined);
    await peer.send('\n');
    await peer.answered('OK\n');
    assert.deepEqual(run.context.bodies, [...lines, '€'.repeat(15)]);
  });

  test('without a newline at the end the rest is thrown away, and counted', async (t) => {
    const run = await Run.start(t);
    assert.equal(await run.exchange('whole\nno newline'), 'OK\n');
    assert.deepEqual(run.context.bodies, ['whole']);
    assert.equal(run.context.counters.EventReadFail, 1);
  });

  test('with ack-every-event off it says nothing but what failed', async (t) => {
    const run = await Run.start(t, { 'ack-every-event': 'false' });
    assert.equal(await run.exchange('a\nb\n'), '');
    run.context.beforePut = () => {
      throw new ChannelFullError('c1', 'for a test');
    };
    assert.equal(await run.exchange('c\n'), 'FAILED: channel c1 is full: for a test\n');
    assert.deepEqual(run.context.bodies, ['a', 'b']);
  });

  test('a refused line is answered with the reason, and the connection goes on', async (t) => {
    const run = await Run.start(t);
    let refuses = true;
    run.context.beforePut = () => {
      if (refuses) throw new ChannelFullError('c1', 'for\na test');
    };
    const peer = await run.connect();
    await peer.send('a\nb\n');
    await peer.until(() => peer.answers.endsWith('test\n'), 'the refusal');
    refuses = false;
    await peer.send('c\n');
    const failed = 'FAILED: channel c1 is full: for a test\n';
    await peer.answered(`${failed}${failed}OK\n`);
    assert.deepEqual(run.context.bodies, ['c']);
    assert.equal(run.context.counters.EventDropCount, 2);
  });

  test('ISO-8859-1 becomes UTF-8', async (t) => {
    const run = await Run.start(t, { encoding: 'iso-8859-1' });
    assert.equal(await run.exchange(Buffer.from('t\xe9 \x80\n', 'latin1')), 'OK\n');
    assert.deepEqual(run.context.bodies, ['té \x80']);
  });
});

test('answers come in the order of the lines, whichever batch is in first', async (t) => {
  const run = await Run.start(t);
  run.context.transactionCapacity = 10;
  const waiting: (() => void)[] = [];
  run.context.beforePut = () => new Promise((resolve) => waiting.push(resolve));
  const peer = await run.connect();
  await peer.send('line\n'.repeat(20));
  await until(() => waiting.length === 2, 'two batches');
  waiting[1]?.();
  await run.context.clock.settle();
  assert.equal(peer.answers, '');
  waiting[0]?.();
  await peer.answered('OK\n'.repeat(20));
});

test('bytes that are not UTF-8 are kept as they are', async (t) => {
  const run = await Run.start(t);
  const bodies: Buffer[] = [];
  run.context.beforePut = (batch) => {
    for (const { body } of batch) bodies.push(Buffer.from(body));
  };
  const line = Buffer.from([0x62, 0xff, 0xfe, 0x00, 0xed, 0xa0, 0x80, 0xe2, 0x82]);
  const answers = await run.exchange(Buffer.concat([line, Buffer.from('\nnext\n')]));
  assert.equal(answers, 'OK\nOK\n');
  assert.deepEqual(bodies, [line, Buffer.from('next')]);
});

test('a character that comes in two pieces is one', async (t) => {
  const run = await Run.start(t, { encoding: 'Shift_JIS' });
  const peer = await run.connect();
  for (const byte of [0x83, 0x65, 0x83, 0x58, 0x0a]) await peer.send(Buffer.of(byte));
  await peer.answered('OK\n');
  assert.deepEqual(run.context.bodies, ['テス']);
});

test('a stop answers what was read, and then ends the connections', async (t) => {
  const run = await Run.start(t);
  let release = () => {};
  const put = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isPutting = false;
  run.context.beforePut = () => {
    isPutting = true;
    return put;
  };
  const { port } = run;
  const idle = await run.connect();
  const peer = await run.connect();
  await peer.send('last\n');
  await until(() => isPutting, 'the put');
  const stopped = run.source.stop();
  await idle.until(() => idle.ended === 'end', 'the end of an idle one');
  assert.equal(peer.ended, undefined);
  release();
  await stopped;
  assert.equal(peer.answers, 'OK\n');
  assert.equal(run.context.counters.OpenConnectionCount, 0);
  await assert.rejects(FakePeer.connect(port), /ECONNREFUSED/);
});

test('an encoding that does not exist is an error in the configuration', () => {
  const config = configOf(netcatSource.fields, { bind: 'x', port: '1', encoding: 'utf-9' });
  assert.deepEqual(netcatSource.check?.(config), [
    { key: 'encoding', problem: 'utf-9 is no encoding that is known here' },
  ]);
});
