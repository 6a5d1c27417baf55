import type { EventBatch, Headers } from '../core/event-batch.ts';

/**
 * The order in which a Java `HashMap` that was filled with these names, in this order, gives them
 * back: Flume keeps the headers of an event in one, and its files show that order.
 *
 * The table has 16 buckets and doubles when it is more than three quarters full. A name's bucket is
 * the low bits of `h ^ (h >>> 16)`, where h is `String.hashCode`; names of one bucket keep the
 * order in which they came. (From 9 names in one bucket on, Java makes a tree of it: not followed
 * here.)
 */
export function javaMapOrder(names: readonly string[]): readonly string[] {
  if (names.length < 2) return names;
  let buckets = 16;
  while (names.length > buckets * 0.75) buckets *= 2;
  const placed = names.map((name) => ({ name, bucket: spreadHash(name) & (buckets - 1) }));
  placed.sort((one, other) => one.bucket - other.bucket);
  return placed.map(({ name }) => name);
}

function spreadHash(name: string): number {
  let hash = 0;
  for (let index = 0; index < name.length; index++) {
    hash = (Math.imul(hash, 31) + name.charCodeAt(index)) | 0;
  }
  return hash ^ (hash >>> 16);
}

/**
 * The headers of events in Java's order, worked out once per table where all events have them all.
 */
export class JavaHeaderOrder {
  #table: Headers | undefined;
  /** The names of every event of the table; absent when events lack some. */
  #common: readonly string[] | undefined;

  /** The names of the headers that this event has. */
  namesOf(batch: EventBatch, index: number): readonly string[] {
    if (batch.headers !== this.#table) {
      this.#table = batch.headers;
      const full = [...batch.headers.values()].every(
        (column) => typeof column === 'string' || !column.includes(undefined),
      );
      this.#common = full ? javaMapOrder([...batch.headers.keys()]) : undefined;
    }
    if (this.#common) return this.#common;
    const names: string[] = [];
    for (const name of batch.headers.keys()) {
      if (batch.header(index, name) !== undefined) names.push(name);
    }
    return javaMapOrder(names);
  }
}

/** The headers of one event as Java prints a map: `{host=h1, k=v}`. */
export function headersText(batch: EventBatch, index: number, order: JavaHeaderOrder): string {
  let text = '{';
  for (const name of order.namesOf(batch, index)) {
    if (text.length > 1) text += ', ';
    text += `${name}=${batch.header(index, name)}`;
  }
  return `${text}}`;
}
