import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, type TestContext, test } from 'node:test';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { setSystemProperties } from '../config/system-properties.ts';
import { EventBatch } from '../core/event-batch.ts';
import { configOf } from '../testing/config-of.ts';
import { FakeSourceContext } from '../testing/fake-source-context.ts';
import {
  certificatePem,
  javaKeyStore,
  javaTrustStore,
  keyPem,
  pkcs12KeyStore,
} from './fake-key-stores.ts';
import { FakePeer, until } from './fake-peer.ts';
import { Intake } from './intake.ts';
import { TcpServer } from './tcp-server.ts';
import { tlsProblems, tlsServerFields, tlsServerOptions } from './tls-fields.ts';

type Properties = Readonly<Record<string, string>>;

const folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'));
after(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => setSystemProperties(new Map()));

function file(name: string, content: Buffer | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const jks = { ssl: 'true', keystore: file('s.jks', javaKeyStore), 'keystore-password': 'changeit' };
const pem = {
  ssl: 'true',
  certificate: file('s.pem', certificatePem),
  'private-key': file('s.key', keyPem),
};
const trust = {
  'need-client-auth': 'true',
  truststore: file('t.jks', javaTrustStore),
  'truststore-password': 'changeit',
};

function config(properties: Properties) {
  return configOf(tlsServerFields, properties);
}

/** A server that hands on what it is sent. */
async function serve(t: TestContext, properties: Properties) {
  const context = new FakeSourceContext();
  const intake = new Intake(context, {
    retries: false,
    toBatch: ({ slab, starts, ends, headers }) => new EventBatch(slab, starts, ends, headers),
  });
  const tls = await tlsServerOptions(config(properties));
  const options = { host: '127.0.0.1', port: 0, tls };
  const sender = { headers: new Map(), delivered: () => {}, refused: () => {} };
  const server = new TcpServer(options, context, intake, () => ({
    data: (chunk) => void intake.add(sender, chunk, 0, chunk.length),
    end: () => {},
  }));
  await server.start();
  const peers: FakePeer[] = [];
  t.after(async () => {
    for (const peer of peers) peer.close();
    await server.stop();
  });
  const connect = async (more: ConnectionOptions = {}): Promise<TLSSocket> => {
    const peer = await FakePeer.connect(server.port, { ca: certificatePem, ...more });
    peers.push(peer);
    await peer.send('hello');
    await until(() => context.bodies.length > 0 || peer.ended !== undefined, 'the event');
    if (peer.ended !== undefined) throw new Error(peer.ended);
    return peer.socket as TLSSocket;
  };
  return { context, connect, port: server.port };
}

describe('a server takes connections over TLS', () => {
  const stores: Readonly<Record<string, Properties>> = {
    'with a JKS store': jks,
    'with a PKCS #12 store, although Java would call it JKS': {
      ...jks,
      keystore: file('s.p12', pkcs12KeyStore),
    },
    'with PEM files': pem,
    'with both in one PEM file': {
      ssl: 'true',
      certificate: file('b.pem', keyPem + certificatePem),
    },
    'with a PEM file as key store': { ssl: 'true', keystore: join(folder, 'b.pem') },
  };
  for (const [title, properties] of Object.entries(stores)) {
    test(title, async (t) => {
      const { connect } = await serve(t, properties);
      const socket = await connect();
      assert.equal(socket.getProtocol(), 'TLSv1.3');
      assert(socket.authorized);
    });
  }

  test('with the settings of the process, the component may say otherwise', async (t) => {
    setSystemProperties(
      new Map([
        ['javax.net.ssl.keyStore', jks.keystore],
        ['javax.net.ssl.keyStorePassword', 'changeit'],
        ['flume.ssl.exclude.protocols', 'SSLv3,TLSv1.3'],
      ]),
    );
    assert.deepEqual(tlsProblems(config({ ssl: 'true' })), []);
    const { connect } = await serve(t, { ssl: 'true' });
    assert.equal((await connect()).getProtocol(), 'TLSv1.2');
    await assert.rejects(tlsServerOptions(config({ ssl: 'true', 'keystore-password': 'x' })));
  });
});

test('without ssl there is no TLS, whatever else is set', async () => {
  assert.equal(await tlsServerOptions(config({ ...jks, ssl: 'false' })), undefined);
  assert.deepEqual(tlsProblems(config({ 'keystore-type': 'BKS' })), []);
});

describe('versions of TLS', () => {
  const protocolWith = async (t: TestContext, more: Properties, client: ConnectionOptions = {}) => {
    const { connect } = await serve(t, { ...pem, ...more });
    return (await connect(client)).getProtocol();
  };

  test('can be included and excluded', async (t) => {
    assert.equal(await protocolWith(t, { 'include-protocols': 'TLSv1.2' }), 'TLSv1.2');
    assert.equal(await protocolWith(t, { 'exclude-protocols': 'TLSv1.3' }), 'TLSv1.2');
    assert.equal(await protocolWith(t, { 'exclude-protocols': 'TLSv1.2' }), 'TLSv1.3');
    const both = { 'include-protocols': 'TLSv1.1 TLSv1.2 TLSv1.3', 'exclude-protocols': 'TLSv1.3' };
    assert.equal(await protocolWith(t, both), 'TLSv1.2');
  });

  test('before 1.2 are spoken where they are included, and else are not', async (t) => {
    const old = {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    } as const;
    assert.equal(await protocolWith(t, { 'include-protocols': 'TLSv1.1' }, old), 'TLSv1.1');
    const holed = { 'include-protocols': 'TLSv1 TLSv1.2' };
    await assert.rejects(protocolWith(t, holed, { ...old, minVersion: 'TLSv1.1' }));
    assert.equal(await protocolWith(t, holed, { ...old, maxVersion: 'TLSv1' }), 'TLSv1');
    await assert.rejects(protocolWith(t, {}, old));
  });

  test('that do not exist are named, and that none is left is an error', () => {
    const problems = tlsProblems(config({ ...pem, 'include-protocols': 'TLSv1.2 TLS1.3' }));
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.problem ?? '', /^TLS1\.3: no such version/);
    assert.equal(problems[0]?.severity, 'warning');
    const none = tlsProblems(config({ ...pem, 'exclude-protocols': 'TLSv1.2 TLSv1.3' }));
    assert.deepEqual(
      none.map(({ key, severity }) => [key, severity]),
      [['exclude-protocols', undefined]],
    );
  });
});

