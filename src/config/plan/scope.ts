import type { AgentBlocks, Block, ListName } from '../blocks.ts';
import type { ComponentKind, Definition } from '../definition.ts';
import type { Finding, FindingText, Place, Severity } from '../finding.ts';
import { finding } from '../finding.ts';
import { flumeClass } from '../flume-types.ts';
import { nearest } from '../nearest.ts';
import type { Property } from '../properties.ts';

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

/** What the steps of planning one agent share. */
export class PlanScope {
  readonly agent: AgentBlocks;
  readonly findings: Finding[] = [];
  readonly #resolver: Resolver;

  constructor(agent: AgentBlocks, resolver: Resolver) {
    this.agent = agent;
    this.#resolver = resolver;
  }

  add(severity: Severity, code: string, place: Place | undefined, text: FindingText): void {
    this.findings.push(finding(severity, code, place ?? {}, text));
  }

  /** The words of a list of the agent; none when there is no such list. */
  names(list: ListName): readonly string[] {
    return [...new Set(this.agent.lists.get(list)?.value.split(/\s+/) ?? [])];
  }

  /**
   * What the list names and can be looked at; findings say what is missing, and what is not listed.
   */
  listed(list: ListName): Listed[] {
    const property = this.agent.lists.get(list);
    const blocks = this.agent.components[list];
    const names = this.names(list);
    const listed: Listed[] = [];
    for (const name of names) {
      const block = blocks.get(name);
      const type = block?.properties.get('type');
      if (!block) this.#withoutLines(list, name, property);
      else if (!type) this.#withoutType(block, list);
      else listed.push({ name, block, type });
    }
    for (const [name, block] of blocks)
      if (!names.includes(name)) this.#unlisted(list, name, block);
    return listed;
  }

  /** The definition that a type names, or undefined and a finding. */
  async definition<K extends ComponentKind>(
    kind: K,
    type: Property,
    ifUnknown: string,
  ): Promise<DefinitionOf<K> | undefined> {
    try {
      const found = await this.#resolver.find(kind, type.value);
      if (found?.kind === kind) return found as DefinitionOf<K>;
    } catch (error) {
      const what = `${type.key}: ${error instanceof Error ? error.message : error}`;
      this.add('error', 'custom-component', type, { what, consequence: ifUnknown });
      return undefined;
    }
    this.#unknownType(kind, type, ifUnknown);
    return undefined;
  }

  #unknownType(kind: ComponentKind, type: Property, ifUnknown: string): void {
    const { key, value } = type;
    const known = this.#resolver.types(kind);
    const ofFlume = flumeClass(kind, value);
    if (ofFlume) {
      this.add('error', 'type-not-yet', type, {
        what: `${key}: Flume's ${kind} ${value} is not in Millrace yet.`,
        consequence: ifUnknown,
        suggestion: known.length > 0 ? `What there is: ${known.join(', ')}.` : undefined,
      });
      return;
    }
    if (/^[\w$]+(\.[\w$]+)+$/.test(value)) {
      this.add('error', 'unknown-class', type, {
        what: `${key}: ${value} is a Java class, which Millrace cannot run.`,
        consequence: ifUnknown + flumeWouldFail(kind),
        suggestion:
          `Write it in TypeScript, with type = ./my-${kind}.ts, or keep a small Flume for it and ` +
          'connect the two by Avro.',
      });
      return;
    }
    const word = value.split(/\s/, 1)[0] ?? value;
    const meant = nearest(word, known);
    this.add('error', 'unknown-type', type, {
      what: `${key}: there is no ${kind} of type "${value}".`,
      consequence: ifUnknown + flumeWouldFail(kind),
      suggestion: meant ? `Did you mean ${meant}?` : `Known: ${known.join(', ')}.`,
    });
  }

  #withoutLines(list: ListName, name: string, property: Property | undefined): void {
    const meant = nearest(name, this.agent.components[list].keys());
    const comma = 'Names are separated by blanks, not by commas.';
    this.add('error', 'component-without-lines', property, {
      what: `${property?.key} lists ${name}, which has no lines of its own.`,
      consequence: `${name} is left out, as in Flume.`,
      suggestion: /[,;]/.test(name) ? comma : meant && `Did you mean ${meant}?`,
    });
  }

  #withoutType(block: Block, list: ListName): void {
    const [first] = block.properties.values();
    const meant = nearest('type', block.properties.keys());
    const key = `${block.prefix}type`;
    this.add(
      'error',
      'missing-type',
      { ...first, key },
      {
        what: `${key} is missing: the kind of ${list.slice(0, -1)} it is.`,
        consequence: 'It is left out, as in Flume.',
        suggestion: meant && `Is ${meant} meant to be type?`,
      },
    );
  }

  #unlisted(list: ListName, name: string, block: Block): void {
    const [first] = block.properties.values();
    this.add(
      'warning',
      'unlisted-component',
      { ...first, key: block.prefix },
      {
        what: `${name} is not listed in ${this.agent.name}.${list}.`,
        consequence: 'Its lines have no effect, as in Flume.',
        suggestion: `Add ${name} to ${this.agent.name}.${list}, or remove its lines.`,
      },
    );
  }

  /** For a channel that is misspelt. */
  suggestChannel(word: string): string | undefined {
    const meant = nearest(
      word,
      this.names('channels').filter((name) => name !== word),
    );
    return meant && `Did you mean ${meant}?`;
  }
}

/** An unknown source, channel or sink stops all of Flume; anything else only its component. */
function flumeWouldFail(kind: ComponentKind): string {
  return kind === 'source' || kind === 'channel' || kind === 'sink'
    ? ' Flume would not start at all; here everything else runs.'
    : '';
}
