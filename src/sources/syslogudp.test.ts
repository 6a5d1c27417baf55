import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { ChannelFullError } from '../core/errors.ts';
import { Listener, listenerInput, sendDatagrams } from '../net/fake-listener.ts';
import { until } from '../net/fake-peer.ts';
import { sourceContract } from '../testing/source-contract.ts';
import { syslogUdpSource } from './syslogudp.ts';

const local = { host: '127.0.0.1', port: '0' };

function start(t: TestContext, properties: Record<string, string> = {}): Promise<Listener> {
  return Listener.start(t, syslogUdpSource, { ...local, ...properties });
}

async function send(listener: Listener, ...datagrams: (string | Buffer)[]): Promise<void> {
  await sendDatagrams(listener.ports[0] ?? 0, datagrams);
}

describe('the contract', () => {
  sourceContract('syslogudp', {
    rereads: false,
    skip: {
      'input that comes byte by byte gives the same events': 'a datagram comes as a whole',
      'what a full channel refused is emitted again, in order': 'UDP knows no "wait": it is lost',
    },
    open: async () => listenerInput(syslogUdpSource, local, 'udp'),
  });
});

describe('syslogudp', () => {
  test('a datagram is an event, with its lines', async (t) => {
    const listener = await start(t);
    await send(
      listener,
      '<13>- h one\n\tat two\n',
      '<13>- h three\n<14>- h four',
      '\n',
      'no syslog',
    );
    await listener.arrived(4);
    assert.deepEqual(listener.bodies, ['one\n\tat two', 'three', 'four', 'no syslog']);
    assert.equal(listener.context.counters.EventReadFail, 1);
  });

  test('datagrams that come one by one are put together', async (t) => {
    const listener = await start(t);
    let puts = 0;
    listener.context.beforePut = () => {
      puts++;
    };
    const lines = Array.from({ length: 200 }, (_, n) => `<13>- h line ${n}`);
    await send(listener, ...lines);
    await listener.arrived(lines.length);
    assert(puts < lines.length, `${puts} puts`);
  });

  test('the largest datagram is not cut', async (t) => {
    const listener = await start(t);
    const text = 'x'.repeat(65_507 - '<13>- h '.length);
    await send(listener, `<13>- h ${text}`);
    await listener.arrived(1);
    assert.deepEqual(listener.bodies, [text]);
  });

  test('the values of one message are not those of the next', async (t) => {
    const listener = await start(t);
    await send(listener, '<13>1 - h one', '<14>nofmt', 'bad');
    await listener.arrived(3);
    assert.deepEqual(
      listener.context.events.map(({ headers: { priority, version } }) => [priority, version]),
      [
        ['13', '1'],
        ['14', undefined],
        [undefined, undefined],
      ],
    );
  });

  test('clientIPHeader names the sender', async (t) => {
    const listener = await start(t, { clientIPHeader: 'ip', keepFields: 'all' });
    await send(listener, '<13>- h one');
    await listener.arrived(1);
    assert.equal(listener.context.events[0]?.headers['ip'], '127.0.0.1');
    assert.deepEqual(listener.bodies, ['<13>- h one']);
  });

  test('what a full channel refuses is lost, and counted', async (t) => {
    const listener = await start(t);
    let refused = 0;
    listener.context.beforePut = (batch) => {
      if (refused >= 5) return;
      refused += batch.length;
      throw new ChannelFullError('c1', 'for a test');
    };
    const { counters } = listener.context;
    for (let n = 0; n < 20; n++) {
      await send(listener, `<13>- h line ${n}`);
      await until(() => listener.bodies.length + counters.EventDropCount === n + 1, 'the next');
    }
    assert.equal(counters.EventDropCount, refused);
  });

  test('what comes while too much waits is lost, and counted', async (t) => {
    const listener = await start(t);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    listener.context.beforePut = () => held;
    const large = `<13>- h ${'x'.repeat(60_000)}`;
    const { counters } = listener.context;
    let sent = 0;
    while (counters.DatagramDropCount === 0) {
      await send(listener, large);
      sent++;
      assert(sent < 1000, 'it is never full');
    }
    release();
    listener.context.beforePut = undefined;
    await until(() => listener.bodies.length + counters.DatagramDropCount === sent, 'the rest');
    assert.equal(counters.EventDropCount, 0);
  });
});
