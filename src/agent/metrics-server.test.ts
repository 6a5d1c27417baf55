import { strict as assert } from 'node:assert';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { ChannelCounters } from '../core/metrics.ts';
import { RecordingLogger } from '../testing/recording-logger.ts';
import type { CounterGroup } from './agent.ts';
import { type MetricsServer, startMetricsServer } from './metrics-server.ts';

const counters = new ChannelCounters();
const log = new RecordingLogger();
let groups: () => Iterable<CounterGroup>;
let server: MetricsServer;
beforeEach(async () => {
  groups = () => [{ type: 'CHANNEL', name: 'c1', counters }];
  server = await startMetricsServer({ port: 0, groups: () => groups(), log });
});
afterEach(() => server.close());

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

function ask(path: string, { method = 'GET', accept = '*/*' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { port: server.port, path, method, headers: { accept }, agent: false };
    const sent = request(options, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part) => {
        body += part;
      });
      response.on('end', () => {
        resolve({ status: response.statusCode, type: response.headers['content-type'], body });
      });
    });
    sent.on('error', reject);
    sent.end(method === 'POST' ? 'ignored' : undefined);
  });
}

test('/metrics in any case is Flume’s JSON, as it is at that moment', async () => {
  counters.EventPutSuccessCount = 7;
  for (const path of ['/metrics', '/METRICS', '/Metrics?x=/y']) {
    const { status, type, body } = await ask(path);
    assert.deepEqual([status, type], [200, 'application/json;charset=utf-8']);
    assert.equal(JSON.parse(body)['CHANNEL.c1'].EventPutSuccessCount, '7');
  }
  counters.EventPutSuccessCount = 8;
  const { body } = await ask('/metrics', { method: 'POST' });
  assert.equal(JSON.parse(body)['CHANNEL.c1'].EventPutSuccessCount, '8');
});

test('a scraper of Prometheus gets text, any other client JSON', async () => {
  const accepts: [string, 'text' | 'json'][] = [
    ['application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*', 'text'],
    ['text/plain', 'text'],
    ['application/json, text/plain, */*', 'json'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'json'],
    ['*/*', 'json'],
  ];
  for (const [accept, expected] of accepts) {
    const { type, body } = await ask('/metrics', { accept });
    if (expected === 'json') assert.equal(type, 'application/json;charset=utf-8', accept);
    else assert.equal(type, 'text/plain; version=0.0.4; charset=utf-8', accept);
    assert.equal(body.startsWith('# HELP'), expected === 'text', accept);
  }
  const { status, body } = await ask('/metrics/prometheus');
  assert.equal(status, 200);
  assert.match(body, /^Flume_ChannelSize\{component="c1",type="CHANNEL"\} 0$/m);
});

test('/ is a page that links to the metrics, and nothing else is there', async () => {
  const home = await ask('/');
  assert.deepEqual([home.status, home.type], [200, 'text/html;charset=utf-8']);
  assert.match(home.body, /href="metrics"/);
  for (const path of ['/metrics/', '/metric', '/favicon.ico', '//metrics']) {
    assert.equal((await ask(path)).status, 404, path);
  }
});

test('TRACE and OPTIONS are forbidden, HEAD has no body', async () => {
  assert.equal((await ask('/metrics', { method: 'TRACE' })).status, 403);
  assert.equal((await ask('/metrics', { method: 'OPTIONS' })).status, 403);
  assert.deepEqual(await ask('/metrics', { method: 'HEAD' }), {
    status: 200,
    type: 'application/json;charset=utf-8',
    body: '',
  });
});

test('a failure to list the components is answered with 500 and logged', async () => {
  groups = () => {
    throw new Error('no graph');
  };
  assert.equal((await ask('/metrics')).status, 500);
  assert.equal(log.lines.at(-1)?.level, 'error');
});

test('the server listens on this machine alone, and says where when it cannot', async () => {
  const { port } = server;
  await assert.rejects(startMetricsServer({ port, groups, log }), (error: Error) => {
    assert.match(error.message, new RegExp(`^serve metrics on 127\\.0\\.0\\.1:${port}: `));
    assert.match(String(error.cause), /EADDRINUSE/);
    return true;
  });
});

test('close ends connections that are open, and is safe twice', async () => {
  const socket = connect(server.port, '127.0.0.1');
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  await server.close();
  await ended;
  await server.close();
});
