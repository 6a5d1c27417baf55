import type { Finding } from './finding.ts';
import { finding } from './finding.ts';
import { nearest } from './nearest.ts';
import type { Property } from './properties.ts';

/** The lines of one component: key relative to it → property. */
export interface Block {
  /** What the full keys begin with: `a1.sources.r1.`. */
  readonly prefix: string;
  readonly properties: ReadonlyMap<string, Property>;
}

export type ListName = (typeof listNames)[number];

const listNames = ['configfilters', 'sources', 'channels', 'sinks', 'sinkgroups'] as const;

/** The lines of one agent: its lists of names, and the block of each component. */
export interface AgentBlocks {
  readonly name: string;
  readonly lists: ReadonlyMap<ListName, Property>;
  readonly components: Readonly<Record<ListName, ReadonlyMap<string, Block>>>;
}

type MutableBlocks = {
  readonly name: string;
  readonly lists: Map<ListName, Property>;
  readonly components: Readonly<
    Record<ListName, Map<string, { prefix: string; properties: Map<string, Property> }>>
  >;
};

/**
 * Sorts properties by agent and component, as Flume does: trimmed; an empty value is as if the line
 * were not there; a key that belongs to nothing is left out. Findings say what was left out.
 */
export function splitAgents(properties: Iterable<Property>): {
  agents: ReadonlyMap<string, AgentBlocks>;
  findings: readonly Finding[];
} {
  const agents = new Map<string, MutableBlocks>();
  const findings: Finding[] = [];
  for (const raw of properties) {
    const property = { ...raw, key: raw.key.trim(), value: raw.value.trim() };
    const problem = place(property, agents);
    if (problem) findings.push(problem);
  }
  const listless = [...agents.values()].filter((agent) => agent.lists.size === 0);
  for (const { name } of listless) agents.delete(name);
  for (const agent of listless) {
    const problem = noLists(agent, agents.keys());
    if (problem) findings.push(problem);
  }
  const isPlain = ({ code, key }: Finding) =>
    code === 'unknown-section' && listless.some(({ name }) => key?.startsWith(`${name}.`));
  return { agents, findings: findings.filter((each) => !isPlain(each)) };
}

/** Undefined when it is rather a group of properties that other values refer to. */
function noLists(agent: MutableBlocks, agents: Iterable<string>): Finding | undefined {
  const blocks = listNames.flatMap((list) => [...agent.components[list].values()]);
  const [first] = blocks[0]?.properties.values() ?? [];
  if (!first) return undefined;
  const meant = nearest(agent.name, agents);
  return finding('warning', 'agent-without-lists', first, {
    what: `${agent.name} has lines for components, but no list such as ${agent.name}.channels.`,
    consequence: 'None of these lines has an effect.',
    suggestion: meant && `Did you mean the agent ${meant}?`,
  });
}

function place(property: Property, agents: Map<string, MutableBlocks>): Finding | undefined {
  const { key, value } = property;
  if (value === '') {
    return finding('warning', 'empty-value', property, {
      what: `${key} has no value.`,
      consequence: 'The line is ignored, as in Flume: the default holds, if there is one.',
    });
  }
  const [name = '', ...rest] = key.split('.');
  const [list = '', component, ...relative] = rest;
  if (name === '' || rest.join('.') === '') return notAnAgent(property);
  const agent = agents.get(name) ?? emptyAgent(name);
  agents.set(name, agent);
  const known = listNames.find((each) => each === list);
  if (!known) return unknownPart(property, list);
  if (component === undefined) {
    agent.lists.set(known, property);
    return undefined;
  }
  if (component === '' || relative.join('.') === '') return incomplete(property, known);
  const blocks = agent.components[known];
  const prefix = `${name}.${known}.${component}.`;
  const block = blocks.get(component) ?? { prefix, properties: new Map() };
  block.properties.set(relative.join('.'), property);
  blocks.set(component, block);
  return undefined;
}

function emptyAgent(name: string): MutableBlocks {
  return {
    name,
    lists: new Map(),
    components: {
      configfilters: new Map(),
      sources: new Map(),
      channels: new Map(),
      sinks: new Map(),
      sinkgroups: new Map(),
    },
  };
}

/** Fine where another value refers to it with ${…}; so this is no more than a note. */
function notAnAgent(property: Property): Finding {
  return finding('note', 'not-an-agent-key', property, {
    what: `${property.key} does not begin with the name of an agent and a dot.`,
    consequence: 'It configures nothing; other values may refer to it.',
    suggestion: /^[\w.-]+$/.test(property.key) ? undefined : 'A comment begins with #.',
  });
}

function unknownPart(property: Property, word: string): Finding {
  const meant = nearest(word, listNames);
  return finding('warning', 'unknown-section', property, {
    what: `${property.key}: after the agent's name, "${word}" is none of ${listNames.join(', ')}.`,
    consequence: 'The line is ignored, as in Flume.',
    suggestion: meant && `Did you mean ${meant}?`,
  });
}

function incomplete(property: Property, list: ListName): Finding {
  return finding('warning', 'incomplete-key', property, {
    what: `${property.key} names no option of a component in ${list}.`,
    consequence: 'The line is ignored, as in Flume.',
  });
}
