import type { Compress } from '../../codecs/codec.ts';
import type { EventBatch } from '../../core/event-batch.ts';
import { compressAll } from './compress-all.ts';
import { keyBytes } from './keys.ts';
import { recordHeadBytes, syncIntervalBytes, writeRecordHead } from './plain-records.ts';
import { valueBytes, viewOf, type WriteFormat, writeValue } from './values.ts';

/**
 * Writes records whose values are compressed, each by itself; they stand in the file as those that
 * are not. Takes them in and compresses at `flush`.
 */
export class CompressedRecords {
  readonly #syncEscape: Buffer;
  readonly #format: WriteFormat;
  readonly #compress: Compress;
  #keys: Buffer[] = [];
  #values: Buffer[] = [];
  #heldBytes = 0;

  constructor(syncEscape: Buffer, format: WriteFormat, compress: Compress) {
    this.#syncEscape = syncEscape;
    this.#format = format;
    this.#compress = compress;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  write(batch: EventBatch, keys: Buffer): readonly Buffer[] {
    if (batch.length === 0) return [];
    this.#keys.push(keys);
    for (let index = 0; index < batch.length; index++) {
      const body = (batch.ends[index] as number) - (batch.starts[index] as number);
      const value = Buffer.allocUnsafe(valueBytes(this.#format, body));
      writeValue(this.#format, value, viewOf(value), 0, batch, index);
      this.#values.push(value);
      this.#heldBytes += keyBytes + value.length;
    }
    return [];
  }

  async flush(): Promise<readonly Buffer[]> {
    const keys = Buffer.concat(this.#keys);
    const values = this.#values;
    this.#keys = [];
    this.#values = [];
    this.#heldBytes = 0;
    if (values.length === 0) return [];
    const inputs = values.map((value) => [value]);
    return [this.#records(keys, await compressAll(this.#compress, inputs))];
  }

  /** The records as they stand in the file, ending with a sync escape as all before them did. */
  #records(keys: Buffer, members: readonly Buffer[]): Buffer {
    const syncEscape = this.#syncEscape;
    let most = syncEscape.length;
    // Where escapes come to stand is seen only while writing; this is enough for one each.
    for (const { length } of members)
      most += syncEscape.length + recordHeadBytes + keyBytes + length;
    const target = Buffer.allocUnsafe(most);
    const view = viewOf(target);
    const keysView = viewOf(keys);
    let at = 0;
    let synced = 0;
    for (const [index, member] of members.entries()) {
      if (at - synced >= syncIntervalBytes) synced = at += syncEscape.copy(target, at);
      writeRecordHead(view, at, member.length, keysView, index * keyBytes);
      at += recordHeadBytes + keyBytes;
      at += member.copy(target, at);
    }
    at += syncEscape.copy(target, at);
    return target.subarray(0, at);
  }
}
