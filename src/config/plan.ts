import type { Block } from './blocks.ts';
import type { FilterContext } from './config-filters.ts';
import { applyConfigFilters, processFilterContext } from './config-filters.ts';
import type {
  ChannelDefinition,
  InterceptorDefinition,
  SelectorDefinition,
  SinkDefinition,
  SourceDefinition,
} from './definition.ts';
import type { ConfigOf, Fields } from './field.ts';
import type { Finding } from './finding.ts';
import { finding, settleFindings } from './finding.ts';
import type { Configuration } from './load.ts';
import { nearest } from './nearest.ts';
import { atValue, missingAt } from './places.ts';
import { advise } from './plan/advice.ts';
import { planChannels, withoutUnused } from './plan/channels.ts';
import { withoutClashes } from './plan/clashes.ts';
import type { Component, Resolver } from './plan/scope.ts';
import { PlanScope } from './plan/scope.ts';
import { checkSinkGroups } from './plan/sink-groups.ts';
import { planSinks } from './plan/sinks.ts';
import { planSources } from './plan/sources.ts';

export type { DefinitionOf, Resolver } from './plan/scope.ts';

/** What a definition is created with: made by `readConfig` from the definition's own fields. */
export type AnyConfig = ConfigOf<Fields>;

/** Everything that can run of one agent, in the order of the configuration. */
export interface AgentPlan {
  readonly agent: string;
  readonly sources: readonly SourcePlan[];
  readonly channels: readonly ChannelPlan[];
  readonly sinks: readonly SinkPlan[];
}

export interface SourcePlan {
  readonly name: string;
  readonly definition: SourceDefinition;
  readonly config: AnyConfig;
  readonly block: Block;
  /** At least one; each is in the plan. */
  readonly channels: readonly string[];
  readonly interceptors: readonly InterceptorPlan[];
  readonly selector: { readonly definition: SelectorDefinition; readonly config: AnyConfig };
  /** How much longer a pull source sleeps each time it found nothing, in ms. */
  readonly backoffSleepIncrement: number;
  /** The longest such sleep, and the sleep after a failure, in ms. */
  readonly maxBackoffSleep: number;
}

export interface InterceptorPlan {
  readonly name: string;
  readonly definition: InterceptorDefinition;
  readonly config: AnyConfig;
}

export interface ChannelPlan {
  readonly name: string;
  readonly definition: ChannelDefinition;
  readonly config: AnyConfig;
  readonly block: Block;
}

export interface SinkPlan {
  readonly name: string;
  readonly definition: SinkDefinition;
  readonly config: AnyConfig;
  readonly block: Block;
  /** It is in the plan. */
  readonly channel: string;
}

/** A source, channel or sink as the file has it, whether it can run or not. */
export interface PlannedComponent {
  readonly kind: 'source' | 'channel' | 'sink';
  readonly name: string;
  /** As the file has it. */
  readonly type: string;
  /** What a source writes to or a sink reads from; none for a channel. */
  readonly channels: readonly string[];
  /** The types of a source's interceptors. */
  readonly interceptors: readonly string[];
  readonly runs: boolean;
}

export interface Planned {
  readonly plan: AgentPlan;
  readonly components: readonly PlannedComponent[];
  /** Of the files and of this agent, in the order of lines. */
  readonly findings: readonly Finding[];
  /** Is there a source, or a sink with events from before, that can work? */
  readonly runnable: boolean;
}

/**
 * What would run of one agent, and everything that should be said about its configuration. What
 * Flume drops is dropped, and named; where Flume would not start at all, the rest runs here, and
 * that is said.
 */
export async function planAgent(
  configuration: Configuration,
  name: string,
  resolver: Resolver,
  filters: FilterContext = processFilterContext,
): Promise<Planned> {
  const blocks = configuration.agents.get(name);
  if (!blocks) return unknownAgent(configuration, name);
  const { agent, findings: filterFindings } = await applyConfigFilters(blocks, filters);
  const scope = new PlanScope(agent, resolver);
  scope.findings.push(...configuration.findings, ...filterFindings);
  sayUnresolved(scope, configuration);
  const plan = await planComponents(scope);
  return {
    plan,
    components: scope.components.map((each) => plannedComponent(each, plan)),
    findings: settleFindings(scope.findings),
    runnable: canMoveEvents(plan),
  };
}

