/** A whole agent that a test attacks, and what can be seen of it from outside. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentProcess, Exit } from '../../testbed/agent-process.ts';
import { FlowFolder, outputOf } from '../../testbed/flow-folder.ts';
import { peakResidentBytes, residentBytes } from '../../testbed/process-usage.ts';
import type { Subject } from './subjects.ts';

export interface VictimOptions {
  /** More lines for the source, without the prefix. */
  readonly source?: Readonly<Record<string, string | number>>;
  /** Instead of the usual ones. */
  readonly channel?: Readonly<Record<string, string | number>>;
  /** `null`: what arrives is thrown away, for tests with much of it. */
  readonly sink?: 'file_roll' | 'null';
}

/** A wait that takes longer has failed. */
const patienceMs = 20_000;
const usualChannel = { type: 'memory', capacity: 10_000, transactionCapacity: 1_000 };

export class Victim {
  readonly subject: Subject;
  readonly port: number;
  readonly #monitoringPort: number;
  readonly #flow: FlowFolder;
  readonly #conf: string;
  #agent: AgentProcess;
  #starts = 1;

  private constructor(
    subject: Subject,
    flow: FlowFolder,
    conf: string,
    ports: readonly [number, number],
  ) {
    this.subject = subject;
    this.#flow = flow;
    this.#conf = conf;
    [this.port, this.#monitoringPort] = ports;
    this.#agent = this.#start();
  }

  static async start(t: TestContext, subject: Subject, options: VictimOptions = {}) {
    const flow = new FlowFolder(t);
    const ports = [await freePort(), await freePort()] as const;
    const { channel = usualChannel, sink = 'file_roll', source = {} } = options;
    const files = {
      'sink.directory': flow.folder('out'),
      'sink.rollInterval': 0,
      'sink.batchSize': channel['transactionCapacity'] ?? 100,
    };
    const lines = [
      'a1.sources = r1',
      'a1.channels = c1',
      'a1.sinks = k1',
      'a1.sources.r1.channels = c1',
      'a1.sinks.k1.channel = c1',
      ...linesOf('sources.r1', { type: subject.type, ...subject.properties(ports[0]), ...source }),
      ...linesOf('channels.c1', channel),
      ...linesOf('sinks.k1', { type: sink, ...(sink === 'file_roll' && files) }),
    ];
    const conf = flow.file('victim.properties', `${lines.join('\n')}\n`);
    const victim = new Victim(subject, flow, conf, ports);
    await victim.#running();
    return victim;
  }

  /** After a stop; resolves when it listens. */
  async restart(): Promise<void> {
    this.#agent = this.#start();
    this.#starts++;
    await this.#running();
  }

  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<Exit> {
    return this.#agent.stop();
  }

  /** The source's counters. */
  async counters(): Promise<ReadonlyMap<string, number>> {
    const answer = await fetch(`http://127.0.0.1:${this.#monitoringPort}/metrics`);
    const groups = (await answer.json()) as Record<string, Record<string, string>>;
    const own = Object.entries(groups['SOURCE.r1'] ?? {});
    return new Map(own.map(([name, text]) => [name, Number(text)]));
  }

  async counter(name: string): Promise<number> {
    return (await this.counters()).get(name) ?? Number.NaN;
  }

  /** The last word of each event that arrived. */
  arrived(): string[] {
    const text = outputOf(join(this.#flow.path, 'out')).toString('latin1');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => line.slice(line.lastIndexOf(' ') + 1));
  }

  log(): string {
    return this.#agent.log();
  }

  /** How often the log has a sentence. */
  said(sentence: string): number {
    return this.log().split(sentence).length - 1;
  }

  get residentMegabytes(): number {
    return residentBytes(this.#agent.pid) / 1e6;
  }

  get peakMegabytes(): number {
    return peakResidentBytes(this.#agent.pid) / 1e6;
  }

  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (!(await condition())) {
      const late = performance.now() > deadline;
      if (late || this.#agent.hasExited) {
        const why = late ? `not within ${patienceMs} ms` : 'the agent ended by itself';
        throw new Error(`${what}: ${why}\n${this.log().slice(-3_000)}`);
      }
      await sleep(20);
    }
  }

  async #running(): Promise<void> {
    await this.until('it runs', () => this.said('"Running."') === this.#starts);
  }

  #start(): AgentProcess {
    return this.#flow.startMillrace(this.#conf, [
      '-Dflume.monitoring.type=http',
      `-Dflume.monitoring.port=${this.#monitoringPort}`,
    ]);
  }
}

function linesOf(
  prefix: string,
  properties: Readonly<Record<string, string | number>>,
): readonly string[] {
  return Object.entries(properties).map(([key, value]) => `a1.${prefix}.${key} = ${value}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}
