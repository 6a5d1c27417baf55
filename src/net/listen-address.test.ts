import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listenAddress } from './listen-address.ts';

test('an address is itself, and the two for all interfaces are none', async () => {
  assert.equal(await listenAddress('127.0.0.1'), '127.0.0.1');
  assert.equal(await listenAddress('::1'), '::1');
  assert.equal(await listenAddress('0.0.0.0'), undefined);
  assert.equal(await listenAddress('::'), undefined);
  assert.equal(await listenAddress(undefined), undefined);
});

test('localhost is its IPv4 address, as in Java', async () => {
  assert.equal(await listenAddress('localhost'), '127.0.0.1');
});

test('a name that is none is an error that names it', async () => {
  await assert.rejects(listenAddress('no-such-host.invalid'), /no-such-host\.invalid/);
});
