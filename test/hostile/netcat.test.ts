import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificatePem, keyPem } from '../../src/net/fake-key-stores.ts';
import { FlowFolder } from '../../testbed/flow-folder.ts';
import { closed, GoodClient, open, openMany } from './client.ts';
import { netcat } from './subjects.ts';
import { Victim } from './victim.ts';

/* What concerns every source that listens on TCP alike, tried on netcat. */

/**
 * With 10,000 connections. An agent that is built begins with 90 MB; run from its sources, as here,
 * with 120 MB.
 */
const maxResidentMegabytes = 200 + 30;
const slowConnections = 10_000;

test('ten thousand connections that do little or nothing leave room for others', async (t) => {
  const victim = await Victim.start(t, netcat);
  const good = await GoodClient.connect(victim, 'good');
  good.keepSending();
  const sockets = await openMany(victim.port, slowConnections);
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  await victim.until('all are connected', async () => {
    return (await victim.counter('OpenConnectionCount')) === slowConnections + 1;
  });
  for (let round = 0; round < 5; round++) {
    for (const socket of sockets.slice(0, slowConnections / 2)) socket.write('x');
    await sleep(100);
  }
  await good.finish();
  good.send(1_000);
  await good.finish();
  assert(good.outcomes.every(Boolean));
  const resident = victim.residentMegabytes;
  assert(resident < maxResidentMegabytes, `${resident} MB are resident`);
  good.close();
  assert.deepEqual(await victim.stop(), { code: 0, signal: null });
});

test('beyond the limit connections are closed at once, counted, and said once', async (t) => {
  const victim = await Victim.start(t, netcat, { source: { maxConnections: 200 } });
  const good = await GoodClient.connect(victim, 'good');
  good.keepSending();
  const sockets = await openMany(victim.port, 1_000);
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  await victim.until('the rest was closed', async () => {
    return (await victim.counter('ConnectionDropCount')) === 801;
  });
  assert.equal(await victim.counter('OpenConnectionCount'), 200);
  assert.equal(victim.said('Too many connections'), 1);
  for (const socket of sockets) socket.destroy();
  await victim.until('they are gone', async () => {
    return (await victim.counter('OpenConnectionCount')) === 1;
  });
  const next = await GoodClient.connect(victim, 'next');
  next.send(1);
  await next.finish();
  await good.finish();
  good.close();
  next.close();
});

test('peers that never read their answers wait; they cost bounded memory', async (t) => {
  const victim = await Victim.start(t, netcat, { sink: 'null' });
  const good = await GoodClient.connect(victim, 'good');
  good.keepSending();
  const lines = Buffer.from('x\n'.repeat(32_768));
  const sockets: Socket[] = await openMany(victim.port, 10);
  for (const socket of sockets) {
    socket.pause();
    // 10 MB of lines are 15 MB of answers: more than kernels keep.
    for (let count = 0; count < 160; count++) socket.write(lines);
  }
  await sleep(1_500);
  const waiting = sockets.filter(({ writableLength }) => writableLength > 0);
  assert(waiting.length > 0, 'they are read no more');
  await good.finish();
  assert(victim.peakMegabytes < 300, `${victim.peakMegabytes} MB were resident`);
  // One that reads after all has all of its lines taken.
  const [late] = waiting;
  let answerBytes = 0;
  late?.on('data', (chunk: Buffer) => {
    answerBytes += chunk.length;
  });
  late?.resume();
  await victim.until('all answers', () => answerBytes === (160 * lines.length * 3) / 2);
  for (const socket of sockets) socket.destroy();
  good.close();
  assert.deepEqual(await victim.stop(), { code: 0, signal: null });
});

test('nonsense and clear text on a TLS port cost nobody else anything', async (t) => {
  const files = new FlowFolder(t);
  const source = {
    ssl: 'true',
    certificate: files.file('server.pem', certificatePem),
    'private-key': files.file('server.key', keyPem),
  };
  const victim = await Victim.start(t, netcat, { source });
  const tls = { ca: certificatePem };
  const good = await GoodClient.connect(victim, 'good', tls);
  good.keepSending();
  const hello = Buffer.from([0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0x00, 0x3f, 0xfc]);
  const openings = [Buffer.from('in clear\n'.repeat(100)), Buffer.alloc(1_000), hello];
  const stalled: Socket[] = [];
  t.after(() => {
    for (const socket of stalled) socket.destroy();
  });
  for (let round = 0; round < 100; round++) {
    for (const opening of openings) {
      const socket = await open(victim.port);
      socket.write(opening);
      // A handshake that stands still keeps its connection for some seconds; the others fail.
      if (opening === hello && round % 2 === 0) stalled.push(socket);
      else if (opening === hello) socket.resetAndDestroy();
      else socket.resume();
    }
  }
  await victim.until('those that failed are counted', async () => {
    return (await victim.counter('HandshakeFailCount')) >= 200;
  });
  const old = await open(victim.port, { ...tls, maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1' });
  await closed(old);
  assert.equal(victim.said('A TLS handshake failed'), 1);
  await good.finish();
  assert(good.outcomes.every(Boolean));
  assert.equal(await victim.counter('OpenConnectionCount'), 1);
  good.close();
  assert(victim.peakMegabytes < 300, `${victim.peakMegabytes} MB were resident`);
  assert.deepEqual(await victim.stop(), { code: 0, signal: null }, 'handshakes do not hold it up');
});
