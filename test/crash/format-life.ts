/** The lives of the agent in the kill loop of file sinks, and how they end. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Prng } from '../../src/testing/prng.ts';
import type { AgentProcess } from '../../testbed/agent-process.ts';
import { startMillrace } from '../../testbed/millrace.ts';

/** The share of lives that end while the agent starts: half of them late, while it recovers. */
const startShare = 0.3;
/** The share of lives that end with SIGTERM instead of SIGKILL. */
const stopShare = 0.1;
/** The share of lives that end when a file is made or renamed, where that can be seen. */
const changeShare = 0.35;
const longestMs = 1_500;
const pollMs = 10;
const startLimitMs = 120_000;
/** Starting costs less than half with it, and it is read only where the sources are the same. */
const compileCache = join(tmpdir(), 'millrace-loop-compile-cache');

export interface LifeOptions {
  /** Where the agent runs, with its configuration, `flow.properties`. */
  readonly folder: string;
  readonly random: Prng;
  /** Resolves when a file of the output is made or renamed; absent where that can't be seen. */
  readonly changed?: (signal: AbortSignal) => Promise<void>;
}

/** How long the last agent took to start that did; none has yet: 0. */
let startMs = 0;

/** Agents one after the other. Deaths while one starts are spread over the time that takes here. */
export class Lives {
  readonly #options: LifeOptions;
  #last: AgentProcess | undefined;

  constructor(options: LifeOptions) {
    this.#options = options;
  }

  /** Without any agent yet, a whole life: how long it takes to start is known then. */
  async first(): Promise<void> {
    if (startMs > 0) return;
    const agent = this.start();
    await this.#untilRunning(agent);
    const { code } = await agent.stop();
    if (code !== 0) throw new Error(`the agent stopped with ${code}: ${endOf(agent)}`);
  }

  start(): AgentProcess {
    const { folder } = this.#options;
    this.#last = startMillrace({
      conf: join(folder, 'flow.properties'),
      agent: 'a1',
      cwd: folder,
      logPath: join(folder, 'agent.log'),
      env: { NODE_COMPILE_CACHE: compileCache },
    });
    return this.#last;
  }

  /** An agent that a failure has left running would keep the test from ending. */
  async end(): Promise<void> {
    if (this.#last && !this.#last.hasExited) await this.#last.kill();
  }

  /** @param settled called in lives that come so far, when the agent runs; may wait */
  async liveAndDie(settled: (agent: AgentProcess) => Promise<void>): Promise<'killed' | 'stopped'> {
    const { random } = this.#options;
    const agent = this.start();
    if (random.chance(startShare)) {
      const share = random.chance(0.5) ? random.next() : 0.6 + random.next() * 0.6;
      await sleep(share * startMs);
    } else {
      await this.#untilRunning(agent);
      await settled(agent);
      await this.#untilDeath();
    }
    assertRunning(agent);
    if (!random.chance(stopShare)) {
      await agent.kill();
      return 'killed';
    }
    const { code, signal } = await agent.stop(60_000);
    // A SIGTERM that comes before the agent listens for it ends it at once, as any program.
    if (code !== 0 && signal !== 'SIGTERM') {
      throw new Error(`the agent stopped with ${code}: ${endOf(agent)}`);
    }
    return 'stopped';
  }

  async #untilDeath(): Promise<void> {
    const { random, changed } = this.#options;
    await sleep(random.next() * random.next() * longestMs);
    if (!changed || !random.chance(changeShare)) return;
    const limit = new AbortController();
    await Promise.race([
      changed(limit.signal),
      sleep(longestMs, undefined, { signal: limit.signal }),
    ]);
    limit.abort();
    // Not always as early as it can be.
    if (random.chance(0.5)) await sleep(random.next() * 10);
  }

  async #untilRunning(agent: AgentProcess): Promise<void> {
    const began = performance.now();
    const before = agent.log().length;
    while (!agent.log().slice(before).includes('"message":"Running."')) {
      assertRunning(agent);
      if (performance.now() - began > startLimitMs) {
        throw new Error(`the agent does not start: ${endOf(agent)}`);
      }
      await sleep(pollMs);
    }
    startMs = performance.now() - began;
  }
}

export function assertRunning(agent: AgentProcess): void {
  if (agent.hasExited) throw new Error(`the agent ended by itself: ${endOf(agent)}`);
}

export function endOf(agent: AgentProcess): string {
  return agent.log().slice(-3_000);
}
