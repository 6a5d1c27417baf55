/**
 * Memory that sources read into, used again when nobody needs what was read: else the garbage
 * collector works as much as all the rest. Whoever keeps a batch beyond the call that gave it
 * retains its slab and releases it later: channels do, from put to commit. Memory that came from
 * elsewhere may be retained and released too: nothing happens.
 */
interface Slab {
  owners: number;
  readonly pool: SlabPool;
}

/** By the memory itself, so that a view of a slab is as good as the slab. */
const slabs = new WeakMap<ArrayBufferLike, Slab>();

export function retainSlab(slab: Buffer): void {
  const entry = slabs.get(slab.buffer);
  if (entry) entry.owners++;
}

export function releaseSlab(slab: Buffer): void {
  const entry = slabs.get(slab.buffer);
  if (!entry) return;
  entry.owners--;
  if (entry.owners === 0) entry.pool.give(slab.buffer);
}

export class SlabPool {
  readonly #bytes: number;
  readonly #most: number;
  readonly #free: ArrayBufferLike[] = [];

  /**
   * @param bytes the size of each slab
   * @param most how many unused ones are kept
   */
  constructor(bytes: number, most: number) {
    this.#bytes = bytes;
    this.#most = most;
  }

  /** A slab that the caller owns until it calls `releaseSlab`. It holds anything. */
  take(): Buffer {
    const memory = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes).buffer;
    slabs.set(memory, { owners: 1, pool: this });
    return Buffer.from(memory);
  }

  /** Called when the last owner has released a slab. */
  give(memory: ArrayBufferLike): void {
    slabs.delete(memory);
    if (this.#free.length < this.#most) this.#free.push(memory);
  }
}
