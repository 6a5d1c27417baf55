import type { FieldProblem } from '../config/definition.ts';
import type { ConfigOf } from '../config/field.ts';
import { integer, optionalText } from '../config/field.ts';
import { LineMatcher } from './line-matcher.ts';
import type { Lines } from './lines.ts';

/** Options of sources that join lines to events: stack traces and the like. Flume has none. */
export const multiLineFields = {
  multiLineStart: optionalText({
    key: 'multiline.start',
    doc: 'Joins lines: a regular expression that is found in the first line of each event.',
    extra: true,
  }),
  multiLineContinue: optionalText({
    key: 'multiline.continue',
    doc: 'Joins lines: a regular expression that is found in lines that go on with an event.',
    extra: true,
  }),
  multiLineEnd: optionalText({
    key: 'multiline.end',
    doc: 'Joins lines: a regular expression that is found in the last line of each event.',
    extra: true,
  }),
  multiLineTimeout: integer({
    key: 'multiline.timeout',
    doc: 'Time without a new line after which an event whose end is not known is taken as it is.',
    unit: 'ms',
    min: 1,
    default: 5_000,
    extra: true,
  }),
  multiLineMaxLines: integer({
    key: 'multiline.maxLines',
    doc: 'The most lines of an event; what follows is the next one.',
    unit: 'lines',
    min: 1,
    default: 500,
    extra: true,
  }),
  multiLineMaxBytes: integer({
    key: 'multiline.maxBytes',
    doc: 'The most bytes of an event of several lines; what follows is the next one.',
    unit: 'bytes',
    min: 1,
    max: 256 * 1024 * 1024,
    default: 1024 * 1024,
    extra: true,
  }),
};

export type MultiLineConfig = ConfigOf<typeof multiLineFields>;

/** How lines belong together. */
export interface MultiLineRules {
  /** What a line that the pattern is found in is. */
  readonly kind: 'start' | 'continue' | 'end';
  /** In Java's form. */
  readonly pattern: string;
  readonly timeoutMs: number;
  readonly maxLines: number;
  readonly maxBytes: number;
}

/** For a definition's notes. */
export const multiLineNotes = `Lines that belong together, such as those of a stack trace, become
one event with \`multiline.start\`, \`multiline.continue\` or \`multiline.end\`: one regular
expression, in Java's form, that is looked for in each line; the newlines between stay. An event is
known to be whole when the next one begins (\`start\`, \`continue\`) or with its last line
(\`end\`), else after \`multiline.timeout\`.`;

const keys = {
  start: 'multiLineStart',
  continue: 'multiLineContinue',
  end: 'multiLineEnd',
} as const;
const kinds = ['start', 'continue', 'end'] as const;

export function multiLineProblems(config: MultiLineConfig): readonly FieldProblem[] {
  const given = kinds.filter((kind) => config[keys[kind]] !== undefined);
  const [first, second] = given;
  if (first && second) {
    const problem = `multiline.${first} says already how lines are joined: give one of them`;
    return [{ key: `multiline.${second}`, problem }];
  }
  const rules = multiLineRulesOf(config);
  if (!rules) return [];
  try {
    new LineMatcher(rules.pattern);
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [{ key: `multiline.${rules.kind}`, problem: `it is not a regular expression: ${why}` }];
  }
}

/** `undefined`: each line is an event. */
export function multiLineRulesOf(config: MultiLineConfig): MultiLineRules | undefined {
  for (const kind of kinds) {
    const pattern = config[keys[kind]];
    if (pattern === undefined) continue;
    const { multiLineTimeout, multiLineMaxLines, multiLineMaxBytes } = config;
    return {
      kind,
      pattern,
      timeoutMs: multiLineTimeout,
      maxLines: multiLineMaxLines,
      maxBytes: multiLineMaxBytes,
    };
  }
  return undefined;
}

/** Joins the lines of slabs to events, by moving their bounds: no byte is copied. */
export class LineGroups {
  readonly #rules: MultiLineRules;
  readonly #matcher: LineMatcher;

  constructor(rules: MultiLineRules) {
    this.#rules = rules;
    this.#matcher = new LineMatcher(rules.pattern);
  }

  /**
   * Joins lines in place: the columns are those of the events from then on. The first line begins
   * an event, whatever it is. What was cut at a limit is a piece. An event of which the end is not
   * known is left out, to be found again with what follows it.
   *
   * @param inside is the first line the rest of one that was cut?
   * @param closes does the last event end with the last line?
   */
  join(slab: Buffer, lines: Lines, inside: boolean, closes: boolean): Lines {
    const { kind, maxLines, maxBytes } = this.#rules;
    const { count, starts, ends, offsets } = lines;
    this.#matcher.lookAt(slab);
    const joined = new Joined(lines);
    let start = 0;
    /** Lines of the event that is open; of a line that was cut each piece counts. */
    let open = 0;
    let isRest = inside;
    let isLast = false;
    for (let row = 0; row < count; row++) {
      const matches = !isRest && this.#matcher.test(starts[row] as number, ends[row] as number);
      const begins = !isRest && kind !== 'end' && matches === (kind === 'start');
      const isFull = open >= maxLines || (ends[row] as number) - start > maxBytes;
      if (open > 0 && (begins || isFull)) {
        joined.add(start, row - 1, !begins);
        open = 0;
      }
      if (open === 0) start = starts[row] as number;
      open++;
      isRest = joined.isCut(row);
      isLast ||= kind === 'end' && matches;
      if (isLast && !isRest) {
        joined.add(start, row, false);
        open = 0;
        isLast = false;
      }
    }
    if (open > 0 && closes) joined.add(start, count - 1, isRest);
    return { count: joined.count, starts, ends, offsets, pieces: joined.pieces };
  }
}

/** Events over the columns of the lines that they are made of. */
class Joined {
  count = 0;
  readonly pieces: number[] = [];
  readonly #lines: Lines;
  #nextCut = 0;

  constructor(lines: Lines) {
    this.#lines = lines;
  }

  /** Was this line cut? Asked of all lines in turn. */
  isCut(row: number): boolean {
    const cut = this.#lines.pieces;
    if (this.#nextCut >= cut.length || cut[this.#nextCut] !== row) return false;
    this.#nextCut++;
    return true;
  }

  add(start: number, lastRow: number, goesOn: boolean): void {
    const { starts, ends, offsets } = this.#lines;
    if (goesOn) this.pieces.push(this.count);
    starts[this.count] = start;
    ends[this.count] = ends[lastRow] as number;
    offsets[this.count] = offsets[lastRow] as number;
    this.count++;
  }
}
