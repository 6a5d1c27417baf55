import fs from 'node:fs';
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  stat,
  statfs,
  unlink,
} from 'node:fs/promises';
import { uptime } from 'node:os';
import { dirname, resolve } from 'node:path';
import { lockDirectory } from './directory-lock.ts';
import type { Disk, DiskFile, FileStat } from './disk.ts';

/*
 * How a write reaches the kernel. A copy of up to 1 MiB into the page cache takes 2 to 4 times less
 * processor time when called straight from the event loop than through the thread pool: no thread
 * wakes up, the cache stays warm. But a write blocks when the kernel throttles whoever dirties
 * pages faster than the device takes them, and on a network file system. So:
 *
 *   1. At most `loopWriteBytes` at once: written from the event loop, and timed.
 *   2. One that took longer than `slowWriteMs`: everything for that device goes through the pool
 *      for `firstPauseMs`. So the loop is held up once, not over and over; and a write during which
 *      the machine had something else to do costs little.
 *   3. Slow again sooner after such a pause than the pause had lasted: the next pause is twice as
 *      long, up to `longestPauseMs`. Otherwise the next pause is a first one again.
 *   4. More than `loopWriteBytes`: always through the pool.
 */
const loopWriteBytes = 1024 * 1024;
const slowWriteMs = 10;
const firstPauseMs = 200;
const longestPauseMs = 60_000;

const nothing = Buffer.alloc(0);
/** The most buffers of one system call: Linux' IOV_MAX. */
const maxBuffers = 1024;
/** How often in a row a call may say "interrupted" or "try again" before that is an error. */
const maxRetries = 100;
/** Boot times that were worked out from the clock within this span are taken for the same boot. */
const bootSpanMs = 10_000;

/** What `write` needs of the system; tests make it slow, short and interrupted. */
export interface WriteCalls {
  /** Milliseconds, never set back. */
  monotonic(): number;
  /** Writes from the event loop; the count of bytes may be less than was given. */
  writeNow(fd: number, buffers: readonly Buffer[], position: number): number;
  /** The same, in the thread pool. */
  writeInPool(handle: FileHandle, buffers: readonly Buffer[], position: number): Promise<number>;
}

const systemCalls: WriteCalls = {
  monotonic: () => performance.now(),
  writeNow: (fd, buffers, position) => {
    const [first] = buffers;
    return first && buffers.length === 1
      ? fs.writeSync(fd, first, 0, first.length, position)
      : fs.writevSync(fd, buffers, position);
  },
  writeInPool: async (handle, buffers, position) =>
    (await handle.writev(buffers, position)).bytesWritten,
};

/** The file systems of this machine. */
export class NodeDisk implements Disk {
  readonly #calls: WriteCalls;
  /** By device number: a slow network disk must not slow the others down. */
  readonly #paces = new Map<number, WritePace>();
  /** Directories whose names this process has made durable. */
  readonly #durable = new Set<string>();
  #bootId: Promise<string> | undefined;

  constructor(calls: WriteCalls = systemCalls) {
    this.#calls = calls;
  }

  async open(path: string, flags: 'r' | 'r+' | 'w' | 'wx'): Promise<DiskFile> {
    const handle = await open(path, flags.startsWith('w') ? `${flags}+` : flags);
    try {
      const pace = this.#pace((await handle.stat()).dev);
      return new NodeFile(handle, path, flags !== 'r', this.#calls, pace);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  readFile(path: string): Promise<Buffer> {
    return readFile(path);
  }

  /**
   * Durable once resolved. Every directory above is synced, not only where one was made: a process
   * that made them before may have died before it could. Those above that this user may not open
   * are an administrator's, and were there before.
   */
  async makeDirectory(path: string): Promise<void> {
    const made = await mkdir(path, { recursive: true });
    if (made === undefined && this.#durable.has(resolve(path))) return;
    for (let at = resolve(path); at !== dirname(at); ) {
      at = dirname(at);
      await this.syncDirectory(at).catch((error: NodeJS.ErrnoException) => {
        if (!['EACCES', 'EPERM', 'EINVAL', 'EROFS'].includes(error.code ?? '')) throw error;
      });
    }
    this.#durable.add(resolve(path));
  }

  readDirectory(path: string): Promise<string[]> {
    return readdir(path);
  }

  stat(path: string): Promise<FileStat> {
    return stat(path);
  }

  rename(from: string, to: string): Promise<void> {
    return rename(from, to);
  }

  link(from: string, to: string): Promise<void> {
    return link(from, to);
  }

  unlink(path: string): Promise<void> {
    return unlink(path);
  }

  /** A file system that can't sync a directory (some over a network) is taken as it is. */
  async syncDirectory(path: string): Promise<void> {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } catch (error) {
      if (!hasCode(error, 'EINVAL', 'ENOTSUP')) throw error;
    } finally {
      await handle.close();
    }
  }

  lock(path: string): Promise<() => Promise<void>> {
    return lockDirectory(path);
  }

  async freeBytes(path: string): Promise<number> {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  }

  bootId(): Promise<string> {
    this.#bootId ??= readBootId();
    return this.#bootId;
  }

  #pace(device: number): WritePace {
    const pace = this.#paces.get(device) ?? new WritePace();
    this.#paces.set(device, pace);
    return pace;
  }
}

export const nodeDisk: Disk = new NodeDisk();

/** Whether writes to one device may hold up the event loop: rules 2 and 3. */
class WritePace {
  #pauseMs = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  isQuick(now: number): boolean {
    return now >= this.#pausedUntil;
  }

