import { createHash, randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { AgentPlan } from '../config/plan.ts';
import { systemClock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import { nodeDisk } from '../core/node-disk.ts';
import { builtin } from '../registry.ts';
import { Agent, type CounterGroup } from './agent.ts';
import { startMetricsServer } from './metrics-server.ts';

export interface RunOptions {
  readonly log: Logger;
  /** The `-D` options. */
  readonly properties: ReadonlyMap<string, string>;
  /** The configuration files, the first of which names the state directory. */
  readonly configFiles: readonly string[];
  /** Aborted to stop in order. */
  readonly signal: AbortSignal;
  /** Called once everything is built, with the live counters. */
  readonly onReady?: (groups: readonly CounterGroup[]) => void;
}

/**
 * Runs an agent until the signal aborts, and stops it in order.
 * @returns the exit code: 0, or 1 when it could not run or had to stop by itself
 */
export async function runAgent(plan: AgentPlan, options: RunOptions): Promise<number> {
  const { log, properties } = options;
  const stateDirectory = stateDirectoryOf(plan.agent, options);
  const release = await nodeDisk.lock(stateDirectory);
  const stop = new AbortController();
  const abort = () => stop.abort();
  options.signal.addEventListener('abort', abort);
  if (options.signal.aborted) abort();
  let code = 0;
  const agent = await Agent.build(plan, {
    log,
    stateDirectory,
    clock: systemClock,
    disk: nodeDisk,
    random: { next: Math.random, bytes: randomBytes },
    sinkOfType: (type) => builtin('sink', type),
    onBug: (error) => {
      log.error({ error }, 'A bug: the agent stops.');
      code = 1;
      abort();
    },
  });
  const metrics = await openMetrics(properties, agent.counterGroups, log);
  const begun = performance.now();
  agent.start();
  options.onReady?.(agent.counterGroups);
  void agent.allStarted().then(() => {
    const startMs = Math.round(performance.now() - begun);
    if (!stop.signal.aborted) log.info({ agent: plan.agent, stateDirectory, startMs }, 'Running.');
  });
  if (!stop.signal.aborted) {
    // The loop must not run dry while the agent has nothing to do.
    const awake = setInterval(() => {}, 1 << 30);
    await new Promise((done) => stop.signal.addEventListener('abort', done, { once: true }));
    clearInterval(awake);
  }
  log.info({ agent: plan.agent }, 'Stopping.');
  await agent.stop();
  await metrics?.close();
  await release();
  options.signal.removeEventListener('abort', abort);
  log.info({ agent: plan.agent }, 'Stopped.');
  return code;
}

/** `-Dmillrace.state.dir`, else a folder of its own for each agent of each configuration file. */
function stateDirectoryOf(agent: string, { properties, configFiles }: RunOptions): string {
  const given = properties.get('millrace.state.dir');
  if (given) return resolve(given);
  const path = resolve(configFiles[0] ?? '.');
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 12);
  return join(homedir(), '.millrace', `${encodeURIComponent(agent)}-${hash}`);
}

async function openMetrics(
  properties: ReadonlyMap<string, string>,
  groups: readonly CounterGroup[],
  log: Logger,
) {
  const type = properties.get('flume.monitoring.type');
  if (!type) return undefined;
  if (type.toLowerCase() !== 'http') {
    log.warn({ type }, 'Only the monitoring type http is there: no metrics are served.');
    return undefined;
  }
  return startMetricsServer({
    host: properties.get('flume.monitoring.host') ?? '127.0.0.1',
    port: Number(properties.get('flume.monitoring.port') ?? 41414),
    groups: () => groups,
    log,
  });
}
