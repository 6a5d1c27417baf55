import { FormatError } from '../../core/errors.ts';

/*
 * The journal export format of systemd, as `journalctl -o export` writes it. Source: systemd's
 * "Journal Export Formats". Sizes are little-endian.
 *
 *   export => [entry]
 *     entry => [field] LF            at least one field
 *       field => text | binary
 *         text   => name "=" value LF        the value has no LF
 *         binary => name LF size value LF
 *           size => INT64                    bytes of the value
 *       name => upper-case letters, digits, "_"
 */

/** What a parser finds, in the order of the input. */
export interface EntryHandler {
  /**
   * A wanted field of the entry: `bytes[from, to)`, valid during the call only.
   *
   * @param field its index among the wanted ones
   * @param cut there was more of it than its limit
   */
  field(field: number, bytes: Buffer, from: number, to: number, cut: boolean): void;
  /** The entry is complete. */
  end(): void;
}

export interface WantedField {
  readonly name: string;
  /** What is given of its value at most. */
  readonly maxBytes: number;
}

const lineFeed = 10;
const equals = 0x3d;
/** journald takes no longer ones. */
const maxNameBytes = 64;
const sizeBytes = 8;
/** journald takes no larger values: 768 MiB. */
const maxValueBytes = 768 * 1024 ** 2;
const nothing: Buffer = Buffer.alloc(0);
/** From `#field`: the field is not whole yet. */
const incomplete = -1;

/**
 * Reads a stream of entries as it comes, in pieces of any size. It keeps the beginning of one field
 * at most, of those that are wanted, up to its limit; all others are passed over.
 */
export class ExportParser {
  readonly #wanted: readonly { readonly name: Buffer; readonly maxBytes: number }[];
  readonly #handler: EntryHandler;
  /** The beginning of a field, in memory with room for more. */
  #kept = nothing;
  #keptBytes = 0;
  /** Up to here what is kept has no LF that would end its field. */
  #searched = 0;
  /** What is passed over: bytes of a binary value and the LF behind it; all up to the next LF. */
  #skipBytes = 0;
  #awaitsEnd = false;
  #skipsLine = false;
  /** The input's offset of what `push` was given. */
  #offset = 0;

  constructor(wanted: readonly WantedField[], handler: EntryHandler) {
    this.#wanted = wanted.map(({ name, maxBytes }) => ({ name: Buffer.from(name), maxBytes }));
    this.#handler = handler;
  }

  /** @throws FormatError; entries that were complete have been given */
  push(chunk: Buffer): void {
    if (this.#keptBytes > 0) this.#append(chunk);
    const bytes = this.#keptBytes > 0 ? this.#kept.subarray(0, this.#keptBytes) : chunk;
    const base = this.#offset + chunk.length - bytes.length;
    let at = this.#skip(bytes, 0, base);
    while (at < bytes.length) {
      const next = this.#field(bytes, at, base);
      if (next === incomplete) break;
      at = this.#skip(bytes, next, base);
      this.#searched = 0;
    }
    this.#keep(bytes, at);
    this.#offset += chunk.length;
  }

  /** Passes over what is left of a field; gives where the next one begins. */
  #skip(bytes: Buffer, from: number, base: number): number {
    const skipped = Math.min(this.#skipBytes, bytes.length - from);
    this.#skipBytes -= skipped;
    const at = from + skipped;
    if (at === bytes.length) return at;
    if (this.#skipsLine) {
      const found = bytes.indexOf(lineFeed, at);
      this.#skipsLine = found < 0;
      return found < 0 ? bytes.length : found + 1;
    }
    if (!this.#awaitsEnd) return at;
    if (bytes[at] !== lineFeed) throw new FormatError('a value without its end', base + at);
    this.#awaitsEnd = false;
    return at + 1;
  }

  /** Reads the field, or the entry's end, at `at`; gives where the next one begins. */
  #field(bytes: Buffer, at: number, base: number): number {
    if (bytes[at] === lineFeed) {
      this.#handler.end();
      return at + 1;
    }
    let nameEnd = at;
    while (nameEnd < bytes.length && bytes[nameEnd] !== equals && bytes[nameEnd] !== lineFeed) {
      nameEnd++;
    }
    if (nameEnd - at > maxNameBytes) throw new FormatError('a field without a name', base + at);
    if (nameEnd === bytes.length) return incomplete;
    const field = this.#fieldNamed(bytes, at, nameEnd);
    if (bytes[nameEnd] === equals) return this.#text(field, bytes, nameEnd + 1);
    return this.#binary(field, bytes, nameEnd + 1, base);
  }

  #text(field: number, bytes: Buffer, from: number): number {
    const found = bytes.indexOf(lineFeed, Math.max(from, this.#searched));
    const maxBytes = this.#wanted[field]?.maxBytes;
    const end = found < 0 ? bytes.length : found;
    const cut = maxBytes !== undefined && end - from > maxBytes;
    if (found < 0 && maxBytes !== undefined && !cut) {
      this.#searched = end;
      return incomplete;
    }
    if (maxBytes !== undefined) {
      this.#handler.field(field, bytes, from, cut ? from + maxBytes : end, cut);
    }
    if (found >= 0) return found + 1;
    this.#skipsLine = true;
    return end;
  }

  #binary(field: number, bytes: Buffer, at: number, base: number): number {
    const from = at + sizeBytes;
    if (from > bytes.length) return incomplete;
    const size = bytes.readBigUInt64LE(at);
    if (size > maxValueBytes) throw new FormatError(`a value of ${size} bytes`, base + at);
    const end = from + Number(size);
    const maxBytes = this.#wanted[field]?.maxBytes;
    const cut = maxBytes !== undefined && Number(size) > maxBytes;
    const needed = maxBytes === undefined ? from : Math.min(end, from + maxBytes);
    if (bytes.length < needed) return incomplete;
    if (maxBytes !== undefined) this.#handler.field(field, bytes, from, needed, cut);
    this.#skipBytes = end - needed;
    this.#awaitsEnd = true;
    return needed;
  }

  /** The index among the wanted fields; -1: it is not wanted. */
  #fieldNamed(bytes: Buffer, from: number, to: number): number {
    for (let index = 0; index < this.#wanted.length; index++) {
      const { name } = this.#wanted[index] as { name: Buffer };
      if (name.length === to - from && matches(name, bytes, from)) return index;
    }
    return -1;
  }

  #append(chunk: Buffer): void {
    const needed = this.#keptBytes + chunk.length;
    if (needed > this.#kept.length) this.#kept = enlarged(this.#kept, this.#keptBytes, needed * 2);
    chunk.copy(this.#kept, this.#keptBytes);
    this.#keptBytes = needed;
  }

  /** Keeps `bytes` from `at` on until more comes. */
  #keep(bytes: Buffer, at: number): void {
    const length = bytes.length - at;
    if (length === 0) {
      this.#keptBytes = 0;
      this.#kept = nothing;
      return;
    }
    if (at === 0 && this.#keptBytes === length) return;
    const kept = Buffer.allocUnsafe(length);
    bytes.copy(kept, 0, at);
    this.#kept = kept;
    this.#keptBytes = length;
    this.#searched = Math.max(0, this.#searched - at);
  }
}

function matches(name: Buffer, bytes: Buffer, from: number): boolean {
  for (let at = name.length - 1; at >= 0; at--) {
    if (name[at] !== bytes[from + at]) return false;
  }
  return true;
}

function enlarged(from: Buffer, length: number, capacity: number): Buffer {
  const to = Buffer.allocUnsafe(capacity);
  from.copy(to, 0, 0, length);
  return to;
}
