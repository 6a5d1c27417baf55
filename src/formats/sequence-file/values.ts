import type { EventBatch } from '../../core/event-batch.ts';
import { vintBytes, writeVint } from './vint.ts';

/**
 * What a body becomes: Writable a BytesWritable (length as INT32, bytes), Text a Text (length as
 * vint, bytes; nothing checks whether they are UTF-8).
 */
export type WriteFormat = 'Writable' | 'Text';

export const valueClasses: Readonly<Record<WriteFormat, string>> = {
  Writable: 'org.apache.hadoop.io.BytesWritable',
  Text: 'org.apache.hadoop.io.Text',
};

/** The most that a value has before the body. */
export const maxPrefixBytes = 5;

/** The size of the value of a body. */
export function valueBytes(format: WriteFormat, bodyBytes: number): number {
  return (format === 'Text' ? vintBytes(bodyBytes) : 4) + bodyBytes;
}

/**
 * Writes the value of one event.
 *
 * @param view of the target
 * @returns the offset behind it
 */
export function writeValue(
  format: WriteFormat,
  target: Buffer,
  view: DataView,
  at: number,
  { slab, starts, ends }: EventBatch,
  index: number,
): number {
  const start = starts[index] as number;
  const end = ends[index] as number;
  let from = at + 4;
  if (format === 'Text') from = writeVint(target, at, end - start);
  else view.setInt32(at, end - start);
  return from + slab.copy(target, from, start, end);
}

/** Numbers are written through it, which costs less than Buffer's own checks. */
export function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}
