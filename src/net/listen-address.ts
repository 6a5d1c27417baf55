import { lookup } from 'node:dns/promises';

/**
 * The address to listen on for a configured address or name; `undefined`: all interfaces, IPv6
 * included, which `0.0.0.0` means in Java too. Of a name's addresses an IPv4 one is taken, as Java
 * does: many configurations say `localhost`, and their clients connect to 127.0.0.1.
 *
 * @throws the system's error, `ENOTFOUND` and others, with the name
 */
export async function listenAddress(host: string | undefined): Promise<string | undefined> {
  if (host === undefined || host === '0.0.0.0' || host === '::') return undefined;
  const { address } = await lookup(host, { order: 'ipv4first' });
  return address;
}
