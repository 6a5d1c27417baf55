/** taildir → file channel → file_roll, whose lines are numbered, with its parts on chosen disks. */
import { strict as assert } from 'node:assert';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Prng } from '../../src/testing/prng.ts';
import type { AgentProcess } from '../../testbed/agent-process.ts';
import { type FlowFolder, outputFiles, waitUntil } from '../../testbed/flow-folder.ts';
import { startMillrace } from '../../testbed/millrace.ts';
import { cpuSeconds, residentBytes } from '../../testbed/process-usage.ts';
import { verifyDelivered } from '../crash/delivered-lines.ts';
import { NumberedLog } from '../crash/numbered-log.ts';

const megabyte = 1 << 20;
const writeEveryMs = 10;

export interface NumberedFlowOptions {
  /** Where the channel has its folders `data` and `checkpoint`; default: the flow's own folder. */
  readonly channel?: string;
  /** Default: `out` in the flow's own folder. It is not made here. */
  readonly output?: string;
  /** Instead of the channel's, without their prefix. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** A line that the agent logged. */
export interface Said {
  readonly level: string;
  readonly component: string;
  /** The message, and those of the error and of what caused it. */
  readonly text: string;
  /** Where it serves metrics, if this is what it says. */
  readonly port: number | undefined;
}

export class NumberedFlow {
  readonly output: string;
  readonly #flow: FlowFolder;
  readonly #conf: string;
  readonly #log: NumberedLog;
  readonly #random: Prng;
  #agent: AgentProcess | undefined;
  /** Where in the file that all agents log to the newest one's lines begin. */
  #logBegin = 0;

  constructor(flow: FlowFolder, seed: number, options: NumberedFlowOptions = {}) {
    const { channel = flow.path, output = join(flow.path, 'out'), settings = {} } = options;
    this.#flow = flow;
    this.output = output;
    this.#random = new Prng(seed);
    const positionFile = join(flow.path, 'positions.json');
    this.#log = new NumberedLog({
      name: 'n',
      folder: flow.folder('in'),
      rotation: 'none',
      linesPerFile: Number.POSITIVE_INFINITY,
      positionFile,
      random: this.#random.fork(),
    });
    flow.beforeRemoval(() => this.#log.close());
    const channelSettings = {
      type: 'file',
      capacity: 10_000_000,
      checkpointDir: join(channel, 'checkpoint'),
      dataDirs: join(channel, 'data'),
      maxFileSize: 2 * megabyte,
      minimumRequiredSpace: megabyte,
      ...settings,
    };
    const lines = [
      'a1.sources = r1',
      'a1.channels = c1',
      'a1.sinks = k1',
      'a1.sources.r1.type = TAILDIR',
      'a1.sources.r1.channels = c1',
      'a1.sources.r1.filegroups = g',
      `a1.sources.r1.filegroups.g = ${join(flow.path, 'in')}/app.*`,
      `a1.sources.r1.positionFile = ${positionFile}`,
      ...Object.entries(channelSettings).map(([key, value]) => `a1.channels.c1.${key} = ${value}`),
      'a1.sinks.k1.type = file_roll',
      'a1.sinks.k1.channel = c1',
      `a1.sinks.k1.sink.directory = ${output}`,
      'a1.sinks.k1.sink.rollInterval = 1',
      'a1.sinks.k1.sink.batchSize = 1000',
    ];
    this.#conf = flow.file('flow.properties', `${lines.join('\n')}\n`);
  }

