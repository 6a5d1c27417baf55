import { execFile } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Both ends of a pipe, as file descriptors that the caller closes. */
export interface Pipe {
  readonly read: number;
  readonly write: number;
}

const run = promisify(execFile);

/**
 * Real pipes, where Node would give a child sockets: those can't be opened by name, so `echo x >
 * /dev/stderr` in a script would fail. They are made as named pipes in a temporary folder that is
 * gone when this resolves.
 */
export async function openPipes(count: number): Promise<Pipe[]> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-pipes-'));
  const opened: number[] = [];
  const open = (path: string, flags: number) => {
    opened.push(openSync(path, flags));
    return opened.at(-1) as number;
  };
  try {
    const paths = Array.from({ length: count }, (_, index) => join(folder, String(index)));
    await run('mkfifo', ['-m', '600', ...paths]);
    // In this order: a writer waits for a reader.
    return paths.map((path) => ({
      read: open(path, constants.O_RDONLY | constants.O_NONBLOCK),
      write: open(path, constants.O_WRONLY),
    }));
  } catch (error) {
    for (const descriptor of opened) closeSync(descriptor);
    throw new Error(`make a pipe in ${folder}`, { cause: error });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function closePipes(pipes: readonly Pipe[]): void {
  for (const { read, write } of pipes) {
    closeSync(read);
    closeSync(write);
  }
}
