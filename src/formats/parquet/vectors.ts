import { isUtf8 } from 'node:buffer';
import { DeliveryError } from '../../core/errors.ts';
import type { Column, EventBatch } from '../../core/event-batch.ts';
import { valueAt } from '../json-path.ts';
import type { ColumnSpec } from './columns.ts';
import { HeadersText } from './headers-text.ts';
import type { Scalar } from './types.ts';

/** A column's values for one batch: the same for all events, one per event, or parts of a slab. */
export type Vector =
  | { readonly value: Scalar | undefined }
  | { readonly values: readonly (Scalar | undefined)[] }
  | { readonly slab: Buffer; readonly starts: Uint32Array; readonly ends: Uint32Array };

/** What a batch comes to. */
export interface Vectors {
  readonly columns: readonly Vector[];
  /** Events of which something did not fit its column. */
  readonly misfitCount: number;
}

/**
 * A batch as the columns of a file.
 *
 * @param refuses an event that does not fit is an error, and not counted
 * @throws DeliveryError that names the column and all such events
 */
export function vectorsOf(
  batch: EventBatch,
  specs: readonly ColumnSpec[],
  refuses: boolean,
): Vectors {
  const reading = new Reading(batch);
  const columns = specs.map((spec) => reading.vector(spec));
  const { misfits, problem } = reading;
  if (refuses && misfits.length > 0) throw new DeliveryError(problem, misfits);
  return { columns, misfitCount: misfits.length };
}

/** One batch while its columns are read; what several of them need is made once. */
class Reading {
  readonly #batch: EventBatch;
  #misfits: Uint8Array | undefined;
  #problem = '';
  #documents: readonly unknown[] | undefined;
  #isText: boolean | undefined;

  constructor(batch: EventBatch) {
    this.#batch = batch;
  }

  /** Rows of which something did not fit. */
  get misfits(): readonly number[] {
    const misfits = this.#misfits;
    return misfits ? [...misfits.keys()].filter((row) => misfits[row] === 1) : [];
  }

  /** What the first misfit is, for people. */
  get problem(): string {
    return this.#problem;
  }

  vector(spec: ColumnSpec): Vector {
    const { from } = spec;
    if (from.kind === 'header') return this.#fromHeader(spec, this.#batch.headers.get(from.name));
    if (from.kind === 'body') return this.#fromBody(spec);
    if (from.kind === 'headers') return this.#fromHeaders();
    const documents = this.#parsed();
    const { convert } = spec;
    return this.#each(spec, (row) => {
      const document = documents[row];
      if (document === misfit) return misfit;
      const value = valueAt(document, from.path) ?? undefined;
      return value === undefined ? undefined : (convert.fromJson(value) ?? misfit);
    });
  }

  /** JSON that is made here need not be looked at. */
  #fromHeaders(): Vector {
    const column = new HeadersText(this.#batch).column();
    return typeof column === 'string' ? { value: column } : { values: column };
  }

  #fromHeader(spec: ColumnSpec, column: Column | undefined): Vector {
    const { convert, byDefault, type } = spec;
    if (typeof column !== 'object') {
      const value = column === undefined ? undefined : convert.fromText(column);
      if (value === undefined && (column !== undefined || this.#isMissed(spec))) {
        for (let row = 0; row < this.#batch.length; row++) this.#misfit(spec, row);
      }
      return { value: value ?? byDefault };
    }
    const isAsItIs = (type === 'string' || type === 'binary') && byDefault === undefined;
    // Headers are texts already: nothing is made of them.
    if (isAsItIs && !spec.isRequired) return { values: column };
    return this.#each(spec, (row) => {
      const text = column[row];
      return text === undefined ? undefined : (convert.fromText(text) ?? misfit);
    });
  }

  #fromBody(spec: ColumnSpec): Vector {
    const { slab, starts, ends } = this.#batch;
    const { type, convert } = spec;
    if (type === 'binary' || (type === 'string' && this.#isAllText()))
      return { slab, starts, ends };
    if (type === 'string') {
      return this.#each(spec, (row) => {
        if (!isUtf8(this.#batch.body(row))) this.#misfit(spec, row);
        return this.#text(row);
      });
    }
    if (type === 'json') {
      const documents = this.#parsed();
      if (!documents.includes(misfit) && !spec.isRequired) return { slab, starts, ends };
      return this.#each(spec, (row) => (documents[row] === misfit ? misfit : this.#text(row)));
    }
    return this.#each(spec, (row) => convert.fromText(this.#text(row)) ?? misfit);
  }

  /** @param read undefined: there is none; `misfit`: it does not fit */
  #each(spec: ColumnSpec, read: (row: number) => Scalar | undefined | typeof misfit): Vector {
    const values = new Array<Scalar | undefined>(this.#batch.length);
    const isMissed = this.#isMissed(spec);
    for (let row = 0; row < values.length; row++) {
      const value = read(row);
      if (value === misfit || (value === undefined && isMissed)) this.#misfit(spec, row);
      values[row] = value === misfit ? spec.byDefault : (value ?? spec.byDefault);
    }
    return { values };
  }

  /** May the value not be absent? */
  #isMissed(spec: ColumnSpec): boolean {
    return spec.isRequired && spec.byDefault === undefined;
  }

  #misfit({ name, type }: ColumnSpec, row: number): void {
    if (!this.#misfits) {
      this.#misfits = new Uint8Array(this.#batch.length);
      this.#problem = `event ${row} of the batch has nothing for column ${name} that is ${type}`;
    }
    this.#misfits[row] = 1;
  }

  #text(row: number): string {
    return this.#batch.slab.toString('utf8', this.#batch.starts[row], this.#batch.ends[row]);
  }

  #parsed(): readonly unknown[] {
    if (this.#documents) return this.#documents;
    const isText = this.#isAllText();
    const documents: unknown[] = new Array(this.#batch.length);
    for (let row = 0; row < documents.length; row++) {
      documents[row] = misfit;
      if (!isText && !isUtf8(this.#batch.body(row))) continue;
      try {
        documents[row] = JSON.parse(this.#text(row));
      } catch {
        // No JSON: every column that wants some of it says so.
      }
    }
    this.#documents = documents;
    return documents;
  }

  /** Is every body UTF-8? Looks at all of them at once. */
  #isAllText(): boolean {
    if (this.#isText !== undefined) return this.#isText;
    const { slab, starts, ends } = this.#batch;
    const [from, to] = this.#batch.span();
    let isText = isUtf8(slab.subarray(from, to));
    for (let row = 0; isText && row < starts.length; row++) {
      // No character may be cut in two by a bound.
      const start = starts[row] as number;
      const end = ends[row] as number;
      isText = !(start < to && isInside(slab, start)) && !(end < to && isInside(slab, end));
    }
    this.#isText = isText;
    return isText;
  }
}

/** Stands for a value that does not fit, and for a body that is no JSON. */
const misfit = Symbol('does not fit');

/** Is the byte a character's second, third or fourth? */
function isInside(bytes: Buffer, at: number): boolean {
  return ((bytes[at] as number) & 0xc0) === 0x80;
}
