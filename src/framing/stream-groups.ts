import type { Clock } from '../core/clock.ts';
import { grown } from '../core/columns.ts';
import { LineMatcher } from './line-matcher.ts';
import type { LineRun } from './line-run.ts';
import type { MultiLineRules } from './multi-line.ts';

const newline = 10;
const firstKeptBytes = 4096;

/** The events of a run while it is looked at; valid during the call that gives them. */
const joined: LineRun = {
  bytes: Buffer.alloc(0),
  count: 0,
  starts: new Uint32Array(1024),
  ends: new Uint32Array(1024),
  cut: new Uint8Array(1024),
};

/**
 * Joins the lines of one peer to events, for sources that can't read again. An event whose end is
 * not known is kept until the next one begins, a limit is reached, or the time-out.
 */
export class StreamGroups {
  readonly #rules: MultiLineRules;
  readonly #matcher: LineMatcher;
  readonly #clock: Clock;
  readonly #take: (run: LineRun) => void;
  readonly #stopped = new AbortController();
  /** Lines of the event that is open; of a line that was cut each piece counts. */
  #lines = 0;
  /** Where it lies in the run that is looked at; `undefined`: in `#kept`. */
  #place: { start: number; end: number } | undefined;
  #kept: Buffer = Buffer.alloc(0);
  #keptBytes = 0;
  /** Is the next line the rest of one that was cut? */
  #isRest = false;
  /** Does the event end with this line, once it is whole? */
  #isLast = false;
  #dueAt = 0;
  #isWaiting = false;

  /**
   * @param take is given the events, as runs that are valid during the call only; at the time-out
   *   it is called by itself. `cut`: the event goes on in the next one
   */
  constructor(rules: MultiLineRules, clock: Clock, take: (run: LineRun) => void) {
    this.#rules = rules;
    this.#matcher = new LineMatcher(rules.pattern);
    this.#clock = clock;
    this.#take = take;
  }

  /** Takes lines that follow on those before. */
  push(run: LineRun): void {
    joined.bytes = run.bytes;
    joined.count = 0;
    this.#matcher.lookAt(run.bytes);
    for (let row = 0; row < run.count; row++) this.#add(run, row);
    // The bytes are the caller's again after this.
    if (this.#lines > 0) this.#keepPlace(run.bytes);
    this.#giveJoined();
    if (this.#lines > 0) this.#waitForMore();
  }

  /** No more lines come: the event that is open is given, and nothing after that. */
  end(): void {
    this.#stopped.abort();
    if (this.#lines > 0) this.#close(0);
    this.#giveJoined();
  }

  #add(run: LineRun, row: number): void {
    const { kind, maxLines, maxBytes } = this.#rules;
    const [start, end] = [run.starts[row] as number, run.ends[row] as number];
    const matches = !this.#isRest && this.#matcher.test(start, end);
    const begins = !this.#isRest && kind !== 'end' && matches === (kind === 'start');
    if (this.#lines > 0) {
      const bytes = this.#openBytes + (this.#isRest ? 0 : 1) + end - start;
      if (begins) this.#close(0);
      else if (this.#lines >= maxLines || bytes > maxBytes) this.#close(1);
    }
    this.#extend(run.bytes, start, end);
    this.#isRest = run.cut[row] === 1;
    this.#isLast ||= kind === 'end' && matches;
    if (this.#isLast && !this.#isRest) this.#close(0);
  }

  get #openBytes(): number {
    return this.#place ? this.#place.end - this.#place.start : this.#keptBytes;
  }

  #extend(bytes: Buffer, start: number, end: number): void {
    const place = this.#place;
    if (this.#lines++ === 0) {
      this.#place = { start, end };
      return;
    }
    // Between two lines of an event there is one newline, whatever ended them.
    const gap = this.#isRest ? 0 : 1;
    const follows =
      place && start === place.end + gap && (gap === 0 || bytes[place.end] === newline);
    if (place && follows) {
      place.end = end;
      return;
    }
    if (place) this.#keepPlace(bytes);
    if (gap === 1) this.#keep(newlineBytes, 0, 1);
    this.#keep(bytes, start, end);
  }

  #keepPlace(bytes: Buffer): void {
    const place = this.#place;
    this.#place = undefined;
    if (place) this.#keep(bytes, place.start, place.end);
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    const needed = this.#keptBytes + end - start;
    if (needed > this.#kept.length) {
      const grown = Buffer.allocUnsafe(Math.max(firstKeptBytes, needed * 2));
      this.#kept.copy(grown, 0, 0, this.#keptBytes);
      this.#kept = grown;
    }
    bytes.copy(this.#kept, this.#keptBytes, start, end);
    this.#keptBytes = needed;
  }

  /** The event that is open ends with the line before. */
  #close(cut: 0 | 1): void {
    const place = this.#place;
    this.#lines = 0;
    this.#isLast = false;
    this.#place = undefined;
    if (place) {
      append(place.start, place.end, cut);
      return;
    }
    this.#giveJoined();
    const [bytes, end] = [this.#kept, this.#keptBytes];
    this.#keptBytes = 0;
    const one = { starts: Uint32Array.of(0), ends: Uint32Array.of(end), cut: Uint8Array.of(cut) };
    this.#take({ bytes, count: 1, ...one });
    // What was long once need not be so again.
    if (this.#kept.length > this.#rules.maxBytes) this.#kept = Buffer.alloc(0);
  }

  #giveJoined(): void {
    if (joined.count === 0) return;
    this.#take(joined);
    joined.count = 0;
  }

  /** Gives the event that is open when no line has come for the time-out. */
  #waitForMore(): void {
    this.#dueAt = this.#clock.monotonic() + this.#rules.timeoutMs;
    if (!this.#isWaiting) void this.#wait();
  }

  async #wait(): Promise<void> {
    this.#isWaiting = true;
    const { signal } = this.#stopped;
    while (this.#lines > 0 && !signal.aborted) {
      const wait = this.#dueAt - this.#clock.monotonic();
      if (wait <= 0) {
        joined.count = 0;
        this.#close(0);
      } else await this.#clock.sleep(wait, signal);
    }
    this.#isWaiting = false;
  }
}

const newlineBytes = Buffer.from('\n');

function append(start: number, end: number, cut: 0 | 1): void {
  const row = joined.count++;
  if (row === joined.starts.length) {
    joined.starts = grown(joined.starts, new Uint32Array(row * 2));
    joined.ends = grown(joined.ends, new Uint32Array(row * 2));
    joined.cut = grown(joined.cut, new Uint8Array(row * 2));
  }
  joined.starts[row] = start;
  joined.ends[row] = end;
  joined.cut[row] = cut;
}
