import { lookup, lookupService } from 'node:dns/promises';
import { hostname, networkInterfaces } from 'node:os';

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

export const thisMachine: Machine = {
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

/**
 * What the machine's own name resolves to; where that is a loopback address, the IPv4 address of
 * the first other interface, if there is any.
 *
 * @throws when nothing resolves
 */
export async function addressOf(machine: Machine): Promise<string> {
  const [outer] = machine.addresses;
  try {
    const [own] = ipv4First(await machine.resolve(machine.name));
    return own === undefined || isLoopback(own) ? (outer ?? own ?? noAddress(machine)) : own;
  } catch (error) {
    if (outer === undefined) throw error;
    return outer;
  }
}

/** What that address resolves back to; as in Java, the address stands in for an unknown name. */
export async function canonicalNameOf(machine: Machine): Promise<string> {
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
