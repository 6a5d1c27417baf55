import { strict as assert } from 'node:assert';
import { endianness } from 'node:os';
import { Cursor } from '../bytes/cursor.ts';
import { type Column, EventBatch, type Headers, type Origin } from '../core/event-batch.ts';

/**
 * The one binary form of a batch: what a file channel stores. Numbers are little-endian.
 *
 *   batch     => version flags column_count event_count [column] origin? slab_bytes [start] [end]
 *   [offset]? slab
 *     version      => UINT8     1
 *     flags        => UINT8     1: has an origin
 *     column_count => UINT16
 *     event_count  => UINT32
 *   column    => name kind value | name kind [cell]      kind UINT8: 0 one value, 1 a cell per
 *   event
 *     name, value  => UINT32 bytes, UTF-8
 *     cell         => UINT32 bytes, UTF-8; the length 2^32-1 alone: not set
 *   origin    => stream from to                          stream: UINT32 bytes, UTF-8; from, to
 *   FLOAT64 slab_bytes => UINT32
 *   start, end => UINT32    bounds of the bodies in the slab
 *   offset     => FLOAT64   per event, where the origin has `ends`
 *   slab       => the bytes from the first body's beginning to the last one's end: what lies
 *   between
 *                 bodies (newlines) stays, unless it is more than a third of the bodies
 */
const version = 1;
const flagOrigin = 1;
const unset = 0xffffffff;
/** More than this between the bodies, as a part of them, is worth a copy that leaves it out. */
const gapShare = 1 / 3;
const littleEndian = endianness() === 'LE';

/** The parts one after the other are the encoding; the last one is a view of the batch's slab. */
export function encodeBatch(batch: EventBatch): Buffer[] {
  assert(littleEndian, 'bounds are written as they lie in memory');
  let source = batch;
  let [from, to] = batch.span();
  if (to - from > batch.bodyBytes * (1 + gapShare) + batch.length) {
    source = batch.copy();
    [from, to] = source.span();
  }
  const parts: Buffer[] = [fixed(source)];
  for (const [name, column] of source.headers) encodeColumn(name, column, parts);
  if (source.origin) parts.push(encodeOrigin(source.origin));
  parts.push(u32(to - from), bounds(source.starts, from), bounds(source.ends, from));
  if (source.origin) parts.push(bytesOf(source.origin.ends));
  return [Buffer.concat(parts), source.slab.subarray(from, to)];
}

/**
 * Reads what `encodeBatch` wrote. Bodies are views of `bytes`.
 * @throws FormatError
 */
export function decodeBatch(bytes: Buffer): EventBatch {
  const cursor = new Cursor(bytes);
  if (cursor.u8('version') !== version) cursor.fail('not a batch of version 1');
  const flags = cursor.u8('flags');
  if (flags > flagOrigin) cursor.fail(`unknown flags ${flags}`);
  const columns = cursor.u16('column count');
  const events = cursor.count(8, 'event count');
  const headers = new Map<string, Column>();
  for (let index = 0; index < columns; index++) {
    headers.set(cursor.text('header name'), decodeColumn(cursor, events));
  }
  const stream = flags & flagOrigin ? decodeStream(cursor) : undefined;
  const slabBytes = cursor.u32('slab length');
  const starts = new Uint32Array(copyOf(cursor.view(events * 4, 'body starts')));
  const ends = new Uint32Array(copyOf(cursor.view(events * 4, 'body ends')));
  for (let index = 0; index < events; index++) {
    const end = ends[index] as number;
    if (end > slabBytes || (starts[index] as number) > end) cursor.fail(`bounds of event ${index}`);
  }
  const offsets = stream && new Float64Array(copyOf(cursor.view(events * 8, 'offsets')));
  const slab = cursor.view(slabBytes, 'slab');
  cursor.end('batch');
  const origin = stream && offsets && { ...stream, ends: offsets };
  return new EventBatch(slab, starts, ends, headers as Headers, origin);
}

function fixed(batch: EventBatch): Buffer {
  const head = Buffer.allocUnsafe(8);
  head.writeUInt8(version, 0);
  head.writeUInt8(batch.origin ? flagOrigin : 0, 1);
  head.writeUInt16LE(batch.headers.size, 2);
  head.writeUInt32LE(batch.length, 4);
  return head;
}

function encodeColumn(name: string, column: Column, parts: Buffer[]): void {
  parts.push(...textParts(name), Buffer.from([typeof column === 'string' ? 0 : 1]));
  if (typeof column === 'string') parts.push(...textParts(column));
  else
    for (const cell of column) parts.push(...(cell === undefined ? [u32(unset)] : textParts(cell)));
}

function decodeColumn(cursor: Cursor, events: number): Column {
  const kind = cursor.u8('header kind');
  if (kind === 0) return cursor.text('header value');
  if (kind !== 1) cursor.fail(`unknown header kind ${kind}`);
  const cells: (string | undefined)[] = [];
  for (let index = 0; index < events; index++) {
    const length = cursor.u32('header length');
    cells.push(length === unset ? undefined : cursor.view(length, 'header value').toString('utf8'));
  }
  return cells;
}

function encodeOrigin({ stream, from, to }: Origin): Buffer {
  const range = Buffer.allocUnsafe(16);
  range.writeDoubleLE(from, 0);
  range.writeDoubleLE(to, 8);
  return Buffer.concat([...textParts(stream), range]);
}

function decodeStream(cursor: Cursor): { stream: string; from: number; to: number } {
  const stream = cursor.text('stream');
  const from = cursor.f64('stream from');
  const to = cursor.f64('stream to');
  if (!(from >= 0 && from <= to)) cursor.fail('offsets of the stream');
  return { stream, from, to };
}

function bounds(values: Uint32Array, base: number): Buffer {
  return bytesOf(base === 0 ? values : values.map((value) => value - base));
}

function bytesOf(values: Uint32Array | Float64Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** A copy that is aligned as numbers need it. */
function copyOf(view: Buffer): ArrayBuffer {
  const copy = new ArrayBuffer(view.length);
  new Uint8Array(copy).set(view);
  return copy;
}

function textParts(text: string): [Buffer, Buffer] {
  const bytes = Buffer.from(text, 'utf8');
  return [u32(bytes.length), bytes];
}

function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value, 0);
  return bytes;
}
