import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { ChannelFullError } from '../core/errors.ts';
import { EventBatch } from '../core/event-batch.ts';
import { FakeSourceContext } from '../testing/fake-source-context.ts';
import { FakePeer, until } from './fake-peer.ts';
import { Intake, maxPendingBytes, type Sender } from './intake.ts';
import { type Connection, type HandlerOf, TcpServer, type TcpServerOptions } from './tcp-server.ts';

/** Every chunk is an event. It is answered, where that is asked for, and closes at `bye`. */
class Chunks implements Sender {
  readonly headers = new Map<string, string>();
  ends = 0;
  readonly connection: Connection;
  readonly #run: Run;

  constructor(connection: Connection, run: Run) {
    this.connection = connection;
    this.#run = run;
  }

  data(chunk: Buffer): void {
    this.#run.readBytes += chunk.length;
    if (`${chunk}` === 'bye') this.connection.close('good bye\n');
    else this.connection.hold(this.#run.intake.add(this, chunk, 0, chunk.length));
  }

  end(): void {
    this.ends++;
  }

  delivered(_events: number, bytes: number): void {
    this.connection.delivered(bytes);
    if (this.#run.answer) this.connection.answer(this.#run.answer);
  }

  refused(_events: number, bytes: number): void {
    this.connection.delivered(bytes);
    this.connection.answer('refused\n');
  }
}

class Run {
  readonly context = new FakeSourceContext();
  readonly intake: Intake;
  readonly server: TcpServer;
  readonly handlers: Chunks[] = [];
  readonly #peers: FakePeer[] = [];
  answer = '';
  /** Batches that a held channel was given. */
  puts = 0;
  /** That handlers were given. */
  readBytes = 0;

  constructor(options: Partial<TcpServerOptions> = {}, handlerOf?: (run: Run) => HandlerOf) {
    this.context.transactionCapacity = 1_000;
    this.intake = new Intake(this.context, {
      retries: false,
      toBatch: ({ slab, starts, ends, headers }) => new EventBatch(slab, starts, ends, headers),
    });
    const ours: HandlerOf = (connection) => {
      const handler = new Chunks(connection, this);
      this.handlers.push(handler);
      return handler;
    };
    const all = { host: '127.0.0.1', port: 0, ...options };
    this.server = new TcpServer(all, this.context, this.intake, handlerOf?.(this) ?? ours);
  }

  async start(t: TestContext): Promise<this> {
    await this.server.start();
    t.after(async () => {
      this.context.beforePut = undefined;
      for (const peer of this.#peers) peer.close();
      await this.server.stop();
    });
    return this;
  }

  async connect(): Promise<FakePeer> {
    const peer = await FakePeer.connect(this.server.port);
    this.#peers.push(peer);
    return peer;
  }

  /** A channel that takes nothing until the test says so. */
  hold(): () => void {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.context.beforePut = () => {
      this.puts++;
      return released;
    };
    return release;
  }

  get receivedBytes(): number {
    return this.context.bodies.reduce((sum, body) => sum + body.length, 0);
  }
}

describe('a connection', () => {
  test('knows its peer, and an IPv4 peer by its IPv4 address on all interfaces', async (t) => {
    const run = await new Run({ host: '0.0.0.0' }).start(t);
    const peer = await run.connect();
    await until(() => run.handlers.length === 1, 'the connection');
    const [handler] = run.handlers;
    assert.equal(handler?.connection.remoteAddress, '127.0.0.1');
    assert.equal(handler?.connection.remotePort, peer.socket.localPort);
    assert.equal(handler?.connection.localPort, run.server.port);
  });

  test('that its peer ends is answered to the last, and ended once', async (t) => {
    const run = await new Run().start(t);
    run.answer = 'thanks\n';
    const release = run.hold();
    const peer = await run.connect();
    await peer.send('hello');
    peer.finish();
    await until(() => run.handlers[0]?.ends === 1, 'the end of the input');
    assert.equal(peer.ended, undefined);
    release();
    await peer.until(() => peer.ended === 'end', 'the end');
    assert.equal(peer.answers, 'thanks\n');
    await until(() => run.context.counters.OpenConnectionCount === 0, 'the close');
    assert.equal(run.handlers[0]?.ends, 1);
  });

  test('that closes answers what came before, says why, and takes nothing more', async (t) => {
    const run = await new Run().start(t);
    run.answer = 'thanks\n';
    const release = run.hold();
    const peer = await run.connect();
    await peer.send('hello');
    await until(() => run.puts === 1, 'the first event');
    await peer.send('bye');
    await until(() => run.handlers[0]?.ends === 1, 'the end of the input');
    await peer.send('more');
    release();
    await peer.until(() => peer.ended !== undefined, 'the end');
    assert.equal(peer.answers, 'thanks\ngood bye\n');
    assert.deepEqual(run.context.bodies, ['hello']);
  });

  test('that was ended here and that its peer keeps open is cut after a while', async (t) => {
    const run = await new Run().start(t);
    const socket = connect({ host: '127.0.0.1', port: run.server.port, allowHalfOpen: true });
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    socket.resume();
    socket.write('bye');
    await until(() => run.handlers[0]?.ends === 1, 'the end of the input');
    await until(() => run.context.clock.sleeperCount > 0, 'the wait');
    assert.equal(run.context.counters.OpenConnectionCount, 1);
    await run.context.clock.advance(2_000);
    await until(() => run.context.counters.OpenConnectionCount === 0, 'the close');
  });

  test('that is reset ends like any other', async (t) => {
    const run = await new Run().start(t);
    const peer = await run.connect();
    await peer.send('half');
    await until(() => run.context.bodies.length === 1, 'the event');
    peer.socket.resetAndDestroy();
    await until(() => run.handlers[0]?.ends === 1, 'the end');
    assert.equal(run.context.counters.OpenConnectionCount, 0);
  });
});

describe('a peer', () => {
  test('is not read while much of it is not delivered, and then goes on', async (t) => {
    const run = await new Run().start(t);
    const release = run.hold();
    const peer = await run.connect();
    const bytes = 32 << 20;
    const sent = peer.send(Buffer.alloc(bytes, 'x'));
    await until(() => run.puts > 0, 'the first events');
    let before = -1;
    while (before !== peer.socket.bytesWritten - peer.socket.writableLength) {
      before = peer.socket.bytesWritten - peer.socket.writableLength;
      for (let turns = 0; turns < 50; turns++) await run.context.clock.settle();
    }
    assert(peer.socket.writableLength > 0, 'the peer waits');
    release();
    await sent;
    await until(() => run.receivedBytes === bytes, 'all of it');
  });

  test('that does not read its answers is read no more until it does', async (t) => {
    const run = await new Run().start(t);
    run.answer = 'a'.repeat(1 << 20);
    const peer = await run.connect();
    peer.socket.pause();
    let sent = 0;
    const idle = async () => {
      for (let turns = 0; turns < 100; turns++) await run.context.clock.settle();
    };
    // Kernels keep some megabytes of answers.
    for (; sent < 60; sent++) {
      void peer.send(`${sent}`);
      await idle();
      if (run.context.bodies.length < sent) break;
    }
    assert(sent < 60, 'it is stopped');
    const taken = run.context.bodies.length;
    await idle();
    assert.equal(run.context.bodies.length, taken);
    peer.socket.resume();
    await until(() => run.context.bodies.join('').endsWith(`${sent}`), 'the last one');
  });
});

test('while very much is under way nobody is read, and then all are', async (t) => {
  const run = await new Run().start(t);
  const release = run.hold();
  const peers = await Promise.all(Array.from({ length: 150 }, () => run.connect()));
  await until(() => run.handlers.length === 150, 'the connections');
  const chunk = Buffer.alloc(1_000_000, 'x');
  const sent = peers.map((peer) => peer.send(chunk));
  await until(() => run.intake.isFull, 'a full intake');
  for (let turns = 0; turns < 200; turns++) await run.context.clock.settle();
  const most = maxPendingBytes * 2 + (1 << 20);
  assert(run.readBytes < most, `${run.readBytes} bytes were read`);
  const late = await run.connect();
  const lateSent = late.send('late');
  release();
  await Promise.all([...sent, lateSent]);
  await until(() => run.receivedBytes === 150 * chunk.length + 4, 'everything');
});

test('connections beyond the limit are closed, counted, and said once', async (t) => {
  const run = await new Run({ maxConnections: 3 }).start(t);
  const peers = [await run.connect(), await run.connect(), await run.connect()];
  await until(() => run.context.counters.OpenConnectionCount === 3, 'the connections');
  for (let count = 0; count < 5; count++) {
    const extra = await run.connect();
    await extra.until(() => extra.ended !== undefined, 'the end');
  }
  await until(() => run.context.counters.ConnectionDropCount === 5, 'the count');
  assert.equal(run.context.log.lines.filter(({ level }) => level === 'warn').length, 1);
  await peers[0]?.send('still there');
  await until(() => run.context.bodies.length === 1, 'the event');
});

test('a handler that is made later is given everything', async (t) => {
  let make = () => {};
  const made = new Promise<void>((resolve) => {
    make = resolve;
  });
  const run = new Run({}, (own) => async (connection) => {
    await made;
    return new Chunks(connection, own);
  });
  await run.start(t);
  const peer = await run.connect();
  await peer.send('early');
  peer.finish();
  for (let turns = 0; turns < 50; turns++) await run.context.clock.settle();
  assert.deepEqual(run.context.bodies, []);
  make();
  await until(() => run.context.bodies.length === 1, 'the event');
  assert.deepEqual(run.context.bodies, ['early']);
});

test('a handler that cannot be made costs its connection only', async (t) => {
  let fails = true;
  const run = new Run({}, (own) => async (connection) => {
    if (fails) throw new Error('no');
    return new Chunks(connection, own);
  });
  await run.start(t);
  const peer = await run.connect();
  await peer.until(() => peer.ended !== undefined, 'the end');
  fails = false;
  const next = await run.connect();
  await next.send('x');
  await until(() => run.context.bodies.length === 1, 'the event');
  assert.equal(run.context.counters.GenericProcessingFail, 1);
});

describe('a stop', () => {
  test('without answers takes what peers send until they notice', async (t) => {
    const run = await new Run().start(t);
    const peer = await run.connect();
    await peer.send('one ');
    await until(() => run.context.bodies.length === 1, 'the first');
    peer.socket.allowHalfOpen = true;
    const stopped = run.server.stop();
    await peer.until(() => peer.ended === 'end', 'the end');
    await peer.send('two');
    peer.finish();
    await stopped;
    await run.intake.stop();
    assert.equal(run.context.bodies.join(''), 'one two');
  });

  test('cuts off who neither ends nor reads', async (t) => {
    const run = await new Run({ answers: true }).start(t);
    const socket = connect({ host: '127.0.0.1', port: run.server.port, allowHalfOpen: true });
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    await until(() => run.handlers.length === 1, 'the connection');
    const stopped = run.server.stop();
    await until(() => run.context.clock.sleeperCount > 0, 'the wait');
    await run.context.clock.advance(2_000);
    await stopped;
    assert.equal(run.context.counters.OpenConnectionCount, 0);
  });

  test('leaves the port free, and a start after it works', async (t) => {
    const run = await new Run().start(t);
    await run.server.stop();
    await run.server.start();
    const peer = await run.connect();
    await peer.send('x');
    await until(() => run.context.bodies.length === 1, 'the event');
  });
});

test('a port that is taken is an error that names it', async (t) => {
  const run = await new Run().start(t);
  const { port } = run.server;
  const second = new Run({ port });
  await assert.rejects(second.server.start(), new RegExp(`EADDRINUSE.*127.0.0.1:${port}`));
});

test('a channel that refuses is no reason to lose a connection', async (t) => {
  const run = await new Run().start(t);
  run.context.beforePut = () => {
    throw new ChannelFullError('c1', 'for a test');
  };
  const peer = await run.connect();
  await peer.send('x');
  await peer.answered('refused\n');
  run.context.beforePut = undefined;
  await peer.send('y');
  await until(() => run.context.bodies.length === 1, 'the next');
});
