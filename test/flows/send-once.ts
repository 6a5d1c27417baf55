/** Sends something to an agent that a test only looks at, again and again, until it has arrived. */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { AgentProcess } from '../../testbed/agent-process.ts';

const sent = new WeakMap<AgentProcess, Set<string>>();

/** Sends once per agent and `what`, as soon as the agent's log says that all of it runs. */
export function sendOnce(agent: AgentProcess, what: string, send: () => void): void {
  const done = sent.get(agent) ?? new Set();
  sent.set(agent, done);
  if (done.has(what) || !agent.log().includes('"Running."')) return;
  done.add(what);
  send();
}

export function sendTcp(port: number, bytes: string): void {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', (error) => {
    throw error;
  });
  socket.resume().end(bytes);
}

export function sendUdp(port: number, bytes: string): void {
  const socket = createSocket('udp4');
  socket.send(bytes, port, '127.0.0.1', () => socket.close());
}
