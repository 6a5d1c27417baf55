/**
 * Loaded into an agent before anything else (`node --import`): notes how it writes and syncs its
 * log and its output, so that a raw loop can do the same, and leaves that at its end in the file
 * that MILLRACE_BENCH_TRACE names. An agent under it does what it does without; per call it costs
 * a look at the file's name.
 */
import fs, { readlinkSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** In the order in which they began: how many bytes are written, or 0 for a sync. */
export interface Trace {
  /** Of the two files that the raw loop writes. */
  readonly calls: readonly { readonly file: 'log' | 'output'; readonly bytes: number }[];
  /** What else was written and synced: segments that were made, snapshots, positions, ledgers. */
  readonly otherBytes: number;
  readonly otherSyncs: number;
}

const path = process.env['MILLRACE_BENCH_TRACE'];
if (path) await trace(path);

async function trace(path: string): Promise<void> {
  const calls: { file: 'log' | 'output'; bytes: number }[] = [];
  const other = { bytes: 0, syncs: 0 };
  const note = (fd: number, bytes: number) => {
    const name = readlinkSync(`/proc/self/fd/${fd}`);
    if (/\/segment-\d+$/.test(name)) calls.push({ file: 'log', bytes });
    else if (/\/out\/[^/]+$/.test(name)) calls.push({ file: 'output', bytes });
    else if (bytes === 0) other.syncs++;
    else other.bytes += bytes;
  };
  const { writeSync, writevSync } = fs;
  Object.assign(fs, {
    writeSync: (fd: number, buffer: Buffer, ...rest: []) => {
      note(fd, buffer.length);
      return writeSync(fd, buffer, ...rest);
    },
    writevSync: (fd: number, buffers: readonly Buffer[], ...rest: []) => {
      note(fd, bytesOf(buffers));
      return writevSync(fd, buffers, ...rest);
    },
  });
  const handle = await open(import.meta.filename, 'r');
  const methods: Pick<FileHandle, 'writev' | 'datasync' | 'sync'> = Object.getPrototypeOf(handle);
  await handle.close();
  const { writev, datasync, sync } = methods;
  Object.assign(methods, {
    writev(this: FileHandle, buffers: readonly Buffer[], ...rest: []) {
      note(this.fd, bytesOf(buffers));
      return writev.call(this, buffers, ...rest);
    },
    datasync(this: FileHandle) {
      note(this.fd, 0);
      return datasync.call(this);
    },
    sync(this: FileHandle) {
      note(this.fd, 0);
      return sync.call(this);
    },
  });
  process.on('exit', () => {
    const traced: Trace = { calls, otherBytes: other.bytes, otherSyncs: other.syncs };
    writeFileSync(path, JSON.stringify(traced));
  });
}

function bytesOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}
