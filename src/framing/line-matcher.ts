import { isAscii } from 'node:buffer';
import { javaSearch } from '../config/java-pattern.ts';
import type { BytePrefix } from './byte-prefix.ts';
import { bytePrefixOf } from './byte-prefix.ts';

/*
 * Measured, per line of 200 bytes: a string of each line costs 0.07 µs, or 0.11 as UTF-8; strings
 * of 16 KiB, of which lines are parts, cost 0.02, and a regular expression 0.03 and more. Bytes
 * that are looked up in tables cost 0.01.
 */
const textBytes = 16 * 1024;
const carriageReturn = 13;

/** Tells lines that a pattern is found in, without making a string of each. */
export class LineMatcher {
  readonly #pattern: RegExp;
  readonly #matchesEmpty: boolean;
  readonly #prefix: BytePrefix | undefined;
  /** Does the pattern see the same in the bytes of UTF-8 as in characters? */
  readonly #seesBytes: boolean;
  /** `[from, to)` of the bytes that are looked at, each a character. */
  #bytes: Buffer = Buffer.alloc(0);
  #text = '';
  #from = 0;
  #to = 0;
  #isExact = true;

  /** @throws SyntaxError when it is no regular expression in Java's form */
  constructor(pattern: string) {
    this.#pattern = javaSearch(pattern);
    this.#matchesEmpty = this.#pattern.test('');
    this.#seesBytes = seesBytes(this.#pattern);
    this.#prefix = bytePrefixOf(this.#pattern);
  }

  /** Looks at lines in these bytes from now on; they may be others in the memory of before. */
  lookAt(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#from = this.#to = 0;
  }

  /** Is the pattern found in `[start, end)`? A CR at the end is not looked at. */
  test(start: number, end: number): boolean {
    const last = end > start && this.#bytes[end - 1] === carriageReturn ? end - 1 : end;
    if (last === start) return this.#matchesEmpty;
    if (this.#prefix) {
      const may = this.#prefix.matches(this.#bytes, start, last);
      if (!may || this.#prefix.isWhole) return may;
    }
    if (start < this.#from || last > this.#to) this.#read(start, last);
    const line = this.#isExact
      ? this.#text.substring(start - this.#from, last - this.#from)
      : this.#bytes.toString('utf8', start, last);
    return this.#pattern.test(line);
  }

  #read(start: number, end: number): void {
    this.#from = start;
    this.#to = Math.min(this.#bytes.length, Math.max(end, start + textBytes));
    const bytes = this.#bytes.subarray(start, this.#to);
    this.#isExact = this.#seesBytes || isAscii(bytes);
    this.#text = this.#isExact ? bytes.toString('latin1') : '';
  }
}

/** What stands for one character, in a pattern: an escape, a class, any other. */
const atoms = /\\u\{?[0-9A-Fa-f]+\}?|\\x[0-9A-Fa-f]{2}|\\.|\[(?:\\.|[^\]\\])*\]|[^\\]/gs;
/** Atoms that a character beyond ASCII matches, which is several bytes. */
const beyondAscii = /^(?:\.|\\[SWD])$|^\[\^|\\[SWD]|\\[uU]|\\x[89A-Fa-f]|[^\0-\x7f]/;
const unbounded = /^[*+]/;

function seesBytes({ source, flags }: RegExp): boolean {
  if (flags.includes('u')) return false;
  for (const { 0: atom, index } of source.matchAll(atoms)) {
    if (!beyondAscii.test(atom)) continue;
    // As many as there are is the same of bytes.
    if (!unbounded.test(source.slice(index + atom.length))) return false;
  }
  return true;
}
