import type { AgentBlocks, Block, ListName } from '../blocks.ts';
import type { ComponentKind, Definition } from '../definition.ts';
import type { Finding, FindingText, Place, Severity } from '../finding.ts';
import { finding } from '../finding.ts';
import type { FlumeComponent } from '../flume/component.ts';
import { flumeClass } from '../flume-types.ts';
import { nearest } from '../nearest.ts';
import { atKeyPart, atValue, missingAt } from '../places.ts';
import type { Property } from '../properties.ts';
import { ofFlume, ofNobody } from './unknown-type.ts';

export type DefinitionOf<K extends ComponentKind> = Extract<Definition, { kind: K }>;

/** Finds what a `type` names. The registry has one; tests have their own. */
export interface Resolver {
  /**
   * The definition, or undefined when nothing has that name.
   *
   * @throws ConfigError when a file or package has that name, but does not define what it should
   */
  find(kind: ComponentKind, type: string): Promise<Definition | undefined>;
  /** The types that have a name of their own, to suggest one for a misspelt one. */
  types(kind: ComponentKind): readonly string[];
}

/** A component that is listed, has lines and a type. */
export interface Listed {
  readonly name: string;
  readonly block: Block;
  readonly type: Property;
}

/** What a type means: our definition, or what is known of Flume's component; neither: unknown. */
export interface Meaning<K extends ComponentKind> {
  readonly definition?: DefinitionOf<K>;
  readonly known?: FlumeComponent;
}

/** A source, channel or sink as its lines have it, whether it can run or not. */
export interface Component extends Listed, Meaning<'source' | 'channel' | 'sink'> {
  readonly kind: 'source' | 'channel' | 'sink';
}

/** The lists whose names have a kind and a type. */
type ComponentList = 'sources' | 'channels' | 'sinks';

const componentLists = ['sources', 'channels', 'sinks', 'sinkgroups'] as const;
const kindOf = { sources: 'source', channels: 'channel', sinks: 'sink' } as const;

const names: Readonly<Record<ListName, string>> = {
  ...kindOf,
  sinkgroups: 'sink group',
  configfilters: 'config filter',
};

/** What the steps of planning one agent share. */
export class PlanScope {
  readonly agent: AgentBlocks;
  readonly findings: Finding[] = [];
  readonly components: Component[] = [];
  readonly #resolver: Resolver;

  constructor(agent: AgentBlocks, resolver: Resolver) {
    this.agent = agent;
    this.#resolver = resolver;
  }

  add(severity: Severity, code: Finding['code'], place: Place, text: FindingText): void {
    this.findings.push(finding(severity, code, place, text));
  }

  /** The words of a list of the agent; none when there is no such list. */
  names(list: ListName): readonly string[] {
    return [...new Set(this.agent.lists.get(list)?.value.split(/\s+/) ?? [])];
  }

  /**
   * What the list names and can be looked at; findings say what is missing, and what is not listed.
   */
  listed(list: ComponentList): Listed[] {
    const property = this.agent.lists.get(list);
    const blocks = this.agent.components[list];
    const listed: Listed[] = [];
    for (const name of this.names(list)) {
      const block = blocks.get(name);
      const type = block?.properties.get('type');
      if (!block) this.withoutLines(list, name, property);
      else if (!type) this.#withoutType(name, block, list);
      else listed.push({ name, block, type });
    }
    this.unlisted(list);
    return listed;
  }

  /** What a type means; a finding when it is nothing that can run here. */
  async meaning<K extends ComponentKind>(
    kind: K,
    type: Property,
    ifUnknown: string,
  ): Promise<Meaning<K>> {
    try {
      const found = await this.#resolver.find(kind, type.value);
      if (found?.kind === kind) return { definition: found as DefinitionOf<K> };
    } catch (error) {
      this.add('error', 'custom-component', atValue(type), {
        what: withoutPaths(error instanceof Error ? error.message : String(error)),
        consequence: ifUnknown,
        suggestion: `Correct ${type.value}, or write another type.`,
      });
      return {};
    }
    const known = await this.knownComponent(kind, type.value);
    const found = known
      ? ofFlume(kind, type, known, ifUnknown)
      : ofNobody(kind, type, this.#resolver, ifUnknown);
    this.findings.push(found);
    return known ? { known } : {};
  }

  /** What is known of a component of Flume. The tables are loaded when first asked for. */
  async knownComponent(kind: ComponentKind, type: string): Promise<FlumeComponent | undefined> {
    if (!flumeClass(kind, type)) return undefined;
    const { knownComponent } = await import('../flume/known.ts');
    return knownComponent(kind, type);
  }

  /** A name that is listed and has no lines. */
  withoutLines(list: ListName, name: string, property: Property | undefined): void {
    const place = property ? atValue(property, name) : {};
    const what = names[list];
    const left = list === 'channels' ? this.withDependents(name) : `${name} is left out`;
    const consequence = `${left}, here as in Flume.`;
    if (name.includes('.')) {
      this.add('error', 'name-with-dot', place, {
        what: `The name of the ${what} ${name} has a dot in it.`,
        consequence: `The dot ends the name in the keys of its lines: ${consequence}`,
        suggestion: `Write ${name.replaceAll('.', '_')}, here and in its lines.`,
      });
      return;
    }
    const unlisted = [...this.agent.components[list].keys()].filter(
      (each) => !this.names(list).includes(each),
    );
    const meant = nearest(name, unlisted);
    this.add('error', 'component-without-lines', place, {
      what: `${property?.key} lists ${name}, which has no lines of its own.`,
      consequence,
      suggestion: separatorHint(name) ?? this.#instead(list, name, meant),
    });
  }

  #instead(list: ListName, name: string, meant: string | undefined): string {
    const isGroup = list === 'sinks' && this.agent.components.sinkgroups.has(name);
    if (isGroup) return `Remove ${name}: it is a sink group.`;
    return meant ? `Did you mean ${meant}?` : `Remove ${name}, or write its lines.`;
  }

