import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closed, GoodClient } from './client.ts';
import { type Subject, subjects } from './subjects.ts';
import { Victim } from './victim.ts';

/* What was sent has arrived, or is counted: never twice, never neither. */

/** It is full nearly always: it holds two batches, and waits for no room. */
const smallChannel = { type: 'memory', capacity: 200, transactionCapacity: 100, 'keep-alive': 0 };
const clientCount = 8;
const messageCount = 5_000;

async function connect(victim: Victim): Promise<GoodClient[]> {
  const names = Array.from({ length: clientCount }, (_, index) => `client${index}`);
  return Promise.all(names.map((name) => GoodClient.connect(victim, name)));
}

function assertOnce(arrived: readonly string[]): void {
  assert.equal(new Set(arrived).size, arrived.length, 'nothing is doubled');
}

/** Of each client, what arrived is in the order in which it was sent. */
function assertOrder(arrived: readonly string[]): void {
  const last = new Map<string, number>();
  for (const text of arrived) {
    const [name = '', number] = text.split('-');
    assert(Number(number) > (last.get(name) ?? -1), `${text} after ${last.get(name)}`);
    last.set(name, Number(number));
  }
}

/** Without a list of what is missing: there may be very many. */
function assertAll(expected: readonly string[], arrived: readonly string[]): void {
  const there = new Set(arrived);
  const missing = expected.filter((text) => !there.has(text));
  assert.equal(missing.length, 0, `of ${expected.length} missing: ${missing.slice(0, 3)} …`);
}

for (const subject of subjects) {
  describe(`${subject.type} accounts for everything`, () => {
    test('when the channel often is full', (t) => overload(t, subject));
    test('when it is stopped under load, and started again', (t) => restart(t, subject));
  });
}

async function overload(t: Parameters<typeof Victim.start>[0], subject: Subject): Promise<void> {
  const victim = await Victim.start(t, subject, { channel: smallChannel });
  const clients = await connect(victim);
  await Promise.all(clients.map((client) => client.flood(messageCount)));
  const sent = clients.reduce((sum, client) => sum + client.sent, 0);
  await victim.until('everything is accounted for', async () => {
    const counters = await victim.counters();
    const count = (name: string) => counters.get(name) ?? 0;
    const lost = count('EventDropCount') + count('EventReadFail');
    return victim.arrived().length + lost === sent;
  });
  if (subject.answers) await Promise.all(clients.map((client) => client.finish()));
  for (const client of clients) client.close();
  assert.deepEqual(await victim.stop(), { code: 0, signal: null });
  const arrived = victim.arrived();
  assertOnce(arrived);
  if (subject.answers) {
    const taken = clients.flatMap((client) => client.taken);
    assert.equal(arrived.length, taken.length);
    assertAll(taken, arrived);
    assert(taken.length < sent, 'something was refused');
  } else assert.equal(arrived.length, sent, 'its senders waited');
}

async function restart(t: Parameters<typeof Victim.start>[0], subject: Subject): Promise<void> {
  const victim = await Victim.start(t, subject);
  const clients = await connect(victim);
  for (const client of clients) client.keepSending(200);
  await sleep(300);
  const stopped = victim.stop();
  // A client that is told of the end sends no more, and what it has sent is taken.
  await Promise.all(clients.map(({ socket }) => closed(socket)));
  assert.deepEqual(await stopped, { code: 0, signal: null });
  for (const client of clients) client.close();
  const arrived = victim.arrived();
  assertOnce(arrived);
  assertOrder(arrived);
  const sent = clients.flatMap((client) => client.messages);
  assertAll(arrived, sent);
  if (subject.answers) {
    const taken = clients.flatMap((client) => client.taken);
    assert(taken.length > 0);
    assertAll(taken, arrived);
  } else assert.equal(arrived.length, sent.length, 'what was sent until the end is there');
  await victim.restart();
  const next = await GoodClient.connect(victim, 'next');
  next.send(100);
  await next.finish();
  next.close();
  await victim.stop();
  assert.deepEqual(
    victim.arrived().filter((text) => text.startsWith('next-')),
    next.messages,
  );
}
