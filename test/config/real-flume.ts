/**
 * What real Flume makes of a configuration: which components it starts. Ports and paths of the
 * configuration are replaced, so that nothing of this machine is touched.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfiguration } from '../../src/config/load.ts';
import { type Planned, planAgent } from '../../src/config/plan.ts';
import { resolver } from '../../src/registry.ts';
import type { AgentProcess } from '../../testbed/agent-process.ts';
import type { FlowFolder } from '../../testbed/flow-folder.ts';
import { startFlume } from '../../testbed/flume.ts';

/** The components of an agent that start, `source r1` and the like, sorted. */
export type Started = readonly string[];

/** Where the ports of substituted configurations begin; each component gets another one. */
const firstPort = 42_100;
/** Flume says nothing for this long once it has started what it starts. */
const quietMs = 1500;
const longestMs = 25_000;
const pollMs = 100;

/** The text with ports, hosts and paths that are free here; the folder takes what is written. */
export function substituted(text: string, folder: string): string {
  let port = firstPort;
  const path = (old: string) => `${folder}/${old.replaceAll(/\W+/g, '-').replace(/^-/, '')}`;
  return text
    .replaceAll(/^(\s*[\w-]+\.sources\.[\w-]+\.(?:bind|host))(\s*=\s*).*$/gm, '$1$2127.0.0.1')
    .replaceAll(/^(\s*[\w-]+\.sources\.[\w-]+\.port\s*=\s*)\d+(\s*)$/gm, (_all, key, end) => {
      return `${key}${port++}${end}`;
    })
    .replaceAll(/^(\s*[\w-]+\.sinks\.[\w-]+\.hostname)(\s*=\s*).*$/gm, '$1$2127.0.0.1')
    .replaceAll(
      /^(\s*\S+\.(?:spoolDir|sink\.directory|positionFile|checkpointDir|dataDirs)\s*[=:]\s*)(\S+)/gm,
      (_all, key, old: string) => `${key}${path(old)}`,
    )
    .replaceAll(/^(\s*\S+\.filegroups\.[\w-]+\s*=\s*)(\S*\/)/gm, `$1${folder}/in/`)
    .replaceAll(/^(\s*\S+\.hdfs\.path\s*=\s*)(?:hdfs:\/\/[^/]*)?(\/?)/gm, `$1file://${folder}$2`)
    .replaceAll(/^(\s*\S+\.command\s*=\s*)(?!.*#).*$/gm, '$1tail -F /dev/null');
}

export async function planned(text: string, name: string): Promise<Planned> {
  const bytes = Buffer.from(text, 'utf8');
  const context = { environment: {}, systemProperties: new Map<string, string>(), now: new Date() };
  const configuration = loadConfiguration([{ file: 'x.conf', bytes }], context);
  return planAgent(configuration, name, resolver('/nowhere'));
}

/** What Flume starts, if everything is so that check says of Flume. */
export function foretold({ components, findings }: Planned): Started {
  const said = findings.map((each) => `${each.consequence} ${each.inFlume ?? ''}`);
  const isDead = /agent does not start|later one would not start|Nothing of the agent can run/;
  const nothing = /loads nothing of the whole file/;
  if (said.some((text) => isDead.test(text) || nothing.test(text))) return [];
  const out = new Set<string>();
  for (const [index, { inFlume = '' }] of findings.entries()) {
    if (/^It runs/.test(inFlume)) continue;
    const text = said[index] ?? '';
    const names = [...text.matchAll(/(?:The|the) (source|sink|channel) (\S+) (?:is left )?out/g)];
    for (const [, kind, name] of names) out.add(`${kind} ${name}`);
    const [, channel, dependents] =
      /channel (\S+) is left out(?:, and with it ([^.:]*?))?(?:\.|, here)/.exec(text) ?? [];
    if (channel !== undefined) out.add(`channel ${channel}`);
    for (const name of dependents?.split(', ') ?? []) {
      out.add(`source ${name}`).add(`sink ${name}`);
    }
  }
  const left = components
    .map(({ kind, name }) => `${kind} ${name}`)
    .filter((each) => !out.has(each));
  return withoutUnwired(left, components).sort();
}

/** A channel that nothing is wired to any more goes, too. */
function withoutUnwired(names: readonly string[], components: Planned['components']): string[] {
  const wired = components
    .filter(({ kind, name }) => names.includes(`${kind} ${name}`))
    .flatMap(({ channels }) => channels);
  return names.filter((each) => !each.startsWith('channel ') || wired.includes(each.slice(8)));
}

/** @param classPath more jars, for components that are not among those of the testbed */
export async function startedByFlume(
  flow: FlowFolder,
  text: string,
  name: string,
  classPath: readonly string[] = [],
): Promise<{ started: Started; log: string }> {
  const conf = flow.file(`${name}.properties`, text);
  const logPath = `${flow.path}/${name}.log`;
  const javaOptions = ['-Xmx256m', '-Djava.awt.headless=true'];
  const agent = startFlume({ conf, agent: name, logPath, cwd: flow.path, classPath, javaOptions });
  flow.beforeRemoval(() => agent.hasExited || agent.kill());
  const log = await logOnceQuiet(agent);
  await agent.kill();
  const starting = [...log.matchAll(/ Starting (Source|Sink|Channel) (\S+)$/gm)];
  const names = starting.map(([, kind = '', each]) => `${kind.toLowerCase()} ${each}`);
  return { started: [...new Set(names)].sort(), log };
}

/** Flume has no sign for having started: it has when it says nothing more. */
async function logOnceQuiet(agent: AgentProcess): Promise<string> {
  const deadline = performance.now() + longestMs;
  let log = '';
  let since = performance.now();
  while (performance.now() < deadline && !agent.hasExited) {
    await sleep(pollMs);
    const now = agent.log();
    if (now.length !== log.length) [log, since] = [now, performance.now()];
    const isLoaded = /Starting new configuration|fatal error|No configuration found/i.test(log);
    if (isLoaded && performance.now() - since > quietMs) break;
  }
  return agent.log();
}
