import { strict as assert } from 'node:assert';

/** One event as plain objects, for those who prefer that to columns. */
export interface Event {
  readonly headers: Readonly<Record<string, string>>;
  /** A view of the batch's memory: copy what outlives the batch. */
  readonly body: Buffer;
}

/** The values of one header: one for the whole batch, or one per event (`undefined`: not set). */
export type Column = string | readonly (string | undefined)[];

/** Header name → values. Shared between batches: never changed after it was given to one. */
export type Headers = ReadonlyMap<string, Column>;

/**
 * Where events come from, for sources that can read again. The batch covers the offsets
 * `[from, to)` of a stream, whichever of them became events: suppressing events changes neither.
 */
export interface Origin {
  /** The stream's name, which includes the source's: `r1/…`. */
  readonly stream: string;
  readonly from: number;
  readonly to: number;
  /** Per event, the offset just after what it was made from; never falling. */
  readonly ends: Float64Array;
}

export const noHeaders: Headers = new Map();

/**
 * When less than this part of a batch's bytes is kept, a copy is cheaper than the memory it frees.
 */
const sparse = 1 / 4;

/**
 * The only thing that moves: any number of events as columns, not as objects. Bodies lie in one
 * slab, between two bounds per event; what lies between bodies (newlines) stays, so that
 * a whole run of lines can be written at once. Immutable; everything made from a batch shares its
 * slab.
 */
export class EventBatch implements Iterable<Event> {
  readonly slab: Buffer;
  /** Per event, where its body begins in the slab. */
  readonly starts: Uint32Array;
  /** Per event, where its body ends in the slab. */
  readonly ends: Uint32Array;
  readonly headers: Headers;
  readonly origin: Origin | undefined;

  constructor(
    slab: Buffer,
    starts: Uint32Array,
    ends: Uint32Array,
    headers: Headers = noHeaders,
    origin?: Origin,
  ) {
    this.slab = slab;
    this.starts = starts;
    this.ends = ends;
    this.headers = headers;
    this.origin = origin;
  }

  static readonly empty = new EventBatch(Buffer.alloc(0), new Uint32Array(0), new Uint32Array(0));

  /** From objects; headers that differ become a column each. */
  static of(
    events: readonly { headers?: Readonly<Record<string, string>>; body: Buffer | string }[],
    origin?: Origin,
  ): EventBatch {
    const bodies = events.map(({ body }) => (typeof body === 'string' ? Buffer.from(body) : body));
    const starts = new Uint32Array(bodies.length);
    const ends = new Uint32Array(bodies.length);
    let end = 0;
    for (const [index, body] of bodies.entries()) {
      starts[index] = end;
      ends[index] = end += body.length;
    }
    const names = new Set(events.flatMap(({ headers }) => Object.keys(headers ?? {})));
    const headers = new Map<string, Column>();
    for (const name of names) {
      headers.set(name, columnOf(events.map((event) => ownValue(event.headers, name))));
    }
    return new EventBatch(Buffer.concat(bodies), starts, ends, headers, origin);
  }

  /**
   * One batch out of several, in order. Neighbours in one slab are joined without a copy; else the
   * bodies are copied together. The origin is lost: a batch has one stream.
   */
  static concat(batches: readonly EventBatch[]): EventBatch {
    const [first] = batches;
    if (!first) return EventBatch.empty;
    if (batches.length === 1) return first;
    const length = batches.reduce((sum, batch) => sum + batch.length, 0);
    const starts = new Uint32Array(length);
    const ends = new Uint32Array(length);
    const shared = batches.every((batch) => batch.slab === first.slab);
    const spans: Buffer[] = [];
    let row = 0;
    let base = 0;
    for (const batch of batches) {
      const [from, to] = batch.span();
      const shift = shared ? 0 : base - from;
      for (let index = 0; index < batch.length; index++, row++) {
        starts[row] = (batch.starts[index] as number) + shift;
        ends[row] = (batch.ends[index] as number) + shift;
      }
      if (!shared) spans.push(batch.slab.subarray(from, to));
      base += to - from;
    }
    const slab = shared ? first.slab : Buffer.concat(spans, base);
    return new EventBatch(slab, starts, ends, concatHeaders(batches, length));
  }

  get length(): number {
    return this.starts.length;
  }

  /** The part of the slab from the first body's beginning to the last one's end: `[from, to)`. */
  span(): [from: number, to: number] {
    let from = Number.POSITIVE_INFINITY;
    let to = 0;
    for (let index = 0; index < this.starts.length; index++) {
      from = Math.min(from, this.starts[index] as number);
      to = Math.max(to, this.ends[index] as number);
    }
    return this.starts.length === 0 ? [0, 0] : [from, to];
  }

  /** The sum of the bodies' lengths. */
  get bodyBytes(): number {
    let bytes = 0;
    for (let index = 0; index < this.starts.length; index++) {
      bytes += (this.ends[index] as number) - (this.starts[index] as number);
    }
    return bytes;
  }

  /** The body of one event: a view of the slab. */
  body(index: number): Buffer {
    return this.slab.subarray(this.starts[index], this.ends[index]);
  }

  header(index: number, name: string): string | undefined {
    const column = this.headers.get(name);
    return typeof column === 'string' ? column : column?.[index];
  }

