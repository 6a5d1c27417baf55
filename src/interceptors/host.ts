import { lookup, lookupService } from 'node:dns/promises';
import { hostname, networkInterfaces } from 'node:os';
import { defineInterceptor } from '../config/definition.ts';
import { boolean, text } from '../config/field.ts';
import type { Interceptor } from '../core/interceptor.ts';
import type { Logger } from '../core/log.ts';
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

/** What the machine knows of itself; tests are other machines. */
export interface Machine {
  readonly name: string;
  /** The addresses of its interfaces, without loopback. IPv4 comes first. */
  readonly addresses: readonly string[];
  /** @throws when the name is unknown */
  resolve(name: string): Promise<readonly string[]>;
  /** The name that belongs to an address. @throws when there is none */
  nameOf(address: string): Promise<string>;
}

const thisMachine: Machine = {
  get name() {
    return hostname();
  },
  get addresses() {
    const all = Object.values(networkInterfaces()).flatMap((interfaces) => interfaces ?? []);
    const outer = all.filter(({ internal }) => !internal);
    return ipv4First(outer.map(({ address }) => address));
  },
  resolve: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
  // Any port does: its name is not used.
  nameOf: async (address) => (await lookupService(address, 80)).hostname,
};

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

async function addressOf(machine: Machine): Promise<string> {
  const [outer] = machine.addresses;
  try {
    const [own] = ipv4First(await machine.resolve(machine.name));
    return own === undefined || isLoopback(own) ? (outer ?? own ?? noAddress(machine)) : own;
  } catch (error) {
    if (outer === undefined) throw error;
    return outer;
  }
}

/** As in Java, the address stands in for a name that can't be found. */
async function canonicalNameOf(machine: Machine): Promise<string> {
  const [own = noAddress(machine)] = ipv4First(await machine.resolve(machine.name));
  try {
    const name = await machine.nameOf(own);
    return name === 'localhost' ? machine.name : name;
  } catch {
    return own;
  }
}

function noAddress(machine: Machine): never {
  throw new Error(`the name ${machine.name} has no address`);
}

function ipv4First(addresses: readonly string[]): string[] {
  const isIpv6 = (address: string) => address.includes(':');
  return addresses.toSorted((one, other) => Number(isIpv6(one)) - Number(isIpv6(other)));
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
