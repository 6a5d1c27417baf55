import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { closeSync, readlinkSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { nodeDisk } from '../core/node-disk.ts';
import { ManyDatagrams } from './many-datagrams.ts';
import { descriptorOf } from './udp-table.ts';

const skip = process.platform !== 'linux' && 'only Linux has this call';

interface Received {
  readonly text: string;
  readonly address: string;
  readonly port: number;
}

async function bound(t: TestContext, type: 'udp4' | 'udp6', address: string): Promise<Socket> {
  const socket = createSocket(type);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, address, resolve);
  });
  t.after(() => socket.close());
  return socket;
}

/** Of a socket that nobody else reads. */
async function open(t: TestContext, type: 'udp4' | 'udp6', address: string) {
  const socket = createSocket(type);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, address, resolve);
  });
  const { port, address: own } = socket.address();
  const descriptor = await descriptorOf(nodeDisk, own, port);
  assert(descriptor !== undefined);
  const many = await ManyDatagrams.open(descriptor);
  assert(many);
  t.after(() => many.close());
  await new Promise<void>((resolve) => socket.close(resolve));
  return { many, port };
}

async function send(socket: Socket, port: number, address: string, texts: readonly string[]) {
  for (const text of texts) {
    await new Promise<unknown>((resolve) => socket.send(text, port, address, resolve));
  }
}

function receiveAll(many: ManyDatagrams): Received[] {
  const received: Received[] = [];
  const take = (datagram: Buffer, address: string, port: number) => {
    received.push({ text: datagram.toString('latin1'), address, port });
  };
  while (many.receive(take) > 0);
  return received;
}

test('datagrams of any size come whole and in order, with their sender', { skip }, async (t) => {
  const { many, port } = await open(t, 'udp4', '127.0.0.1');
  const sender = await bound(t, 'udp4', '127.0.0.2');
  const sizes = [1, 0, 2_047, 2_048, 2_049, 65_507, 3];
  const texts = sizes.map((size, index) => String(index).repeat(size));
  await send(sender, port, '127.0.0.1', texts);
  const from = { address: '127.0.0.2', port: sender.address().port };
  assert.deepEqual(
    receiveAll(many),
    texts.map((text) => ({ text, ...from })),
  );
  assert.equal(
    many.receive(() => {}),
    0,
  );
});

test('up to 64 are read at once, from several senders', { skip }, async (t) => {
  const { many, port } = await open(t, 'udp4', '127.0.0.1');
  const senders = [await bound(t, 'udp4', '127.0.0.1'), await bound(t, 'udp4', '127.0.0.3')];
  const expected: Received[] = [];
  for (let count = 0; count < 100; count++) {
    const sender = senders[count % 2] as Socket;
    await send(sender, port, '127.0.0.1', [`line ${count}`]);
    const { address, port: from } = sender.address();
    expected.push({ text: `line ${count}`, address, port: from });
  }
  const first: Received[] = [];
  const take = (datagram: Buffer, address: string, from: number) => {
    first.push({ text: datagram.toString(), address, port: from });
  };
  assert.equal(many.receive(take), 64);
  assert.deepEqual([...first, ...receiveAll(many)], expected);
});

test('a sender has the address that Node would show', { skip }, async (t) => {
  let opened: Awaited<ReturnType<typeof open>>;
  try {
    opened = await open(t, 'udp6', '::');
  } catch (error) {
    t.skip(`no IPv6 here: ${error}`);
    return;
  }
  const { many, port } = opened;
  await send(await bound(t, 'udp4', '127.0.0.1'), port, '127.0.0.1', ['4']);
  await send(await bound(t, 'udp6', '::1'), port, '::1', ['6']);
  assert.deepEqual(
    receiveAll(many).map(({ text, address }) => [text, address]),
    [
      ['4', '127.0.0.1'],
      ['6', '::1'],
    ],
  );
});

test('programs that are started do not get the socket', { skip }, async (t) => {
  const { many } = await open(t, 'udp4', '127.0.0.1');
  const another = many.descriptor();
  t.after(() => closeSync(another));
  const name = readlinkSync(`/proc/self/fd/${another}`);
  assert.match(name, /^socket:/);
  const { stdout } = spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' });
  assert.match(stdout, /\b0 -> /);
  assert(!stdout.includes(name), stdout);
});

test('a descriptor that is closed is an error that says so', { skip }, async () => {
  await assert.rejects(ManyDatagrams.open(9_999), { code: 'EBADF', message: 'fcntl EBADF' });
});
