import type { Inflate, InflateRaw, ZstdDecompress } from 'node:zlib';
import type { StreamReader } from '../bytes/stream-reader.ts';
import { FormatError } from '../core/errors.ts';

/** Output is made in pieces of this size; two or three of them are in memory at a time. */
export const pieceBytes = 64 * 1024;
/** So much input is given to the thread pool at a time. */
export const feedBytes = 256 * 1024;

/**
 * What one of Node's decompressing streams makes of an input, until the stream ends by itself or
 * `next` has no more. It pulls: nothing is decompressed ahead of the caller but a piece or two.
 *
 * @param next the next bytes to feed
 * @param broken the error for what the stream says about the input
 */
export async function* through(
  stream: Inflate | InflateRaw | ZstdDecompress,
  next: () => Promise<Buffer | undefined>,
  broken: (problem: string) => Error,
): AsyncGenerator<Buffer> {
  let hungry = true;
  let ended = false;
  let failure: NodeJS.ErrnoException | undefined;
  let changed = false;
  let wake: (() => void) | undefined;
  const change = () => {
    changed = true;
    wake?.();
  };
  stream.on('readable', change);
  stream.on('end', () => {
    ended = true;
    change();
  });
  stream.on('error', (error) => {
    failure = error;
    change();
  });
  try {
    for (;;) {
      changed = false;
      for (let piece = stream.read(); piece !== null; piece = stream.read()) yield piece;
      if (failure?.code === 'Z_MEM_ERROR') throw failure;
      if (failure) throw broken(failure.message);
      if (ended) return;
      if (hungry) {
        hungry = false;
        const bytes = await next();
        if (bytes === undefined) stream.end();
        else {
          stream.write(bytes, () => {
            hungry = true;
            change();
          });
        }
      }
      if (!changed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    stream.destroy();
  }
}

/**
 * Inflates one zlib or raw deflate stream from a reader, which then stands behind it.
 *
 * @param what for the message: `a gzip member`
 */
export async function* inflateMember(
  reader: StreamReader,
  stream: Inflate | InflateRaw,
  what: string,
): AsyncGenerator<Buffer> {
  const start = reader.position;
  let fed = 0;
  const next = async () => {
    // It leaves what follows the member alone, and tells of its end only later.
    if (start + stream.bytesWritten < reader.position + fed) return undefined;
    reader.take(fed);
    fed = 0;
    if (await reader.atEnd()) return undefined;
    fed = Math.min(reader.buffered, feedBytes);
    return reader.peek(fed);
  };
  const broken = (problem: string) =>
    new FormatError(`${what}: ${problem}`, start + stream.bytesWritten);
  yield* through(stream, next, broken);
  // What it was given and left alone belongs to the next member.
  reader.take(start + stream.bytesWritten - reader.position);
}

const leastChunkBytes = 1024;
const mostChunkBytes = 256 * 1024;

/**
 * In pieces of how many bytes Node takes what a compressor gives: each costs a step of the event
 * loop, so one for the whole member, as far as that costs no memory.
 */
export function chunkSizeFor(plainBytes: number): number {
  return Math.max(leastChunkBytes, Math.min(plainBytes, mostChunkBytes));
}
