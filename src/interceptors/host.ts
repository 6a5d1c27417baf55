import { defineInterceptor } from '../config/definition.ts';
import { boolean, text } from '../config/field.ts';
import type { Interceptor } from '../core/interceptor.ts';
import type { Logger } from '../core/log.ts';
import { addressOf, canonicalNameOf, type Machine, thisMachine } from '../core/machine.ts';
import { setHeader } from '../core/set-header.ts';

const fields = {
  useIP: boolean({
    doc: 'true: the IP address; false: the full host name.',
    default: true,
  }),
  hostHeader: text({ doc: 'Header to put the host into.', default: 'host' }),
  preserveExisting: boolean({
    doc: 'Leave events alone that have the header already.',
    default: false,
  }),
};

export const hostInterceptor = defineInterceptor({
  type: 'host',
  classes: ['org.apache.flume.interceptor.HostInterceptor$Builder'],
  summary: 'Sets a header to the IP address or the name of the machine the agent runs on.',
  notes: [
    'Found out once, when the agent starts: the address is what the machine’s own name resolves',
    'to, as in Flume. Where that is a loopback address (`127.0.1.1` on Debian, which Flume gives),',
    'it is the IPv4 address of the first other interface, if there is any. The host name is what',
    'the address resolves back to. If nothing resolves, no header is set, and the log says so.',
  ].join('\n'),
  fields,
  example: 'type = host\nuseIP = false\nhostHeader = hostname',
  create: (config, { log }) => interceptWithHost(config, log, thisMachine),
});

/** The interceptor on a given machine. */
export async function interceptWithHost(
  config: {
    readonly useIP: boolean;
    readonly hostHeader: string;
    readonly preserveExisting: boolean;
  },
  log: Logger,
  machine: Machine,
): Promise<Interceptor> {
  const { useIP, hostHeader, preserveExisting } = config;
  try {
    const host = await (useIP ? addressOf(machine) : canonicalNameOf(machine));
    return (batch) => setHeader(batch, hostHeader, host, preserveExisting);
  } catch (error) {
    log.warn(
      { error, header: hostHeader },
      'This machine’s address is unknown; events go on without the header.',
    );
    return (batch) => batch;
  }
}
