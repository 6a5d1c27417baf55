/**
 * An agent as a child process of a test or a benchmark: Millrace or Flume. Its output goes to a
 * file, so that a slow reader never slows the agent down. Whatever still runs when this process
 * ends is killed with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface AgentCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where standard output and error go; appended to, so that restarts leave one log. */
  readonly logPath: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const running = new Set<AgentProcess>();

process.on('exit', () => {
  for (const agent of running) agent.signal('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(1));
}

export class AgentProcess {
  readonly pid: number;
  readonly logPath: string;
  /** Resolves when the process is gone; never rejects. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, pid: number, logPath: string, exited: Promise<Exit>) {
    this.#child = child;
    this.pid = pid;
    this.logPath = logPath;
    this.exited = exited;
  }

  static start(options: AgentCommand): AgentProcess {
    const log = openSync(options.logPath, 'a');
    const child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const exited = new Promise<Exit>((resolve) => {
      child.on('error', () => resolve({ code: 127, signal: null }));
      child.on('exit', (code, signal) => resolve({ code, signal }));
    });
    if (child.pid === undefined) throw new Error(`could not start ${options.command}`);
    const agent = new AgentProcess(child, child.pid, options.logPath, exited);
    running.add(agent);
    void exited.then(() => running.delete(agent));
    return agent;
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks it to stop (SIGTERM) and waits; after the time-out it is killed and this throws. */
  async stop(timeoutMs = 30_000): Promise<Exit> {
    this.signal('SIGTERM');
    const timeout = new AbortController();
    const exit = await Promise.race([
      this.exited,
      sleep(timeoutMs, undefined, { signal: timeout.signal }),
    ]);
    timeout.abort();
    if (exit) return exit;
    await this.kill();
    throw new Error(`still running ${timeoutMs} ms after SIGTERM; its log: ${this.logPath}`);
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<Exit> {
    this.signal('SIGKILL');
    return this.exited;
  }

  /** Everything it wrote to standard output and error so far. */
  log(): string {
    return readFileSync(this.logPath, 'utf8');
  }
}
