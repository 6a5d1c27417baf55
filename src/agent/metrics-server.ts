import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../core/log.ts';
import type { CounterGroup } from './agent.ts';
import { metricsJson, metricsPrometheus } from './metrics-text.ts';

/** Scrapers and people at once; more are turned away. */
const maxConnections = 64;
/** How long a client may take to send its request. */
const requestTimeoutMs = 10_000;

const jsonType = 'application/json;charset=utf-8';
const plainType = 'text/plain; charset=utf-8';
const prometheusType = 'text/plain; version=0.0.4; charset=utf-8';
const homePage = `<!DOCTYPE html>
<title>Millrace</title>
<h1>Millrace</h1>
<p>The counters of this agent: <a href="metrics">as JSON, like Flume’s</a>,
<a href="metrics/prometheus">for Prometheus</a>.</p>
`;

export interface MetricsServerOptions {
  /** The address to listen on. Default: 127.0.0.1, so that only this machine sees the counters. */
  readonly host?: string;
  /** 0: any free port. */
  readonly port: number;
  /** Called at each request: the components there are by then. */
  readonly groups: () => Iterable<CounterGroup>;
  readonly log: Logger;
}

export interface MetricsServer {
  readonly port: number;
  /** Stops listening and cuts what is connected. Safe twice. */
  close(): Promise<void>;
}

/**
 * Serves the counters over HTTP, as Flume does with `flume.monitoring.type = http`:
 *
 * - `/metrics`, in any case: Flume's JSON. A client whose `Accept` header names `text/plain` or
 *   OpenMetrics but not JSON, as Prometheus' does, gets Prometheus' text.
 * - `/metrics/prometheus`: Prometheus' text for everyone.
 * - `/`: a page with links. Everything else: 404; TRACE and OPTIONS: 403.
 *
 * Rejects when it can't listen.
 */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const { host = '127.0.0.1', port, groups, log } = options;
  const server = createServer({ requestTimeout: requestTimeoutMs }, (request, response) => {
    // Nobody reads what a client sends along; without this its connection would stand still.
    request.resume();
    try {
      send(response, answerTo(request, groups));
    } catch (error) {
      log.error({ error }, 'The counters could not be read.');
      send(response, { status: 500, type: plainType, body: 'The counters could not be read.\n' });
    }
  });
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: Error) =>
      reject(new Error(`serve metrics on ${host}:${port}: ${cause.message}`, { cause }));
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve();
    });
  });
  server.on('error', (error) => log.warn({ error }, 'The metrics server could not take a client.'));
  // A server that listens on a port has an address of this kind.
  const bound = server.address() as AddressInfo;
  log.info({ host, port: bound.port }, 'Metrics are served.');
  return {
    port: bound.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function answerTo(request: IncomingMessage, groups: () => Iterable<CounterGroup>): Answer {
  if (request.method === 'TRACE' || request.method === 'OPTIONS') {
    return { status: 403, type: plainType, body: 'Not allowed.\n' };
  }
  const path = (request.url ?? '/').replace(/\?.*$/s, '').toLowerCase();
  if (path === '/') return { status: 200, type: 'text/html;charset=utf-8', body: homePage };
  if (path === '/metrics/prometheus' || (path === '/metrics' && wantsPrometheus(request))) {
    return { status: 200, type: prometheusType, body: metricsPrometheus(groups()) };
  }
  if (path === '/metrics') return { status: 200, type: jsonType, body: metricsJson(groups()) };
  return { status: 404, type: plainType, body: 'Only / and /metrics are here.\n' };
}

/** Some HTTP libraries accept JSON and plain text alike: they are after Flume's JSON. */
function wantsPrometheus(request: IncomingMessage): boolean {
  const accept = (request.headers.accept ?? '').toLowerCase();
  return /text\/plain|openmetrics/.test(accept) && !accept.includes('application/json');
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    vary: 'accept',
  });
  response.end(body);
}
