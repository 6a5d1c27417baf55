import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CounterGroup } from '../agent/agent.ts';
import { openProcessLog } from '../agent/log.ts';
import { renderFinding } from '../config/finding.ts';
import { type AgentPlan, planAgent } from '../config/plan.ts';
import { DirectoryInUseError, lockDirectory } from '../core/directory-lock.ts';
import type { Logger } from '../core/log.ts';
import { type Command, exitCodes } from './command.ts';
import { readConfiguration } from './configuration.ts';
import { fileCount, readCollected } from './demo/collected.ts';
import { SampleLog } from './demo/sample-log.ts';
import { parseOptions } from './options.ts';
import { stopSignal } from './stop-signal.ts';

const agentName = 'demo';
/** How long the agent may take to bring in the last lines once the log has ended. */
const catchUpMs = 10_000;
const lookMs = 50;
const terminalReportMs = 1000;
const plainReportMs = 10_000;

export const demoCommand: Command = {
  help: `Usage: millrace demo

Shows an agent at work, in the directory ./demo:
  demo/log/         a log that grows by 20000 lines a second and is rotated all the time
  demo/flume.conf   the agent's configuration: taildir, file channel, file_roll
  demo/collected/   the files that the agent writes
  demo/state/       what the agent remembers

Ctrl-C stops it and counts the lines. Started again, also after kill -9, it goes on where it was: no
line is lost, none is there twice. To begin anew, remove the directory.`,
  run: runDemo,
};

async function runDemo(args: readonly string[]): Promise<number> {
  parseOptions([], args);
  const root = resolve('demo');
  const collected = join(root, 'collected');
  mkdirSync(collected, { recursive: true });
  const file = join(root, 'flume.conf');
  if (!existsSync(file)) writeFileSync(file, configurationText(root), 'latin1');
  const plan = await readPlan(file);
  if (!plan) return exitCodes.configuration;
  const { log, flush } = openProcessLog({ level: 'warn', readable: true });
  try {
    // Two that write the same log would number their lines alike.
    await lockDirectory(join(root, 'log'));
    return await new Demo(root, collected, file, log).run(plan);
  } catch (error) {
    if (error instanceof DirectoryInUseError) console.error('A demo is running here already.');
    else log.error({ error }, 'The demo failed.');
    return exitCodes.failed;
  } finally {
    flush();
  }
}

async function readPlan(file: string): Promise<AgentPlan | undefined> {
  const { resolver } = await import('../registry.ts');
  const { configuration } = readConfiguration([file], new Map());
  const planned = await planAgent(configuration, agentName, resolver(resolve('demo')));
  for (const each of planned.findings) console.error(renderFinding(each));
  return planned.runnable ? planned.plan : undefined;
}

class Demo {
  readonly #root: string;
  readonly #collected: string;
  readonly #file: string;
  readonly #log: Logger;
  #groups: readonly CounterGroup[] = [];
  #lastAccepted = 0;
  #lastReport = performance.now();

  constructor(root: string, collected: string, file: string, log: Logger) {
    this.#root = root;
    this.#collected = collected;
    this.#file = file;
    this.#log = log;
  }