  /** The headers of one event, in the order of the table. */
  headersOf(index: number): Record<string, string> {
    const entries: [string, string][] = [];
    for (const [name, column] of this.headers) {
      const value = typeof column === 'string' ? column : column[index];
      if (value !== undefined) entries.push([name, value]);
    }
    return Object.fromEntries(entries);
  }

  *[Symbol.iterator](): Iterator<Event> {
    for (let index = 0; index < this.length; index++) {
      yield { headers: this.headersOf(index), body: this.body(index) };
    }
  }

  /**
   * Events `[from, to)`. The origin's bounds shrink to what these events, and those dropped just
   * before each, cover.
   */
  slice(from: number, to = this.length): EventBatch {
    if (from === 0 && to === this.length) return this;
    const headers = mapColumns(this.headers, (column) => column.slice(from, to));
    return new EventBatch(
      this.slab,
      this.starts.subarray(from, to),
      this.ends.subarray(from, to),
      headers,
      this.origin && sliceOrigin(this.origin, from, to, this.length),
    );
  }

  /** The events for which `keep` is true. What the origin covers stays as it was. */
  filter(keep: (index: number) => boolean): EventBatch {
    const kept: number[] = [];
    for (let index = 0; index < this.length; index++) if (keep(index)) kept.push(index);
    return kept.length === this.length ? this : this.pick(kept);
  }

  /**
   * The events with these indices, in rising order. What the origin covers stays as it was. A small
   * rest is copied, so that a few events don't keep a large slab alive.
   */
  pick(indices: readonly number[]): EventBatch {
    const starts = new Uint32Array(indices.length);
    const ends = new Uint32Array(indices.length);
    const offsets = new Float64Array(this.origin ? indices.length : 0);
    for (let row = 0; row < indices.length; row++) {
      const index = indices[row] as number;
      starts[row] = this.starts[index] as number;
      ends[row] = this.ends[index] as number;
      if (this.origin) offsets[row] = this.origin.ends[index] as number;
    }
    const headers = mapColumns(this.headers, (column) => indices.map((index) => column[index]));
    const origin = this.origin && { ...this.origin, ends: offsets };
    const picked = new EventBatch(this.slab, starts, ends, headers, origin);
    return picked.bodyBytes < this.bodyBytes * sparse ? picked.copy() : picked;
  }

  /** With one header set, for all events or per event. */
  withHeader(name: string, column: Column): EventBatch {
    assert(typeof column === 'string' || column.length === this.length);
    return this.withHeaders(new Map(this.headers).set(name, column));
  }

  /** With another table of headers. */
  withHeaders(headers: Headers): EventBatch {
    return new EventBatch(this.slab, this.starts, this.ends, headers, this.origin);
  }

  withOrigin(origin: Origin | undefined): EventBatch {
    assert(!origin || origin.ends.length === this.length);
    return new EventBatch(this.slab, this.starts, this.ends, this.headers, origin);
  }

  /** A copy in a slab of its own, without what lies between the bodies. */
  copy(): EventBatch {
    const bytes = this.bodyBytes;
    const slab = Buffer.allocUnsafe(bytes);
    const starts = new Uint32Array(this.length);
    const ends = new Uint32Array(this.length);
    let end = 0;
    for (let index = 0; index < this.length; index++) {
      starts[index] = end;
      end += this.slab.copy(slab, end, this.starts[index], this.ends[index]);
      ends[index] = end;
    }
    return new EventBatch(slab, starts, ends, this.headers, this.origin);
  }
}

function sliceOrigin(origin: Origin, from: number, to: number, length: number): Origin {
  const { stream, ends } = origin;
  return {
    stream,
    from: from === 0 ? origin.from : (ends[from - 1] as number),
    to: to === length ? origin.to : to === 0 ? origin.from : (ends[to - 1] as number),
    ends: ends.subarray(from, to),
  };
}

function mapColumns(
  headers: Headers,
  change: (column: readonly (string | undefined)[]) => Column,
): Headers {
  let changed: Map<string, Column> | undefined;
  for (const [name, column] of headers) {
    if (typeof column === 'string') continue;
    changed ??= new Map(headers);
    changed.set(name, change(column));
  }
  return changed ?? headers;
}

function concatHeaders(batches: readonly EventBatch[], length: number): Headers {
  const tables = new Set(batches.map((batch) => batch.headers));
  const [only] = tables;
  if (tables.size === 1 && only && [...only.values()].every((column) => typeof column === 'string'))
    return only;
  const names = new Set([...tables].flatMap((table) => [...table.keys()]));
  const headers = new Map<string, Column>();
  for (const name of names) {
    const values = new Array<string | undefined>(length);
    let row = 0;
    for (const batch of batches) {
      const column = batch.headers.get(name);
      const end = row + batch.length;
      if (typeof column !== 'object') values.fill(column, row, end);
      else for (let index = 0; index < batch.length; index++) values[row + index] = column[index];
      row = end;
    }
    assert.equal(row, length);
    headers.set(name, columnOf(values));
  }
  return headers;
}

/** A column with one value throughout is kept as that value. */
function columnOf(values: readonly (string | undefined)[]): Column {
  const [first] = values;
  return first !== undefined && values.every((value) => value === first) ? first : values;
}

function ownValue(
  headers: Readonly<Record<string, string>> | undefined,
  name: string,
): string | undefined {
  return headers && Object.hasOwn(headers, name) ? headers[name] : undefined;
}
