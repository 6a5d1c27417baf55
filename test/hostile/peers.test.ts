import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';
import { closed, GoodClient, open, openMany } from './client.ts';
import { type Subject, subjects } from './subjects.ts';
import { Victim } from './victim.ts';

/* Bad peers of each source, while a good client is served. */

const seed = seedFromEnvironment();
/** What the agent may have had resident in the end; it begins with 120 MB, from its sources. */
const maxMegabytes = 300;
const megabyte = Buffer.alloc(1 << 20, 'x');

/** Attacks a source while a good client sends: all of that must arrive, in order. */
async function attack(victim: Victim, bad: () => Promise<void>): Promise<void> {
  const good = await GoodClient.connect(victim, 'good');
  good.keepSending();
  await bad();
  await good.finish();
  assert(good.sent > 10, `${good.sent} good messages`);
  const arrived = () => victim.arrived().filter((text) => text.startsWith('good-'));
  // What is answered with OK is in the channel; the sink comes after.
  await victim.until('all good messages arrive', () => arrived().length >= good.sent);
  assert.deepEqual(arrived(), good.messages);
  assert(victim.peakMegabytes < maxMegabytes, `${victim.peakMegabytes} MB resident`);
  good.close();
  await victim.until('all connections are closed', async () => {
    return (await victim.counter('OpenConnectionCount')) === 0;
  });
  assert.deepEqual(await victim.stop(), { code: 0, signal: null });
}

/** Some of what makes parsers stumble. */
function garbage(random: Prng): Buffer {
  const pieces = [
    () => random.bytes(random.integer(3_000)),
    () => Buffer.alloc(random.integer(3_000)),
    () => Buffer.from('\n'.repeat(random.integer(300))),
    () => Buffer.from('<13>Nov 24 10:00:00 host half a mess'),
    () => Buffer.from('<191>1 2026-11-24T10:00:00Z - - - - - \ufeff\u0000\n'),
    () => Buffer.from('99999999999 <13>1 x\n7 <13>abc'),
    () => Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    () => Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]),
    () => Buffer.alloc(65_536, 'y'),
  ];
  const count = 1 + random.integer(4);
  return Buffer.concat(Array.from({ length: count }, () => random.pick(pieces)()));
}

function leave(socket: Socket, random: Prng): void {
  random.pick([
    () => socket.end(),
    () => socket.destroy(),
    () => socket.resetAndDestroy(),
    () => socket.resume().end(),
  ])();
}

for (const subject of subjects) {
  describe(`${subject.type} serves good clients, in bounded memory, beside`, () => {
    test(`garbage, half messages and NUL bytes (seed ${seed})`, async (t) => {
      const random = new Prng(seed);
      const victim = await Victim.start(t, subject);
      await attack(victim, async () => {
        for (let round = 0; round < 10; round++) {
          const sockets = await openMany(victim.port, 30);
          for (const socket of sockets) socket.write(garbage(random));
          await sleep(10);
          for (const socket of sockets) leave(socket, random);
        }
      });
    });

    test('lines of 64 KB and one that never ends', (t) => endless(t, subject));

    test('a storm of resets', async (t) => {
      const victim = await Victim.start(t, subject);
      await attack(victim, async () => {
        for (let round = 0; round < 5; round++) {
          for (const socket of await openMany(victim.port, 200)) {
            socket.write(subject.message(`reset-${round}`));
            socket.resetAndDestroy();
          }
        }
      });
    });

    test('peers that send a byte now and then, or nothing', async (t) => {
      const victim = await Victim.start(t, subject);
      await attack(victim, async () => {
        const sockets = await openMany(victim.port, 600);
        for (let round = 0; round < 20; round++) {
          for (const socket of sockets.slice(0, 300)) socket.write(round % 10 === 9 ? '\n' : '<');
          await sleep(20);
        }
        for (const socket of sockets) socket.destroy();
      });
    });
  });
}

/** What is cut into events goes nowhere here; the file would be as long as the line. */
async function endless(t: Parameters<typeof Victim.start>[0], subject: Subject): Promise<void> {
  const victim = await Victim.start(t, subject, { sink: 'null' });
  const good = await GoodClient.connect(victim, 'good');
  good.keepSending();
  const lines = await open(victim.port);
  for (let count = 0; count < 100; count++) lines.write(`${'y'.repeat(65_536)}\n`);
  lines.resume().end();
  await closed(lines);
  const endless = await open(victim.port);
  const closing = closed(endless);
  let sentMegabytes = 0;
  // Netcat ends the connection; the others take it in pieces, each an event.
  for (; sentMegabytes < subject.endlessMegabytes && !endless.destroyed; sentMegabytes++) {
    if (endless.write(megabyte)) continue;
    await Promise.race([closing, new Promise((resolve) => endless.once('drain', resolve))]);
  }
  endless.end();
  await closing;
  assert(subject.answers || sentMegabytes === subject.endlessMegabytes);
  if (subject.answers) await good.finish();
  assert(victim.peakMegabytes < maxMegabytes, `${victim.peakMegabytes} MB resident`);
  good.close();
  assert.deepEqual(await victim.stop(), { code: 0, signal: null });
}
