import { strict as assert } from 'node:assert';
import { isIP } from 'node:net';
import { describe, test } from 'node:test';
import { EventBatch } from '../core/event-batch.ts';
import type { Machine } from '../core/machine.ts';
import { componentContext } from '../testing/component-context.ts';
import { configOf } from '../testing/config-of.ts';
import { interceptorContract } from '../testing/interceptor-contract.ts';
import { RecordingLogger } from '../testing/recording-logger.ts';
import { hostInterceptor, interceptWithHost } from './host.ts';

const machine = (parts: Partial<Machine> = {}): Machine => ({
  name: 'web7',
  addresses: ['10.0.0.7', 'fd00::7'],
  resolve: async (name) => (name === 'web7' ? ['fd00::1', '192.168.0.7'] : []),
  nameOf: async (address) => (address === '192.168.0.7' ? 'web7.example.com' : 'other'),
  ...parts,
});
const unknown = () => Promise.reject(new Error('ENOTFOUND'));
const batch = EventBatch.of([{ body: 'a', headers: { host: 'own' } }, { body: 'b' }]);

async function create(parts: Partial<Machine>, config = {}) {
  const log = new RecordingLogger();
  const all = { useIP: true, hostHeader: 'host', preserveExisting: false, ...config };
  return { log, intercept: await interceptWithHost(all, log, machine(parts)) };
}

async function hostOf(parts: Partial<Machine>, config = {}) {
  const { intercept } = await create(parts, config);
  return (await intercept(batch)).headers.get('host');
}

interceptorContract('host', { create: async () => (await create({})).intercept });
interceptorContract('host (preserving)', {
  create: async () =>
    (await create({}, { hostHeader: 'contract.some', preserveExisting: true })).intercept,
});
interceptorContract('host (unresolved)', {
  create: async () => (await create({ resolve: unknown, addresses: [] })).intercept,
});

describe('the host header', () => {
  test('is the IPv4 address that the machine’s own name resolves to', async () => {
    assert.equal(await hostOf({}), '192.168.0.7');
    assert.equal(await hostOf({ resolve: async () => ['fd00::1'] }), 'fd00::1');
  });

  test('is the first outer address where the name gives loopback or nothing', async () => {
    assert.equal(await hostOf({ resolve: async () => ['127.0.1.1'] }), '10.0.0.7');
    assert.equal(await hostOf({ resolve: async () => ['::1'] }), '10.0.0.7');
    assert.equal(await hostOf({ resolve: async () => [] }), '10.0.0.7');
    assert.equal(await hostOf({ resolve: unknown }), '10.0.0.7');
    assert.equal(await hostOf({ resolve: async () => ['127.0.0.1'], addresses: [] }), '127.0.0.1');
  });

  test('is the canonical name without useIP, else the address, as in Java', async () => {
    assert.equal(await hostOf({}, { useIP: false }), 'web7.example.com');
    assert.equal(await hostOf({ nameOf: unknown }, { useIP: false }), '192.168.0.7');
    assert.equal(await hostOf({ nameOf: async () => 'localhost' }, { useIP: false }), 'web7');
  });

  test('stays as it was with preserveExisting', async () => {
    const { intercept } = await create({}, { preserveExisting: true });
    assert.deepEqual((await intercept(batch)).headers.get('host'), ['own', '192.168.0.7']);
  });

  test('is not set when nothing resolves, which is said once', async () => {
    for (const useIP of [true, false]) {
      const { intercept, log } = await create({ resolve: unknown, addresses: [] }, { useIP });
      for (let round = 0; round < 3; round++) assert.equal(await intercept(batch), batch);
      assert.deepEqual(
        log.lines.map(({ level }) => level),
        ['warn'],
      );
    }
  });

  test('is that of this machine in an agent', async () => {
    const config = configOf(hostInterceptor.fields, { hostHeader: 'from' });
    const intercept = await hostInterceptor.create(config, componentContext('i1'));
    const host = (await intercept(batch)).headers.get('from');
    if (host !== undefined) assert.notEqual(isIP(String(host)), 0);
  });
});
