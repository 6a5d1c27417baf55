import { hash } from 'node:crypto';
import type { Json } from '../core/component.ts';
import type { InputFile } from './input-file.ts';

/** Bytes at the beginning, and before the read offset, by which a file is known again. */
export const proofBytes = 1024;

/** A part of a file's content: `[offset, offset + length)`. */
export type Proof = { readonly offset: number; readonly length: number; readonly hash: string };

export function proofOf(offset: number, bytes: Buffer): Proof {
  return { offset, length: bytes.length, hash: hash('sha256', bytes, 'base64url').slice(0, 16) };
}

/** `undefined` for what is none. */
export function parseProof(json: Json | undefined): Proof | undefined {
  if (!isObject(json)) return undefined;
  const { offset, length, hash: text } = json;
  if (typeof offset !== 'number' || typeof length !== 'number') return undefined;
  return typeof text === 'string' ? { offset, length, hash: text } : undefined;
}

export function isObject(json: Json | undefined): json is { readonly [key: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** Has the file, of this size, what was proved? */
export async function proves(file: InputFile, size: number, proof: Proof): Promise<boolean> {
  if (size < proof.offset + proof.length) return false;
  const bytes = await readBytes(file, proof.offset, proof.length);
  return proofOf(proof.offset, bytes).hash === proof.hash;
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
