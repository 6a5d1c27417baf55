import type { SourceContext } from '../../core/source.ts';
import type { LineRules, Lines } from '../../framing/lines.ts';
import { splitLines } from '../../framing/lines.ts';
import { LongLines } from '../../framing/long-lines.ts';
import type { MultiLineRules } from '../../framing/multi-line.ts';
import { LineGroups } from '../../framing/multi-line.ts';

export interface EventRules {
  readonly maxLineBytes: number;
  /** Absent: each line is an event. */
  readonly multiLine: MultiLineRules | undefined;
}

/** Bytes of a file, from where an event begins. */
export interface EventChunk {
  readonly slab: Buffer;
  readonly length: number;
  /** The slab's offset in the file. */
  readonly base: number;
  /** Is it not the beginning of a line? */
  readonly inside: boolean;
  /** Is the rest after the last newline a line as well? */
  readonly closesLine: boolean;
  /** Does the last event end with the last line, whether or not more may belong to it? */
  readonly closesEvent: boolean;
}

const tooLong = 'A line is longer than maxLineBytes; it becomes several events.';
const tooMuch =
  'An event is longer than maxLineBytes, multiline.maxLines or multiline.maxBytes; ' +
  'it becomes several.';

/** Finds the events in what was read of one file. */
export class ChunkEvents {
  readonly #line: LineRules;
  readonly #groups: LineGroups | undefined;
  readonly #longLines: LongLines;
  #lineBytes = 64;
  /** Were there lines at the end of an event that may go on? */
  isOpen = false;

  constructor({ maxLineBytes, multiLine }: EventRules, context: SourceContext) {
    this.#line = { maxBytes: maxLineBytes, keepsCr: false };
    if (multiLine) {
      const { maxLines, maxBytes } = multiLine;
      this.#groups = new LineGroups(multiLine);
      this.#longLines = new LongLines(context, tooMuch, { maxLineBytes, maxLines, maxBytes });
    } else this.#longLines = new LongLines(context, tooLong, { maxLineBytes });
  }

  /** Is the last event one that goes on in the next? */
  get inPieces(): boolean {
    return this.#longLines.inside;
  }

  find({ slab, length, base, inside, closesLine, closesEvent }: EventChunk): Lines {
    const expected = Math.min(length, (length / this.#lineBytes) * 1.2);
    const lines = splitLines(slab, length, base, this.#line, closesLine, expected);
    if (lines.count > 0) {
      const bytes = (lines.offsets[lines.count - 1] as number) - base;
      this.#lineBytes = Math.max(1, bytes / lines.count);
    }
    if (!this.#groups) return lines;
    const end = lines.count === 0 ? base : lines.offsets[lines.count - 1];
    const events = this.#groups.join(slab, lines, inside, closesEvent);
    this.isOpen = end !== (events.count === 0 ? base : events.offsets[events.count - 1]);
    return events;
  }

  /** Takes note of events that follow on those noted before, the first one at `base`. */
  note(path: string, base: number, events: Lines): void {
    this.#longLines.note(path, base, events);
  }

  /** Others follow than those that would. */
  restart(): void {
    this.#longLines.inside = false;
    this.isOpen = false;
  }
}
