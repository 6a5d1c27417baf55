import type { Clock } from '../core/clock.ts';
import { asError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { renewLease } from './client-protocol.ts';
import type { NameNodes } from './namenodes.ts';

/** Half of the time after which others may take an open file. */
const renewMs = 30_000;
/** After this the NameNode closes the files itself. */
const hardLimitMs = 20 * 60_000;

/** What holds a lease: a file that is being written. */
export interface LeaseHolder {
  readonly namespace: string | undefined;
  /** The lease is lost. */
  abort(error: Error): void;
}

/** Keeps the lease of a client, one for all of its files, while any of them is open. */
export class LeaseRenewer {
  readonly #nameNodes: Pick<NameNodes, 'call'>;
  readonly #clientName: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #holders = new Set<LeaseHolder>();
  #running: AbortController | undefined;

  constructor(nameNodes: Pick<NameNodes, 'call'>, clientName: string, clock: Clock, log: Logger) {
    this.#nameNodes = nameNodes;
    this.#clientName = clientName;
    this.#clock = clock;
    this.#log = log;
  }

  get holders(): ReadonlySet<LeaseHolder> {
    return this.#holders;
  }

  add(holder: LeaseHolder): void {
    this.#holders.add(holder);
    if (this.#running) return;
    this.#running = new AbortController();
    void this.#run(this.#running.signal);
  }

  remove(holder: LeaseHolder): void {
    this.#holders.delete(holder);
    if (this.#holders.size > 0) return;
    this.#running?.abort();
    this.#running = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let renewed = this.#clock.monotonic();
    while (!signal.aborted) {
      await this.#clock.sleep(renewMs, signal);
      if (signal.aborted) return;
      const began = this.#clock.monotonic();
      try {
        const namespaces = [...this.#holders].flatMap(({ namespace }) => namespace ?? []);
        const request = { clientName: this.#clientName, namespaces: [...new Set(namespaces)] };
        await this.#nameNodes.call(renewLease, request, signal);
        renewed = began;
      } catch (error) {
        if (signal.aborted) return;
        this.#log.warn({ error }, 'The lease of open HDFS files could not be renewed.');
        if (this.#clock.monotonic() - renewed < hardLimitMs) continue;
        const lost = asError(error);
        for (const holder of this.#holders) holder.abort(lost);
      }
    }
  }
}
