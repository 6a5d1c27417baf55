import type { SourceContext } from '../../core/source.ts';
import type { Lines } from './lines.ts';

/** Counts the lines of one file that are cut, and says once of each where it is. */
export class LongLines {
  readonly #context: SourceContext;
  readonly #maxLineBytes: number;
  /** Was the last line a piece, so that the next one belongs to the same line? */
  inside = false;

  constructor(context: SourceContext, maxLineBytes: number) {
    this.#context = context;
    this.#maxLineBytes = maxLineBytes;
  }

  /**
   * Takes note of lines that follow on those noted before.
   *
   * @param base the slab's offset in the file
   */
  note(path: string, base: number, { pieces, starts, count }: Lines): void {
    if (pieces.length === 0) {
      if (count > 0) this.inside = false;
      return;
    }
    let previous = this.inside ? -1 : undefined;
    for (const row of pieces) {
      if (previous !== row - 1) this.#begins(path, base + (starts[row] as number));
      previous = row;
    }
    this.inside = previous === count - 1;
  }

  #begins(path: string, offset: number): void {
    this.#context.counters.LineTooLongCount++;
    const said = 'A line is longer than maxLineBytes; it becomes several events.';
    this.#context.log.warn({ path, offset, maxLineBytes: this.#maxLineBytes }, said);
  }
}
