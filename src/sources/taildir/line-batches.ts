import type { Column, Headers } from '../../core/event-batch.ts';
import { EventBatch } from '../../core/event-batch.ts';
import type { Lines } from '../../framing/lines.ts';
import type { FileGroup } from './groups.ts';

/** The header of an event whose line goes on in the next event, and its value. */
const lineHeader = 'millrace.line';
const lineGoesOn = 'cut';

export interface HeaderOptions {
  readonly fileHeader: boolean;
  readonly fileHeaderKey: string;
  readonly byteOffsetHeader: boolean;
}

/** Makes batches of the lines of one file. What is the same for all of them is made once. */
export class LineBatches {
  readonly #options: HeaderOptions;
  readonly #stream: string;
  #headers: Headers = new Map();

  constructor(options: HeaderOptions, stream: string) {
    this.#options = options;
    this.#stream = stream;
  }

  /** What the headers say from now on. */
  setFile(path: string, group: FileGroup): void {
    const headers = new Map<string, Column>(group.headers);
    if (this.#options.fileHeader) headers.set(this.#options.fileHeaderKey, path);
    this.#headers = headers;
  }

  /**
   * A batch of the lines `[first, last)`, which shares the slab and the lines' columns.
   *
   * @param base the slab's offset in the file
   */
  make(slab: Buffer, lines: Lines, first: number, last: number, base: number): EventBatch {
    const from = first === 0 ? base : (lines.offsets[first - 1] as number);
    const to = lines.offsets[last - 1] as number;
    const ends = lines.offsets.subarray(first, last);
    return new EventBatch(
      slab,
      lines.starts.subarray(first, last),
      lines.ends.subarray(first, last),
      this.#headersOf(lines, first, last, base),
      { stream: this.#stream, from, to, ends },
    );
  }

  #headersOf(lines: Lines, first: number, last: number, base: number): Headers {
    const { byteOffsetHeader } = this.#options;
    const cut = lines.pieces.some((row) => row >= first && row < last);
    if (!byteOffsetHeader && !cut) return this.#headers;
    const headers = new Map<string, Column>();
    if (byteOffsetHeader) {
      const column: string[] = [];
      for (let row = first; row < last; row++) {
        column.push(String(base + (lines.starts[row] as number)));
      }
      // As in Flume the first of all: a group's header of that name takes its place.
      headers.set('byteoffset', column);
    }
    for (const [name, value] of this.#headers) headers.set(name, value);
    if (cut) {
      const pieces = new Set(lines.pieces);
      const column: (string | undefined)[] = [];
      for (let row = first; row < last; row++) {
        column.push(pieces.has(row) ? lineGoesOn : undefined);
      }
      headers.set(lineHeader, column);
    }
    return headers;
  }
}
