import type { Json } from '../../core/component.ts';
import type { FileInfo } from '../../files/file-info.ts';
import type { InputFile } from '../../files/input-file.ts';
import type { Proof } from '../../files/proof.ts';
import { isObject, parseProof, proofBytes, proves } from '../../files/proof.ts';

/**
 * What a stream is known by, as the channels keep it. The proofs decide: a file whose content has
 * them is the stream, whatever its inode and name.
 */
export type Identity = {
  readonly device: number;
  readonly inode: number;
  readonly path: string;
  /** Whose headers its lines have; a file that was renamed away may not tell. Absent: not known. */
  readonly group?: string;
  readonly born: number | null;
  /** The machine's boot when this was written. */
  readonly boot: string;
  readonly head: Proof;
  /** The last bytes before the offset up to which the file was read. */
  readonly tail: Proof;
  /**
   * Since when nothing more is expected of it (the file is gone or was rotated away and read), as
   * a time.
   */
  readonly gone: number | null;
};

/** `undefined` for what is no identity of a tailed file. */
export function parseIdentity(json: Json): Identity | undefined {
  if (!isObject(json)) return undefined;
  const { device, inode, path, group, born, boot, gone } = json;
  const head = parseProof(json['head']);
  const tail = parseProof(json['tail']);
  if (!head || !tail || typeof device !== 'number' || typeof inode !== 'number') return undefined;
  if (typeof path !== 'string' || typeof boot !== 'string') return undefined;
  const named = typeof group === 'string' ? { group } : {};
  return { device, inode, path, ...named, boot, head, tail, born: time(born), gone: time(gone) };
}

const time = (json: Json | undefined) => (typeof json === 'number' ? json : null);

/** May the inode have been given to another file since? Then its number says nothing. */
export function sameBirth(identity: Identity, info: FileInfo): boolean {
  return identity.born === null || info.bornMs === undefined || identity.born === info.bornMs;
}

/**
 * `same`: the file is the stream's, and at least as long as the stream was read. `shorter`: it
 * begins like the stream's and ends before that. A beginning too short to compare counts as
 * `different`.
 */
export type Likeness = 'same' | 'shorter' | 'different';

export async function compare(
  file: InputFile,
  size: number,
  identity: Identity,
  held: number,
): Promise<Likeness> {
  if (!(await proves(file, size, identity.head))) return 'different';
  if (size < Math.max(held, identity.tail.offset + identity.tail.length)) return 'shorter';
  return (await proves(file, size, identity.tail)) ? 'same' : 'different';
}

/** The last bytes, up to 1 KiB, of what was read before and what was read now; a copy. */
export function lastBytes(before: Buffer, now: Buffer): Buffer {
  if (now.length >= proofBytes) return Buffer.from(now.subarray(now.length - proofBytes));
  const kept = before.subarray(Math.max(0, before.length + now.length - proofBytes));
  return Buffer.concat([kept, now]);
}

/** The head, with what these bytes at `offset` add to it: up to 1 KiB; a copy. */
export function longerHead(head: Buffer, offset: number, bytes: Buffer): Buffer {
  const end = Math.min(offset + bytes.length, proofBytes);
  if (offset > head.length || end <= head.length) return head;
  return Buffer.concat([head.subarray(0, offset), bytes.subarray(0, end - offset)]);
}
