import type { LogFields } from '../core/log.ts';
import type { SourceContext } from '../core/source.ts';
import type { Lines } from './lines.ts';

/** What is said of one file's lines at most so often. */
const saidEveryMs = 60_000;

/**
 * Counts what of one file is cut, lines or joined ones, and says where: the first, then at most
 * one a minute, with how many there were.
 */
export class LongLines {
  readonly #context: SourceContext;
  readonly #sentence: string;
  readonly #limit: LogFields;
  #saidAt = Number.NEGATIVE_INFINITY;
  #unsaid = 0;
  /** Was the last one a piece, so that the next one belongs to the same? */
  inside = false;

  /**
   * @param sentence what is said when one is cut
   * @param limit the limit that it exceeds, by its option
   */
  constructor(context: SourceContext, sentence: string, limit: LogFields) {
    this.#context = context;
    this.#sentence = sentence;
    this.#limit = limit;
  }

  /**
   * Takes note of lines that follow on those noted before.
   *
   * @param base where in the file the first of them begins
   */
  note(path: string, base: number, { pieces, offsets, count }: Lines): void {
    if (pieces.length === 0) {
      if (count > 0) this.inside = false;
      return;
    }
    let previous = this.inside ? -1 : undefined;
    for (const row of pieces) {
      if (previous !== row - 1) this.#begins(path, row === 0 ? base : (offsets[row - 1] as number));
      previous = row;
    }
    this.inside = previous === count - 1;
  }

  #begins(path: string, offset: number): void {
    const { counters, clock, log } = this.#context;
    counters.LineTooLongCount++;
    this.#unsaid++;
    const now = clock.monotonic();
    if (now - this.#saidAt < saidEveryMs) return;
    const lines = this.#unsaid > 1 ? { lines: this.#unsaid } : {};
    log.warn({ path, offset, ...this.#limit, ...lines }, this.#sentence);
    this.#saidAt = now;
    this.#unsaid = 0;
  }
}
