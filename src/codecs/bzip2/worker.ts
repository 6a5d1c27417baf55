import { parentPort } from 'node:worker_threads';
import { FormatError } from '../../core/errors.ts';
import { Bzip2Decoder } from './decoder.ts';
import { Bzip2Encoder } from './encoder.ts';

/*
 * The thread that compresses and decompresses for the whole process, one request at a time. What it
 * does not expect ends it; `thread.ts` sees that.
 */

/** What is asked of the thread. Of one session, there is one request at a time. */
export type Request = {
  /** Which stream it is about; a new one begins it. */
  readonly session: number;
} & (
  | {
      readonly task: 'compress';
      /** 1 to 9. */
      readonly level: number;
      readonly content: Uint8Array<ArrayBuffer>;
      /** The stream ends with this content, and so does the session. */
      readonly last: boolean;
    }
  | {
      readonly task: 'decompress';
      /** Absent: more of what there is already. */
      readonly content?: Uint8Array<ArrayBuffer>;
      /** Nothing follows. */
      readonly last: boolean;
    }
  /** Ends a session that decompresses, and has no answer. */
  | { readonly task: 'close' }
);

/** The bytes that were asked for, or what is wrong with those that were sent. */
export type Answer = { readonly session: number } & (
  | { readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly problem: string; readonly offset: number }
);

const encoders = new Map<number, Bzip2Encoder>();
const decoders = new Map<number, Bzip2Decoder>();

parentPort?.on('message', (request: Request) => {
  const { session } = request;
  if (request.task === 'close') {
    decoders.delete(session);
    return;
  }
  try {
    const bytes = request.task === 'compress' ? compress(request) : decompress(request);
    answer({ session, bytes }, [bytes.buffer]);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    answer({ session, problem: error.message, offset: error.offset }, []);
  }
});

function answer(message: Answer, transferred: ArrayBuffer[]): void {
  parentPort?.postMessage(message, transferred);
}

function compress(request: Request & { task: 'compress' }): Uint8Array<ArrayBuffer> {
  const { session, level, content, last } = request;
  const encoder = encoders.get(session) ?? new Bzip2Encoder(level);
  encoders.set(session, encoder);
  encoder.add(content);
  if (last) {
    encoder.end();
    encoders.delete(session);
  }
  return encoder.take();
}

function decompress(request: Request & { task: 'decompress' }): Uint8Array<ArrayBuffer> {
  const { session, content, last } = request;
  const decoder = decoders.get(session) ?? new Bzip2Decoder();
  decoders.set(session, decoder);
  if (content) decoder.add(content);
  if (last) decoder.end();
  return decoder.read();
}
