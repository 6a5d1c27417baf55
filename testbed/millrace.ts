/** The Millrace agent of this source tree as a child process, run from its sources. */
import { join } from 'node:path';
import { AgentProcess } from './agent-process.ts';

export interface MillraceOptions {
  /** Path of the properties file. */
  readonly conf: string;
  /** The agent's name in it. */
  readonly agent: string;
  readonly logPath: string;
  /** Where it runs; what it keeps by default (its state) lies below. */
  readonly cwd: string;
  /** Options of the command line after `agent -n … -f …`. */
  readonly args?: readonly string[];
  /** Options of Node itself, such as `--cpu-prof`. */
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export const repositoryRoot: string = join(import.meta.dirname, '..');

export function startMillrace(options: MillraceOptions): AgentProcess {
  return AgentProcess.start({
    command: process.execPath,
    args: [
      ...(options.nodeOptions ?? []),
      join(repositoryRoot, 'src/cli/main.ts'),
      ...['agent', '-n', options.agent, '-f', options.conf],
      ...(options.args ?? []),
    ],
    cwd: options.cwd,
    // The home folder too: Flume's defaults (position files) lie below it.
    env: { HOME: options.cwd, ...options.env },
    logPath: options.logPath,
  });
}
