import { type ConfigOf, optionalText } from '../config/field.ts';
import type { ComponentContext } from '../core/component.ts';
import { PeerNames, systemNames } from './peer-name.ts';

/** The options of sources whose events say who sent them. */
export const peerHeaderFields = {
  clientIPHeader: optionalText({ doc: "The header with the sender's address." }),
  clientHostnameHeader: optionalText({
    doc: "The header with the sender's name, from DNS; its address where that has none.",
  }),
};

export type PeerHeaderConfig = ConfigOf<typeof peerHeaderFields>;

type Headers = ReadonlyMap<string, string>;

const noHeaders: Headers = new Map();
/** Peers that are remembered, so that all connections of one share its headers. */
const maxPeers = 16_384;

/** The headers that say who sent an event. */
export class PeerHeaders {
  readonly #config: PeerHeaderConfig;
  readonly #names: PeerNames | undefined;
  /** By address. */
  readonly #known = new Map<string, { readonly name: string; readonly headers: Headers }>();

  constructor(config: PeerHeaderConfig, { clock, disk }: ComponentContext) {
    this.#config = config;
    if (config.clientHostnameHeader) this.#names = new PeerNames(clock, systemNames(disk));
  }

  /** Are there any? */
  get isNeeded(): boolean {
    return Boolean(this.#config.clientIPHeader || this.#config.clientHostnameHeader);
  }

  /** Of whoever can't wait for a name: as it is known by now, else the address. */
  known(address: string): Headers {
    return this.isNeeded ? this.#headers(address, this.#names?.known(address) ?? '') : noHeaders;
  }

  /** Of a connection, which waits a little for the name. */
  find(address: string): Headers | Promise<Headers> {
    if (!this.#names) return this.known(address);
    return this.#names.find(address).then((name) => this.#headers(address, name));
  }

  #headers(address: string, name: string): Headers {
    const known = this.#known.get(address);
    if (known?.name === name) return known.headers;
    const { clientIPHeader, clientHostnameHeader } = this.#config;
    const headers = new Map<string, string>();
    if (clientIPHeader) headers.set(clientIPHeader, address);
    if (clientHostnameHeader) headers.set(clientHostnameHeader, name);
    if (this.#known.size >= maxPeers) this.#known.clear();
    this.#known.set(address, { name, headers });
    return headers;
  }
}
