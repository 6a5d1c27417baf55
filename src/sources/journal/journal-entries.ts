import { type Column, EventBatch, type Headers } from '../../core/event-batch.ts';
import type { SourceCounters } from '../../core/metrics.ts';
import type { RareLog } from '../../core/rare-log.ts';
import { releaseSlab, retainSlab, SlabPool } from '../../core/slab-pool.ts';
import type { EntryHandler, WantedField } from './export-parser.ts';
import {
  type EntryNumber,
  entryNumber,
  entryTraits,
  type JournalStreams,
} from './journal-streams.ts';

/** A field that becomes a header. */
export interface HeaderField {
  readonly field: string;
  readonly header: string;
}

export interface EntryOptions {
  /** The field that becomes the body. */
  readonly body: string;
  readonly headers: readonly HeaderField[];
  readonly maxBodyBytes: number;
  readonly maxEvents: number;
}

/** How a run of journalctl begins. */
export interface Beginning {
  /** The entry it is to begin with, or the next one after that. */
  readonly cursor?: string | undefined;
  /** Must that entry be there? */
  readonly required: boolean;
  /** Older entries are left out; in µs since 1970. */
  readonly sinceUs: number;
}

/** Memory that bodies are gathered in; a longer one gets memory of its own. */
const slabBytes = 256 << 10;
const maxFreeSlabs = 8;
/** What waits at most, but for one chunk more; beyond that journalctl is not read. */
const maxPendingBytes = 2 << 20;
/** What an event costs beside its body, roughly. */
const rowBytes = 100;
/** Of a longer header the rest is left out. */
const maxHeaderBytes = 4_096;
const maxCursorBytes = 1_024;
const maxTimeBytes = 32;
const timestampHeader = 'timestamp';
/** The wanted fields before those that become headers. */
const [cursorField, timeField, bodyField, firstHeaderField] = [0, 1, 2, 3];

/** Entries that will be one batch. */
interface Gathering {
  /** The series whose numbers these have; absent: they have no place in a stream. */
  readonly series: string | undefined;
  readonly slab: Buffer;
  readonly starts: number[];
  readonly ends: number[];
  readonly numbers: number[];
  readonly timestamps: string[];
  /** Per header, the values. */
  readonly columns: (string | undefined)[][];
  cost: number;
}

/** A batch on its way. */
export interface EntryBatch {
  readonly events: EventBatch;
  readonly cost: number;
}

/** Makes batches of what a parser finds. */
export class JournalEntries implements EntryHandler {
  readonly #options: EntryOptions;
  readonly #streams: JournalStreams;
  readonly #counters: SourceCounters;
  readonly #rare: RareLog;
  readonly #pool = new SlabPool(slabBytes, maxFreeSlabs);
  #slab: Buffer = Buffer.alloc(0);
  #used = 0;
  #gathering: Gathering | undefined;
  #ready: EntryBatch[] = [];
  #pendingBytes = 0;
  #beginning: Beginning = { required: false, sinceUs: 0 };
  #isFirst = true;
  #lost = false;
  #cursor: string | undefined;
  /* The entry that is being read. */
  #entryCursor = '';
  #timeUs = '';
  #bodyBytes = 0;
  #cut = false;
  readonly #values: (string | undefined)[];
  readonly #known: readonly KnownText[];

  constructor(
    options: EntryOptions,
    streams: JournalStreams,
    counters: SourceCounters,
    rare: RareLog,
  ) {
    this.#options = options;
    this.#streams = streams;
    this.#counters = counters;
    this.#rare = rare;
    this.#values = options.headers.map(() => undefined);
    this.#known = options.headers.map(() => new KnownText());
  }

  /** What the parser is to give. */
  get wanted(): readonly WantedField[] {
    const { body, headers, maxBodyBytes } = this.#options;
    return [
      { name: '__CURSOR', maxBytes: maxCursorBytes },
      { name: '__REALTIME_TIMESTAMP', maxBytes: maxTimeBytes },
      { name: body, maxBytes: maxBodyBytes },
      ...headers.map(({ field }) => ({ name: field, maxBytes: maxHeaderBytes })),
    ];
  }

  /** The cursor of the last entry that was read whole. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** Did the entry not come that the run was to begin with? Nothing is taken then. */
  get lost(): boolean {
    return this.#lost;
  }

