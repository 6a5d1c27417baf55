import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ConnectionError, FormatError } from '../core/errors.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { ByteReader } from './byte-reader.ts';
import { connectTo } from './rpc-connection.ts';

/** A reader, and the other end of its connection. */
async function pairOf(
  t: TestContext,
  slabBytes: number,
  reuses = false,
): Promise<[ByteReader, Socket]> {
  const server = createServer({ noDelay: true });
  const accepted = once(server, 'connection');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const reader = new ByteReader('the peer', slabBytes, reuses);
  const socket = await connectTo({ host: '127.0.0.1', port }, 5_000, reader.onRead);
  reader.attach(socket);
  const [peer]: Socket[] = await accepted;
  assert(peer);
  peer.on('error', () => {});
  t.after(() => {
    socket.destroy();
    peer.destroy();
    server.close();
  });
  return [reader, peer];
}

test('bytes are read as they were sent, whatever came together', async (t) => {
  const prng = new Prng(seedFromEnvironment());
  const data = prng.bytes(600_000);
  const [reader, peer] = await pairOf(t, 10_000);
  void (async () => {
    for (let at = 0; at < data.length; ) {
      const to = at + 1 + prng.integer(prng.pick([3, 5_000, 60_000]));
      await new Promise((resolve) => peer.write(data.subarray(at, to), resolve));
      at = to;
    }
    peer.end();
  })();
  let at = 0;
  while (at < data.length) {
    const count = Math.min(data.length - at, prng.integer(prng.pick([4, 9_000, 40_000])));
    await reader.need(count);
    const found = prng.chance(0.5) ? reader.take(count) : Buffer.concat(reader.takeViews(count));
    assert(found.equals(data.subarray(at, at + count)), `at byte ${at}, seed ${prng.seed}`);
    at += count;
  }
  await assert.rejects(reader.need(1), ConnectionError);
});

test('what was taken is good until it is released, and its memory used again', async (t) => {
  const prng = new Prng(seedFromEnvironment());
  const data = prng.bytes(2_000_000);
  const [reader, peer] = await pairOf(t, 10_000, true);
  peer.end(data);
  const memory = new Set<ArrayBufferLike>();
  let taken: { readonly view: Buffer; readonly at: number }[] = [];
  for (let at = 0; at < data.length; ) {
    const count = Math.min(data.length - at, 1 + prng.integer(prng.pick([4, 9_000, 20_000])));
    await reader.need(count);
    for (const view of reader.takeViews(count)) {
      taken.push({ view, at });
      memory.add(view.buffer);
      at += view.length;
    }
    if (prng.chance(0.7)) await new Promise((resolve) => setImmediate(resolve));
    for (const { view, at: from } of taken) {
      const isWhole = view.equals(data.subarray(from, from + view.length));
      assert(isWhole, `at byte ${from}, seed ${prng.seed}`);
    }
    if (taken.length < 5) continue;
    reader.release();
    taken = [];
  }
  assert(memory.size < 40, `${memory.size} pieces of memory`);
});

test('what was taken is not written over by what comes later', async (t) => {
  const [reader, peer] = await pairOf(t, 4_096);
  peer.write(Buffer.alloc(3_000, 1));
  await reader.need(3_000);
  const first = reader.take(3_000);
  peer.write(Buffer.alloc(60_000, 2));
  await reader.need(60_000);
  reader.take(60_000);
  assert(first.equals(Buffer.alloc(3_000, 1)));
});

test('a message behind its length is read; one that is too long is refused', async (t) => {
  const [reader, peer] = await pairOf(t, 4_096);
  const message = Buffer.alloc(300, 7);
  for (const byte of Buffer.concat([Buffer.from([0xac, 0x02]), message])) {
    peer.write(Buffer.from([byte]));
  }
  assert.deepEqual(await reader.delimited(1_000), message);
  peer.write(Buffer.from([0xff, 0xff, 0xff, 0x7f]));
  await assert.rejects(reader.delimited(1_000), FormatError);
});

test('who waits is told when the connection ends, or when it takes too long', async (t) => {
  const [reader, peer] = await pairOf(t, 4_096);
  const waiting = reader.need(10);
  peer.destroy();
  await assert.rejects(waiting, /the peer/);
  const [other] = await pairOf(t, 4_096);
  const late = other.need(1);
  assert(other.waiting);
  other.fail(new ConnectionError('too late'));
  await assert.rejects(late, /too late/);
});
