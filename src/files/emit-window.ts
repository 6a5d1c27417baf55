import { releaseSlab, retainSlab } from '../core/slab-pool.ts';

/**
 * Emits under way at once, over all files of a source: enough for a group commit to be worth it.
 */
const maxEmits = 256;
/** Bytes of bodies under way at once. One batch may exceed it. */
const maxBytes = 8 * 1024 * 1024;

/** Keeps several emits in flight, within a bound, and tells each file of its own failures. */
export class EmitWindow {
  #emits = 0;
  #bytes = 0;
  #waiting: (() => void)[] = [];

  get full(): boolean {
    return this.#emits >= maxEmits || this.#bytes >= maxBytes;
  }

  /** Resolves when there is room. */
  async room(): Promise<void> {
    while (this.full) await this.#change();
  }

  /** Resolves when nothing is in flight. */
  async drained(): Promise<void> {
    while (this.#emits > 0) await this.#change();
  }

  /** @param slab what was emitted lies there: it is kept until that is settled */
  add(emitted: Promise<void>, slab: Buffer, bytes: number, failed: (error: unknown) => void): void {
    this.#emits++;
    this.#bytes += bytes;
    retainSlab(slab);
    const settled = () => {
      releaseSlab(slab);
      this.#settled(bytes);
    };
    emitted.then(settled, (error: unknown) => {
      failed(error);
      settled();
    });
  }

  #settled(bytes: number): void {
    this.#emits--;
    this.#bytes -= bytes;
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
