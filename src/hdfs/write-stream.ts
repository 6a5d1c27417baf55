import { Writable } from 'node:stream';
import { asError } from '../core/errors.ts';
import type { HdfsFileWriter } from './file-writer.ts';

/** So much waits in the stream before its writer is asked to wait. */
const highWaterMark = 1 << 20;

/** A stream that writes to a file, which is made when the stream is, and closed with it. */
export function writeStreamOf(create: () => Promise<HdfsFileWriter>): Writable {
  let file: HdfsFileWriter | undefined;
  const settle = (done: Promise<void>, callback: (error?: Error | null) => void) => {
    done.then(
      () => callback(),
      (error: unknown) => callback(asError(error)),
    );
  };
  return new Writable({
    highWaterMark,
    construct: (callback) => {
      const opened = create().then((created) => {
        file = created;
      });
      settle(opened, callback);
    },
    write: (chunk: Buffer, _, callback) => settle(file?.write(chunk) ?? noFile(), callback),
    writev: (chunks, callback) => {
      const buffers = chunks.map(({ chunk }) => chunk as Buffer);
      settle(file?.write(buffers) ?? noFile(), callback);
    },
    final: (callback) => settle(file?.close() ?? noFile(), callback),
    destroy: (error, callback) => {
      if (error) file?.abort(error);
      callback(error);
    },
  });
}

async function noFile(): Promise<never> {
  throw new Error('the stream was not opened');
}
