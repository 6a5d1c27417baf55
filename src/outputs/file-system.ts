import { MillraceError } from '../core/errors.ts';

/**
 * Where the sink's files are: HDFS, or the local file system. Paths are absolute and begin with a
 * slash; `uriOf` makes them unique over all file systems. Every call rejects with the file system's
 * own error, and then its outcome may be unknown: `stat` tells.
 */
export interface FileSystem {
  /** `hdfs://namenode:8020/logs/x`, `file:///logs/x`. */
  uriOf(path: string): string;
  /**
   * Who makes files through this object: kept with a file's path before the file is made, so that a
   * later process can tell a file that was made for it from a stranger's of the same name.
   */
  readonly creator: string;
  /**
   * Makes an empty file, with the directories that lead to it.
   * @throws FileExistsError when something has that name
   */
  create(path: string): Promise<OutputFile>;
  /** `undefined` when there is nothing. */
  stat(path: string): Promise<FileInfo | undefined>;
  /**
   * Gives a closed file another name, durably, with the directories that lead to it, and never
   * replaces anything. What was interrupted goes on when it is called again; when it was done,
   * that rejects and changes nothing.
   * @throws FileExistsError when another file has that name
   */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file for good, open or not; does nothing when there is none. */
  remove(path: string): Promise<void>;
  /**
   * Takes the file from whoever writes it, cuts it to this length, and closes it, durably.
   *
   * @returns the length it has: less than `length` when something of it is lost
   */
  cut(path: string, length: number): Promise<number>;
  /**
   * Was the file at this path made by that creator, or is it empty and closed, so that removing it
   * costs nobody anything?
   */
  isLeftBy(path: string, creator: string): Promise<boolean>;
  /** Makes everything durable that was flushed, as far as `flush` has not. */
  sync(): Promise<void>;
  /** Gives up what is open. */
  close(): Promise<void>;
}

export interface FileInfo {
  /** The same as long as the file lives, whatever it is called. */
  readonly id: string;
  readonly length: number;
}

/** A file that is being written. Once a call has rejected, all later ones do, but `abandon`. */
export interface OutputFile {
  readonly path: string;
  readonly id: string;
  /** On how many machines its end is kept now, and on how many it should be, if that is known. */
  readonly replicas: number | undefined;
  readonly wantedReplicas: number | undefined;
  /**
   * Resolves when all of it is on its way. The buffers must not change until a later `flush` or
   * `close` has resolved, or `abandon` was called.
   */
  write(buffers: readonly Buffer[]): Promise<void>;
  /**
   * Resolves when all that was written before the call survives this process, and readers see it.
   * What is written after the call does not wait for it.
   */
  flush(): Promise<void>;
  /** Flushes, and closes the file durably. */
  close(): Promise<void>;
  /** Lets go of the file, at once: from now on only `cut` and `remove` are for it. */
  abandon(): Promise<void>;
}

/** Something has the name already. */
export class FileExistsError extends MillraceError {
  readonly code = 'FILE_EXISTS';
  readonly retryable = false;
}
