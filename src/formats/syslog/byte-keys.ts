/**
 * Keys of bytes, each in a slot of its own, for what is made of the same bytes again and again:
 * whoever uses it keeps a value per slot. A new key takes the place of the one in its slot, so
 * that this never grows, whatever is sent. Four bytes are looked at in one step.
 */
export class ByteKeys {
  readonly #slots: number;
  readonly #maxBytes: number;
  readonly #keys: DataView;
  readonly #lengths: Uint8Array;
  /** Where the key was found last: messages repeat what the one before had. */
  #last = 0;

  /**
   * @param slots a power of two
   * @param maxBytes longer keys are not kept; below 256
   */
  constructor(slots: number, maxBytes: number) {
    this.#slots = slots;
    this.#maxBytes = maxBytes;
    this.#keys = new DataView(new ArrayBuffer(slots * maxBytes));
    this.#lengths = new Uint8Array(slots);
  }

  /**
   * The slot that has the bytes `[from, to)`; else the slot for them, as `~slot`, to be set. A key
   * that is too long, or empty, has `~slots`: nowhere.
   */
  find(bytes: DataView, from: number, to: number): number {
    // A slot without a key has length 0.
    if (to === from) return ~this.#slots;
    if (this.#has(this.#last, bytes, from, to)) return this.#last;
    if (to - from > this.#maxBytes) return ~this.#slots;
    const slot = hashOf(bytes, from, to) & (this.#slots - 1);
    if (!this.#has(slot, bytes, from, to)) return ~slot;
    this.#last = slot;
    return slot;
  }

  /** Puts a key into its slot. */
  set(slot: number, bytes: DataView, from: number, to: number): void {
    this.#last = slot;
    this.#lengths[slot] = to - from;
    const base = slot * this.#maxBytes - from;
    for (let at = from; at < to; at++) this.#keys.setUint8(base + at, bytes.getUint8(at));
  }

  clear(): void {
    this.#lengths.fill(0);
  }

  #has(slot: number, bytes: DataView, from: number, to: number): boolean {
    const length = to - from;
    if (this.#lengths[slot] !== length) return false;
    const keys = this.#keys;
    let key = slot * this.#maxBytes;
    let at = from;
    for (; at + 4 <= to; at += 4, key += 4) {
      if (keys.getInt32(key, true) !== bytes.getInt32(at, true)) return false;
    }
    for (; at < to; at++, key++) if (keys.getUint8(key) !== bytes.getUint8(at)) return false;
    return true;
  }
}

/** In the way of FNV-1a, but by four bytes; its upper bits are folded into the lower ones. */
function hashOf(bytes: DataView, from: number, to: number): number {
  let hash = 0x811c9dc5;
  let at = from;
  for (; at + 4 <= to; at += 4) hash = mixed(hash ^ bytes.getInt32(at, true));
  for (; at < to; at++) hash = mixed(hash ^ bytes.getUint8(at));
  return hash ^ (hash >>> 15);
}

function mixed(hash: number): number {
  const product = Math.imul(hash, 0x01000193);
  // Else the upper of four bytes would never reach the lower bits.
  return product ^ (product >>> 16);
}
