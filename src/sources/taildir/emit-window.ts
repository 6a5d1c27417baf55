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

  add(emitted: Promise<void>, bytes: number, failed: (error: unknown) => void): void {
    this.#emits++;
    this.#bytes += bytes;
    emitted.then(
      () => this.#settled(bytes),
      (error: unknown) => {
        failed(error);
        this.#settled(bytes);
      },
    );
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
