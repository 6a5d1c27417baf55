import type { Readable } from 'node:stream';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';

/** Of a longer line, the beginning. */
const maxLineChars = 1_000;
/** So many lines are logged within so long; then they are only counted. */
const maxLines = 100;
const windowMs = 10_000;

/**
 * Reads what a command writes to its standard error, so that it never waits for a reader, and logs
 * its lines, bounded in length and number.
 */
export class ErrorLines {
  readonly #log: Logger | undefined;
  readonly #clock: Clock;
  #last = '';
  #rest = '';
  #windowBegan = Number.NEGATIVE_INFINITY;
  #logged = 0;
  #skipped = 0;

  /** @param log absent: lines are not logged */
  constructor(errors: Readable, clock: Clock, log?: Logger) {
    this.#clock = clock;
    this.#log = log;
    errors.setEncoding('utf8');
    errors.on('data', (text: string) => this.#take(text));
    errors.once('close', () => this.#end());
  }

  /** The last line so far that is not blank: mostly the reason why a command has ended. */
  get last(): string {
    return this.#rest.trim() || this.#last;
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, maxLineChars);
    for (const line of lines) this.#line(line.slice(0, maxLineChars).trimEnd());
  }

  #end(): void {
    if (this.#rest) this.#line(this.#rest);
    this.#rest = '';
    this.#sayHowMany();
  }

  #line(line: string): void {
    if (line.trim()) this.#last = line;
    if (!this.#log) return;
    const now = this.#clock.monotonic();
    if (now - this.#windowBegan >= windowMs) {
      this.#sayHowMany();
      this.#windowBegan = now;
      this.#logged = 0;
    }
    if (this.#logged === maxLines) this.#skipped++;
    else {
      this.#logged++;
      this.#log.info({ line }, 'The command wrote to standard error.');
    }
  }

  #sayHowMany(): void {
    if (this.#skipped === 0) return;
    const lines = this.#skipped;
    this.#skipped = 0;
    this.#log?.warn({ lines }, 'Lines of standard error were too many to be logged.');
  }
}
