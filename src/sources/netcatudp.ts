import { defineSource } from '../config/definition.ts';
import { type ConfigOf, integer, optionalText, text } from '../config/field.ts';
import { EventBatch } from '../core/event-batch.ts';
import { RareLog } from '../core/rare-log.ts';
import type { Source, SourceContext } from '../core/source.ts';
import { Intake, type Sender } from '../net/intake.ts';
import { UdpPort } from '../net/udp-port.ts';

const fields = {
  bind: text({
    doc: 'The address or host name to listen on; `0.0.0.0`: all interfaces.',
    default: '0.0.0.0',
  }),
  port: integer({ doc: 'The port to listen on.', min: 0, max: 65_535 }),
  remoteAddress: optionalText({
    doc: 'The name of a header that gets the address and port of the sender: `/10.0.0.1:5555`.',
    defaultText: 'no such header',
  }),
};

type Config = ConfigOf<typeof fields>;

export const netcatUdpSource = defineSource({
  type: 'netcatudp',
  classes: ['org.apache.flume.source.NetcatUdpSource'],
  summary: 'Takes datagrams over UDP, each an event.',
  notes: `The event is what stands before the first newline of a datagram; the rest of the datagram
is dropped, as in Flume. Flume cuts datagrams at 2,048 bytes; here they are taken whole.

UDP has no way to make a sender wait. While the channels take nothing some megabytes are kept, and
put as soon as there is room; what comes beyond that is dropped, and counted in \`EventDropCount\`.
\`DatagramDropCount\` are those that the kernel dropped because the agent was too busy to read them;
a larger \`net.core.rmem_max\` gives it more time.`,
  rereads: false,
  fields,
  example: 'type = netcatudp\nbind = 127.0.0.1\nport = 44444\nremoteAddress = peer',
  claims: ({ bind, port }) => (port === 0 ? [] : [`UDP port ${bind}:${port}`]),
  create: (config, context) => new NetcatUdpSource(config, context),
});

const newline = 10;
/** Senders whose header is remembered. */
const maxSenders = 4_096;

class NetcatUdpSource implements Source {
  readonly #config: Config;
  readonly #context: SourceContext;
  readonly #rare: RareLog;
  readonly #intake: Intake;
  readonly #port: UdpPort;
  /** By address and port; only where a header has them. */
  readonly #senders = new Map<string, Sender>();
  readonly #anybody: Sender;

  constructor(config: Config, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    this.#rare = new RareLog(context.log, context.clock);
    this.#anybody = this.#senderWith(new Map());
    this.#intake = new Intake(context, {
      toBatch: ({ slab, starts, ends, headers }) => new EventBatch(slab, starts, ends, headers),
      retries: true,
    });
    const { bind: host, port } = config;
    this.#port = new UdpPort({ host, port }, context, (datagram, address, from) => {
      this.#received(datagram, address, from);
    });
  }

  async start(): Promise<void> {
    await this.#port.start();
    const { bind } = this.#config;
    this.#context.log.info({ bind, port: this.#port.port }, 'Listening.');
  }

  async stop(): Promise<void> {
    await this.#port.stop();
    await this.#intake.stop();
  }

  #received(datagram: Buffer, address: string, port: number): void {
    const found = datagram.indexOf(newline);
    const end = found < 0 ? datagram.length : found;
    if (this.#intake.isFull) this.#lose(1, undefined);
    else this.#intake.add(this.#senderAt(address, port), datagram, 0, end);
  }

  #senderAt(address: string, port: number): Sender {
    const { remoteAddress } = this.#config;
    if (remoteAddress === undefined) return this.#anybody;
    const place = address.includes(':') ? `/[${address}]:${port}` : `/${address}:${port}`;
    const known = this.#senders.get(place);
    if (known) return known;
    if (this.#senders.size >= maxSenders) this.#senders.clear();
    const sender = this.#senderWith(new Map([[remoteAddress, place]]));
    this.#senders.set(place, sender);
    return sender;
  }

  #senderWith(headers: ReadonlyMap<string, string>): Sender {
    return {
      headers,
      delivered: () => {},
      refused: (events, _bytes, error) => this.#lose(events, error),
    };
  }

  #lose(events: number, error: Error | undefined): void {
    this.#context.counters.EventDropCount += events;
    this.#rare.warn({ error }, 'Datagrams are dropped: the channels take nothing.', events);
  }
}
