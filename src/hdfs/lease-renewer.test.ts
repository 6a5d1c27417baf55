import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../core/log.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import type { Method } from './client-protocol.ts';
import { LeaseRenewer } from './lease-renewer.ts';

/** NameNodes that note when the lease is renewed, and refuse it while `refuse` is true. */
function notingNameNodes(clock: ManualClock) {
  const noting = {
    times: [] as number[],
    refuse: false,
    call: async <Request, Response>({ response }: Method<Request, Response>): Promise<Response> => {
      if (noting.refuse) throw new Error('refused');
      noting.times.push(clock.monotonic());
      return response.decode(Buffer.alloc(0));
    },
  };
  return noting;
}

function holder() {
  const aborted: Error[] = [];
  return { namespace: undefined, abort: (error: Error) => aborted.push(error), aborted };
}

test('the lease is renewed every 30 s while any file is open', async () => {
  const clock = new ManualClock();
  const nameNodes = notingNameNodes(clock);
  const leases = new LeaseRenewer(nameNodes, 'me', clock, silentLogger);
  await clock.advance(100_000);
  assert.deepEqual(nameNodes.times, [], 'not without a file');
  const [first, second] = [holder(), holder()];
  leases.add(first);
  await clock.advance(20_000);
  leases.add(second);
  await clock.advance(45_000);
  leases.remove(first);
  await clock.advance(30_000);
  leases.remove(second);
  await clock.advance(100_000);
  assert.deepEqual(nameNodes.times, [130_000, 160_000, 190_000]);
  assert.equal(clock.sleeperCount, 0);
});

test('files are given up only when no lease can be had for 20 minutes', async () => {
  const clock = new ManualClock();
  const nameNodes = notingNameNodes(clock);
  const leases = new LeaseRenewer(nameNodes, 'me', clock, silentLogger);
  const file = holder();
  leases.add(file);
  nameNodes.refuse = true;
  await clock.advance(19 * 60_000);
  assert.deepEqual(file.aborted, []);
  nameNodes.refuse = false;
  await clock.advance(60_000);
  nameNodes.refuse = true;
  await clock.advance(19 * 60_000);
  assert.deepEqual(file.aborted, []);
  await clock.advance(2 * 60_000);
  assert.match(String(file.aborted[0]), /refused/);
  leases.remove(file);
});
