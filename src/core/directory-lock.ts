import { closeSync, openSync } from 'node:fs';
import { mkdir, rmdir, stat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

const lockName = 'lock';
const takeoverName = 'lock.takeover';
/** A takeover that lasts longer than this died half way. */
const takeoverMs = 5_000;
/** A stopped process holds the lock, too, and says nothing. */
const answerMs = 5_000;
const attempts = 100;
const pauseMs = 50;

export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError';
}

/**
 * Takes a directory for this process alone. The lock is a Unix socket in it that this process
 * listens on: it is gone with the process, however that ends, and holds across containers that
 * share the directory. (A file lock would need a native module; a file with a pid in it lies after
 * a reboot.)
 *
 * @returns what releases it
 * @throws DirectoryInUseError at once when another live process has it
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true });
  const descriptor = openSync(directory, 'r');
  const base = socketBase(directory, descriptor);
  try {
    const server = await acquire(join(base, lockName), join(base, takeoverName), directory);
    return async () => {
      await new Promise((resolve) => server.close(resolve));
      closeSync(descriptor);
    };
  } catch (error) {
    closeSync(descriptor);
    if (error instanceof DirectoryInUseError) throw error;
    // What the system says names the descriptor's directory, not this one.
    throw new Error(`lock ${directory}`, { cause: error });
  }
}

async function acquire(path: string, takeover: string, directory: string): Promise<Server> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const server = await listen(path);
    if (server) return server;
    await refuseWhenHeld(path, directory);
    // The socket of a dead process. Who makes the takeover directory removes it, alone.
    if (await madeDirectory(takeover)) {
      try {
        await refuseWhenHeld(path, directory);
        await unlink(path).catch(() => {});
        const taken = await listen(path);
        if (taken) return taken;
      } finally {
        await rmdir(takeover);
      }
    } else await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  throw new DirectoryInUseError(`${directory} could not be locked: remove ${lockName} in it`);
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.end(`${process.pid}`));
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => resolve(server.unref()));
  });
}

/** The process id that has a directory's lock, without taking it; `undefined` when none has. */
export async function lockHolder(directory: string): Promise<string | undefined> {
  const descriptor = openSync(directory, 'r');
  try {
    return await answerOf(join(socketBase(directory, descriptor), lockName));
  } finally {
    closeSync(descriptor);
  }
}

/** A socket's path is at most 107 bytes: this way a directory's may be of any length. */
function socketBase(directory: string, descriptor: number): string {
  return process.platform === 'linux' ? `/proc/self/fd/${descriptor}` : directory;
}

/** What the process says that listens there; `undefined` when none does. */
function answerOf(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let pid = '';
    const socket = connect(path);
    socket.setTimeout(answerMs, () => {
      pid ||= 'unknown';
      socket.destroy();
    });
    socket.on('error', () => resolve(undefined));
    socket.on('data', (data) => {
      pid += data;
    });
    socket.on('close', (failed) => resolve(failed ? undefined : pid || 'unknown'));
  });
}

async function refuseWhenHeld(path: string, directory: string): Promise<void> {
  const holder = await answerOf(path);
  if (holder) throw new DirectoryInUseError(`${directory} is in use by process ${holder}`);
}

async function madeDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    // A disk that is read-only, for one: nobody else is at it, and waiting does not help.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > takeoverMs) await rmdir(path).catch(() => {});
    return false;
  }
}
