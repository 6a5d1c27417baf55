import { defineSource } from '../config/definition.ts';
import { type ConfigOf, integer, optionalText } from '../config/field.ts';
import { RareLog } from '../core/rare-log.ts';
import type { Source, SourceContext } from '../core/source.ts';
import {
  customFormat,
  customFormatFields,
  customFormatProblems,
} from '../formats/syslog/custom-format.ts';
import { keepFieldsField, keepFieldsProblems, keptFields } from '../formats/syslog/keep-fields.ts';
import { badReporter } from '../formats/syslog/messages.ts';
import { sharedParserNotes } from '../formats/syslog/notes.ts';
import { SharedParser } from '../formats/syslog/shared-parser.ts';
import { eachMessage } from '../framing/syslog-datagram.ts';
import { Intake, type Sender } from '../net/intake.ts';
import { PeerHeaders, peerHeaderFields } from '../net/peer-headers.ts';
import { UdpPort } from '../net/udp-port.ts';

const fields = {
  host: optionalText({
    doc: 'The address or name to listen on.',
    defaultText: 'all interfaces',
  }),
  port: integer({ doc: 'The port to listen on.', min: 0, max: 65_535 }),
  keepFields: keepFieldsField,
  ...peerHeaderFields,
  ...customFormatFields,
};

type Config = ConfigOf<typeof fields>;

export const syslogUdpSource = defineSource({
  type: 'syslogudp',
  classes: ['org.apache.flume.source.SyslogUDPSource'],
  summary: 'Takes syslog messages over UDP.',
  notes: `A datagram is a message, of up to 64 KiB, with the lines it may have; but a line that
begins with a priority of its own is a message of its own. \`Invalid\` ones are delivered, and
counted in \`EventReadFail\`.

UDP knows no "wait". A datagram that comes while too much waits for the channels, or that the
system had no room for, is lost and counted in \`DatagramDropCount\`; an event that a channel
refused, after its \`keep-alive\`, in \`EventDropCount\`.

It asks the kernel for 4 MiB of room for datagrams; unless it is root and has the package
\`koffi\`, which npm installs where it can, it gets no more than \`net.core.rmem_max\`. With
\`koffi\` a stream of datagrams also costs half as much.

\`clientHostnameHeader\` has the address until the name is known.

${sharedParserNotes}

Nor are datagrams cut at 2048 bytes, or after their first line, as in Flume.`,
  rereads: false,
  fields,
  example: `type = syslogudp
host = 0.0.0.0
port = 5140`,
  check: (config) => [...keepFieldsProblems(config.keepFields), ...customFormatProblems(config)],
  claims: ({ host = '0.0.0.0', port }) => (port === 0 ? [] : [`UDP port ${host}:${port}`]),
  create: (config, context) => new SyslogUdpSource(config, context),
});

/** Nobody waits for an answer. */
const gatherMs = 8;

class SyslogUdpSource implements Source {
  readonly #config: Config;
  readonly #context: SourceContext;
  readonly #rare: RareLog;
  readonly #intake: Intake;
  readonly #peers: PeerHeaders;
  readonly #senders = new WeakMap<ReadonlyMap<string, string>, Sender>();
  #port: UdpPort | undefined;

  constructor(config: Config, context: SourceContext) {
    this.#config = config;
    this.#context = context;
    this.#rare = new RareLog(context.log, context.clock);
    this.#peers = new PeerHeaders(config, context);
    const parser = new SharedParser({
      kept: keptFields(config.keepFields),
      format: customFormat(config),
      reportBad: badReporter(context.counters, this.#rare),
    });
    const toBatch = parser.toBatch.bind(parser);
    this.#intake = new Intake(context, { toBatch, retries: false, gatherMs });
  }

  async start(): Promise<void> {
    const { host, port } = this.#config;
    const options = { ...(host !== undefined && { host }), port };
    const udp = new UdpPort(options, this.#context, (datagram, address) => {
      this.#take(datagram, address);
    });
    await udp.start();
    this.#port = udp;
    this.#context.log.info({ host, port: udp.port }, 'Listening.');
  }

  async stop(): Promise<void> {
    await this.#port?.stop();
    this.#port = undefined;
    await this.#intake.stop();
  }

  #take(datagram: Buffer, address: string): void {
    if (this.#intake.isFull) {
      this.#context.counters.DatagramDropCount++;
      this.#rare.warn({}, 'The channels are too slow: datagrams are dropped.');
      return;
    }
    const sender = this.#senderOf(this.#peers.known(address));
    eachMessage(datagram, (from, to) => {
      this.#intake.add(sender, datagram, from, to);
    });
  }

  /** One for all who have the same headers. */
  #senderOf(headers: ReadonlyMap<string, string>): Sender {
    const known = this.#senders.get(headers);
    if (known) return known;
    const sender: Sender = {
      headers,
      delivered: () => {},
      refused: (events, _bytes, error) => {
        this.#context.counters.EventDropCount += events;
        this.#rare.warn({ error }, 'Events were refused by the channels, and are lost.', events);
      },
    };
    this.#senders.set(headers, sender);
    return sender;
  }
}
