import { releaseSlab, retainSlab } from '../../core/slab-pool.ts';

/** How full the window may be for stored events to be read back. */
const lowShare = 1 / 2;

/** Counts the memory that lent and waiting events keep alive: their slabs, once each. */
export class MemoryWindow {
  readonly #bytes: number;
  readonly #slabs = new Map<Buffer, number>();
  #used = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  get isLow(): boolean {
    return this.#used <= this.#bytes * lowShare;
  }

  fits(slab: Buffer): boolean {
    return this.#slabs.has(slab) || this.#used + slab.length <= this.#bytes;
  }

  /** False, and nothing changed, when there is no room. */
  add(slab: Buffer, events: number): boolean {
    if (!this.fits(slab)) return false;
    this.force(slab, events);
    return true;
  }

  /** The same, with or without room. */
  force(slab: Buffer, events: number): void {
    const held = this.#slabs.get(slab);
    if (held === undefined) {
      this.#used += slab.length;
      retainSlab(slab);
    }
    this.#slabs.set(slab, (held ?? 0) + events);
  }

  remove(slab: Buffer, events: number): void {
    const held = this.#slabs.get(slab) ?? 0;
    if (held > events) this.#slabs.set(slab, held - events);
    else {
      this.#slabs.delete(slab);
      this.#used -= slab.length;
      releaseSlab(slab);
    }
  }
}
