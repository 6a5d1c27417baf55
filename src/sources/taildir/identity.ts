import { hash } from 'node:crypto';
import type { Stats } from 'node:fs';
import type { Json } from '../../core/component.ts';
import type { InputFile } from './input-file.ts';

/** Bytes at the beginning, and before the read offset, by which a file is known again. */
export const proofBytes = 1024;

/** What the file system says of a file. */
export interface FileInfo {
  readonly device: number;
  readonly inode: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  /** When the file was made; `undefined` where the file system doesn't tell for sure. */
  readonly bornMs: number | undefined;
  /** The same where it may also be the ctime: some systems have nothing better. */
  readonly perhapsBornMs: number;
  /** 0: it was deleted. */
  readonly links: number;
}

export function fileInfo(stats: Stats): FileInfo {
  const { dev, ino, size, mtimeMs, ctimeMs, birthtimeMs, nlink } = stats;
  // Where no birth time is kept, 0 or the ctime stands in its place.
  const sure = birthtimeMs > 0 && birthtimeMs !== ctimeMs && birthtimeMs <= mtimeMs;
  return {
    device: dev,
    inode: ino,
    size,
    mtimeMs,
    ctimeMs,
    bornMs: sure ? birthtimeMs : undefined,
    perhapsBornMs: birthtimeMs,
    links: nlink,
  };
}

/** Names an inode while it lives. */
export const keyOf = (info: FileInfo) => `${info.device}-${info.inode}`;

/** A part of a file's content: `[offset, offset + length)`. */
export type Proof = { readonly offset: number; readonly length: number; readonly hash: string };

/**
 * What a stream is known by, as the channels keep it. The proofs decide: a file whose content has
 * them is the stream, whatever its inode and name.
 */
export type Identity = {
  readonly device: number;
  readonly inode: number;
  readonly path: string;
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

export function proofOf(offset: number, bytes: Buffer): Proof {
  return { offset, length: bytes.length, hash: hash('sha256', bytes, 'base64url').slice(0, 16) };
}

/** `undefined` for what is no identity of a tailed file. */
export function parseIdentity(json: Json): Identity | undefined {
  if (!isObject(json)) return undefined;
  const { device, inode, path, born, boot, gone } = json;
  const head = parseProof(json['head']);
  const tail = parseProof(json['tail']);
  if (!head || !tail || typeof device !== 'number' || typeof inode !== 'number') return undefined;
  if (typeof path !== 'string' || typeof boot !== 'string') return undefined;
  return { device, inode, path, boot, head, tail, born: time(born), gone: time(gone) };
}

function parseProof(json: Json | undefined): Proof | undefined {
  if (!isObject(json)) return undefined;
  const { offset, length, hash: text } = json;
  if (typeof offset !== 'number' || typeof length !== 'number') return undefined;
  return typeof text === 'string' ? { offset, length, hash: text } : undefined;
}

function isObject(json: Json | undefined): json is { readonly [key: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
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

/** Has the file what was proved? */
async function proves(file: InputFile, size: number, proof: Proof): Promise<boolean> {
  if (size < proof.offset + proof.length) return false;
  const bytes = await readBytes(file, proof.offset, proof.length);
  return proofOf(proof.offset, bytes).hash === proof.hash;
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

/** The bytes there, fewer where the file ends. */
export async function readBytes(file: InputFile, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const bytesRead = await file.read([bytes.subarray(filled)], offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}
