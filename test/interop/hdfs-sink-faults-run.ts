/**
 * An agent under load for one fault: two flows, of which one writes long files through a file
 * channel, and the other one short ones, so that files are made, closed and renamed all the time,
 * through a memory channel. It knows when events were delivered, and what the agent said.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HdfsClient } from '../../src/hdfs/index.ts';
import { Prng } from '../../src/testing/prng.ts';
import type { AgentProcess } from '../../testbed/agent-process.ts';
import type { FlowFolder } from '../../testbed/flow-folder.ts';
import type { HdfsCluster } from '../../testbed/hdfs.ts';
import { startMillrace } from '../../testbed/millrace.ts';
import { freePorts } from '../../testbed/ports.ts';
import type { SmallFileSystem } from '../../testbed/small-file-system.ts';
import { verifyDelivered } from '../crash/delivered-lines.ts';
import { NumberedLog } from '../crash/numbered-log.ts';
import { openPathsBelow } from './hdfs-sink-faults-cluster.ts';

/** What a fault happens to. */
export interface Surroundings {
  readonly flow: FlowFolder;
  readonly cluster: HdfsCluster;
  readonly hdfs: HdfsClient;
  readonly seed: number;
  /** The disk of one DataNode. */
  readonly small: SmallFileSystem | undefined;
}

/** What all runs write lies below it. */
export const root = '/faults';
export const flowNames = ['long', 'short'] as const;
type FlowName = (typeof flowNames)[number];

/** A line of the agent's log. */
interface LogLine {
  readonly level: string;
  readonly time: string;
  readonly message: string;
  readonly component?: string;
  readonly error?: LoggedError;
  readonly [field: string]: unknown;
}

interface LoggedError {
  readonly message?: string;
  readonly cause?: LoggedError;
}

interface Sample {
  readonly at: number;
  readonly delivered: number;
}

const writeEveryMs = 20;
/** Per flow and write: 1000 lines a second, about 100 kB. */
const linesAtOnce = 20;
const sampleMs = 25;
const waitMs = 60_000;

const sinks: Readonly<Record<FlowName, readonly string[]>> = {
  long: ['hdfs.rollInterval = 3', 'hdfs.rollSize = 0', 'hdfs.rollCount = 0'],
  short: ['hdfs.rollInterval = 0', 'hdfs.rollSize = 0', 'hdfs.rollCount = 150'],
};
const channels: Readonly<Record<FlowName, string>> = { long: 'file', short: 'memory' };

export class FaultRun {
  readonly name: string;
  /** The directory of HDFS. */
  readonly root: string;
  readonly agent: AgentProcess;
  readonly #surroundings: Surroundings;
  readonly #folder: string;
  readonly #logs: ReadonlyMap<FlowName, NumberedLog>;
  readonly #samples = new Map<FlowName, Sample[]>(flowNames.map((name) => [name, []]));
  readonly #ended = new AbortController();
  #writing: Promise<void> | undefined;
  #sampling: Promise<void> | undefined;
  #killing: Promise<void> | undefined;

