import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readdirSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Disk } from '../core/disk.ts';
import { nodeDisk } from '../core/node-disk.ts';
import { FakeSourceContext } from '../testing/fake-source-context.ts';
import { until } from './fake-peer.ts';
import { UdpPort } from './udp-port.ts';
import { kernelDrops } from './udp-table.ts';

interface Received {
  readonly text: string;
  readonly address: string;
}

async function listen(t: TestContext, host: string) {
  const context = new FakeSourceContext();
  const received: Received[] = [];
  const port = new UdpPort({ host, port: 0 }, context, (datagram, address) => {
    received.push({ text: datagram.toString(), address });
  });
  await port.start();
  t.after(() => port.stop());
  return { context, received, port };
}

async function send(t: TestContext, port: number, ...texts: readonly string[]): Promise<void> {
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  for (const text of texts) {
    await new Promise<void>((resolve) => socket.send(text, port, '127.0.0.1', () => resolve()));
  }
}

/** As Linux shows its UDP sockets. */
function table(lines: readonly { local: string; drops: number }[]): Buffer {
  const rows = lines.map(({ local, drops }, index) => {
    const rest = '00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0';
    return `  ${index}: ${local} ${rest} ${drops}`;
  });
  return Buffer.from(['  sl  local_address rem_address  st …  drops', ...rows, ''].join('\n'));
}

function diskWith(files: Readonly<Record<string, () => Buffer>>): Disk {
  return {
    ...nodeDisk,
    readFile: async (path) => {
      const read = files[path];
      if (!read) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      return read();
    },
  };
}

test('on all interfaces an IPv4 sender has its IPv4 address', async (t) => {
  const { received, port } = await listen(t, '0.0.0.0');
  await send(t, port.port, 'hello');
  await until(() => received.length === 1, 'the datagram');
  assert.deepEqual(received, [{ text: 'hello', address: '127.0.0.1' }]);
});

test('a stream of datagrams comes in order and whole, and what follows it, too', async (t) => {
  const { received, port } = await listen(t, '127.0.0.1');
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const sent: string[] = [];
  const send = async (text: string) => {
    sent.push(text);
    await new Promise<unknown>((resolve) => socket.send(text, port.port, '127.0.0.1', resolve));
  };
  await send('first');
  await until(() => received.length === 1, 'the first');
  const before = process.platform === 'linux' ? descriptors() : 0;
  for (let stream = 0; stream < 20; stream++) {
    for (let count = 0; count < 150; count++) {
      await send(`${stream} ${count} ${'x'.repeat(count % 50 === 0 ? 10_000 : 40)}`);
    }
    await until(() => received.length === sent.length, `stream ${stream}`);
    await sleep(stream % 4);
  }
  await sleep(20);
  await send('last');
  await until(() => received.length === sent.length, 'the last');
  assert.deepEqual(
    received.map(({ text }) => text),
    sent,
  );
  assert(received.every(({ address }) => address === '127.0.0.1'));
  if (process.platform === 'linux') assert.equal(descriptors(), before);
});

test('what comes while it starts is taken', async (t) => {
  const context = new FakeSourceContext();
  const received: string[] = [];
  const options = { host: '127.0.0.1', port: 0 };
  const port = new UdpPort(options, context, (datagram) => received.push(datagram.toString()));
  t.after(() => port.stop());
  let looked = () => {};
  const looking = new Promise<void>((resolve) => {
    looked = resolve;
  });
  context.disk = diskWith({});
  context.disk.readFile = async (path) => {
    await looking;
    return nodeDisk.readFile(path);
  };
  const started = port.start();
  await until(() => port.port > 0, 'it is bound');
  await send(t, port.port, 'early', 'bird');
  await until(() => received.length === 2, 'both');
  looked();
  await started;
  assert.deepEqual(received, ['early', 'bird']);
});

test('a port that is taken is an error, and a later start works', async (t) => {
  const { port } = await listen(t, '127.0.0.1');
  const options = { host: '127.0.0.1', port: port.port };
  const second = new UdpPort(options, new FakeSourceContext(), () => {});
  await assert.rejects(second.start(), /EADDRINUSE/);
  await port.stop();
  await second.start();
  await second.stop();
});

test('what the kernel dropped of a socket is found by its address and port', async () => {
  const disk = diskWith({
    '/proc/net/udp': () =>
      table([
        { local: '0100007F:0202', drops: 3 },
        { local: '00000000:0202', drops: 100 },
        { local: '0100007F:0203', drops: 1000 },
      ]),
    '/proc/net/udp6': () =>
      table([
        { local: '00000000000000000000000000000000:0202', drops: 5 },
        { local: '00000000000000000000000001000000:0202', drops: 7 },
        { local: 'B80D012000000000000000000100FFFF:0202', drops: 9 },
      ]),
  });
  assert.equal(await kernelDrops(disk, '127.0.0.1', 0x202), 3);
  assert.equal(await kernelDrops(disk, '::', 0x202), 5);
  assert.equal(await kernelDrops(disk, '::1', 0x202), 7);
  assert.equal(await kernelDrops(disk, '2001:db8::ffff:1', 0x202), 9);
  assert.equal(await kernelDrops(disk, '10.0.0.1', 0x202), 0);
  assert.equal(await kernelDrops(diskWith({}), '127.0.0.1', 0x202), 0);
});

test('it counts each drop once, while it runs and at the stop', async (t) => {
  const { context, port } = await listen(t, '127.0.0.1');
  let drops = 0;
  const local = `0100007F:${port.port.toString(16).toUpperCase().padStart(4, '0')}`;
  context.disk = diskWith({ '/proc/net/udp': () => table([{ local, drops }]) });
  const later = async (ms: number) => {
    await context.clock.advance(ms);
    await context.clock.settle();
  };
  drops = 4;
  await later(1_000);
  await later(1_000);
  assert.equal(context.counters.DatagramDropCount, 4);
  drops = 10;
  await later(1_000);
  assert.equal(context.counters.DatagramDropCount, 10);
  assert.equal(context.log.lines.filter(({ level }) => level === 'warn').length, 1);
  drops = 11;
  await port.stop();
  assert.equal(context.counters.DatagramDropCount, 11);
});

test('what really is dropped by the kernel is counted, so that nothing is missed', async (t) => {
  const { context, received, port } = await listen(t, '127.0.0.1');
  const drops = await kernelDrops(nodeDisk, '127.0.0.1', port.port);
  assert.equal(drops, 0);
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const { port: own } = port;
  const sends: Promise<void>[] = [];
  // More than its buffer holds, in one turn of the loop.
  for (let count = 0; count < 400; count++) {
    const datagram = Buffer.alloc(60_000, 'x');
    sends.push(new Promise((resolve) => socket.send(datagram, own, '127.0.0.1', () => resolve())));
  }
  await Promise.all(sends);
  await port.stop();
  assert.equal(received.length + context.counters.DatagramDropCount, 400);
});