  async run(plan: AgentPlan): Promise<number> {
    const { runAgent } = await import('../agent/run.ts');
    const sample = new SampleLog(join(this.#root, 'log'));
    const before = await readCollected(this.#collected, sample.lines);
    this.#say(before.lines, sample.lines);
    const stopAgent = new AbortController();
    const agent = runAgent(plan, {
      log: this.#log,
      properties: new Map([['millrace.state.dir', join(this.#root, 'state')]]),
      configFiles: [this.#file],
      signal: stopAgent.signal,
      onReady: (groups) => {
        this.#groups = groups;
      },
    });
    const ended = agent.then(
      () => true,
      () => true,
    );
    sample.start();
    const reports = this.#startReports();
    const asked = stopSignal();
    await Promise.race([ended, aborted(asked)]);
    sample.stop();
    clearInterval(reports);
    if (process.stdout.isTTY) process.stdout.write('\n');
    await Promise.race([ended, this.#caughtUp(sample.lines - before.lines)]);
    stopAgent.abort();
    const code = await agent;
    const after = await readCollected(this.#collected, sample.lines);
    console.log(verdict(sample.lines, after.lines - after.doubles, after.doubles, after.files));
    return code;
  }

  #say(collected: number, written: number): void {
    if (written > 0) console.log(`Going on after line ${written}; ${collected} are in the files.`);
    console.log('A log grows by 20000 lines a second; the agent brings it to demo/collected.');
    console.log('Ctrl-C stops it. Its configuration is demo/flume.conf.');
  }

  #startReports(): NodeJS.Timeout {
    const isTerminal = process.stdout.isTTY;
    return setInterval(
      () => {
        const line = this.#report();
        if (isTerminal) process.stdout.write(`\r\x1b[K${line}`);
        else console.log(line);
      },
      isTerminal ? terminalReportMs : plainReportMs,
    );
  }

  #report(): string {
    const now = performance.now();
    const accepted = this.#counter('SOURCE', 'EventAcceptedCount');
    const rate = ((accepted - this.#lastAccepted) * 1000) / (now - this.#lastReport);
    this.#lastAccepted = accepted;
    this.#lastReport = now;
    const inChannel = this.#counter('CHANNEL', 'ChannelSize');
    const out = this.#counter('SINK', 'EventDrainSuccessCount');
    const files = filesText(fileCount(this.#collected));
    return `${Math.round(rate)} events/s, ${inChannel} in the channel, ${out} in ${files}`;
  }

  /** Resolves when the sink has had this many events, or when that takes too long. */
  async #caughtUp(events: number): Promise<void> {
    const deadline = performance.now() + catchUpMs;
    while (performance.now() < deadline) {
      if (this.#counter('SINK', 'EventDrainSuccessCount') >= events) return;
      await new Promise((done) => setTimeout(done, lookMs));
    }
  }

  #counter(type: CounterGroup['type'], name: string): number {
    const group = this.#groups.find((each) => each.type === type);
    const value = group && new Map<string, unknown>(Object.entries(group.counters)).get(name);
    return typeof value === 'number' ? value : 0;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}

function verdict(written: number, collected: number, doubles: number, files: number): string {
  const missing = written - collected;
  const isWhole = missing === 0 && doubles === 0;
  const end = isWhole
    ? 'None is missing, none is there twice.'
    : `${missing} missing, ${doubles} twice.`;
  return `${written} lines written, ${collected} of them in ${filesText(files)}. ${end}`;
}

function filesText(count: number): string {
  return count === 1 ? '1 file' : `${count} files`;
}

/** The configuration for a directory; the text is as a .properties file needs it. */
function configurationText(root: string): string {
  const directory = escaped(root);
  return `# The agent of the demo: millrace demo. It can also be run by itself, with the same memory
# of what it has read: millrace agent -n demo -f demo/flume.conf -Dmillrace.state.dir=demo/state
demo.sources = tail
demo.channels = disk
demo.sinks = files

# The log and its renamed files; what was read under one name is not read again under the other.
demo.sources.tail.type = TAILDIR
demo.sources.tail.filegroups = app
demo.sources.tail.filegroups.app = ${directory}/log/app\\\\.log.*
demo.sources.tail.positionFile = ${directory}/state/taildir_position.json
demo.sources.tail.batchSize = 1000
demo.sources.tail.channels = disk

demo.channels.disk.type = file
demo.channels.disk.checkpointDir = ${directory}/channel/checkpoint
demo.channels.disk.dataDirs = ${directory}/channel/data

demo.sinks.files.type = file_roll
demo.sinks.files.sink.directory = ${directory}/collected
demo.sinks.files.sink.rollInterval = 30
demo.sinks.files.sink.batchSize = 1000
demo.sinks.files.channel = disk
`;
}

function escaped(path: string): string {
  return path.replaceAll('\\', '\\\\').replaceAll(/[^\x20-\x7e]/g, (half) => {
    return `\\u${half.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
