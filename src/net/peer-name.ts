import { Resolver } from 'node:dns/promises';
import { isIPv6, SocketAddress } from 'node:net';
import type { Clock } from '../core/clock.ts';
import type { Disk } from '../core/disk.ts';

/** Finds the name of an address; `undefined`: it has none. May reject, and may take long. */
export type NameService = (address: string) => Promise<string | undefined>;

/** Whoever waits for a name waits this long; then the address stands in its place. */
export const maxNameWaitMs = 1_000;
/** Names are asked for again after this time; meanwhile the old one is given. */
const nameMs = 10 * 60_000;
/** An address that has no name, or whose name server failed, is asked for again after this time. */
const namelessMs = 60_000;
const maxAddresses = 16_384;
/** Questions asked at once; further ones wait for their turn. */
const maxQuestions = 64;

interface Known {
  /** The address itself where it has no name. */
  readonly name: string;
  /** When to ask again, on the monotonic clock. */
  readonly staleAtMs: number;
}

/**
 * The names of peers, for headers such as `clientHostnameHeader`. Flume asks for each event, and
 * the events wait; here each address is asked for once in a while, and nothing waits longer than
 * a second.
 */
export class PeerNames {
  readonly #clock: Clock;
  readonly #service: NameService;
  /** In the order in which they were found. */
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, Promise<string>>();
  readonly #turns: (() => void)[] = [];
  #questions = 0;

  constructor(clock: Clock, service: NameService) {
    this.#clock = clock;
    this.#service = service;
  }

  /**
   * Its name if that is known by now, else the address itself; the name is asked for, for the next
   * time. For datagrams: those that come until the answer does have the address.
   */
  known(address: string): string {
    const known = this.#known.get(address);
    if (!known || known.staleAtMs <= this.#clock.monotonic()) void this.#ask(address);
    return known?.name ?? address;
  }

  /**
   * Resolves to its name; to the address where it has none, or no answer comes within
   * `maxNameWaitMs`. For connections, which can wait before they are read.
   */
  async find(address: string): Promise<string> {
    const name = this.known(address);
    if (this.#known.has(address)) return name;
    const answered = new AbortController();
    const late = this.#clock.sleep(maxNameWaitMs, answered.signal).then(() => address);
    const found = await Promise.race([this.#ask(address), late]);
    answered.abort();
    return found;
  }

  /** Resolves when the answer is there; one question per address at a time. Never rejects. */
  #ask(address: string): Promise<string> {
    const asked = this.#asked.get(address);
    if (asked) return asked;
    if (this.#asked.size >= maxAddresses) return Promise.resolve(address);
    const answer = this.#askInTurn(address);
    this.#asked.set(address, answer);
    return answer;
  }

  async #askInTurn(address: string): Promise<string> {
    if (this.#questions >= maxQuestions) {
      await new Promise<void>((resolve) => this.#turns.push(resolve));
    }
    this.#questions++;
    const name = await this.#service(address).catch(() => undefined);
    this.#questions--;
    this.#turns.shift()?.();
    this.#asked.delete(address);
    this.#keep(address, name);
    return name ?? address;
  }

  #keep(address: string, name: string | undefined): void {
    const staleAtMs = this.#clock.monotonic() + (name === undefined ? namelessMs : nameMs);
    this.#known.delete(address);
    this.#known.set(address, { name: name ?? address, staleAtMs });
    if (this.#known.size <= maxAddresses) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}

const hostsFile = '/etc/hosts';

/**
 * The names of the machine's hosts file, else of DNS. As in Java a name counts only if it leads
 * back to the address: whoever owns an address may call it anything. DNS is asked without threads
 * of the pool, which disks need.
 */
export function systemNames(disk: Disk): NameService {
  const resolver = new Resolver({ timeout: 1_000, tries: 2 });
  return async (address) => {
    const plain = normal(address);
    const hosts = await disk.readFile(hostsFile).catch(() => Buffer.alloc(0));
    const local = nameInHosts(hosts.toString('utf8'), plain);
    if (local !== undefined) return local;
    const [name] = await resolver.reverse(plain);
    if (name === undefined) return undefined;
    const back = isIPv6(plain) ? await resolver.resolve6(name) : await resolver.resolve4(name);
    return back.some((each) => normal(each) === plain) ? name : undefined;
  };
}

/** Exported for its test. Each line: an address, its name, further names; `#` begins a comment. */
export function nameInHosts(text: string, address: string): string | undefined {
  for (const line of text.split('\n')) {
    const [own, name] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (own && name && normal(own) === address) return name;
  }
  return undefined;
}

/** One spelling per address; without the interface of a link-local one. */
function normal(address: string): string {
  const [plain = ''] = address.split('%');
  return isIPv6(plain) ? new SocketAddress({ address: plain, family: 'ipv6' }).address : plain;
}
