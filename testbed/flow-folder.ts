/** A folder for one run of an agent: its configuration, what it reads, what it writes. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentProcess } from './agent-process.ts';
import { startFlume } from './flume.ts';
import { startMillrace } from './millrace.ts';

/** A wait that takes longer than this has failed. */
const waitMs = 60_000;
const pollMs = 20;

export class FlowFolder {
  readonly path: string;
  readonly #beforeRemoval: (() => unknown)[] = [];

  /** Removed after the test, once whatever still runs in it was killed. */
  constructor(test: TestContext) {
    this.path = mkdtempSync(join(tmpdir(), 'millrace-flow-'));
    test.after(async () => {
      for (const cleanUp of this.#beforeRemoval.reverse()) await cleanUp();
      rmSync(this.path, { recursive: true, force: true });
    });
  }

  /** To be done after the test, the last one said first. */
  beforeRemoval(cleanUp: () => unknown): void {
    this.#beforeRemoval.push(cleanUp);
  }

  /** Makes a folder below and gives its path. */
  folder(name: string): string {
    const path = join(this.path, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Writes a file below and gives its path. */
  file(name: string, content: string | Buffer): string {
    const path = join(this.path, name);
    writeFileSync(path, content);
    return path;
  }

  /** @param conf path of the configuration */
  startMillrace(conf: string, args: readonly string[] = []): AgentProcess {
    const logPath = join(this.path, 'millrace.log');
    return this.#owned(startMillrace({ conf, agent: 'a1', cwd: this.path, logPath, args }));
  }

  /** @param conf path of the configuration */
  startFlume(conf: string): AgentProcess {
    const logPath = join(this.path, 'flume.log');
    return this.#owned(startFlume({ conf, agent: 'a1', cwd: this.path, logPath }));
  }

  #owned(agent: AgentProcess): AgentProcess {
    this.beforeRemoval(() => agent.hasExited || agent.kill());
    return agent;
  }
}

/** What file_roll wrote into a folder, in the order in which its files were begun. */
export function outputOf(folder: string): Buffer {
  return Buffer.concat(outputFiles(folder).map((path) => readFileSync(path)));
}

/** By the time of the agent's start, then by the counter: as file_roll names its files. */
export function outputFiles(folder: string): string[] {
  const numbers = (name: string) => (name.match(/\d+/g) ?? []).map(Number);
  return readdirSync(folder)
    .sort((left, right) => {
      const [leftTime = 0, leftCount = 0] = numbers(left);
      const [rightTime = 0, rightCount = 0] = numbers(right);
      return leftTime - rightTime || leftCount - rightCount;
    })
    .map((name) => join(folder, name));
}

/** @throws with the end of the agent's log when it ends, or the condition stays false for long */
export async function waitUntil(
  what: string,
  agent: AgentProcess,
  condition: () => boolean,
): Promise<void> {
  const deadline = performance.now() + waitMs;
  while (!condition()) {
    const late = performance.now() > deadline;
    if (late || agent.hasExited) {
      const why = late ? `not within ${waitMs} ms` : 'the agent ended by itself';
      throw new Error(`${what}: ${why}\n${agent.log().slice(-3_000)}`);
    }
    await sleep(pollMs);
  }
}

/** Resolves when the value has been the same for a while. */
export async function waitUntilStill(
  agent: AgentProcess,
  stillMs: number,
  value: () => number,
): Promise<void> {
  let last = Number.NaN;
  let since = performance.now();
  await waitUntil('nothing moves any more', agent, () => {
    const now = value();
    if (now !== last) since = performance.now();
    last = now;
    return performance.now() - since >= stillMs;
  });
}
