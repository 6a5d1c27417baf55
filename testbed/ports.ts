/** Ports that nothing uses, for programs that are told theirs. */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

/** Free for TCP and UDP a moment ago; all different. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const server = createServer();
    const port = await new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
    if (await isFreeForUdp(port)) ports.add(port);
    await new Promise((resolve) => server.close(resolve));
  }
  return [...ports];
}

function isFreeForUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}

/** Does anybody take connections there? */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** Sends these pieces over one connection, each by itself, and ends it. */
export async function sendOverTcp(port: number, pieces: readonly Buffer[]): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', resolve);
  });
  for (const piece of pieces) await new Promise<unknown>((resolve) => socket.write(piece, resolve));
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.resume().end();
  });
}

/** Sends datagrams, so slowly that none is lost on the way. */
export async function sendOverUdp(port: number, datagrams: readonly Buffer[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const datagram of datagrams) {
    await new Promise<void>((resolve, reject) => {
      socket.send(datagram, port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
    });
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await new Promise<void>((resolve) => socket.close(() => resolve()));
}
