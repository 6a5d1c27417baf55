import type { StreamStatus } from '../../core/channel.ts';
import type { Json } from '../../core/component.ts';
import type { FileInfo } from '../../files/file-info.ts';
import type { InputFile } from '../../files/input-file.ts';
import type { Proof } from '../../files/proof.ts';
import { isObject, parseProof, proves } from '../../files/proof.ts';

/** What a stream is known by, as the channels keep it. */
export type SpoolIdentity = {
  readonly device: number;
  readonly inode: number;
  readonly path: string;
  readonly born: number | null;
  /** As they were when the file was picked up: then it is done when as much was read. */
  readonly size: number;
  readonly mtimeMs: number;
  readonly head: Proof;
  /** The last bytes before what was delivered, once the file was set aside. */
  readonly tail: Proof | null;
  /** Since when its file is gone, as a time. */
  readonly gone: number | null;
};

/** `undefined` for what is no identity of a spooled file. */
export function parseIdentity(json: Json): SpoolIdentity | undefined {
  if (!isObject(json)) return undefined;
  const { device, inode, path, born, size, mtimeMs, gone } = json;
  const head = parseProof(json['head']);
  if (!head || typeof device !== 'number' || typeof inode !== 'number') return undefined;
  if (typeof path !== 'string' || typeof size !== 'number' || typeof mtimeMs !== 'number') {
    return undefined;
  }
  const tail = parseProof(json['tail']) ?? null;
  const times = { born: timeOf(born), gone: timeOf(gone) };
  return { device, inode, path, size, mtimeMs, head, tail, ...times };
}

const timeOf = (json: Json | undefined) => (typeof json === 'number' ? json : null);

/**
 * Offsets that a file of this size covers. The one event of an empty file needs one too: what
 * covers nothing can't be told from what was delivered.
 */
export const coveredBy = (size: number) => Math.max(1, size);

/**
 * Is the file the one that was read as this stream?
 *   1. The same inode, which has what was read, whatever its name is now and whatever was added.
 *   2. The same name, size, time and beginning: a copy that was put back.
 *   3. The same name, set aside before and repaired since: what was delivered is still there.
 */
export async function isStreamOf(
  identity: SpoolIdentity,
  { held }: StreamStatus,
  path: string,
  info: FileInfo,
  file: InputFile,
): Promise<boolean> {
  const { head, tail, size, mtimeMs } = identity;
  const samePath = identity.path === path;
  const asItWas = size === info.size && Math.floor(mtimeMs) === Math.floor(info.mtimeMs);
  const isSame = sameInode(identity, info, samePath || asItWas) || (samePath && asItWas);
  // Of an empty file nothing is left when it is not empty any more.
  if (isSame && size === 0) return info.size === 0;
  if (isSame) return info.size >= held && (await proves(file, info.size, head));
  if (!samePath || !tail || tail.offset + tail.length !== held) return false;
  return (await proves(file, info.size, head)) && (await proves(file, info.size, tail));
}

/** @param alike is there another sign, where the file system does not tell when it was made? */
function sameInode(identity: SpoolIdentity, info: FileInfo, alike: boolean): boolean {
  const { device, inode, born } = identity;
  if (device !== info.device || inode !== info.inode) return false;
  return born === null || info.bornMs === undefined ? alike : born === info.bornMs;
}
