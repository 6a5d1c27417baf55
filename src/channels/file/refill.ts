import type { Logger } from '../../core/log.ts';
import type { Backlog, StoredPut } from './backlog.ts';

export interface RefillParts {
  readonly backlog: Backlog;
  /** Whether more is to be read now. */
  readonly wanted: () => boolean;
  /** Given the puts, in order. */
  readonly take: (put: StoredPut) => void;
  readonly log: Logger;
}

/** Reads stored events back into memory, as long as they are wanted there. */
export class Refill {
  readonly #parts: RefillParts;
  #running: Promise<void> | undefined;
  /** Something has changed since the last look. */
  #isDue = false;
  #stopped = false;
  #damage: unknown;

  constructor(parts: RefillParts) {
    this.#parts = parts;
  }

  /** Looks whether there is something to read, and whether it is wanted. */
  wake(): void {
    this.#isDue = true;
    this.#running ??= this.#run();
  }

  /** Nothing is read any more once it has resolved. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.#parts.backlog.close();
  }

  async #run(): Promise<void> {
    while (this.#isDue) {
      this.#isDue = false;
      try {
        await this.#readBack();
      } catch (error) {
        if (String(error) !== String(this.#damage)) {
          this.#parts.log.error({ error }, 'Stored events can not be read back.');
        }
        this.#damage = error;
      }
    }
    // In the same turn as the last look: what comes later begins anew.
    this.#running = undefined;
  }

  async #readBack(): Promise<void> {
    const { backlog, wanted, take } = this.#parts;
    while (!this.#stopped && !backlog.empty && wanted()) await backlog.read(take);
  }
}
