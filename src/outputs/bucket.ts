import type { Range } from '../core/channel.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { BucketFile } from './bucket-file.ts';

/** Where events go that have the same path and the same prefix: one file after the other. */
export class Bucket {
  /** The directory. */
  readonly path: string;
  readonly prefix: string;
  /** Of the last file; kept for `FileNaming`. */
  number: number | undefined;
  file: BucketFile | undefined;
  /** The one before, if the next is not made yet. */
  before: BucketFile | undefined;
  /** When that was made, and last appended to; in ms of the monotonic clock. */
  openedAt = 0;
  appendedAt = 0;
  /** A write uses it: it is not to be closed. */
  busy = false;
  /** It is closed when that write is done. */
  isDue = false;
  /** Files in a row that were rolled because of missing replicas. */
  underReplicated = 0;

  constructor(path: string, prefix: string) {
    this.path = path;
    this.prefix = prefix;
  }

  get key(): string {
    return bucketKey(this.path, this.prefix);
  }
}

/** Events with the same key go to the same files. */
export function bucketKey(path: string, prefix: string): string {
  return `${path}\0${prefix}`;
}

/** The events of a batch that go to one bucket. */
export interface Share {
  readonly path: string;
  readonly prefix: string;
  readonly events: EventBatch;
  /** Their sequences, in order. */
  readonly ranges: readonly Range[];
}

/** What a file is called. */
export interface FileName {
  /** While it is written. */
  readonly path: string;
  /** After that: stem, number, tail. The number goes up when the name is taken. */
  readonly stem: string;
  readonly number: number;
  readonly tail: string;
}

/** How the files of a bucket are called. */
export interface FileNaming {
  /** A name that was not given before. */
  next(bucket: Bucket): FileName;
  /** The bucket is given up; the next event makes it anew. */
  gone(bucket: Bucket): void;
}
