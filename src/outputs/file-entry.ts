import type { Json } from '../core/component.ts';

/**
 * What the sink's state says of one file. There are two entries in its life, each under a key that
 * was never used before, since those a channel makes durable at once: one before the file is made,
 * and one before anything is written to it.
 */
export interface FileEntry {
  /** The mark of the sink's entries in the state that a channel keeps for it: its type. */
  readonly type: string;
  /** Its name while it is written. */
  readonly path: string;
  /** Its name after that: stem, number, tail. The number goes up when the name is taken. */
  readonly stem: string;
  readonly number: number;
  readonly tail: string;
  /** What the file system knows it by; absent until it is made. */
  readonly id?: string;
  /** Who made it, as the file system knows that. */
  readonly creator: string;
  /** So many bytes are committed. */
  readonly length: number;
  /** How to come to its file system again. */
  readonly confDir?: string;
  readonly proxyUser?: string;
}

export function finalPathOf({ stem, number, tail }: FileEntry): string {
  return `${stem}${number}${tail}`;
}

/** The key of a file that is about to be made, by the URI that it will have. */
export function newKey(uri: string, { creator }: FileEntry): string {
  return `new ${uri} ${creator}`;
}

/** The key of a file that is made, by the URI of its final name. */
export function fileKey(uri: string, { id = '' }: FileEntry): string {
  return `${uri} ${id}`;
}

/** The URI in a key. */
export function uriIn(key: string): string {
  return key.replace(/^new /, '').replace(/ [^ ]*$/, '');
}

/** As it is kept. */
export function jsonOf(entry: FileEntry): Json {
  return { ...entry };
}

/** An entry of the state, if it is one of a sink of that type. */
export function entryOf(json: Json | undefined, type: string): FileEntry | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const entry = json as Partial<FileEntry>;
  const isWhole =
    entry.type === type &&
    typeof entry.path === 'string' &&
    typeof entry.stem === 'string' &&
    typeof entry.number === 'number' &&
    typeof entry.tail === 'string' &&
    typeof entry.creator === 'string' &&
    typeof entry.length === 'number';
  return isWhole ? (entry as FileEntry) : undefined;
}
