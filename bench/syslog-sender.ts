/**
 * Sends syslog messages as fast as they are taken, or at a rate, and ends:
 *
 *   node bench/syslog-sender.ts --port 5140 --events 3000000 [--format rfc5424]
 *        [--transport udp --rate 100000] [--connections 1000 --rate 20000]
 *
 * A block of messages is made once and sent again and again, so that sending costs little.
 */
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { accessLines } from './generate-log.ts';

export type SyslogFormat = 'rfc3164' | 'rfc5424';

/** Messages of one block: some seconds of a busy relay, with several hosts and priorities. */
export const blockEvents = 10_000;
const hosts = ['web-01', 'web-02.example.com', 'db-17', 'cache-03.example.com', '10.20.30.40'];
const priorities = [13, 30, 86, 134, 165];
const eventsPerMs = 100;

export interface SyslogBlock {
  /** Each with its newline. */
  readonly messages: readonly Buffer[];
  /** The bytes of what the sources take for the bodies, each with a newline. */
  readonly bodyBytes: number;
}

export function syslogBlock(format: SyslogFormat, at = Date.now()): SyslogBlock {
  const text = accessLines(7);
  const messages: Buffer[] = [];
  let bodyBytes = 0;
  for (let n = 0; n < blockEvents; n++) {
    const date = new Date(at + Math.floor(n / eventsPerMs) * 10);
    const priority = `<${priorities[n % priorities.length]}>`;
    const host = hosts[(n * 7) % hosts.length];
    const body = format === 'rfc3164' ? `nginx[1234]: ${text()}` : `nginx 1234 access - ${text()}`;
    const time = format === 'rfc3164' ? shortTime(date) : date.toISOString();
    const version = format === 'rfc3164' ? '' : '1 ';
    messages.push(Buffer.from(`${priority}${version}${time} ${host} ${body}\n`));
    bodyBytes += Buffer.byteLength(body) + 1;
  }
  return { messages, bodyBytes };
}

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

function shortTime(date: Date): string {
  const day = String(date.getDate()).padStart(2);
  return `${months[date.getMonth()]} ${day} ${date.toTimeString().slice(0, 8)}`;
}

async function sendTcp(port: number, blocks: number, { messages }: SyslogBlock): Promise<void> {
  const bytes = Buffer.concat(messages);
  const socket = connect({ host: '127.0.0.1', port });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', resolve);
  });
  for (let block = 0; block < blocks; block++) {
    if (!socket.write(bytes)) await new Promise<void>((resolve) => socket.once('drain', resolve));
  }
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.resume().end();
  });
}

/** Each connection sends one message at a time, at even intervals; together they keep the rate. */
async function sendByMany(
  port: number,
  blocks: number,
  connections: number,
  rate: number,
  { messages }: SyslogBlock,
): Promise<void> {
  const sockets: Socket[] = [];
  // One after the other: some peers let few wait to be accepted.
  for (let n = 0; n < connections; n++) {
    const socket = connect({ host: '127.0.0.1', port });
    await new Promise((resolve) => socket.once('connect', resolve));
    sockets.push(socket);
    if (n % 10 === 0) await sleep(5);
  }
  const begun = performance.now();
  const events = blocks * messages.length;
  for (let sent = 0; sent < events; ) {
    const due = Math.min(events, Math.ceil(((performance.now() - begun) / 1000) * rate));
    for (; sent < due; sent++)
      sockets[sent % connections]?.write(messages[sent % blockEvents] ?? '');
    await sleep(1);
  }
  const closed = sockets.map((socket) => {
    return new Promise((resolve) => socket.once('close', resolve).resume().end());
  });
  await Promise.all(closed);
}

async function sendUdp(
  port: number,
  blocks: number,
  rate: number,
  { messages }: SyslogBlock,
): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.connect(port, '127.0.0.1', resolve));
  const begun = performance.now();
  const events = blocks * messages.length;
  for (let sent = 0; sent < events; ) {
    const due = Math.min(events, Math.ceil(((performance.now() - begun) / 1000) * rate));
    for (; sent < due; sent++) socket.send(messages[sent % messages.length] ?? '');
    await sleep(1);
  }
  await new Promise<void>((resolve) => socket.close(() => resolve()));
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '5140' },
      events: { type: 'string', default: '3000000' },
      format: { type: 'string', default: 'rfc3164' },
      transport: { type: 'string', default: 'tcp' },
      rate: { type: 'string', default: '100000' },
      connections: { type: 'string', default: '1' },
    },
  });
  const blocks = Math.ceil(Number(values.events) / blockEvents);
  const block = syslogBlock(values.format === 'rfc5424' ? 'rfc5424' : 'rfc3164');
  const port = Number(values.port);
  const [rate, connections] = [Number(values.rate), Number(values.connections)];
  if (values.transport === 'udp') await sendUdp(port, blocks, rate, block);
  else if (connections > 1) await sendByMany(port, blocks, connections, rate, block);
  else await sendTcp(port, blocks, block);
}
