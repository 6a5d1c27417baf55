import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type MetricsServer, startMetricsServer } from '../../../src/agent/metrics-server.ts';
import { silentLogger } from '../../../src/core/log.ts';
import { ChannelCounters, SinkCounters } from '../../../src/core/metrics.ts';
import type { FuzzTarget } from '../target.ts';

/**
 * Within this, a client that has said all it has to say is answered or cut off, on a busy machine
 * too; the server itself would wait 10 s for the rest of a request.
 */
const answerMs = 8_000;
const probe = Buffer.from('GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');

let server: Promise<MetricsServer> | undefined;

export const metricsTarget: FuzzTarget = {
  name: 'metrics',
  tokens: [
    ...[
      'GET ',
      'POST ',
      'CONNECT ',
      'TRACE ',
      'OPTIONS ',
      '/metrics',
      ' HTTP/1.1',
      '\r\n',
      '\r\n\r\n',
    ],
    ...['Content-Length: 10\r\n', 'Transfer-Encoding: chunked\r\n', 'Expect: 100-continue\r\n'],
    ...[
      'Upgrade: h2c\r\nConnection: Upgrade\r\n',
      'Host: x\r\n',
      '%',
      '?',
      ':',
      '0\r\n\r\n',
      '\x16\x03\x01',
    ],
    ...['Accept: text/plain\r\n', 'http://x/', 'x: '],
  ],
  seeds: () => [
    probe,
    Buffer.from('GET / HTTP/1.0\r\n\r\n'),
    Buffer.from('GET /metrics/prometheus HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n\r\n'),
    Buffer.from(
      'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: x\r\n\r\n',
    ),
    Buffer.from(
      'PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    ),
  ],
  run: async (input) => {
    server ??= startMetricsServer({
      port: 0,
      groups: () => [
        { type: 'CHANNEL', name: 'c1', counters: new ChannelCounters() },
        { type: 'SINK', name: 'k1', counters: new SinkCounters() },
      ],
      log: silentLogger,
    });
    const { port } = await server;
    const answer = await exchange(port, input);
    if (answer !== '') assert.match(answer, /^HTTP\/1\.1 [1-5]\d\d /);
    const alive = await exchange(port, probe);
    assert.match(alive, /^HTTP\/1\.1 200 /, 'the next client is served');
    return [...new Set(answer.match(/^HTTP\/1\.1 \d+/gm))].join();
  },
  stop: async () => (await server)?.close(),
};

/** Sends all of it and gives what comes back until the server closes the connection. */
function exchange(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const late = setTimeout(() => {
      socket.destroy();
      reject(new Error(`not answered within ${answerMs} ms`));
    }, answerMs);
    let answer = '';
    socket.on('data', (part) => {
      answer += part.toString('latin1');
    });
    // The server may cut off whoever sends nonsense.
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(late);
      resolve(answer);
    });
    socket.end(bytes);
  });
}
