import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Disk } from '../core/disk.ts';
import { nodeDisk } from '../core/node-disk.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { maxNameWaitMs, nameInHosts, PeerNames, systemNames } from './peer-name.ts';

/** A name server whose answers the test gives. */
class FakeService {
  readonly asked: string[] = [];
  readonly #answers: ((name: string | undefined) => void)[] = [];

  readonly ask = (address: string): Promise<string | undefined> => {
    this.asked.push(address);
    return new Promise((resolve) => this.#answers.push(resolve));
  };

  /** The next question that waits for its answer. */
  answer(name: string | undefined): void {
    this.#answers.shift()?.(name);
  }
}

function start() {
  const clock = new ManualClock();
  const service = new FakeService();
  return { clock, service, names: new PeerNames(clock, service.ask) };
}

describe('who can wait', () => {
  test('is given the name, and all who ask meanwhile cost one question', async () => {
    const { service, names } = start();
    const found = [names.find('10.0.0.1'), names.find('10.0.0.1')];
    service.answer('host.example');
    assert.deepEqual(await Promise.all(found), ['host.example', 'host.example']);
    assert.equal(await names.find('10.0.0.1'), 'host.example');
    assert.deepEqual(service.asked, ['10.0.0.1']);
  });

  test('waits a second, and then is given the address; the name is there later', async () => {
    const { clock, service, names } = start();
    const found = names.find('10.0.0.1');
    await clock.advance(maxNameWaitMs);
    assert.equal(await found, '10.0.0.1');
    service.answer('host.example');
    await clock.settle();
    assert.equal(await names.find('10.0.0.1'), 'host.example');
    assert.equal(clock.sleeperCount, 0);
  });

  test('is given the address where there is no name, or the question fails', async () => {
    const clock = new ManualClock();
    const names = new PeerNames(clock, async (address) => {
      if (address === 'bad') throw new Error('SERVFAIL');
      return undefined;
    });
    assert.equal(await names.find('10.0.0.1'), '10.0.0.1');
    assert.equal(await names.find('bad'), 'bad');
  });
});

describe('who cannot wait', () => {
  test('is given the address until the name is known', async () => {
    const { clock, service, names } = start();
    assert.equal(names.known('10.0.0.1'), '10.0.0.1');
    service.answer('host.example');
    await clock.settle();
    assert.equal(names.known('10.0.0.1'), 'host.example');
  });
});

describe('a name', () => {
  test('is asked for again after ten minutes, and meanwhile given as it was', async () => {
    const { clock, service, names } = start();
    names.known('a');
    service.answer('old');
    await clock.advance(10 * 60_000 - 1);
    assert.equal(names.known('a'), 'old');
    assert.equal(service.asked.length, 1);
    await clock.advance(1);
    assert.equal(names.known('a'), 'old');
    assert.equal(await names.find('a'), 'old');
    assert.equal(service.asked.length, 2);
    service.answer('new');
    await clock.settle();
    assert.equal(names.known('a'), 'new');
  });

  test('that is not there is asked for again after a minute', async () => {
    const { clock, service, names } = start();
    names.known('a');
    service.answer(undefined);
    await clock.advance(59_999);
    names.known('a');
    assert.equal(service.asked.length, 1);
    await clock.advance(1);
    names.known('a');
    assert.equal(service.asked.length, 2);
  });
});

test('not all questions are asked at once, and no more names are kept than may be', async () => {
  const { clock, service, names } = start();
  for (let count = 0; count < 20_000; count++) names.known(`address ${count}`);
  assert.equal(service.asked.length, 64);
  for (let count = 0; count < 20_000; count++) {
    service.answer('name');
    if (count % 50 === 0) await clock.settle();
  }
  await clock.settle();
  const asked = service.asked.length;
  assert.equal(asked, 16_384, 'the others were not taken');
  for (let count = 0; count < 100; count++) {
    names.known(`new ${count}`);
    service.answer('name');
    await clock.settle();
  }
  names.known('address 0');
  assert.equal(service.asked.at(-1), 'address 0', 'the oldest was forgotten');
  names.known('address 16000');
  assert.equal(service.asked.at(-1), 'address 0', 'a newer one was not');
});

describe('the names of the system', () => {
  const hosts = `# a comment
127.0.0.1 localhost other
::1\tip6-localhost # another
10.1.2.3   web-1.example web-1
10.9.9.9
`;

  test('are those of the hosts file first, in any spelling of the address', () => {
    assert.equal(nameInHosts(hosts, '127.0.0.1'), 'localhost');
    assert.equal(nameInHosts(hosts, '10.1.2.3'), 'web-1.example');
    assert.equal(nameInHosts(hosts, '::1'), 'ip6-localhost');
    assert.equal(nameInHosts('0:0:0:0:0:0:0:1 x', '::1'), 'x');
    assert.equal(nameInHosts(hosts, '10.9.9.9'), undefined);
    assert.equal(nameInHosts(hosts, '10.1.2.4'), undefined);
  });

  test('need no network where the file has the name', async () => {
    const disk: Disk = { ...nodeDisk, readFile: async () => Buffer.from(hosts) };
    assert.equal(await systemNames(disk)('10.1.2.3'), 'web-1.example');
    assert.equal(await systemNames(disk)('0:0:0:0:0:0:0:1%lo'), 'ip6-localhost');
  });
});
