import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type Clock, systemClock } from '../core/clock.ts';
import { ConnectionError, FormatError } from '../core/errors.ts';
import { type Logger, silentLogger } from '../core/log.ts';
import { Prng } from '../testing/prng.ts';
import { RecordingLogger } from '../testing/recording-logger.ts';
import * as calls from './client-protocol.ts';
import { readConfig } from './config.ts';
import { RemoteError } from './errors.ts';
import { type Answer, FakeRpcServer, type ReceivedCall } from './fake-rpc-server.ts';
import { NameNodes } from './namenodes.ts';

const speed = 200;
/** Time that passes much faster, but with what the network does in its real order. */
const hurried: Clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() * speed,
  sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
};

const standby: Answer = { exception: 'org.apache.hadoop.ipc.StandbyException' };
const yes: Answer = calls.mkdirs.response.encode({ result: true });
const request = { src: '/a', masked: { perm: 0o755 }, createParent: true };

function clientOf(
  test: TestContext,
  ports: readonly number[],
  settings = {},
  log: Logger = silentLogger,
): NameNodes {
  const names = ports.map((_, index) => `n${index}`);
  const addresses = ports.map((port, index) => [
    `dfs.namenode.rpc-address.ns.n${index}`,
    `127.0.0.1:${port}`,
  ]);
  const all = {
    'fs.defaultFS': 'hdfs://ns',
    'dfs.ha.namenodes.ns': names.join(','),
    ...Object.fromEntries(addresses),
    ...settings,
  };
  const config = readConfig(new Map(Object.entries<string>(all)));
  const client = new NameNodes(config, hurried, new Prng(1), log);
  test.after(() => client.close());
  return client;
}

async function serverOf(
  test: TestContext,
  answer: (call: ReceivedCall) => Answer,
  port = 0,
): Promise<FakeRpcServer> {
  const server = await FakeRpcServer.start(answer, port);
  test.after(() => server.stop());
  return server;
}

const idsOf = ({ calls: received }: FakeRpcServer) =>
  received.map(({ callId, retryCount }) => [callId, retryCount]);

describe('the NameNodes of a cluster', () => {
  test('are asked in turn until the active one is found, and then only that one', async (t) => {
    const first = await serverOf(t, () => standby);
    const second = await serverOf(t, () => yes);
    const client = clientOf(t, [first.port, second.port]);
    assert.equal((await client.call(calls.mkdirs, request)).result, true);
    await client.call(calls.mkdirs, request);
    // The same call keeps its id, so that the NameNodes know it again.
    assert.deepEqual(idsOf(first), [[0, 0]]);
    assert.deepEqual(idsOf(second), [
      [0, 1],
      [1, 0],
    ]);
    assert.equal(second.connections, 1);
  });

  test('get a call again under its id when the answer was lost', async (t) => {
    const server = await serverOf(t, ({ retryCount }) => (retryCount < 2 ? 'cut' : yes));
    const client = clientOf(t, [server.port]);
    assert.equal((await client.call(calls.mkdirs, request)).result, true);
    assert.deepEqual(idsOf(server), [
      [0, 0],
      [0, 1],
      [0, 2],
    ]);
    assert.equal(server.connections, 3);
  });

  test('in safe mode, or busy, are asked again, which is said once', async (t) => {
    for (const name of ['ipc.RetriableException', 'hdfs.server.namenode.SafeModeException']) {
      const exception = `org.apache.hadoop.${name}`;
      const server = await serverOf(t, ({ retryCount }) => (retryCount < 3 ? { exception } : yes));
      const other = await serverOf(t, () => yes);
      const log = new RecordingLogger();
      const client = clientOf(t, [server.port, other.port], {}, log);
      await client.call(calls.mkdirs, request);
      const said = log.lines.map(({ sentence }) => sentence);
      assert.deepEqual([...new Set(said)], ['HDFS does not take calls for now; they wait.']);
      // Once a minute, which is over soon here.
      assert(said.length < 3, 'not for each of the three times');
      assert.equal(server.calls.length, 4);
      assert.equal(other.calls.length, 0);
    }
  });

  test('that refuse are not asked again, and are quoted in one line', async (t) => {
    const exception = 'org.apache.hadoop.security.AccessControlException';
    const server = await serverOf(t, () => ({ exception }));
    const client = clientOf(t, [server.port]);
    await assert.rejects(client.call(calls.mkdirs, request), (error) => {
      assert(error instanceof RemoteError);
      assert.equal(error.message, 'mkdirs: AccessControlException: why it failed');
      assert.match(error.detail, /at Some.java/);
      assert.equal(error.remoteClass, exception);
      assert.equal(error.retryable, false);
      return true;
    });
    assert.equal(server.calls.length, 1);
  });

  test('whose connection has failed get a new one', async (t) => {
    const exception = 'org.apache.hadoop.ipc.RpcServerException';
    let bad = true;
    const server = await serverOf(t, () => (bad ? { exception, fatal: true } : yes));
    const client = clientOf(t, [server.port]);
    await assert.rejects(client.call(calls.mkdirs, request), /RpcServerException/);
    bad = false;
    await client.call(calls.mkdirs, request);
    assert.equal(server.connections, 2);
  });

  test('that come back are found; those that do not are given up', async (t) => {
    const server = await serverOf(t, () => yes);
    const { port } = server;
    await server.stop();
    const client = clientOf(t, [port], { 'ipc.client.connect.max.retries': '3' });
    await assert.rejects(client.call(calls.mkdirs, request), ConnectionError);
    const calling = client.call(calls.mkdirs, request);
    await serverOf(t, () => yes, port);
    assert.equal((await calling).result, true);
  });

  test('that say nothing are pinged, and given up after a while', async (t) => {
    const server = await serverOf(t, ({ retryCount }) => (retryCount === 0 ? 'none' : yes));
    const client = clientOf(t, [server.port]);
    assert.equal((await client.call(calls.mkdirs, request)).result, true);
    assert(server.pings >= 1, `${server.pings} pings`);
    assert.equal(server.connections, 2);
  });

  test('are asked many things at once over one connection', async (t) => {
    const server = await serverOf(t, ({ callId }) =>
      calls.mkdirs.response.encode({ result: callId % 3 === 0 }),
    );
    const client = clientOf(t, [server.port]);
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => client.call(calls.mkdirs, request)),
    );
    assert.deepEqual(
      answers.map(({ result }) => result),
      answers.map((_, index) => index % 3 === 0),
    );
    assert.equal(server.connections, 1);
  });

  test('that answer nonsense cost the call, not the client', async (t) => {
    const server = await serverOf(t, ({ callId }) => (callId === 0 ? Buffer.from([0xff]) : yes));
    const client = clientOf(t, [server.port]);
    await assert.rejects(client.call(calls.mkdirs, request), FormatError);
    assert.equal((await client.call(calls.mkdirs, request)).result, true);
  });

  test('are not waited for by a call that is given up, nor by a closed client', async (t) => {
    const server = await serverOf(t, () => standby);
    const client = clientOf(t, [server.port], { 'dfs.client.failover.max.attempts': '1000000' });
    const abort = new AbortController();
    const calling = client.call(calls.mkdirs, request, abort.signal);
    abort.abort();
    await assert.rejects(calling, /StandbyException/);
    const other = client.call(calls.mkdirs, request);
    client.close();
    await assert.rejects(other);
    await assert.rejects(client.call(calls.mkdirs, request), /was closed/);
  });
});
