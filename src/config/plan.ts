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
import { finding, sortFindings } from './finding.ts';
import type { Configuration } from './load.ts';
import { nearest } from './nearest.ts';
import { planChannels, withoutUnused } from './plan/channels.ts';
import { withoutClashes } from './plan/clashes.ts';
import type { Resolver } from './plan/scope.ts';
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

export interface Planned {
  readonly plan: AgentPlan;
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
    findings: sortFindings(scope.findings),
    runnable: canMoveEvents(plan),
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
    const key = `${agent.name}.channels`;
    const [first] = agent.lists.values();
    scope.add(
      'error',
      'no-channels',
      { file: first?.file, key },
      {
        what: `${key} lists no channel.`,
        consequence: 'Nothing can run, as in Flume.',
      },
    );
    return { agent: agent.name, sources: [], channels: [], sinks: [] };
  }
  const channels = await planChannels(scope);
  const sources = await planSources(scope, channels);
  const sinks = await planSinks(scope, channels);
  const kept = withoutClashes(scope, { agent: agent.name, sources, channels, sinks });
  checkSinkGroups(scope, kept.sinks);
  return withoutUnused(scope, kept);
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
      consequence: 'Nothing can run; Flume would go on running, with nothing in it.',
      suggestion: meant && `Did you mean -n ${meant}?`,
    },
  );
  return {
    plan: { agent: name, sources: [], channels: [], sinks: [] },
    findings: sortFindings([missing, ...configuration.findings]),
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
    for (const expression of new Set(left.filter((each) => property.value.includes(each)))) {
      scope.add('warning', 'unresolved', property, {
        what: `${property.key}: nothing gives ${expression} a value.`,
        consequence: 'It stays in the value as text, as in Flume.',
        suggestion: suggestionFor(expression),
      });
    }
  }
}

function suggestionFor(expression: string): string | undefined {
  const [, prefix, name = ''] = /^\$\{(env:|sys:|java:)?([\w.-]+)\}$/.exec(expression) ?? [];
  if (prefix === 'env:') return `Set the environment variable ${name}.`;
  if (prefix === 'sys:') return `Start with -D${name}=….`;
  if (prefix === 'java:') return 'There is no Java here to ask.';
  return name === '' ? undefined : `For an environment variable, write \${env:${name}}.`;
}
