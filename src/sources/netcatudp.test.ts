import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { type TestContext, test } from 'node:test';
import { ChannelFullError } from '../core/errors.ts';
import type { Source } from '../core/source.ts';
import { until } from '../net/fake-peer.ts';
import { configOf } from '../testing/config-of.ts';
import { FakeSourceContext } from '../testing/fake-source-context.ts';
import { type SourceInput, sourceContract } from '../testing/source-contract.ts';
import { netcatUdpSource } from './netcatudp.ts';

type Properties = Readonly<Record<string, string>>;

function create(context: FakeSourceContext, properties: Properties = {}): Source {
  const all = { bind: '127.0.0.1', port: '0', ...properties };
  return netcatUdpSource.create(configOf(netcatUdpSource.fields, all), context);
}

function portOf({ log }: FakeSourceContext): number {
  const line = log.lines.findLast(({ sentence }) => sentence === 'Listening.');
  return Number(line?.fields['port']);
}

/** Sends datagrams, one after the other. */
class Datagrams {
  readonly socket = createSocket('udp4');

  send(port: number, bytes: string | Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.send(bytes, port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): void {
    this.socket.close();
  }
}

class Run {
  readonly context = new FakeSourceContext();
  readonly source: Source;
  readonly peer = new Datagrams();

  constructor(t: TestContext, properties: Properties = {}) {
    this.source = create(this.context, properties);
    t.after(async () => {
      this.peer.close();
      this.context.beforePut = undefined;
      await this.source.stop();
    });
  }

  send(bytes: string | Buffer): Promise<void> {
    return this.peer.send(portOf(this.context), bytes);
  }

  async arrive(count: number): Promise<void> {
    await until(() => this.context.bodies.length >= count, `${count} events`);
  }
}

sourceContract('netcatudp', {
  rereads: false,
  skip: {
    'input that comes byte by byte gives the same events': 'each datagram is an event',
  },
  open: async (): Promise<SourceInput> => {
    const peer = new Datagrams();
    const contexts: FakeSourceContext[] = [];
    return {
      create: (context) => {
        const fake = context as FakeSourceContext;
        contexts.push(fake);
        const beforePut = fake.clock;
        // A refused batch is put again after a pause, which nothing else lets pass.
        const timer = setInterval(() => void beforePut.advance(50), 5);
        const source = create(fake);
        const stop = source.stop.bind(source);
        source.stop = async () => {
          clearInterval(timer);
          await stop();
        };
        return source;
      },
      write: async (bytes) => {
        const [context] = contexts.slice(-1);
        if (!context) return;
        for (const line of bytes.toString().split('\n').slice(0, -1)) {
          await peer.send(portOf(context), `${line}\n`);
        }
      },
      close: async () => peer.close(),
    };
  },
});

test('an event is what stands before the first newline, as in Flume', async (t) => {
  const run = new Run(t);
  await run.source.start();
  const datagrams = ['one\ntwo\n', 'noeol', '', '\nafter', 'cr\r\n'];
  for (const datagram of datagrams) await run.send(datagram);
  await run.arrive(5);
  assert.deepEqual(run.context.bodies, ['one', 'noeol', '', '', 'cr\r']);
  assert.deepEqual(run.context.events[0]?.headers, {});
});

test('datagrams are taken whole, and byte for byte', async (t) => {
  const run = new Run(t);
  await run.source.start();
  const bodies: Buffer[] = [];
  run.context.beforePut = (batch) => {
    for (const { body } of batch) bodies.push(Buffer.from(body));
  };
  const large = Buffer.alloc(60_000, 0xff);
  await run.send(large);
  await run.arrive(1);
  assert.deepEqual(bodies, [large]);
});

test('the header has the address and the port of the sender', async (t) => {
  const run = new Run(t, { remoteAddress: 'peer' });
  await run.source.start();
  const other = new Datagrams();
  t.after(() => other.close());
  await run.send('a');
  await other.send(portOf(run.context), 'b');
  await run.send('c');
  await run.arrive(3);
  const ports = [run.peer, other, run.peer].map(({ socket }) => socket.address().port);
  assert.deepEqual(
    run.context.events.map(({ body, headers }) => [body, headers['peer']]),
    [
      ['a', `/127.0.0.1:${ports[0]}`],
      ['b', `/127.0.0.1:${ports[1]}`],
      ['c', `/127.0.0.1:${ports[2]}`],
    ],
  );
});

test('while the channels take nothing much is kept, and what is dropped is counted', async (t) => {
  const run = new Run(t);
  await run.source.start();
  let isFull = true;
  run.context.transactionCapacity = 1_000;
  run.context.beforePut = () => {
    if (isFull) throw new ChannelFullError('c1', 'for a test');
  };
  const { counters } = run.context;
  let sent = 0;
  for (; counters.EventDropCount === 0; sent++) {
    await run.send(Buffer.alloc(60_000, 'x'));
    if (sent % 10 === 0) await run.context.clock.settle();
  }
  const kept = sent - counters.EventDropCount;
  assert(kept * 60_000 > 4 << 20, `${kept} were kept`);
  assert.equal(run.context.log.lines.filter(({ level }) => level === 'warn').length, 2);
  isFull = false;
  await until(() => {
    void run.context.clock.advance(50);
    const known = run.context.bodies.length + counters.EventDropCount + counters.DatagramDropCount;
    return known === sent;
  }, 'the rest');
});

test('a stop takes what has arrived', async (t) => {
  const run = new Run(t);
  await run.source.start();
  for (let count = 0; count < 50; count++) await run.send(`${count}`);
  await run.source.stop();
  assert.equal(run.context.bodies.length, 50);
});
