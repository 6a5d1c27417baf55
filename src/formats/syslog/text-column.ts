import type { Column } from '../../core/event-batch.ts';

/**
 * One header of a batch in the making. As long as all events have the same value, that is all there
 * is of it: no array is made.
 */
export class TextColumn {
  readonly name: string;
  #count = 0;
  /** The value of the first rows, and how many they are. */
  #first: string | undefined;
  #same = 0;
  #values: (string | undefined)[] | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Begins a batch of so many events. */
  begin(count: number): void {
    this.#count = count;
    this.#same = 0;
    this.#values = undefined;
  }

  /** Rows come in order; one that is left out has no value. */
  set(row: number, value: string): void {
    if (this.#values !== undefined) this.#values[row] = value;
    else if (row === this.#same && (row === 0 || value === this.#first)) {
      this.#first = value;
      this.#same++;
    } else this.#widen()[row] = value;
  }

  /** Adds the header, unless no event has it. */
  addTo(headers: Map<string, Column>): void {
    if (this.#values === undefined && this.#same === 0) return;
    const isConstant = this.#values === undefined && this.#same === this.#count;
    headers.set(this.name, isConstant ? (this.#first as string) : (this.#values ?? this.#widen()));
    this.#values = undefined;
  }

  #widen(): (string | undefined)[] {
    const values = new Array<string | undefined>(this.#count).fill(undefined, this.#same);
    if (this.#same > 0) values.fill(this.#first, 0, this.#same);
    this.#values = values;
    return values;
  }
}