  private constructor(name: string, surroundings: Surroundings, port: number) {
    const { flow, cluster, seed } = surroundings;
    this.name = name;
    this.root = `${root}/${name}`;
    this.#surroundings = surroundings;
    this.#folder = flow.folder(name);
    mkdirSync(join(this.#folder, 'in'));
    const random = new Prng(seed);
    this.#logs = new Map(flowNames.map((each) => [each, this.#numberedLog(each, random.fork())]));
    const conf = join(this.#folder, 'flow.properties');
    writeFileSync(conf, this.#configuration(cluster));
    this.agent = startMillrace({
      conf,
      agent: 'a1',
      cwd: this.#folder,
      logPath: join(this.#folder, 'agent.log'),
      args: ['-Dflume.monitoring.type=http', `-Dflume.monitoring.port=${port}`],
    });
    flow.beforeRemoval(() => this.kill());
    this.#writing = this.#write();
    this.#sampling = this.#sample(port);
  }

  /** Resolves when both flows deliver. */
  static async start(name: string, surroundings: Surroundings): Promise<FaultRun> {
    const [port = 0] = await freePorts(1);
    const run = new FaultRun(name, surroundings, port);
    await run.flows();
    return run;
  }

  /** Resolves when all lines are delivered that were written until now, with the time it took. */
  async flows(): Promise<number> {
    const began = performance.now();
    const wanted = flowNames.map((name) => [name, this.#logOf(name).lines] as const);
    for (const [name, lines] of wanted) {
      await this.until(`${lines} lines of ${name} are delivered`, () => {
        return this.#delivered(name) >= lines;
      });
    }
    return performance.now() - began;
  }

  /** For how long at most a flow delivered nothing, since a moment; in ms. */
  longestPause(name: FlowName, since: number): number {
    const changes = (this.#samples.get(name) ?? []).filter(({ at }) => at >= since);
    let last = since;
    let longest = 0;
    for (const { at } of changes) {
      longest = Math.max(longest, at - last);
      last = at;
    }
    return longest;
  }

  /** When a flow first delivered something after a moment; in ms from then. */
  firstAfter(name: FlowName, since: number): number | undefined {
    const first = (this.#samples.get(name) ?? []).find(({ at }) => at > since);
    return first && first.at - since;
  }

  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + waitMs;
    while (!(await condition())) {
      const late = performance.now() > deadline;
      if (late || this.agent.hasExited) {
        const why = late ? `not within ${waitMs} ms` : 'the agent ended by itself';
        throw new Error(`${what}: ${why}\n${this.agent.log().slice(-6_000)}`);
      }
      await sleep(sampleMs);
    }
  }

  /** Lets everything be delivered, stops the agent, and checks what it has left. */
  async finish(): Promise<void> {
    this.#ended.abort();
    await this.#writing;
    for (const log of this.#logs.values()) log.finish();
    const { hdfs, cluster } = this.#surroundings;
    try {
      // What is missing then is told by the verdict, line by line.
      await this.flows().catch((error: unknown) => console.error(String(error)));
    } finally {
      await this.#endSampling();
    }
    const began = performance.now();
    const { code } = await this.agent.stop(waitMs);
    console.log(`  stopped within ${Math.round(performance.now() - began)} ms`);
    assert.equal(code, 0);

    const wrong: string[] = [];
    for (const name of flowNames) {
      const folder = join(this.#folder, 'out', name);
      mkdirSync(folder, { recursive: true });
      for await (const { path } of hdfs.list(`${this.root}/${name}`)) {
        if (!/\/FlumeData\.\d{13}$/.test(path)) wrong.push(`${path} is left`);
        writeFileSync(join(folder, basename(path)), await hdfs.readFile(path));
      }
      const verdict = verifyDelivered([folder], { logs: [this.#logOf(name)], ordered: true });
      if (!verdict.isClean) wrong.push(`${name}: ${verdict}`);
    }
    wrong.push(...(await openPathsBelow(cluster, this.root)).map((path) => `${path} is open`));
    assert.deepEqual(wrong, []);
  }

  /** Ends what still runs. Safe twice. */
  async kill(): Promise<void> {
    this.#killing ??= (async () => {
      this.#ended.abort();
      await this.#writing;
      await this.#endSampling();
      for (const log of this.#logs.values()) log.close();
      if (!this.agent.hasExited) await this.agent.kill();
    })();
    await this.#killing;
  }

  /** A failure is said once until it is over, and once of each file that is left. */
  assertSaidOnce(): void {
    const failing = new Set<string>();
    const files = new Set<string>();
    for (const { component = '', message, path } of this.#said()) {
      if (message === 'The sink writes again.') failing.delete(component);
      if (/^A write failed/.test(message)) {
        assert(!failing.has(component), `${component} says twice that it fails`);
        failing.add(component);
      }
      if (typeof path !== 'string' || !/^A file /.test(message)) continue;
      assert(!files.has(`${message} ${path}`), `${message} Twice of ${path}`);
      files.add(`${message} ${path}`);
    }
  }

  /** The lines of the log, as a person reads them: each kind once, with how often it came. */
  summary(): string[] {
    const counts = new Map<string, { times: number; example: string }>();
    for (const { level, component = 'agent', message, error } of this.#said()) {
      const key = `${level} ${component}: ${message}`;
      const example = `${key} ${messagesOf(error).join(': ')}`;
      const known = counts.get(key);
      counts.set(key, { times: (known?.times ?? 0) + 1, example: known?.example ?? example });
    }
    return [...counts.values()].map(({ times, example }) => `${times} × ${example}`);
  }

  /** A file that is being written, by one of the flows. */
  async openFile(name: FlowName): Promise<string> {
    let found: string | undefined;
    await this.until(`${name} writes a file`, async () => {
      for await (const { path } of this.#surroundings.hdfs.list(`${this.root}/${name}`)) {
        if (path.endsWith('.tmp')) found = path;
      }
      return found !== undefined;
    });
    return found ?? '';
  }

  #said(): LogLine[] {
    const lines = this.agent.log().split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line) as LogLine);
  }

  async #endSampling(): Promise<void> {
    const sampling = this.#sampling;
    this.#sampling = undefined;
    await sampling;
  }

  #delivered(name: FlowName): number {
    return this.#samples.get(name)?.at(-1)?.delivered ?? 0;
  }

  #logOf(name: FlowName): NumberedLog {
    const log = this.#logs.get(name);
    assert(log);
    return log;
  }

  #numberedLog(name: FlowName, random: Prng): NumberedLog {
    return new NumberedLog({
      name,
      folder: join(this.#folder, 'in'),
      rotation: 'none',
      linesPerFile: 0,
      positionFile: join(this.#folder, `${name}.positions.json`),
      random,
    });
  }

  async #write(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      for (const log of this.#logs.values()) log.write(linesAtOnce);
      await sleep(writeEveryMs);
    }
  }

  async #sample(port: number): Promise<void> {
    while (this.#sampling || !this.#ended.signal.aborted) {
      const metrics = await metricsOf(port);
      const at = performance.now();
      for (const name of flowNames) {
        const count = Number(metrics[`CHANNEL.${name}`]?.['EventTakeSuccessCount'] ?? 0);
        if (count > this.#delivered(name)) {
          this.#samples.get(name)?.push({ at, delivered: count });
        }
      }
      await sleep(sampleMs);
    }
  }

  #configuration({ url, confDir }: HdfsCluster): string {
    const names = flowNames.join(' ');
    const lines = [`sources = ${names}`, `channels = ${names}`, `sinks = ${names}`];
    for (const name of flowNames) {
      const channel = join(this.#folder, `channel-${name}`);
      lines.push(
        `sources.${name}.type = TAILDIR`,
        `sources.${name}.channels = ${name}`,
        `sources.${name}.filegroups = g`,
        `sources.${name}.filegroups.g = ${join(this.#folder, 'in')}/app-${name}.log`,
        `sources.${name}.positionFile = ${join(this.#folder, `${name}.positions.json`)}`,
        `channels.${name}.type = ${channels[name]}`,
        `channels.${name}.capacity = 100000`,
        `channels.${name}.transactionCapacity = 1000`,
        ...(channels[name] === 'file'
          ? [
              `channels.${name}.checkpointDir = ${channel}/checkpoint`,
              `channels.${name}.dataDirs = ${channel}/data`,
              `channels.${name}.minimumRequiredSpace = 1048576`,
            ]
          : []),
        `sinks.${name}.type = hdfs`,
        `sinks.${name}.channel = ${name}`,
        `sinks.${name}.hdfs.path = ${url}${this.root}/${name}`,
        `sinks.${name}.hdfs.confDir = ${confDir}`,
        `sinks.${name}.hdfs.fileType = DataStream`,
        // Small, so that a fault meets calls of all kinds: a deployment has the default, 30 s.
        `sinks.${name}.hdfs.callTimeout = 3000`,
        ...sinks[name].map((line) => `sinks.${name}.${line}`),
      );
    }
    return lines.map((line) => `a1.${line}\n`).join('');
  }
}

/** The messages of an error and its causes. */
function messagesOf(error: LoggedError | undefined): string[] {
  return error ? [error.message ?? '', ...messagesOf(error.cause)] : [];
}

type Metrics = Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;

async function metricsOf(port: number): Promise<Metrics> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return (await response.json()) as Metrics;
  } catch {
    // It starts, or stops.
    return {};
  }
}
