import type { EventBatch } from '../../core/event-batch.ts';
import { viewOf } from './values.ts';

/** A key is a LongWritable: INT64, big-endian. */
export const keyBytes = 8;

export interface Keys {
  /** 8 bytes per event. */
  readonly bytes: Buffer;
  /** How many events have a timestamp that is no number of 64 bits: they have the clock's time. */
  readonly misfits: number;
}

/**
 * The keys of a batch: each event's header `timestamp`, in ms since 1970 usually, else the time.
 *
 * @param now ms since 1970
 */
export function encodeKeys(batch: EventBatch, now: number): Keys {
  const column = batch.headers.get('timestamp');
  const bytes = Buffer.allocUnsafe(batch.length * keyBytes);
  if (typeof column !== 'object') {
    const key = new DataView(new ArrayBuffer(keyBytes));
    const fits = column === undefined || writeLong(key, 0, column);
    if (column === undefined || !fits) writeWhole(key, 0, now);
    // Only an empty batch has nothing to fill.
    if (batch.length > 0) bytes.fill(new Uint8Array(key.buffer));
    return { bytes, misfits: fits ? 0 : batch.length };
  }
  const view = viewOf(bytes);
  let misfits = 0;
  for (let index = 0; index < batch.length; index++) {
    const value = column[index];
    if (value !== undefined) {
      if (writeLong(view, index * keyBytes, value)) continue;
      misfits++;
    }
    writeWhole(view, index * keyBytes, now);
  }
  return { bytes, misfits };
}

/** So many digits make a number that is exact. */
const exactDigits = 15;
const zero = 48;

/** Writes what Java's `Long.parseLong` takes; false: it does not take this. */
function writeLong(view: DataView, at: number, text: string): boolean {
  let value = 0;
  let index = 0;
  if (text.length <= exactDigits) {
    for (; index < text.length; index++) {
      const digit = text.charCodeAt(index) - zero;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
  }
  if (index === text.length && index > 0) {
    writeWhole(view, at, value);
    return true;
  }
  if (!/^[+-]?\d{1,1000}$/.test(text)) return false;
  const long = BigInt(text);
  if (BigInt.asIntN(64, long) !== long) return false;
  view.setBigInt64(at, long);
  return true;
}

/** A whole number from 0 to 2^53, without the cost of a bigint. */
function writeWhole(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 4, value % 0x1_0000_0000);
}
