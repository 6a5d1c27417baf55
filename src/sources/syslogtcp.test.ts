import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { ChannelFullError } from '../core/errors.ts';
import { pkcs12KeyStore } from '../net/fake-key-stores.ts';
import { Listener, listenerInput } from '../net/fake-listener.ts';
import { until } from '../net/fake-peer.ts';
import { configOf } from '../testing/config-of.ts';
import { sourceContract } from '../testing/source-contract.ts';
import { syslogTcpSource } from './syslogtcp.ts';

const local = { host: '127.0.0.1', port: '0' };

function start(t: TestContext, properties: Record<string, string> = {}): Promise<Listener> {
  return Listener.start(t, syslogTcpSource, { ...local, ...properties });
}

describe('the contract', () => {
  const eventSize = 64;
  sourceContract('syslogtcp', {
    rereads: false,
    open: async () =>
      listenerInput(syslogTcpSource, { ...local, eventSize: `${eventSize}` }, 'tcp', eventSize),
  });
});

describe('syslogtcp', () => {
  test('lines are events, with what is in front of them as headers', async (t) => {
    const listener = await start(t);
    await listener.receive('<13>1 - box app - - - one\r\n\n<14>bad time\nno syslog\n', 3);
    assert.deepEqual(
      listener.context.events.map(({ headers, body }) => ({ ...headers, body })),
      [
        {
          Facility: '1',
          Severity: '5',
          priority: '13',
          version: '1',
          host: 'box',
          body: 'app - - - one',
        },
        { Facility: '1', Severity: '6', priority: '14', body: '<14>bad time' },
        { Facility: '0', Severity: '0', 'flume.syslog.status': 'Invalid', body: 'no syslog' },
      ],
    );
    assert.equal(listener.context.counters.EventReadFail, 1);
  });

  test('each connection counts octets or has lines, as it begins', async (t) => {
    const listener = await start(t);
    const [counting, lines] = [await listener.connect(), await listener.connect()];
    await counting.send('11 <13>- h one');
    await lines.send('<13>- h two\n');
    await listener.arrived(2);
    await counting.send('15 <13>- h thr\nee\n12 <13>- ');
    await listener.arrived(3);
    await counting.send('h four\n');
    await lines.send('11 <13>- h line\n');
    await listener.arrived(5);
    assert.deepEqual([...listener.bodies].sort(), [
      '11 <13>- h line',
      'four',
      'one',
      'thr\nee',
      'two',
    ]);
  });

  test('what an ended connection has begun is delivered', async (t) => {
    const listener = await start(t);
    await listener.receive('<13>- h one\n<13>- h half', 2);
    await listener.receive('20 <13>- h fram', 3);
    const statuses = listener.context.events.map(({ headers }) => headers['flume.syslog.status']);
    assert.deepEqual(listener.bodies, ['one', 'half', 'fram']);
    assert.deepEqual(statuses, [undefined, undefined, 'Incomplete']);
  });

  test('a message that is too long is cut, counted, and the next is whole', async (t) => {
    const listener = await start(t, { eventSize: '20' });
    await listener.receive(`<13>- h ${'x'.repeat(12)}yz\n<13>- h next\n`, 3);
    const { counters, log } = listener.context;
    assert.deepEqual(listener.bodies, ['x'.repeat(12), 'yz', 'next']);
    assert.deepEqual([counters.LineTooLongCount, counters.EventReadFail], [1, 1]);
    assert.equal(log.lines.filter(({ level }) => level === 'warn').length, 2);
  });

  test('an eventSize below 10 is 10, as in Flume', async (t) => {
    const listener = await start(t, { eventSize: '1' });
    await listener.receive('123456789\n1234567890\n', 2);
    const statuses = listener.context.events.map(({ headers }) => headers['flume.syslog.status']);
    assert.deepEqual(listener.bodies, ['123456789', '1234567890']);
    assert.equal(listener.context.counters.LineTooLongCount, 1);
    assert.deepEqual(statuses, ['Invalid', 'Invalid']);
  });

  test('bad lines are said once, and all counted', async (t) => {
    const listener = await start(t);
    await listener.receive('bad\n'.repeat(1000), 1000);
    assert.equal(listener.context.counters.EventReadFail, 1000);
    assert.equal(listener.context.log.lines.filter(({ level }) => level === 'warn').length, 1);
  });

  test('clientIPHeader and clientHostnameHeader name the sender', async (t) => {
    const listener = await start(t, { clientIPHeader: 'ip', clientHostnameHeader: 'name' });
    await listener.receive('<13>- h one\n', 1);
    const { ip, name } = listener.context.events[0]?.headers ?? {};
    assert.equal(ip, '127.0.0.1');
    assert(name && name !== '127.0.0.1', `${name} is what the hosts file calls it`);
  });

  test('a full channel makes senders wait, and nothing is lost', async (t) => {
    const listener = await start(t);
    let isFull = true;
    listener.context.beforePut = () => {
      if (isFull) throw new ChannelFullError('c1', 'for a test');
    };
    const lines = Array.from({ length: 60_000 }, (_, n) => `<13>- h line ${n} ${'x'.repeat(400)}`);
    const peer = await listener.connect();
    let sent = false;
    const sending = peer.send(lines.map((line) => `${line}\n`).join('')).then(() => {
      sent = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(sent, false, 'the sender is held up');
    isFull = false;
    await until(() => {
      void listener.context.clock.advance(50);
      return listener.bodies.length >= lines.length;
    }, 'the rest');
    await sending;
    assert.deepEqual(
      listener.bodies.map((body) => body.split(' ')[1]),
      lines.map((_, n) => String(n)),
    );
    assert.equal(listener.context.counters.EventDropCount, 0);
  });

  test('what a stop finds refused is counted', async (t) => {
    const listener = await start(t);
    let refusals = 0;
    listener.context.beforePut = () => {
      refusals++;
      throw new ChannelFullError('c1', 'for a test');
    };
    const peer = await listener.connect();
    await peer.send('<13>- h one\n<13>- h two\n<13>- h begun');
    peer.finish();
    await until(() => refusals > 0, 'a refusal');
    await listener.source.stop();
    assert.equal(listener.bodies.length, 0);
    assert.equal(listener.context.counters.EventDropCount, 3);
  });

  test('messages come over TLS', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-syslog-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const keystore = join(folder, 'keys.p12');
    writeFileSync(keystore, pkcs12KeyStore);
    const tls = { ssl: 'true', keystore, 'keystore-password': 'changeit' };
    const listener = await start(t, tls);
    const peer = await listener.connect(undefined, { rejectUnauthorized: false });
    await peer.send('<13>- h over TLS\n');
    await listener.arrived(1);
    assert.deepEqual(listener.bodies, ['over TLS']);
  });
});

describe('a configuration of syslogtcp', () => {
  const problems = (properties: Record<string, string>) => {
    const config = configOf(syslogTcpSource.fields, { ...local, ...properties });
    return syslogTcpSource.check?.(config).map(({ key, severity = 'error' }) => [key, severity]);
  };

  test('has its problems named', () => {
    assert.deepEqual(problems({}), []);
    assert.deepEqual(problems({ keepFields: 'host' }), [['keepFields', 'warning']]);
    assert.deepEqual(problems({ 'format.regex': '(' }), [['format.regex', 'error']]);
    assert.deepEqual(problems({ ssl: 'true' }), [['keystore', 'error']]);
  });
});
