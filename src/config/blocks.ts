// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is what the texts speak of.
import type { Finding } from './finding.ts';
import { finding } from './finding.ts';
import { nearest } from './nearest.ts';
import { atKey, atKeyPart } from './places.ts';
import { byteOrderMark, type Property } from './properties.ts';

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
  const strangers: Property[] = [];
  for (const raw of properties) {
    const property = { ...raw, key: raw.key.trim(), value: raw.value.trim() };
    const placed = place(property, agents);
    if (placed === 'unknown section') strangers.push(property);
    else if (placed) findings.push(placed);
  }
  const listless = [...agents.values()].filter((agent) => agent.lists.size === 0);
  for (const { name } of listless) agents.delete(name);
  // What a byte order mark stands before is nobody's agent; a finding of its own says so.
  for (const name of agents.keys()) if (name.startsWith(byteOrderMark)) agents.delete(name);
  for (const agent of listless) {
    const problem = noLists(agent, agents.keys());
    if (problem) findings.push(problem);
  }
  for (const property of strangers) {
    const [name = ''] = property.key.split('.');
    const agent = agents.get(name);
    findings.push(agent ? unknownPart(property, agent) : ofNobody(property, agents.keys()));
  }
  return { agents, findings };
}

/** Undefined when it is rather a group of properties that other values refer to. */
function noLists(agent: MutableBlocks, agents: Iterable<string>): Finding | undefined {
  const blocks = listNames.flatMap((list) => [...agent.components[list].values()]);
  const properties = blocks.flatMap((block) => [...block.properties.values()]);
  const [first, ...others] = properties;
  if (!first) return undefined;
  const meant = nearest(agent.name, agents);
  const also = others.length === 0 ? '' : ` So have ${others.length} more lines of ${agent.name}.`;
  return finding('warning', 'agent-without-lists', atKey(first), {
    what: `There is no agent ${agent.name}: no line lists its sources, channels or sinks.`,
    consequence: `This line has no effect.${also}`,
    suggestion: meant
      ? `Did you mean the agent ${meant}?`
      : `Write ${agent.name}.sources, ${agent.name}.channels and ${agent.name}.sinks.`,
  });
}

/** Undefined when the property is placed, or has no meaning that could be missed. */
function place(
  property: Property,
  agents: Map<string, MutableBlocks>,
): Finding | 'unknown section' | undefined {
  const { key, value } = property;
  if (value === '' && !key.includes('.')) return notAnAgent(property);
  if (value === '') {
    return finding('warning', 'empty-value', atKey(property), {
      what: `${key} has no value.`,
      consequence: 'The line has no effect, here as in Flume: the default holds, if there is one.',
      suggestion: 'Write a value behind it, or remove the line.',
    });
  }
  const [name = '', ...rest] = key.split('.');
  const [list = '', component, ...relative] = rest;
  if (name === '' || rest.join('.') === '') return notAnAgent(property);
  const agent = agents.get(name) ?? emptyAgent(name);
  agents.set(name, agent);
  const known = listNames.find((each) => each === list);
  if (!known) return 'unknown section';
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

/** May it be the name of a property, and no word of a text? */
export function isName(key: string): boolean {
  return /^[\w-]+(\.[\w-]+)*$/.test(key);
}

/** Fine where another value refers to it with ${…}; so this is no more than a note. */
export function notAnAgent(property: Property): Finding {
  const [text = ''] = property.parts.map((part) => part.text);
  const isNamed = isName(property.key) && /[=:]/.test(text);
  return finding('note', 'not-an-agent-key', atKey(property), {
    what: isNamed
      ? `${property.key} does not begin with the name of an agent and a dot.`
      : 'This is no line of an agent, and no comment.',
    consequence: 'It configures nothing, here as in Flume; other values may refer to it by ${…}.',
    suggestion: isNamed
      ? 'Write the name of the agent before it, unless other values refer to it.'
      : 'Begin the line with #.',
  });
}

/** A line of no agent is misspelt, or belongs to properties that other values refer to. */
function ofNobody(property: Property, agents: Iterable<string>): Finding {
  const { key } = property;
  const [name = ''] = key.split('.');
  const meant = undotted(key, agents);
  return finding(meant ? 'warning' : 'note', 'not-an-agent-key', atKey(property), {
    what: `There is no agent ${name}: no line lists its sources, channels or sinks.`,
    consequence: 'The line configures nothing, here as in Flume.',
    suggestion: meant
      ? `Did you mean ${meant}?`
      : 'Remove it, unless it is there for other values to refer to.',
  });
}

/** `a1sources.r1.type` → `a1.sources.r1.type`: a dot is missing, or in another place. */
function undotted(key: string, agents: Iterable<string>): string | undefined {
  for (const agent of agents) {
    for (const list of listNames) {
      const start = new RegExp(`^${escaped(agent)}\\W?\\w?${list}\\.*`);
      const rest = start.exec(key);
      if (rest) return `${agent}.${list}.${key.slice(rest[0].length)}`.replace(/\.$/, '');
    }
  }
  return undefined;
}

function escaped(text: string): string {
  return text.replaceAll(/\W/g, '\\$&');
}

function unknownPart(property: Property, agent: MutableBlocks): Finding {
  const [name = '', word = '', ...rest] = property.key.split('.');
  const owner = listNames.find((list) => agent.components[list].has(word));
  const meant = nearest(word, listNames);
  const key = owner
    ? [name, owner, word, ...rest].join('.')
    : meant && [name, meant, ...rest].join('.');
  return finding('warning', 'unknown-section', atKeyPart(property, word), {
    what:
      `After the agent's name comes sources, channels, sinks, sinkgroups or configfilters, not ` +
      `"${word}".`,
    consequence: 'The line has no effect, here as in Flume.',
    suggestion: key ? `Did you mean ${key}?` : 'Write one of these words, or remove the line.',
  });
}

function incomplete(property: Property, list: ListName): Finding {
  const [agent, , component = ''] = property.key.split('.');
  const isNamed = component !== '';
  return finding('warning', 'incomplete-key', atKey(property), {
    what: isNamed
      ? `${property.key} names ${component}, but no option of it.`
      : `${property.key} names nothing of ${agent}.${list}.`,
    consequence: 'The line has no effect, here as in Flume.',
    suggestion: isNamed
      ? `Did you mean ${agent}.${list}.${component}.type?`
      : `Write ${agent}.${list}.NAME.OPTION = VALUE.`,
  });
}
