import { StreamReader } from '../bytes/stream-reader.ts';
import { Bzip2Thread } from './bzip2/thread.ts';
import type { Codec } from './codec.ts';

/** So much content, or compressed input, goes to the thread at a time. */
const messageBytes = 512 * 1024;

/**
 * bzip2's streams, which may follow each other; `bzip2 -d` and Hadoop read them as one. All work is
 * done in a thread of its own, one for the process.
 */
export const bzip2Codec: Codec = {
  name: 'bzip2',
  hadoopClass: 'BZip2Codec',
  extension: '.bz2',
  /** The size of blocks, in 100,000 bytes; with smaller ones, it is hardly faster. */
  maxLevel: 9,
  compressor: (level) => (input) => compress(input, level || 9),
  decompress,
};

async function compress(input: readonly Buffer[], level: number): Promise<Buffer> {
  const { thread, session } = Bzip2Thread.session();
  const parts: Buffer[] = [];
  let left = input.reduce((sum, { length }) => sum + length, 0);
  for (const content of messagesOf(input, left)) {
    left -= content.length;
    const last = left === 0;
    parts.push(await thread.ask({ task: 'compress', session, level, content, last }));
  }
  return Buffer.concat(parts);
}

/** Copies the input into messages, of which there is at least one. */
function* messagesOf(input: readonly Buffer[], length: number): Generator<Uint8Array<ArrayBuffer>> {
  let left = length;
  let message = new Uint8Array(Math.min(left, messageBytes));
  let filled = 0;
  for (const buffer of input) {
    for (let from = 0; from < buffer.length; ) {
      const part = buffer.subarray(from, from + message.length - filled);
      message.set(part, filled);
      filled += part.length;
      from += part.length;
      if (filled < message.length) continue;
      left -= filled;
      if (left === 0) break;
      yield message;
      message = new Uint8Array(Math.min(left, messageBytes));
      filled = 0;
    }
  }
  yield message;
}

async function* decompress(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const reader = new StreamReader(input);
  const { thread, session } = Bzip2Thread.session();
  const task = 'decompress';
  try {
    let last = false;
    while (!last) {
      last = !(await reader.fill(messageBytes));
      const content = Uint8Array.from(reader.take(Math.min(reader.buffered, messageBytes)));
      let piece = await thread.ask({ task, session, content, last });
      while (piece.length > 0) {
        yield piece;
        piece = await thread.ask({ task, session, last });
      }
    }
  } finally {
    thread.close(session);
    await reader.close();
  }
}