  get agent(): AgentProcess {
    if (!this.#agent) throw new Error('no agent was started');
    return this.#agent;
  }

  /** Starts an agent, the first one or the next. */
  start(env: Readonly<Record<string, string>> = {}): AgentProcess {
    const cwd = this.#flow.path;
    const logPath = join(cwd, 'millrace.log');
    this.#logBegin = existsSync(logPath) ? statSync(logPath).size : 0;
    const agent = startMillrace({
      conf: this.#conf,
      agent: 'a1',
      cwd,
      logPath,
      args: ['-Dflume.monitoring.type=http', '-Dflume.monitoring.port=0'],
      env,
    });
    this.#flow.beforeRemoval(() => agent.hasExited || agent.kill());
    this.#agent = agent;
    return agent;
  }

  /** Appends whole lines. */
  write(lines: number): void {
    for (let left = lines; left > 0; left -= 1000) this.#log.write(Math.min(left, 1000));
    this.#log.finish();
  }

  /** Appends a few lines, or parts of them, all the time until the work is over. */
  async whileWriting<T>(work: () => Promise<T>): Promise<T> {
    const over = new AbortController();
    const writing = (async () => {
      while (!over.signal.aborted) {
        this.#log.write(1 + this.#random.integer(200));
        await sleep(writeEveryMs);
      }
    })();
    try {
      return await work();
    } finally {
      over.abort();
      await writing;
      this.#log.finish();
    }
  }

  get inputBytes(): number {
    return statSync(join(this.#flow.path, 'in', 'app-n.log')).size;
  }

  get outputBytes(): number {
    return outputFiles(this.output).reduce((sum, path) => sum + statSync(path).size, 0);
  }

  /** Resolves when some more has been delivered. */
  async moves(): Promise<void> {
    const before = this.outputBytes;
    await waitUntil('something is delivered', this.agent, () => this.outputBytes > before);
  }

  /** Waits for the end of the input, and stops the agent: every line came, once, in order. */
  async ends(): Promise<void> {
    const { inputBytes } = this;
    await waitUntil('it runs', this.agent, () => this.#isRunning());
    await waitUntil('all is delivered', this.agent, () => this.outputBytes >= inputBytes);
    assert.deepEqual(await this.agent.stop(), { code: 0, signal: null });
    const verdict = verifyDelivered([this.output], { logs: [this.#log], ordered: true });
    assert(verdict.isClean, String(verdict));
  }

  /** What the newest agent logged, whole lines only. */
  said(): Said[] {
    const text = readFileSync(this.agent.logPath).subarray(this.#logBegin).toString();
    const lines = text.split('\n').slice(0, -1);
    return lines.filter((line) => line.startsWith('{')).map(parse);
  }

  #isRunning(): boolean {
    return this.said().some(({ text }) => text === 'Running.');
  }

  /** Resolves to the first complaint whose text matches, once there is one. */
  async complains(pattern: RegExp): Promise<Said> {
    const found = () => this.complaints().find(({ text }) => pattern.test(text));
    await waitUntil(`it says ${pattern}`, this.agent, () => found() !== undefined);
    return found() as Said;
  }

  complaints(): Said[] {
    return this.said().filter(({ level }) => level === 'error' || level === 'warn');
  }

  /** The counters of `SOURCE.r1`, `CHANNEL.c1` and `SINK.k1`, which must come soon. */
  async counters(withinMs = 2_000): Promise<Counters> {
    let port: number | undefined;
    await waitUntil('it serves metrics', this.agent, () => {
      port = this.said().find((each) => each.port !== undefined)?.port;
      return port !== undefined;
    });
    const url = `http://127.0.0.1:${port}/metrics`;
    const response = await fetch(url, { signal: AbortSignal.timeout(withinMs) });
    const all = (await response.json()) as Record<string, Record<string, string>>;
    return (component, name) => Number(all[component]?.[name]);
  }

  /**
   * The agent in trouble, for a while: it lives and answers, its memory stays flat, it uses little
   * time, and it does not repeat itself.
   */
  async staysCalm(ms: number, { complaints = 2 } = {}): Promise<void> {
    const { agent } = this;
    const before = this.complaints().length;
    const resident = residentBytes(agent.pid);
    const cpu = cpuSeconds(agent.pid);
    await sleep(ms);
    await this.counters();
    assert(!agent.hasExited, agent.log());
    const more = this.complaints().slice(before);
    const texts = more.map(({ text }) => text).join('\n');
    assert(more.length <= complaints, `${more.length} more:\n${texts}`);
    const grown = (residentBytes(agent.pid) - resident) / megabyte;
    assert(grown < 64, `${Math.round(grown)} MB more in ${ms} ms`);
    const share = (cpuSeconds(agent.pid) - cpu) / (ms / 1000);
    assert(share < 0.6, `${Math.round(share * 100)} % of a processor, for nothing`);
  }
}

export type Counters = (component: string, name: string) => number;

function parse(line: string): Said {
  const { level, component = '', message, error, port } = JSON.parse(line) as LogRecord;
  const texts = [message];
  for (let at = error; at; at = at.cause) texts.push(at.message);
  return { level, component, text: texts.join(': '), port };
}

interface LogRecord {
  readonly level: string;
  readonly component?: string;
  readonly message: string;
  readonly error?: LoggedError;
  readonly port?: number;
}

interface LoggedError {
  readonly message: string;
  readonly cause?: LoggedError;
}
