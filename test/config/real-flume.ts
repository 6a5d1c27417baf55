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
const quietMs = 3000;
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

export interface Foretold {
  /** What Flume starts, if everything is so that check says of Flume. */
  readonly started: Started;
  /** What check leaves out, and says nothing of Flume: `source r1`. */
  readonly open: readonly string[];
}

/** The whole agent, or the whole file, is refused. */
const isDead =
  /agent does not start|later one would not start|Nothing of the agent can run|nothing of the whole/;

export function foretold({ components, findings }: Planned): Foretold {
  const out = new Set<string>();
  const open = new Set<string>();
  for (const { consequence, inFlume = '' } of findings) {
    if (isDead.test(`${consequence} ${inFlume}`)) return { started: [], open: [] };
    if (/^It is there|^It runs if/.test(inFlume)) continue;
    const isSame = /here as in Flume/.test(consequence) || inFlume !== '';
    const text = `${consequence} ${inFlume}`;
    const names = [...text.matchAll(/[Tt]he (source|sink|channel) (\S+?),? (?:is left )?out/g)];
    const isClaim = isSame || /Flume leaves/.test(consequence);
    for (const [, kind, name] of names) (isClaim ? out : open).add(`${kind} ${name}`);
    const [, idle] = /^(.+) do(?:es)? not run\.$/.exec(inFlume) ?? [];
    for (const name of idle?.split(', ') ?? []) out.add(`sink ${name}`);
    const [, dependents] =
      /channel \S+ is left out, and with it ([^.:]*?)(?:\.|, here)/.exec(text) ?? [];
    for (const name of dependents?.split(', ') ?? []) {
      for (const kind of ['source', 'sink']) (isClaim ? out : open).add(`${kind} ${name}`);
    }
  }
  const left = components
    .map(({ kind, name }) => `${kind} ${name}`)
    .filter((each) => !out.has(each));
  return { started: withoutUnwired(left, components).sort(), open: [...open] };
}

/** A channel that nothing is wired to any more goes, too. */
function withoutUnwired(names: readonly string[], components: Planned['components']): string[] {
  const wired = components
    .filter(({ kind, name }) => names.includes(`${kind} ${name}`))
    .flatMap(({ channels }) => channels);
  return names.filter((each) => !each.startsWith('channel ') || wired.includes(each.slice(8)));
}

export interface FlumeRun {
  readonly started: Started;
  readonly log: string;
  /** A class of Flume that is not among the jars: then nothing can be said of the configuration. */
  readonly missing: string | undefined;
}

/** @param classPath more jars, for components that are not among those of the testbed */
export async function startedByFlume(
  flow: FlowFolder,
  text: string,
  name: string,
  classPath: readonly string[] = [],
): Promise<FlumeRun> {
  const conf = flow.file(`${name}.properties`, text);
  const logPath = `${flow.path}/${name}.log`;
  const javaOptions = ['-Xmx256m', '-Djava.awt.headless=true'];
  const agent = startFlume({ conf, agent: name, logPath, cwd: flow.path, classPath, javaOptions });
  flow.beforeRemoval(() => agent.hasExited || agent.kill());
  const log = await logOnceQuiet(agent);
  await agent.kill();
  const starting = [...log.matchAll(/ Starting (Source|Sink|Channel) (\S+)$/gm)];
  const names = starting.flatMap(([, kind = '', each = '']) =>
    membersOf(text, name, each).map((member) => `${kind.toLowerCase()} ${member}`),
  );
  const [, missing] = /ClassNotFoundException: (org\.apache\.flume\.\S+)/.exec(log) ?? [];
  return { started: [...new Set(names)].sort(), log, missing };
}

/** Flume starts a group under its own name; here its sinks count. */
function membersOf(text: string, agent: string, group: string): string[] {
  const key = `${agent}.sinkgroups.${group}.sinks`.replaceAll('.', '\\.');
  const [, sinks] = new RegExp(`^\\s*${key}\\s*=\\s*(.*)$`, 'm').exec(text) ?? [];
  return sinks === undefined ? [group] : sinks.trim().split(/\s+/);
}

/** What it says of its own start. */
const event = / Starting |fatal error|No configuration found| (started|Created) /g;

/** Flume has no sign for having started: it has when it says nothing more of that. */
async function logOnceQuiet(agent: AgentProcess): Promise<string> {
  const deadline = performance.now() + longestMs;
  let count = 0;
  let since = performance.now();
  while (performance.now() < deadline && !agent.hasExited) {
    await sleep(pollMs);
    const events = agent.log().match(event)?.length ?? 0;
    if (events !== count) [count, since] = [events, performance.now()];
    if (count > 0 && performance.now() - since > quietMs) break;
  }
  return agent.log();
}
