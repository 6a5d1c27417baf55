import type { Json } from '../../core/component.ts';
import type { SourceContext } from '../../core/source.ts';

/**
 * Which place an entry has: `new`: it is to be handed on; `known`: the channels have it; `none`:
 * its number is one that an entry had before, or can't be read.
 */
export type Place = 'new' | 'known' | 'none';

/** Where in its journal an entry stands, by its cursor. */
export interface EntryNumber {
  /** Who numbered it. */
  readonly series: string;
  /** Its number there; grows by at least 1. */
  readonly number: number;
}

/** Where reading goes on after a restart; what the channels keep of it. */
export interface Position {
  /** Entries from before this were never wanted, in µs since 1970. */
  readonly sinceUs: number;
  /** An entry up to which everything is settled. Absent: begin at the oldest. */
  readonly cursor?: string;
  /** What journalctl was asked for when it gave that entry. */
  readonly filter?: string;
  /** Per series, the first number that is not settled. */
  readonly settled?: Readonly<Record<string, number>>;
}

const seriesName = /^[0-9a-f]{32}$/;
/** Streams beyond that are forgotten, the one not read for longest first. */
const maxStreams = 1_000;
/** How often the position is kept. */
const keepMs = 1_000;

/**
 * The streams of a journal: one per series of numbers that journald, or whoever wrote the files,
 * has begun (`s=` of a cursor). An entry's offset is its number (`i=`), so that it is the same
 * whenever, and from wherever, it is read again: the put rule drops what the channels have.
 *
 * Where to begin to read is kept apart, as the identity of a stream without events. It lags
 * behind, and it may be lost: then more is read than is needed, and nothing else happens.
 */
export class JournalStreams {
  readonly #context: SourceContext;
  readonly #filter: string;
  /** Per series, the first number that was not handed on; the one read last is the last. */
  readonly #next = new Map<string, number>();
  /** Per series, the number read last in this run of journalctl. */
  readonly #read = new Map<string, number>();
  #position: Position = { sinceUs: 0 };
  /** Becomes the position once all of it is settled. */
  #candidate: Position | undefined;
  #keptAt = Number.NEGATIVE_INFINITY;

  constructor(context: SourceContext, filter: string) {
    this.#context = context;
    this.#filter = filter;
  }

  /**
   * What the channels know; where to begin.
   *
   * @param sinceUs where the first start of all begins
   */
  load(sinceUs: number): Position {
    this.#next.clear();
    this.#candidate = undefined;
    for (const [name, { held }] of this.#context.streams.all()) {
      const series = name.slice(this.#prefix.length);
      if (seriesName.test(series)) this.#next.set(series, held);
    }
    const known = positionOf(this.#context.streams.get(this.#positionName)?.identity);
    this.#position = known ?? { sinceUs };
    if (!known) this.#keep(this.#position);
    const { cursor, settled = {}, sinceUs: since } = this.#position;
    // A channel that was away may lack what is before the position.
    const lags = Object.entries(settled).some(([series, number]) => {
      const next = this.#next.get(series);
      return next !== undefined && next < number;
    });
    return cursor === undefined || lags ? { sinceUs: since } : this.#position;
  }

  /** Is this what journalctl is asked for now? */
  isFilter(filter: string | undefined): boolean {
    return filter === this.#filter;
  }

  /** journalctl begins anew, and may give entries again. */
  restart(): void {
    this.#read.clear();
  }

  place(entry: EntryNumber | undefined): Place {
    if (!entry) return 'none';
    const { series, number } = entry;
    if (number <= (this.#read.get(series) ?? -1)) return 'none';
    this.#read.set(series, number);
    const next = this.#next.get(series) ?? this.#introduce(series, number);
    return number < next ? 'known' : 'new';
  }

  /** The origin of a batch of entries of one series, in order: of those with these numbers. */
  origin(series: string, numbers: readonly number[]) {
    const from = this.#next.get(series) ?? 0;
    const ends = Float64Array.from(numbers, (number) => number + 1);
    const to = ends.at(-1) ?? from;
    this.#next.delete(series);
    this.#next.set(series, to);
    return { stream: this.#prefix + series, from, to, ends };
  }

  /**
   * What `handedOn` is to be told once everything up to this entry, the last one that was read, is
   * in the channels; `undefined`: nothing, for now.
   */
  positionAt(cursor: string | undefined): Position | undefined {
    if (this.#candidate || cursor === undefined || cursor === this.#position.cursor)
      return undefined;
    const { sinceUs } = this.#position;
    return { sinceUs, cursor, filter: this.#filter, settled: Object.fromEntries(this.#next) };
  }

  /** All entries up to this position are in the channels. */
  handedOn(position: Position | undefined): void {
    this.#candidate ??= position;
  }

  /** Keeps the position once everything before it is settled; at most once a second. */
  keepPosition(now: number, atOnce = false): void {
    const candidate = this.#candidate;
    if (!candidate || (now - this.#keptAt < keepMs && !atOnce)) return;
    if (!this.#isSettled(candidate)) return;
    this.#keptAt = now;
    this.#candidate = undefined;
    this.#keep(candidate);
  }

  #isSettled({ settled = {} }: Position): boolean {
    return Object.entries(settled).every(([series, number]) => {
      const status = this.#context.streams.get(this.#prefix + series);
      return !status || status.settled >= number;
    });
  }

  #keep(position: Position): void {
    this.#position = position;
    const identity: Json = { ...position };
    this.#context.streams.introduce(this.#positionName, identity, 0);
  }

  #introduce(series: string, first: number): number {
    if (this.#next.size >= maxStreams) this.#retireOldest();
    const { held } = this.#context.streams.introduce(this.#prefix + series, null, first);
    this.#next.set(series, held);
    return held;
  }

  #retireOldest(): void {
    for (const [series, next] of this.#next) {
      const name = this.#prefix + series;
      const status = this.#context.streams.get(name);
      if (status && status.settled < next) continue;
      this.#context.streams.retire(name);
      this.#next.delete(series);
      this.#read.delete(series);
      return;
    }
  }

  get #prefix(): string {
    return `${this.#context.name}/`;
  }

  get #positionName(): string {
    return `${this.#prefix}position`;
  }
}

/**
 * What a cursor says of an entry's number; `undefined` where it says nothing. systemd calls a
 * cursor opaque, but has written `s=<series>;i=<number, in hexadecimal>;…` since there are any.
 */
export function entryNumber(cursor: string): EntryNumber | undefined {
  const [, series, digits] = /^s=([0-9a-f]{32});i=([0-9a-f]{1,16});/.exec(cursor) ?? [];
  if (series === undefined || digits === undefined) return undefined;
  const number = Number.parseInt(digits, 16);
  return Number.isSafeInteger(number + 1) ? { series, number } : undefined;
}

/** What a cursor says of an entry itself: the same wherever journald has copied it to. */
export function entryTraits(cursor: string): string {
  return cursor.replace(/^s=[0-9a-f]*;i=[0-9a-f]*;/, '');
}

function positionOf(identity: Json | undefined): Position | undefined {
  if (typeof identity !== 'object' || identity === null || Array.isArray(identity))
    return undefined;
  const { sinceUs } = identity as { sinceUs?: unknown };
  // Only this class writes it.
  return typeof sinceUs === 'number' ? (identity as unknown as Position) : undefined;
}
