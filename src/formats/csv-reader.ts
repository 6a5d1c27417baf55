import { FormatError } from '../core/errors.ts';

export interface CsvReaderOptions {
  /** One or more characters; default: a comma. */
  readonly delimiter?: string;
  /** One character of ASCII; default: `"`. */
  readonly quote?: string;
  /** Of one record; default: 16 MiB. */
  readonly maxRecordBytes?: number;
}

const defaultMaxRecordBytes = 16 * 2 ** 20;

/**
 * The records of delimited text, several at a time, as their fields. A line ends with or without a
 * carriage return; the last one may lack its end. A quote within a field that does not begin with
 * one is part of it.
 * Source: RFC 4180.
 *
 * @throws FormatError with the offset of the record, when it is larger than `maxRecordBytes`, cut
 *   off within quotes, or something else than a delimiter follows a closing quote
 */
export async function* readCsv(
  input: AsyncIterable<Buffer>,
  options: CsvReaderOptions = {},
): AsyncGenerator<string[][]> {
  const records = new CsvRecords(options);
  for await (const chunk of input) {
    const some = records.add(chunk.toString('latin1'));
    if (some.length > 0) yield some;
  }
  const rest = records.end();
  if (rest.length > 0) yield rest;
}

/** Bytes are characters here, until a field is complete. */
class CsvRecords {
  readonly #delimiter: string;
  readonly #quote: string;
  readonly #maxBytes: number;
  /** The record that is not complete, and what follows it. */
  #text = '';
  #textOffset = 0;
  #added: string[] = [];
  #addedBytes = 0;
  #isLast = false;
  /** Where the next delimiter and newline are, at or behind what was read. */
  #delimiterAt = 0;
  #newlineAt = 0;

  constructor(options: CsvReaderOptions) {
    this.#delimiter = Buffer.from(options.delimiter ?? ',').toString('latin1');
    this.#quote = options.quote ?? '"';
    this.#maxBytes = options.maxRecordBytes ?? defaultMaxRecordBytes;
  }

  add(text: string): string[][] {
    this.#added.push(text);
    this.#addedBytes += text.length;
    // A long record is looked at again only when there is twice as much of it.
    return this.#addedBytes < this.#text.length ? [] : this.#read();
  }

  end(): string[][] {
    this.#isLast = true;
    return this.#read();
  }

  #read(): string[][] {
    const text = this.#text + this.#added.join('');
    this.#text = text;
    this.#added = [];
    this.#addedBytes = 0;
    this.#delimiterAt = 0;
    this.#newlineAt = 0;
    const records: string[][] = [];
    let at = 0;
    while (at < text.length) {
      const fields: string[] = [];
      const end = this.#record(at, fields);
      if ((end ?? text.length) - at > this.#maxBytes) {
        this.#fail(`a record is larger than ${this.#maxBytes} bytes`, at);
      }
      if (end === undefined) break;
      records.push(fields);
      at = end;
    }
    this.#text = text.slice(at);
    this.#textOffset += at;
    return records;
  }

  /** Reads a record; gives where the next one begins, unless this one is not complete. */
  #record(start: number, fields: string[]): number | undefined {
    const text = this.#text;
    for (let at = start; ; at += this.#delimiter.length) {
      if (text.startsWith(this.#quote, at)) {
        const behind = this.#quoted(start, at + 1, fields);
        if (behind === undefined) return undefined;
        at = behind;
        const end = this.#lineEnd(at);
        if (end !== undefined) return end;
        if (!text.startsWith(this.#delimiter, at)) {
          const isUnsure = text.length - at < Math.max(2, this.#delimiter.length);
          if (!this.#isLast && isUnsure) return undefined;
          this.#fail('something else than a delimiter follows a closing quote', start);
        }
      } else {
        const newline = this.#nextNewline(at);
        if (newline < 0 && !this.#isLast) return undefined;
        const lineEnd = newline < 0 ? text.length : newline;
        const delimiter = this.#nextDelimiter(at);
        if (delimiter < 0 || delimiter >= lineEnd) {
          const hasReturn = newline > at && text[newline - 1] === '\r';
          fields.push(asUtf8(text.slice(at, hasReturn ? newline - 1 : lineEnd)));
          return newline < 0 ? lineEnd : newline + 1;
        }
        fields.push(asUtf8(text.slice(at, delimiter)));
        at = delimiter;
      }
    }
  }

  /** Reads a field from behind its quote on; gives what is behind the closing one. */
  #quoted(record: number, start: number, fields: string[]): number | undefined {
    const text = this.#text;
    let field = '';
    for (let from = start; ; ) {
      const quote = text.indexOf(this.#quote, from);
      const isUnsure = !this.#isLast && (quote < 0 || quote + 1 === text.length);
      if (isUnsure) return undefined;
      if (quote < 0) this.#fail('a quoted field is cut off', record);
      if (text[quote + 1] !== this.#quote) {
        fields.push(asUtf8(field + text.slice(from, quote)));
        return quote + 1;
      }
      field += text.slice(from, quote + 1);
      from = quote + 2;
    }
  }

  /** Where the next record begins, if this one ends there. */
  #lineEnd(at: number): number | undefined {
    const text = this.#text;
    if (text[at] === '\n') return at + 1;
    if (text[at] === '\r' && text[at + 1] === '\n') return at + 2;
    return this.#isLast && at === text.length ? at : undefined;
  }

  #nextNewline(at: number): number {
    if (this.#newlineAt >= 0 && this.#newlineAt <= at)
      this.#newlineAt = this.#text.indexOf('\n', at);
    return this.#newlineAt;
  }

  #nextDelimiter(at: number): number {
    if (this.#delimiterAt >= 0 && this.#delimiterAt <= at) {
      this.#delimiterAt = this.#text.indexOf(this.#delimiter, at);
    }
    return this.#delimiterAt;
  }

  #fail(what: string, at: number): never {
    throw new FormatError(what, this.#textOffset + at);
  }
}

function asUtf8(latin1: string): string {
  return /[\x80-\xff]/.test(latin1) ? Buffer.from(latin1, 'latin1').toString('utf8') : latin1;
}