describe('cipher suites', () => {
  const cipherWith = async (t: TestContext, more: Properties) => {
    const { connect } = await serve(t, { ...pem, ...more });
    return (await connect()).getCipher().name;
  };

  test("can be included by Java's names and by OpenSSL's", async (t) => {
    const java = 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256';
    const openssl = 'ECDHE-ECDSA-AES128-GCM-SHA256';
    assert.equal(await cipherWith(t, { 'include-cipher-suites': java }), openssl);
    assert.equal(await cipherWith(t, { 'include-cipher-suites': openssl }), openssl);
    const tls13 = 'TLS_AES_128_GCM_SHA256';
    assert.equal(await cipherWith(t, { 'include-cipher-suites': tls13 }), tls13);
  });

  test('can be excluded', async (t) => {
    const first = await cipherWith(t, {});
    assert.notEqual(await cipherWith(t, { 'exclude-cipher-suites': first }), first);
    const old = { 'include-protocols': 'TLSv1.2' };
    const chosen = await cipherWith(t, old);
    const other = await cipherWith(t, { ...old, 'exclude-cipher-suites': chosen });
    assert.notEqual(other, chosen);
    const both = {
      'include-cipher-suites': 'TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384',
      'exclude-cipher-suites': 'TLS_AES_256_GCM_SHA384',
    };
    assert.equal(await cipherWith(t, both), 'TLS_AES_128_GCM_SHA256');
  });

  test('that are unknown are named, and that none is left is an error', () => {
    const some = 'TLS_RSA_WITH_NULL_MD9 TLS_AES_128_GCM_SHA256';
    const problems = tlsProblems(config({ ...pem, 'include-cipher-suites': some }));
    assert.deepEqual(problems, [
      {
        key: 'include-cipher-suites',
        problem: 'TLS_RSA_WITH_NULL_MD9: not known here, and without effect',
        severity: 'warning',
      },
    ]);
    const none = tlsProblems(config({ ...pem, 'include-cipher-suites': 'TLS_X' }));
    assert.equal(none.at(-1)?.severity, undefined);
    assert.match(none.at(-1)?.problem ?? '', /no cipher suite is left/);
  });
});

