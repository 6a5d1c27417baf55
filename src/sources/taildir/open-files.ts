/** What may be closed for another file to be opened. */
export interface Closable {
  /** Can it be opened again by its name, and is nothing reading it? */
  readonly closable: boolean;
  close(): Promise<void>;
}

/**
 * Keeps the number of open files within a bound, by closing those that were not used for longest.
 */
export class OpenFiles {
  readonly #limit: number;
  /** In the order of their last use. */
  readonly #files = new Set<Closable>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  used(file: Closable): void {
    this.#files.delete(file);
    this.#files.add(file);
  }

  /** A file was opened: another one may have to be closed. */
  async opened(file: Closable): Promise<void> {
    this.used(file);
    await this.trim(file);
  }

  /** Closes what is too much and can be closed. Files that are being read may exceed the bound. */
  async trim(kept?: Closable): Promise<void> {
    for (const file of this.#files) {
      if (this.#files.size <= this.#limit) return;
      if (file !== kept && file.closable) await file.close();
    }
  }

  closed(file: Closable): void {
    this.#files.delete(file);
  }
}