  /** The run is over, and has given all there is. */
  wasWhole(): void {
    if (this.#beginning.required && this.#isFirst) this.#lost = true;
  }

  /** Is there so much that no more should be read? */
  get isFull(): boolean {
    return this.#pendingBytes > maxPendingBytes;
  }

  get isEmpty(): boolean {
    return this.#ready.length === 0 && !this.#gathering;
  }

  /** A run of journalctl begins. */
  begin(beginning: Beginning): void {
    this.#beginning = beginning;
    this.#isFirst = true;
    this.#cursor = beginning.cursor;
    this.#lost = false;
    this.#clearEntry();
    this.#streams.restart();
  }

  /** Takes out everything that waits, in order. */
  take(): EntryBatch[] {
    this.#close();
    const batches = this.#ready;
    this.#ready = [];
    return batches;
  }

  /** These are to be taken again, before all others. */
  giveBack(batches: readonly EntryBatch[]): void {
    this.#ready.unshift(...batches);
  }

  /** The channels have this batch. */
  done({ events, cost }: EntryBatch): void {
    this.#pendingBytes -= cost;
    releaseSlab(events.slab);
  }

  /** Forgets what waits. */
  clear(): void {
    for (const batch of this.take()) this.done(batch);
  }

  field(field: number, bytes: Buffer, from: number, to: number, cut: boolean): void {
    // Of a field with several values, the first.
    if (field === cursorField) this.#entryCursor ||= bytes.toString('latin1', from, to);
    else if (field === timeField) this.#timeUs ||= bytes.toString('latin1', from, to);
    else if (field === bodyField) this.#body(bytes, from, to, cut);
    else {
      const index = field - firstHeaderField;
      this.#values[index] ??= (this.#known[index] as KnownText).of(bytes, from, to);
    }
  }

  end(): void {
    if (!this.#lost && this.#isWanted()) this.#add(entryNumber(this.#entryCursor));
    if (!this.#lost) this.#cursor = this.#entryCursor || this.#cursor;
    this.#clearEntry();
  }

  #body(bytes: Buffer, from: number, to: number, cut: boolean): void {
    if (this.#bodyBytes > 0) return;
    const length = to - from;
    if (this.#used + length > this.#slab.length) {
      this.#close();
      releaseSlab(this.#slab);
      this.#slab = length > slabBytes ? Buffer.allocUnsafe(length) : this.#pool.take();
      this.#used = 0;
    }
    bytes.copy(this.#slab, this.#used, from, to);
    this.#bodyBytes = length;
    this.#cut = cut;
  }

  /** Is the entry one of those that the run was to give? */
  #isWanted(): boolean {
    const { cursor, required, sinceUs } = this.#beginning;
    if (cursor === undefined) return Number(this.#timeUs) >= sinceUs;
    if (!this.#isFirst) return true;
    this.#isFirst = false;
    if (entryTraits(this.#entryCursor) !== entryTraits(cursor)) {
      this.#lost = required;
      return !required;
    }
    // It is known, perhaps under another number: journald has moved it to another file.
    const entry = entryNumber(this.#entryCursor);
    if (entry) this.#streams.place(entry);
    return false;
  }

  #add(entry: EntryNumber | undefined): void {
    const place = this.#streams.place(entry);
    if (place === 'known') return;
    if (place === 'none') {
      const said = 'The journal numbers an entry as it did another: a crash may double it.';
      this.#rare.warn({ cursor: this.#entryCursor }, said);
    }
    if (this.#cut) {
      this.#counters.LineTooLongCount++;
      const { maxBodyBytes } = this.#options;
      this.#rare.warn({ maxBodyBytes }, 'A message is longer than maxBodyBytes: the rest is lost.');
    }
    const series = place === 'new' ? entry?.series : undefined;
    if (this.#gathering && this.#gathering.series !== series) this.#close();
    this.#gathering ??= gatheringIn(this.#slab, series, this.#values.length);
    const { starts, ends, numbers, timestamps, columns } = this.#gathering;
    starts.push(this.#used);
    this.#used += this.#bodyBytes;
    ends.push(this.#used);
    if (entry) numbers.push(entry.number);
    timestamps.push(this.#timeUs.slice(0, -3));
    for (const [index, column] of columns.entries()) column.push(this.#values[index]);
    this.#gathering.cost += this.#bodyBytes + rowBytes;
    this.#pendingBytes += this.#bodyBytes + rowBytes;
    if (starts.length >= this.#options.maxEvents) this.#close();
  }

  /** What was gathered becomes a batch. */
  #close(): void {
    const gathered = this.#gathering;
    if (!gathered) return;
    this.#gathering = undefined;
    const { slab, starts, ends, series, numbers, cost } = gathered;
    const origin = series === undefined ? undefined : this.#streams.origin(series, numbers);
    const columns = [Uint32Array.from(starts), Uint32Array.from(ends)] as const;
    const events = new EventBatch(slab, ...columns, this.#headersOf(gathered), origin);
    retainSlab(slab);
    this.#ready.push({ events, cost });
  }

  #headersOf({ timestamps, columns }: Gathering): Headers {
    const headers = new Map([[timestampHeader, columnOf(timestamps)]]);
    for (const [index, { header }] of this.#options.headers.entries()) {
      const column = columns[index] ?? [];
      if (column.some((value) => value !== undefined)) headers.set(header, columnOf(column));
    }
    return headers;
  }

  #clearEntry(): void {
    this.#entryCursor = '';
    this.#timeUs = '';
    this.#bodyBytes = 0;
    this.#cut = false;
    this.#values.fill(undefined);
  }
}

function gatheringIn(slab: Buffer, series: string | undefined, headers: number): Gathering {
  const columns = Array.from({ length: headers }, () => []);
  return { slab, series, starts: [], ends: [], numbers: [], timestamps: [], columns, cost: 0 };
}

/** One value, where all are the same. */
function columnOf(values: readonly (string | undefined)[]): Column {
  const [first] = values;
  return first !== undefined && values.every((value) => value === first) ? first : values;
}

/** Gives the same string for the same bytes again: most values repeat. */
class KnownText {
  #bytes = Buffer.alloc(0);
  #length = 0;
  #text = '';

  of(bytes: Buffer, from: number, to: number): string {
    const length = to - from;
    if (length === this.#length && bytes.compare(this.#bytes, 0, length, from, to) === 0) {
      return this.#text;
    }
    if (length > this.#bytes.length) this.#bytes = Buffer.alloc(maxHeaderBytes);
    bytes.copy(this.#bytes, 0, from, to);
    this.#length = length;
    this.#text = bytes.toString('utf8', from, to);
    return this.#text;
  }
}
