import { ByteKeys } from './byte-keys.ts';

const slots = 512;
/** The longest name of a host is 255 bytes; longer ones than this are made anew each time. */
const maxBytes = 64;

/** Short texts that come again and again, such as names of hosts: each is made once. */
export class Texts {
  readonly #keys = new ByteKeys(slots, maxBytes);
  readonly #texts: string[] = [];

  /** The text of `bytes[from, to)`, which are ASCII. */
  textOf(bytes: Buffer, view: DataView, from: number, to: number): string {
    const found = this.#keys.find(view, from, to);
    if (found >= 0) return this.#texts[found] as string;
    const text = bytes.toString('latin1', from, to);
    if (found === ~slots) return text;
    this.#texts[~found] = text;
    this.#keys.set(~found, view, from, to);
    return text;
  }
}
