import type { Column, EventBatch } from '../../core/event-batch.ts';

/**
 * The headers of events as JSON objects, in the order of the batch's table. Neighbours often have
 * the same ones, and get the same text.
 */
export class HeadersText {
  readonly #length: number;
  readonly #names: readonly string[];
  readonly #columns: readonly Column[];

  constructor(batch: EventBatch) {
    this.#length = batch.length;
    this.#names = [...batch.headers.keys()].map((name) => `${JSON.stringify(name)}:`);
    this.#columns = [...batch.headers.values()];
  }

  column(): Column {
    const varying = this.#columns.filter((column) => typeof column !== 'string');
    if (varying.length === 0) return this.#text(0);
    const texts = new Array<string>(this.#length);
    let text = this.#text(0);
    for (let row = 0; row < texts.length; row++) {
      if (row > 0 && varying.some((column) => column[row] !== column[row - 1])) {
        text = this.#text(row);
      }
      texts[row] = text;
    }
    return texts;
  }

  #text(row: number): string {
    let text = '{';
    for (let index = 0; index < this.#columns.length; index++) {
      const column = this.#columns[index] as Column;
      const value = typeof column === 'string' ? column : column[row];
      if (value === undefined) continue;
      if (text.length > 1) text += ',';
      text += this.#names[index] + quote(value);
    }
    return `${text}}`;
  }
}

/** Most values are quoted as they stand, which is found faster than `JSON.stringify` begins. */
function quote(value: string): string {
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    const isPlain = unit >= 0x20 && unit !== 0x22 && unit !== 0x5c && unit < 0xd800;
    if (!isPlain) return JSON.stringify(value);
  }
  return `"${value}"`;
}
