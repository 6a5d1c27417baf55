/**
 * netcat → memory → null over loopback, each line answered with OK, or none: Millrace and real Flume
 * in turns, each with 1 and with 4 connections that send as fast as they can, and with 1,000 that
 * send 20 lines a second each.
 *
 *   node bench/netcat.ts --pairs 3 --lines 2000000 --peers millrace,flume --cases 1,4,1q,4q,1000
 *
 * A case is a number of connections; with a `q` nothing is answered (`ack-every-event = false`).
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { AgentProcess } from '../testbed/agent-process.ts';
import { flumeMissing, startFlume } from '../testbed/flume.ts';
import { startMillrace } from '../testbed/millrace.ts';
import { cpuSeconds, residentBytes } from '../testbed/process-usage.ts';
import type { Peer } from './flow.ts';
import { median, saveNote, writeReport } from './report.ts';

interface Run {
  readonly peer: Peer;
  readonly name: string;
  readonly lines: number;
  /** From the first byte sent until the sink has the last line. */
  readonly seconds: number;
  /** Of the agent, in the same time. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

const lineBytes = 200;
/** Sent at once: whole lines. */
const linesAtOnce = 320;
/** Lines before the clock runs: Java compiles meanwhile. */
const warmUpLines = 300_000;
/** With as many connections, each sends now and then. */
const manyConnections = 1_000;
const linesPerSecond = 20;
const tickMs = 10;
const steadySeconds = 10;
const startMs = 30_000;
const stallMs = 10_000;

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '3' },
    lines: { type: 'string', default: '2000000' },
    peers: { type: 'string', default: 'millrace,flume' },
    cases: { type: 'string', default: '1,4,1q,4q,1000,1000q' },
    'node-options': { type: 'string', default: '' },
  },
});
const lines = Number(values.lines);
const line = `${'x'.repeat(lineBytes - 1)}\n`;

/** What is measured: how many connections, and whether lines are answered. */
interface Case {
  readonly connections: number;
  readonly acks: boolean;
}

interface Started {
  readonly agent: AgentProcess;
  readonly port: number;
  readonly monitoringPort: number;
}

async function startPeer(peer: Peer, { acks }: Case): Promise<Started> {
  const folder = join(tmpdir(), 'millrace-bench', `netcat-${peer}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const monitoringPort = await freePort();
  const conf = join(folder, 'netcat.properties');
  writeFileSync(
    conf,
    `a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = ${port}
a1.sources.r1.ack-every-event = ${acks}
a1.sources.r1.channels = c1
a1.channels.c1.type = memory
a1.channels.c1.capacity = 100000
a1.channels.c1.transactionCapacity = 10000
a1.sinks.k1.type = null
a1.sinks.k1.batchSize = 1000
a1.sinks.k1.channel = c1
`,
  );
  const common = { conf, agent: 'a1', cwd: folder, logPath: join(folder, 'agent.log') };
  const nodeOptions = values['node-options'].split(' ').filter(Boolean);
  const properties = ['-Dflume.monitoring.type=http', `-Dflume.monitoring.port=${monitoringPort}`];
  const agent =
    peer === 'millrace'
      ? startMillrace({ ...common, nodeOptions, args: properties })
      : startFlume({ ...common, javaOptions: ['-Xmx2g', '-XX:+UseSerialGC', ...properties] });
  return { agent, port, monitoringPort };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** Lines that the sink has taken. */
async function takenLines({ monitoringPort }: Started): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${monitoringPort}/metrics`);
  const groups = (await answer.json()) as Record<string, Record<string, string>>;
  return Number(groups['CHANNEL.c1']?.['EventTakeSuccessCount'] ?? 0);
}

/** @throws when nothing more comes: then lines were refused, and nothing was measured */
async function untilTaken(started: Started, count: number): Promise<void> {
  let last = -1;
  let movedAt = performance.now();
  for (;;) {
    const taken = await takenLines(started);
    if (taken >= count) return;
    if (taken !== last) movedAt = performance.now();
    last = taken;
    if (performance.now() - movedAt > stallMs) throw new Error(`${taken} of ${count} lines came`);
    await sleep(10);
  }
}

function connectOnce(port: number): Promise<Socket> {
  const buffer = Buffer.alloc(64 << 10);
  const socket = connect({ host: '127.0.0.1', port, onread: { buffer, callback: () => true } });
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

async function connectAll({ agent, port }: Started, count: number): Promise<Socket[]> {
  const deadline = performance.now() + startMs;
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    try {
      sockets.push(await connectOnce(port));
    } catch (error) {
      if (performance.now() > deadline || agent.hasExited) throw error;
      await sleep(50);
    }
  }
  return sockets;
}