describe('client certificates', () => {
  test('are demanded, and those that the trust store knows are taken', async (t) => {
    const { connect, context } = await serve(t, { ...pem, ...trust });
    await connect({ key: keyPem, cert: certificatePem });
    assert.deepEqual(context.bodies, ['hello']);
  });

  test('that are missing end the connection before anything is taken, counted', async (t) => {
    const { connect, context } = await serve(t, { ...pem, ...trust });
    await assert.rejects(connect());
    assert.deepEqual(context.bodies, []);
    assert.equal(context.counters.HandshakeFailCount, 1);
    assert.equal(context.counters.OpenConnectionCount, 0);
  });
});

test('clear text on a TLS port is counted, said once, and hurts nobody', async (t) => {
  const { connect, context, port } = await serve(t, pem);
  for (let count = 0; count < 3; count++) {
    const peer = await FakePeer.connect(port);
    await peer.send('in clear\n');
    await peer.until(() => peer.ended !== undefined, 'the end');
  }
  await connect();
  assert.equal(context.counters.HandshakeFailCount, 3);
  assert.equal(context.log.lines.filter(({ level }) => level === 'warn').length, 1);
});

test('a stop ends handshakes that are not over', async (t) => {
  const context = new FakeSourceContext();
  const intake = new Intake(context, { retries: false, toBatch: () => EventBatch.empty });
  const tls = await tlsServerOptions(config(pem));
  const server = new TcpServer({ host: '127.0.0.1', port: 0, tls }, context, intake, () => ({
    data: () => {},
    end: () => {},
  }));
  await server.start();
  const peer = await FakePeer.connect(server.port);
  t.after(() => peer.close());
  await peer.send(Buffer.from([0x16, 0x03, 0x01]));
  const stopped = server.stop();
  await until(() => context.clock.sleeperCount > 0, 'the wait');
  await context.clock.advance(2_000);
  await stopped;
  await peer.until(() => peer.ended !== undefined, 'the end');
});

describe('what can be told before anything is opened', () => {
  const problems = (properties: Properties) =>
    tlsProblems(config({ ssl: 'true', ...properties })).map(({ key, severity }) => {
      return severity ? `${key} (${severity})` : key;
    });

  test('a key store or a certificate is needed, and a password', () => {
    assert.deepEqual(problems({}), ['keystore']);
    assert.deepEqual(problems({ keystore: 'x' }), ['keystore-password']);
    assert.deepEqual(problems({ keystore: 'x', 'keystore-type': 'PEM' }), []);
    assert.deepEqual(problems({ ...jks }), []);
    assert.deepEqual(problems({ ...pem }), []);
  });

  test('a store of an unknown type is refused by name', () => {
    assert.deepEqual(problems({ ...jks, 'keystore-type': 'BKS' }), ['keystore-type']);
    const trusting = { ...jks, ...trust, 'truststore-type': 'BKS' };
    assert.deepEqual(problems(trusting), ['truststore-type']);
  });

  test('what would have no effect is said', () => {
    assert.deepEqual(problems({ ...pem, keystore: 'x' }), ['keystore (warning)']);
    assert.deepEqual(problems({ ...pem, truststore: 'x' }), ['truststore (warning)']);
    assert.deepEqual(problems({ ...pem, 'need-client-auth': 'true' }), ['truststore']);
  });
});
