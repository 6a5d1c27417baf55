import { createSocket } from 'node:dgram';
import type { TestContext } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import type { SourceDefinition } from '../config/definition.ts';
import type { Source } from '../core/source.ts';
import { configOf } from '../testing/config-of.ts';
import { FakeSourceContext } from '../testing/fake-source-context.ts';
import type { SourceInput } from '../testing/source-contract.ts';
import { FakePeer, until } from './fake-peer.ts';

type Properties = Readonly<Record<string, string>>;

function create(
  definition: SourceDefinition,
  context: FakeSourceContext,
  properties: Properties,
): Source {
  return definition.create(configOf(definition.fields, properties), context);
}

/** The ports that a source said it listens on. */
function portsOf({ log }: FakeSourceContext): number[] {
  const lines = log.lines.filter(({ sentence }) => sentence === 'Listening.');
  return lines.map(({ fields }) => Number(fields['port']));
}

/** A source that listens, and what it hands on. */
export class Listener {
  readonly context = new FakeSourceContext();
  readonly source: Source;
  readonly #peers: FakePeer[] = [];

  private constructor(definition: SourceDefinition, properties: Properties) {
    this.source = create(definition, this.context, properties);
  }

  /** Stopped when the test ends. */
  static async start(
    t: TestContext,
    definition: SourceDefinition,
    properties: Properties,
  ): Promise<Listener> {
    const listener = new Listener(definition, properties);
    await listener.source.start();
    t.after(() => listener.stop());
    return listener;
  }

  get ports(): readonly number[] {
    return portsOf(this.context);
  }

  get bodies(): readonly string[] {
    return this.context.bodies;
  }

  async connect(port = this.ports[0] ?? 0, tls?: ConnectionOptions): Promise<FakePeer> {
    const peer = await FakePeer.connect(port, tls);
    this.#peers.push(peer);
    return peer;
  }

  /** Sends this over a connection of its own, which then ends, and waits for so many events. */
  async receive(bytes: string | Buffer, events: number, port?: number): Promise<void> {
    const peer = await this.connect(port);
    await peer.send(bytes);
    peer.finish();
    await this.arrived(events);
  }

  async arrived(events: number): Promise<void> {
    await until(() => this.bodies.length >= events, `${events} events`);
  }

  async stop(): Promise<void> {
    for (const peer of this.#peers) peer.close();
    this.context.beforePut = undefined;
    await this.source.stop();
  }
}

/** Sends each as a datagram, one after the other. */
export async function sendDatagrams(
  port: number,
  datagrams: readonly (string | Buffer)[],
): Promise<void> {
  const socket = createSocket('udp4');
  for (const datagram of datagrams) {
    await new Promise<void>((resolve, reject) => {
      socket.send(datagram, port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
    });
    // Else the receiver, in the same loop, has no turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise<void>((resolve) => socket.close(() => resolve()));
}

/** The input of a source that listens, for its contract; UDP gets a datagram per line. */
export function listenerInput(
  definition: SourceDefinition,
  properties: Properties,
  transport: 'tcp' | 'udp',
  maxLineBytes?: number,
): SourceInput {
  let peer: FakePeer | undefined;
  let port = 0;
  let moving: NodeJS.Timeout | undefined;
  return {
    create: (context) => {
      // Sound: it is the contract's, which makes no others.
      const fake = context as FakeSourceContext;
      // A source that tries again by itself waits on this clock.
      clearInterval(moving);
      moving = setInterval(() => void fake.clock.advance(20), 5);
      const source = create(definition, fake, properties);
      const start = source.start.bind(source);
      source.start = async () => {
        await start();
        port = portsOf(fake).at(-1) ?? 0;
      };
      return source;
    },
    write: async (bytes) => {
      if (transport === 'udp') {
        const lines = bytes.toString('latin1').split('\n').filter(Boolean);
        await sendDatagrams(port, lines);
        return;
      }
      peer ??= await FakePeer.connect(port);
      await peer.send(bytes);
    },
    close: async () => {
      clearInterval(moving);
      peer?.close();
    },
    ...(maxLineBytes !== undefined && { maxLineBytes }),
  };
}
