import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { Listener, listenerInput } from '../net/fake-listener.ts';
import { until } from '../net/fake-peer.ts';
import { configOf } from '../testing/config-of.ts';
import { FakeSourceContext } from '../testing/fake-source-context.ts';
import { sourceContract } from '../testing/source-contract.ts';
import { multiportSyslogTcpSource } from './multiport-syslogtcp.ts';

const local = { host: '127.0.0.1', ports: '0' };

function start(t: TestContext, properties: Record<string, string>): Promise<Listener> {
  return Listener.start(t, multiportSyslogTcpSource, { ...local, ...properties });
}

/** Ports that nobody listens on, for now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address === 'object' && address) ports.push(address.port);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}

describe('the contract', () => {
  const eventSize = 64;
  const properties = { ...local, eventSize: `${eventSize}` };
  sourceContract('multiport_syslogtcp', {
    rereads: false,
    open: async () => listenerInput(multiportSyslogTcpSource, properties, 'tcp', eventSize),
  });
});

describe('multiport_syslogtcp', () => {
  test('each port has its header and its charset, and its connections are counted', async (t) => {
    const [first = 0, second = 0] = await freePorts(2);
    const listener = await start(t, {
      ports: `${first}  ${second}`,
      portHeader: 'port',
      clientIPHeader: 'ip',
      [`charset.port.${second}`]: 'ISO-8859-1',
    });
    const message = Buffer.from('<13>- höst tëxt\n', 'latin1');
    await listener.receive(message, 1, first);
    await listener.receive(message, 2, second);
    const [wrong, right] = listener.context.events;
    assert.deepEqual(wrong?.headers, {
      'flume.syslog.status': 'Invalid',
      port: String(first),
      ip: '127.0.0.1',
    });
    assert.deepEqual([right?.headers['host'], right?.headers['port']], ['höst', String(second)]);
    const peers = [await listener.connect(first), await listener.connect(second)];
    const open = () => listener.context.counters.OpenConnectionCount;
    await until(() => open() === 2, 'both');
    for (const peer of peers) peer.close();
    await until(() => open() === 0, 'none');
  });

  test('empty lines cost nobody else, a CR stays', async (t) => {
    const listener = await start(t, {});
    await listener.receive('<13>- h one\n\n\r\n<13>- h two\r\n<13>1 2026-13-01T00:00:00Z h x\n', 3);
    assert.deepEqual(listener.bodies, ['one', 'two\r', '<13>1 2026-13-01T00:00:00Z h x']);
    assert.equal(listener.context.counters.EventReadFail, 1);
  });

  test('a message that is too long is cut, and what is left of it is Invalid', async (t) => {
    const listener = await start(t, { eventSize: '20' });
    await listener.receive(`<13>- h ${'x'.repeat(12)}yz\n<13>- h next\n`, 3);
    const statuses = listener.context.events.map(({ headers }) => headers['flume.syslog.status']);
    assert.deepEqual(listener.bodies, ['x'.repeat(12), 'yz', 'next']);
    assert.deepEqual(statuses, ['Incomplete', 'Invalid', undefined]);
  });

  test('octets are counted', async (t) => {
    const listener = await start(t, {});
    await listener.receive('12 <13>- h one\n11 <13>- h two', 2);
    assert.deepEqual(listener.bodies, ['one', 'two']);
  });

  test('a port in use does not keep it from the others, and is tried again', async (t) => {
    const [first = 0, second = 0] = await freePorts(2);
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(first, '127.0.0.1', resolve));
    const listener = await start(t, { ports: `${first} ${second}` });
    assert.deepEqual(listener.ports, [second]);
    await listener.receive('<13>- h one\n', 1, second);
    await new Promise((resolve) => blocker.close(resolve));
    await until(() => {
      void listener.context.clock.advance(1000);
      return listener.ports.length === 2;
    }, 'the first port');
    await listener.receive('<13>- h two\n', 2, first);
    assert.equal(listener.context.log.lines.filter(({ level }) => level === 'error').length, 1);
  });

  test('without any port it does not start', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const address = blocker.address();
    const ports = typeof address === 'object' && address ? String(address.port) : '';
    const config = configOf(multiportSyslogTcpSource.fields, { ...local, ports });
    const source = multiportSyslogTcpSource.create(config, new FakeSourceContext());
    await assert.rejects(source.start(), /EADDRINUSE/);
    await source.stop();
    await new Promise((resolve) => blocker.close(resolve));
  });
});

describe('a configuration of multiport_syslogtcp', () => {
  const problems = (properties: Record<string, string>) => {
    const config = configOf(multiportSyslogTcpSource.fields, { ...local, ...properties });
    const found = multiportSyslogTcpSource.check?.(config) ?? [];
    return found.map(({ key, severity = 'error' }) => `${key} ${severity}`);
  };

  test('has its problems named', () => {
    assert.deepEqual(problems({ ports: '10001 10002', 'charset.port.10001': 'windows-1252' }), []);
    assert.deepEqual(problems({ ports: ' ' }), ['ports error']);
    assert.deepEqual(problems({ ports: '1,2 x 70000' }), [
      'ports error',
      'ports error',
      'ports error',
    ]);
    assert.deepEqual(problems({ 'charset.default': 'no-such' }), ['charset.default error']);
    assert.deepEqual(problems({ 'charset.default': 'UTF-16' }), ['charset.default error']);
    assert.deepEqual(problems({ 'charset.port.12': 'UTF-8' }), ['charset.port.12 warning']);
    assert.deepEqual(problems({ 'charset.port.x': 'UTF-8' }), ['charset.port.x error']);
  });
});