  /** Takes in how long a write from the event loop took. */
  note(tookMs: number, now: number): void {
    if (tookMs <= slowWriteMs) return;
    const again = now - this.#pausedUntil < this.#pauseMs;
    this.#pauseMs = again ? Math.min(this.#pauseMs * 2, longestPauseMs) : firstPauseMs;
    this.#pausedUntil = now + this.#pauseMs;
  }
}

/** Two writes in flight may reach the file in either order; see to it that they don't overlap. */
class NodeFile implements DiskFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #isWritable: boolean;
  readonly #calls: WriteCalls;
  readonly #pace: WritePace;

  constructor(
    handle: FileHandle,
    path: string,
    isWritable: boolean,
    calls: WriteCalls,
    pace: WritePace,
  ) {
    this.#handle = handle;
    this.#path = path;
    this.#isWritable = isWritable;
    this.#calls = calls;
    this.#pace = pace;
  }

  async read(buffer: Buffer, bufferOffset: number, length: number, position: number) {
    return (await this.#handle.read(buffer, bufferOffset, length, position)).bytesRead;
  }

  async write(buffers: readonly Buffer[], position: number): Promise<void> {
    let rest = buffers;
    let left = rest.reduce((sum, buffer) => sum + buffer.length, 0);
    const fromLoop = left <= loopWriteBytes;
    let at = position;
    let retries = 0;
    while (left > 0) {
      if (rest[0]?.length === 0) rest = rest.slice(rest.findIndex((buffer) => buffer.length > 0));
      const part = rest.length > maxBuffers ? rest.slice(0, maxBuffers) : rest;
      let count = 0;
      try {
        count =
          fromLoop && retries === 0 && this.#pace.isQuick(this.#calls.monotonic())
            ? this.#writeNow(part, at)
            : await this.#calls.writeInPool(this.#handle, part, at);
        if (count === 0) throw failure('EIO', 'the disk took no byte', 'write', this.#path);
        retries = 0;
      } catch (error) {
        // What is tried again goes through the pool, so that everything else gets its turn.
        if (!hasCode(error, 'EINTR', 'EAGAIN') || ++retries > maxRetries) throw error;
      }
      left -= count;
      at += count;
      if (left > 0) rest = without(rest, count);
    }
  }

  #writeNow(buffers: readonly Buffer[], position: number): number {
    const { fd } = this.#handle;
    if (fd < 0) throw failure('EBADF', 'the file is closed', 'write', this.#path);
    const before = this.#calls.monotonic();
    try {
      return this.#calls.writeNow(fd, buffers, position);
    } finally {
      const after = this.#calls.monotonic();
      this.#pace.note(after - before, after);
    }
  }

  /**
   * A sync that was under way when the file system failed may resolve although nothing of it is on
   * the disk: seen with ext4 of Linux 6.18, two times in three. From then on such a file system
   * refuses every write, even one of no bytes, which costs a microsecond.
   */
  async sync(): Promise<void> {
    await this.#handle.datasync();
    const { fd } = this.#handle;
    if (this.#isWritable && fd >= 0) fs.writeSync(fd, nothing, 0, 0, 0);
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  stat(): Promise<FileStat> {
    return this.#handle.stat();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** What is left of the buffers after their first `count` bytes. */
function without(buffers: readonly Buffer[], count: number): readonly Buffer[] {
  let left = count;
  let index = 0;
  for (; index < buffers.length; index++) {
    const { length } = buffers[index] as Buffer;
    if (left < length) break;
    left -= length;
  }
  const rest = buffers.slice(index);
  const [first] = rest;
  if (left > 0 && first) rest[0] = first.subarray(left);
  return rest;
}

/**
 * Linux has an id for each boot. Elsewhere: when the machine started, rounded, since the clock that
 * this is worked out from may be set. An id that differs for no reason costs some reading again;
 * one that is the same by mistake would cost events, hence the small span.
 */
async function readBootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    const startedMs = Date.now() - uptime() * 1_000;
    return `started-${Math.round(startedMs / bootSpanMs) * bootSpanMs}`;
  }
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

function failure(code: string, problem: string, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${problem}, ${syscall} '${path}'`), {
    code,
    syscall,
    path,
  });
}
