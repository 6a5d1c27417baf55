import type { Stats } from 'node:fs';

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
