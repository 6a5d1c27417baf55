import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { FakePeer, until } from './fake-peer.ts';
import { withSharedReads } from './shared-reads.ts';

interface Served {
  readonly server: Server;
  readonly port: number;
  readonly sockets: Socket[];
}

async function serve(t: TestContext, accept: (socket: Socket) => void): Promise<Served> {
  const options = { allowHalfOpen: true };
  const server = createServer({ ...options, pauseOnConnect: true });
  const sockets: Socket[] = [];
  server.on('connection', (accepted) => {
    const socket = withSharedReads(accepted, options);
    sockets.push(socket);
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { server, port, sockets };
}

describe('a connection with shared reads', () => {
  test('brings each what its peer sent, and its end', async (t) => {
    const got = new Map<Socket, string>();
    const ended: Socket[] = [];
    const { port } = await serve(t, (socket) => {
      got.set(socket, '');
      socket.on('data', (chunk) => got.set(socket, got.get(socket) + chunk.toString()));
      socket.on('end', () => ended.push(socket));
    });
    const peers = await Promise.all([1, 2, 3].map(() => FakePeer.connect(port)));
    for (const part of ['a', 'b', 'c'.repeat(300_000)]) {
      for (const [index, peer] of peers.entries()) await peer.send(`${part}${index}`);
    }
    for (const peer of peers) peer.finish();
    await until(() => ended.length === 3, 'the ends');
    const expected = [0, 1, 2].map((n) => `a${n}b${n}${'c'.repeat(300_000)}${n}`);
    assert.deepEqual([...got.values()].sort(), expected);
  });

  test('is not read before somebody listens, nor while it is paused', async (t) => {
    let got = 0;
    const { port, sockets } = await serve(t, () => {});
    const peer = await FakePeer.connect(port);
    await peer.send('early');
    await until(() => sockets.length === 1, 'the connection');
    await new Promise((resolve) => setTimeout(resolve, 20));
    sockets[0]?.on('data', (chunk) => {
      got += chunk.length;
    });
    await until(() => got === 5, 'what came early');
    sockets[0]?.pause();
    await peer.send('later');
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(got, 5);
    sockets[0]?.resume();
    await until(() => got === 10, 'the rest');
    peer.close();
  });

  test('can answer, and counts as open until it is closed', async (t) => {
    const { server, port, sockets } = await serve(t, (socket) => {
      socket.on('data', (chunk) => socket.write(`got ${chunk.length}`));
      socket.on('end', () => socket.end());
    });
    const openCount = () =>
      new Promise<number>((resolve) => {
        server.getConnections((_error, count) => resolve(count));
      });
    const peer = await FakePeer.connect(port);
    await peer.send('hello');
    await peer.answered('got 5');
    assert.equal(sockets[0]?.remoteAddress, '127.0.0.1');
    assert.equal(await openCount(), 1);
    peer.finish();
    await peer.until(() => peer.ended !== undefined, 'the end');
    await until(() => sockets[0]?.closed === true, 'the close');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await openCount(), 0);
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
});