function plannedComponent({ kind, name, type, block }: Component, plan: AgentPlan) {
  const words = (key: string) => block.properties.get(key)?.value.split(/\s+/) ?? [];
  const all = [...plan.sources, ...plan.channels, ...plan.sinks];
  const interceptor = (each: string) =>
    block.properties.get(`interceptors.${each}.type`)?.value ?? each;
  return {
    kind,
    name,
    type: type.value,
    channels: kind === 'channel' ? [] : words(kind === 'source' ? 'channels' : 'channel'),
    interceptors: kind === 'source' ? words('interceptors').map(interceptor) : [],
    runs: all.some((each) => each.block === block),
  };
}

/**
 * A sink without any source has something to do only where its channel keeps events from before.
 */
function canMoveEvents({ sources, channels, sinks }: AgentPlan): boolean {
  const hasOldEvents = (sink: SinkPlan) =>
    channels.some(({ name, definition }) => name === sink.channel && definition.keeps === 'events');
  return sources.length > 0 || sinks.some(hasOldEvents);
}

async function planComponents(scope: PlanScope): Promise<AgentPlan> {
  const { agent } = scope;
  if (scope.names('channels').length === 0) {
    sayNoChannels(scope);
    return { agent: agent.name, sources: [], channels: [], sinks: [] };
  }
  const channels = await planChannels(scope);
  const sources = await planSources(scope, channels);
  const sinks = await planSinks(scope, channels);
  const kept = await withoutClashes(scope, { agent: agent.name, sources, channels, sinks });
  await checkSinkGroups(scope, kept.sinks);
  advise(scope);
  return withoutUnused(scope, kept);
}

function sayNoChannels(scope: PlanScope): void {
  const { name, lists, components } = scope.agent;
  const key = `${name}.channels`;
  const [first] = lists.values();
  const written = [...components.channels.keys()].join(' ');
  scope.add('error', 'no-channels', missingAt(key, first), {
    what: `${key} is missing: the list of the agent's channels.`,
    consequence: 'Nothing of the agent can run, here as in Flume.',
    suggestion: written === '' ? `Write ${key} = …` : `Write ${key} = ${written}`,
  });
}

function unknownAgent(configuration: Configuration, name: string): Planned {
  const names = [...configuration.agents.keys()];
  const meant = nearest(name, names) ?? (names.length === 1 ? names[0] : undefined);
  const only = names.length === 0 ? 'It configures no agent.' : `Its agents: ${names.join(', ')}.`;
  const missing = finding(
    'error',
    'unknown-agent',
    { file: configuration.files.join(', '), key: name },
    {
      what: `There is no agent named ${name} in the configuration. ${only}`,
      consequence: 'Nothing can run.',
      inFlume: 'Flume goes on running, with nothing in it.',
      suggestion: meant ? `Did you mean -n ${meant}?` : 'Name one that is there.',
    },
  );
  return {
    plan: { agent: name, sources: [], channels: [], sinks: [] },
    components: [],
    findings: settleFindings([missing, ...configuration.findings]),
    runnable: false,
  };
}

/** `${…}` that neither a lookup nor a config filter knew. */
function sayUnresolved(scope: PlanScope, configuration: Configuration): void {
  const { lists, components } = scope.agent;
  const blocks = Object.values(components).flatMap((each) => [...each.values()]);
  const properties = [
    ...lists.values(),
    ...blocks.flatMap((each) => [...each.properties.values()]),
  ];
  for (const property of properties) {
    const left = configuration.unresolved.get(property.key) ?? [];
    const whole = left.filter((each) => property.value.includes(each));
    // Of one within another, the inner one is to blame.
    const isOuter = (each: string) => whole.some((one) => one !== each && each.includes(one));
    for (const expression of new Set(whole.filter((each) => !isOuter(each)))) {
      scope.add('warning', 'unresolved', atValue(property, expression), {
        what: `Nothing gives ${expression} a value.`,
        consequence: 'It stays in the value as text, here as in Flume.',
        suggestion: suggestionFor(expression),
      });
    }
  }
}

function suggestionFor(expression: string): string {
  const [, prefix, name = ''] = /^\$\{(env:|sys:|java:)?([\w.-]+)\}$/.exec(expression) ?? [];
  if (prefix === 'env:') return `Set the environment variable ${name} where the agent runs.`;
  if (prefix === 'sys:') return `Start with -D${name}=….`;
  if (prefix === 'java:') return 'Write the value itself: there is no Java here to ask.';
  return name === ''
    ? 'Write the value itself.'
    : `Set the property ${name}, or write \${env:${name}} for an environment variable.`;
}
