/**
 * The beginning of a pattern, as far as it can be told from bytes alone: `^\d{4}-\d\d` is a few
 * tables to look bytes up in, with neither a string nor a regular expression.
 */
export interface BytePrefix {
  /** Does `[start, end)` begin so? */
  matches(bytes: Buffer, start: number, end: number): boolean;
  /** Is that all there is to the pattern? Else what begins so may match. */
  readonly isWhole: boolean;
}

/** A run of bytes of one kind: as many as there are, and may be. */
interface Run {
  /** By byte: is it of the kind? */
  readonly kind: Uint8Array;
  readonly least: number;
  readonly most: number;
}

const atom = /\\[dwsS]|\\[^\w\s]|\[(?:\\.|[^\]\\])*\]|[^\\()[\]{}|*+?.^$]/y;
const quantifier = /(?:\{(\d+)(?:(,)(\d*))?\}|([*+?]))?(\?)?/y;
/** An atom that may stand for characters of several bytes. */
const beyondAscii = /^\\S$|^\[\^|\\[SWD]/;
const unclear = /[^\0-\x7f]|\\[uUpP]|\\x[89A-Fa-f]/;

/** `undefined`: nothing can be told. */
export function bytePrefixOf({ source, flags }: RegExp): BytePrefix | undefined {
  if (!source.startsWith('^') || /[msu]/.test(flags) || hasAlternatives(source)) return undefined;
  const runs: Run[] = [];
  let at = 1;
  let isWhole = false;
  for (;;) {
    const found = at < source.length ? runAt(source, at, flags) : undefined;
    isWhole = at === source.length;
    if (!found) break;
    const before = runs.at(-1);
    // What the run before has taken, this one might need.
    if (before && before.least < before.most && overlap(before.kind, found.run.kind)) break;
    runs.push(found.run);
    at = found.end;
    if (!found.goesOn) {
      isWhole = at === source.length;
      break;
    }
  }
  return runs.length > 0 ? new Runs(runs, isWhole) : undefined;
}

class Runs implements BytePrefix {
  readonly isWhole: boolean;
  readonly #runs: readonly Run[];

  constructor(runs: readonly Run[], isWhole: boolean) {
    this.#runs = runs;
    this.isWhole = isWhole;
  }

  matches(bytes: Buffer, start: number, end: number): boolean {
    let at = start;
    for (const { kind, least, most } of this.#runs) {
      const last = Math.min(end, at + most);
      const from = at;
      while (at < last && kind[bytes[at] as number] === 1) at++;
      if (at - from < least) return false;
    }
    return true;
  }
}

function runAt(
  source: string,
  at: number,
  flags: string,
): { readonly run: Run; readonly end: number; readonly goesOn: boolean } | undefined {
  atom.lastIndex = at;
  const one = atom.exec(source)?.[0];
  if (one === undefined || unclear.test(one)) return undefined;
  quantifier.lastIndex = at + one.length;
  const [whole = '', low, comma, high, sign, lazy] = quantifier.exec(source) ?? [];
  const least = low ? Number(low) : sign === '*' || sign === '?' ? 0 : 1;
  const none = Number.MAX_SAFE_INTEGER;
  const most = low ? (comma ? Number(high || none) : least) : sign === '?' ? 1 : sign ? none : 1;
  if (lazy) return undefined;
  const wide = beyondAscii.test(one);
  // The first byte of such a character tells that there is one, and not where the next begins.
  if (wide && (least !== 1 || most !== 1)) return undefined;
  const run = { kind: kindOf(one, flags, wide), least, most };
  return { run, end: at + one.length + whole.length, goesOn: !wide };
}

function kindOf(one: string, flags: string, wide: boolean): Uint8Array {
  const pattern = new RegExp(`^${one}`, flags);
  const kind = new Uint8Array(256).fill(wide ? 1 : 0, 128);
  for (let byte = 0; byte < 128; byte++) {
    if (pattern.test(String.fromCharCode(byte))) kind[byte] = 1;
  }
  return kind;
}

function overlap(a: Uint8Array, b: Uint8Array): boolean {
  return a.some((is, byte) => is === 1 && b[byte] === 1);
}

/** Is there a bar that is within no group and no class? */
function hasAlternatives(source: string): boolean {
  let depth = 0;
  for (const char of source.replace(/\\.|\[(?:\\.|[^\]\\])*\]/gs, '')) {
    if (char === '|' && depth === 0) return true;
    if (char === '(') depth++;
    if (char === ')') depth--;
  }
  return false;
}