  /** What has lines, and is not in the list. */
  unlisted(list: ListName): void {
    const listed = this.names(list);
    const dotted = new Set(listed.filter((name) => name.includes('.')).map(beforeDot));
    const property = this.agent.lists.get(list);
    const key = `${this.agent.name}.${list}`;
    for (const [name, block] of this.agent.components[list]) {
      const [first] = block.properties.values();
      if (!first || listed.includes(name) || dotted.has(name)) continue;
      const elsewhere = componentLists.find(
        (each) => each !== list && this.names(each).includes(name),
      );
      // Lines without a type belong to something else, rather.
      const meant = block.properties.has('type') ? undefined : nearest(name, listed);
      this.add(
        'warning',
        'unlisted-component',
        { ...atKeyPart(first, name), key: block.prefix },
        {
          what: `The ${names[list]} ${name} is not listed in ${key}.`,
          consequence: 'Its lines have no effect, here as in Flume.',
          suggestion: elsewhere
            ? `${name} is in ${this.agent.name}.${elsewhere}: write that in the key.`
            : meant
              ? `Did you mean ${meant}?`
              : property
                ? `Add ${name} to ${key} in line ${property.line}, or remove its lines.`
                : `Write ${key} = ${name}, or remove its lines.`,
        },
      );
    }
  }

  #withoutType(name: string, block: Block, list: ComponentList): void {
    const [first] = block.properties.values();
    const meant = nearest('type', block.properties.keys());
    const key = `${block.prefix}type`;
    const left = list === 'channels' ? this.withDependents(name) : `${name} is left out`;
    this.add('error', 'missing-type', missingAt(key, first), {
      what: `${key} is missing: the kind of ${names[list]} that ${name} is.`,
      consequence: `${left}, here as in Flume.`,
      suggestion: meant
        ? `Is ${block.prefix}${meant} meant to be ${key}?`
        : `Write ${key} = ${this.#resolver.types(kindOf[list])[0] ?? '…'}, or what it is.`,
    });
  }

  /** What goes when a channel goes: no full stop, since sentences go on. */
  withDependents(channel: string): string {
    const { sources, sinks } = this.agent.components;
    const named = (blocks: ReadonlyMap<string, Block>, key: string, only: boolean) =>
      [...blocks]
        .filter(([, { properties }]) => {
          const words = properties.get(key)?.value.split(/\s+/) ?? [];
          return words.includes(channel) && (!only || words.length === 1);
        })
        .map(([name]) => name);
    const gone = [...named(sources, 'channels', true), ...named(sinks, 'channel', true)];
    const others = gone.length === 0 ? '' : `, and with it ${gone.join(', ')}`;
    return `The channel ${channel} is left out${others}`;
  }

  /** For a channel that is misspelt. */
  suggestChannel(word: string): string {
    const channels = this.names('channels').filter((name) => name !== word);
    const unlisted = this.agent.components.channels.has(word);
    if (unlisted) return `Add ${word} to ${this.agent.name}.channels.`;
    const meant = nearest(word, channels);
    if (meant) return `Did you mean ${meant}?`;
    return channels.length === 0 ? 'Define it.' : `Channels there are: ${channels.join(', ')}.`;
  }
}

/** Node says where it looked, and who asked: a person knows what they wrote. */
function withoutPaths(message: string): string {
  return message.replace(/Cannot find module '([^']*)'.*/s, (_all, path: string) => {
    return `there is no file ${path.slice(path.lastIndexOf('/') + 1)}.`;
  });
}

function beforeDot(name: string): string {
  return name.slice(0, name.indexOf('.'));
}

/** For names that were meant to be several. */
export function separatorHint(word: string): string | undefined {
  return /[,;]/.test(word) ? 'Separate names by blanks, not by commas.' : undefined;
}
