import { proofOf } from '../../files/proof.ts';
import type { Identity } from './identity.ts';

/** A stream without a file. */
export interface LostStream {
  readonly stream: string;
  readonly identity: Identity;
  /** The file system's time by which the file was gone or cut back, where that was seen. */
  readonly lostAtMs: number | undefined;
}

/** The streams without a file, found by inode or by how they begin: there may be thousands. */
export class LostStreams {
  readonly #streams = new Map<string, LostStream>();
  readonly #byInode = new Map<number, Set<LostStream>>();
  readonly #byHead = new Map<string, Set<LostStream>>();
  /** How many of the streams have a head of this length. */
  readonly #headLengths = new Map<number, number>();

  values(): readonly LostStream[] {
    return [...this.#streams.values()];
  }

  set(lost: LostStream): void {
    this.delete(lost.stream);
    this.#streams.set(lost.stream, lost);
    const { inode, head } = lost.identity;
    entry(this.#byInode, inode).add(lost);
    entry(this.#byHead, headKey(head)).add(lost);
    this.#headLengths.set(head.length, (this.#headLengths.get(head.length) ?? 0) + 1);
  }

  delete(stream: string): void {
    const lost = this.#streams.get(stream);
    if (!lost) return;
    this.#streams.delete(stream);
    const { inode, head } = lost.identity;
    remove(this.#byInode, inode, lost);
    remove(this.#byHead, headKey(head), lost);
    const left = (this.#headLengths.get(head.length) ?? 1) - 1;
    if (left > 0) this.#headLengths.set(head.length, left);
    else this.#headLengths.delete(head.length);
  }

  withInode(inode: number): readonly LostStream[] {
    return [...(this.#byInode.get(inode) ?? [])];
  }

  /** Those whose head these bytes begin with. */
  beginningLike(beginning: Buffer): readonly LostStream[] {
    const alike: LostStream[] = [];
    for (const length of this.#headLengths.keys()) {
      if (length === 0 || length > beginning.length) continue;
      const key = headKey(proofOf(0, beginning.subarray(0, length)));
      alike.push(...(this.#byHead.get(key) ?? []));
    }
    return alike;
  }
}

const headKey = (head: Identity['head']) => `${head.length} ${head.hash}`;

function entry<K, V>(map: Map<K, Set<V>>, key: K): Set<V> {
  const known = map.get(key);
  if (known) return known;
  const made = new Set<V>();
  map.set(key, made);
  return made;
}

function remove<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const set = map.get(key);
  set?.delete(value);
  if (set?.size === 0) map.delete(key);
}