/** As fast as it goes. */
async function send(socket: Socket, count: number): Promise<void> {
  const chunk = Buffer.from(line.repeat(linesAtOnce));
  for (let left = count; left > 0; left -= linesAtOnce) {
    const bytes = left < linesAtOnce ? chunk.subarray(0, left * lineBytes) : chunk;
    if (socket.write(bytes)) continue;
    await new Promise<void>((resolve) => socket.once('drain', resolve));
  }
}

async function measure(peer: Peer, which: Case): Promise<Run> {
  const started = await startPeer(peer, which);
  const { agent } = started;
  const { connections, acks } = which;
  const name = `${connections.toLocaleString('en')}, ${acks ? 'OK to each' : 'no answers'}`;
  try {
    const sockets = await connectAll(started, connections);
    const load = connections >= manyConnections ? sendNowAndThen : sendFlat;
    const { count, seconds, cpu } = await load(started, sockets);
    const resident = residentBytes(agent.pid);
    for (const socket of sockets) socket.destroy();
    return { peer, name, lines: count, seconds, cpuSeconds: cpu, residentBytes: resident };
  } finally {
    await agent.stop();
  }
}

interface Load {
  readonly count: number;
  readonly seconds: number;
  readonly cpu: number;
}

async function sendFlat(started: Started, sockets: readonly Socket[]): Promise<Load> {
  const each = (count: number) => {
    return Promise.all(sockets.map((socket) => send(socket, count / sockets.length)));
  };
  await each(warmUpLines);
  await untilTaken(started, warmUpLines);
  const cpuBefore = cpuSeconds(started.agent.pid);
  const began = performance.now();
  await each(lines);
  await untilTaken(started, warmUpLines + lines);
  const seconds = (performance.now() - began) / 1000;
  return { count: lines, seconds, cpu: cpuSeconds(started.agent.pid) - cpuBefore };
}

async function sendNowAndThen(started: Started, sockets: readonly Socket[]): Promise<Load> {
  const perTick = (sockets.length * linesPerSecond * tickMs) / 1000;
  let next = 0;
  const tick = () => {
    for (let count = 0; count < perTick; count++) sockets[next++ % sockets.length]?.write(line);
  };
  const timer = setInterval(tick, tickMs);
  await sleep(2_000);
  const before = await takenLines(started);
  const cpuBefore = cpuSeconds(started.agent.pid);
  const began = performance.now();
  await sleep(steadySeconds * 1000);
  const count = (await takenLines(started)) - before;
  const seconds = (performance.now() - began) / 1000;
  const cpu = cpuSeconds(started.agent.pid) - cpuBefore;
  clearInterval(timer);
  return { count, seconds, cpu };
}

const missing = flumeMissing();
if (missing) console.log(`Without Flume: it ${missing}`);
const peers = (['millrace', 'flume'] as const).filter(
  (peer) => values.peers.split(',').includes(peer) && !(peer === 'flume' && missing),
);
const runs: Run[] = [];
for (const each of values.cases.split(',')) {
  const which = { connections: Number.parseInt(each, 10), acks: !each.endsWith('q') };
  for (let pair = 0; pair < Number(values.pairs); pair++) {
    for (const peer of peers) {
      const run = await measure(peer, which);
      runs.push(run);
      const rate = Math.round(run.lines / run.seconds).toLocaleString('en');
      const cpu = ((run.cpuSeconds / run.lines) * 1e6).toFixed(2);
      const memory = (run.residentBytes / 1e6).toFixed(0);
      console.log(`${run.name}, ${peer}: ${rate} lines/s, ${cpu} µs CPU per line, ${memory} MB`);
    }
  }
}

const names = [...new Set(runs.map(({ name }) => name))];
const rows = names.flatMap((name) =>
  peers.map((peer) => {
    const own = runs.filter((run) => run.name === name && run.peer === peer);
    const rate = median(own.map((run) => run.lines / run.seconds / 1e6)).toFixed(2);
    const cpu = median(own.map((run) => (run.cpuSeconds / run.lines) * 1e6)).toFixed(2);
    const memory = median(own.map((run) => run.residentBytes / 1e6)).toFixed(0);
    return `| ${name} | ${peer === 'flume' ? 'Flume' : 'Millrace'} | ${rate} | ${cpu} | ${memory} |`;
  }),
);
const table = [
  '| connections | agent | M lines/s | CPU µs/line | MB |',
  '|---|---|---:|---:|---:|',
  ...rows,
].join('\n');
const explained = `netcat → memory → null, lines of ${lineBytes} bytes over loopback, from the first
byte sent until the sink has the last line, after ${warmUpLines.toLocaleString('en')} lines to warm
up. A thousand connections send ${linesPerSecond} lines a second each. Medians of ${values.pairs}
runs in turns; the sender has the other core.`;
if (values['node-options'] === '') {
  saveNote('netcat', 'Lines over TCP', `${explained}\n\n${table}`, runs);
  writeReport();
}
console.log(table);
