import type { EventBatch } from '../../core/event-batch.ts';
import { keyBytes } from './keys.ts';
import { maxPrefixBytes, valueBytes, viewOf, type WriteFormat, writeValue } from './values.ts';

/**
 * How records that are not in blocks stand in the file. All integers big-endian.
 *
 *   record => [sync_escape] record_length key_length key value
 *     sync_escape    => -1 sync    INT32, 16 bytes
 *     record_length  => INT32      bytes of key and value
 *     key_length     => INT32
 */
export const recordHeadBytes = 8;

/** With so much written since the last sync escape, the next record gets one, as in Hadoop 3. */
export const syncIntervalBytes = 100 * 1024;

/** Writes records that are not compressed: at once, in one buffer per batch. */
export class PlainRecords {
  readonly heldBytes = 0;
  readonly #syncEscape: Buffer;
  readonly #format: WriteFormat;
  #sinceSync: number;
  /** Was a record written since the last sync escape? */
  #written = false;

  constructor(syncEscape: Buffer, format: WriteFormat, headerBytes: number) {
    this.#syncEscape = syncEscape;
    this.#format = format;
    this.#sinceSync = headerBytes;
  }

  write(batch: EventBatch, keys: Buffer): readonly Buffer[] {
    if (batch.length === 0) return [];
    const { starts, ends } = batch;
    const format = this.#format;
    const target = Buffer.allocUnsafe(this.#mostBytesOf(batch));
    const view = viewOf(target);
    const keysView = viewOf(keys);
    let at = 0;
    /** Where the last sync escape ends. */
    let synced = -this.#sinceSync;
    for (let index = 0; index < batch.length; index++) {
      if (at - synced >= syncIntervalBytes) synced = at += this.#syncEscape.copy(target, at);
      const bytes = valueBytes(format, (ends[index] as number) - (starts[index] as number));
      writeRecordHead(view, at, bytes, keysView, index * keyBytes);
      at += recordHeadBytes + keyBytes;
      at = writeValue(format, target, view, at, batch, index);
    }
    this.#sinceSync = at - synced;
    this.#written = true;
    return [target.subarray(0, at)];
  }

  /** A sync escape, as Flume's: a reader may begin behind each batch. */
  flush(): readonly Buffer[] {
    if (!this.#written) return [];
    this.#written = false;
    this.#sinceSync = 0;
    return [this.#syncEscape];
  }

  #mostBytesOf(batch: EventBatch): number {
    const recordBytes = recordHeadBytes + keyBytes + maxPrefixBytes;
    const bytes = batch.bodyBytes + batch.length * recordBytes;
    return bytes + (1 + Math.ceil(bytes / syncIntervalBytes)) * this.#syncEscape.length;
  }
}

/**
 * Writes what stands before a value, with the key that `keys` has at an offset.
 *
 * @param bytes of the value, as it stands in the file
 */
export function writeRecordHead(
  target: DataView,
  at: number,
  bytes: number,
  keys: DataView,
  keyAt: number,
): void {
  target.setInt32(at, keyBytes + bytes);
  target.setInt32(at + 4, keyBytes);
  target.setUint32(at + 8, keys.getUint32(keyAt));
  target.setUint32(at + 12, keys.getUint32(keyAt + 4));
}
