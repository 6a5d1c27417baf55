import type { Compress } from '../codecs/codec.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { EventSerializer } from '../core/serializer.ts';

/**
 * What another serializer gives, as compressed members one after the other: one per block. A reader
 * takes them as one stream.
 */
export class CompressedStream implements EventSerializer {
  readonly blockBytes: number;
  readonly #serializer: EventSerializer;
  readonly #compress: Compress;
  #held: Buffer[] = [];
  #heldBytes = 0;

  /** @param serializer one without an end of its own */
  constructor(serializer: EventSerializer, compress: Compress, blockBytes: number) {
    this.#serializer = serializer;
    this.#compress = compress;
    this.blockBytes = blockBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes + (this.#serializer.heldBytes ?? 0);
  }

  /** A file without events has no member. */
  begin(): readonly Buffer[] {
    this.#held.push(...this.#serializer.begin());
    return [];
  }

  write(batch: EventBatch): readonly Buffer[] {
    for (const buffer of this.#serializer.write(batch)) {
      this.#held.push(buffer);
      this.#heldBytes += buffer.length;
    }
    return [];
  }

  async flush(): Promise<readonly Buffer[]> {
    if (this.heldBytes === 0) return [];
    const plain = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    return [await this.#compress([...plain, ...(await this.#serializer.flush())])];
  }
}
