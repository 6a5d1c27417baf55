import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { findProgram } from './find-program.ts';
import { closePipes, openPipes, type Pipe } from './pipes.ts';

const shell = '/bin/sh';

/** How a command ended: with a code, or by a signal. */
export interface CommandExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** After SIGTERM a command has so long to end; then its whole group is killed. */
const termMs = 5_000;
/** Output that a process keeps open that has left the group is not waited for any longer. */
const killMs = 500;
/** A command that has closed its output should end; one that has ended, close its errors. */
const closedMs = 500;

/**
 * Reads the group of the command, then waits to hear that the command is over. When the agent dies
 * instead, however it does, nobody has the other end of the pipe: the group is killed.
 */
const guardScript = `trap '' HUP INT TERM
read -r group && { read -r over || kill -KILL "-$group"; }`;

/** Becomes the command, once the guard knows of it: so there is no moment without a guard. */
const commandScript = 'echo $$ >&3; exec 3>&-; exec "$@"';

/**
 * A command that runs as a child, in a process group of its own. It does not outlive the agent: a
 * small shell beside it, its guard, kills the group when the agent is gone. What remains is a
 * process that leaves the group (setsid, a daemon).
 */
export class RunningCommand {
  readonly pid: number;
  /** Its standard output; the reader sets the pace. */
  readonly output: Socket;
  /** Its standard error; must be read. */
  readonly errors: Socket;
  /** Resolves once the command has ended and nobody can write to its output any more. */
  readonly ended: Promise<CommandExit>;
  readonly #clock: Clock;
  readonly #over = new AbortController();
  #stopping: Promise<CommandExit> | undefined;

  private constructor(
    child: ChildProcess,
    pid: number,
    guard: ChildProcess,
    [out, err]: readonly [Socket, Socket],
    clock: Clock,
  ) {
    this.pid = pid;
    this.output = out;
    this.errors = err;
    this.#clock = clock;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const closed = closeOf(out);
    this.ended = Promise.all([exited, closed]).then(async () => {
      // What it left in the background may have this open for ever.
      await Promise.race([closeOf(err), clock.sleep(closedMs, this.#over.signal)]);
      this.#over.abort();
      err.destroy();
      child.stdin?.destroy();
      guard.stdin?.end('over\n');
      return { code: child.exitCode, signal: child.signalCode };
    });
    void closed.then(() => this.#endsSoon());
  }

  /**
   * @param words the program, by path or as the PATH has it, and its arguments
   * @throws when there is no such program, or it may not be run
   */
  static async start(words: readonly string[], clock: Clock): Promise<RunningCommand> {
    findProgram(words[0] ?? '');
    const pipes = await openPipes(2);
    const [out, err] = pipes as [Pipe, Pipe];
    let guard: ChildProcess | undefined;
    try {
      guard = spawn(shell, ['-c', guardScript], {
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      guard.stdin?.on('error', () => {});
      await spawned(guard);
      // Input that is open and silent, as in Flume: some programs end with it.
      const stdio: StdioOptions = ['pipe', out.write, err.write, guard.stdin];
      const child = spawn(shell, ['-c', commandScript, shell, ...withEveryVariable(words)], {
        detached: true,
        stdio,
      });
      const pid = await spawned(child);
      child.stdin?.on('error', () => {});
      closeSync(out.write);
      closeSync(err.write);
      const sockets = [readerOf(out), readerOf(err)] as const;
      return new RunningCommand(child, pid, guard, sockets, clock);
    } catch (error) {
      guard?.stdin?.end();
      closePipes(pipes);
      throw error;
    }
  }

  /**
   * Ends it: SIGTERM to its group, and SIGKILL to what is left of that after a while. Go on reading
   * the output; what is there is still its own.
   */
  stop(): Promise<CommandExit> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** SIGKILL to its whole group; its output is not read any more. */
  kill(): void {
    this.#signal('SIGKILL');
    this.output.destroy();
  }

  async #stop(): Promise<CommandExit> {
    this.#signal('SIGTERM');
    await this.#clock.sleep(termMs, this.#over.signal);
    if (!this.#over.signal.aborted) {
      this.#signal('SIGKILL');
      await this.#clock.sleep(killMs, this.#over.signal);
      this.output.destroy();
    }
    return this.ended;
  }

  async #endsSoon(): Promise<void> {
    await this.#clock.sleep(closedMs, this.#over.signal);
    if (!this.#over.signal.aborted) await this.stop();
  }

  /** To every process of the group, which may be there without the one that began it. */
  #signal(signal: NodeJS.Signals): void {
    if (this.#over.signal.aborted) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Nobody is left, but that has not been heard yet.
    }
  }
}

/** Resolves with its process id. */
async function spawned(child: ChildProcess): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return child.pid as number;
}

/** Shells leave out variables whose names they could not use: `env` puts these back. */
function withEveryVariable(words: readonly string[]): readonly string[] {
  const odd = Object.entries(process.env).filter(([name]) => !/^[A-Za-z_]\w*$/.test(name));
  if (odd.length === 0) return words;
  return ['env', ...odd.map(([name, value]) => `${name}=${value}`), ...words];
}

function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

function readerOf({ read }: Pipe): Socket {
  const socket = new Socket({ fd: read, readable: true, writable: false });
  // A pipe breaks in no way that its end does not tell.
  socket.on('error', () => {});
  return socket;
}
