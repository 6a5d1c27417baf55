import type { AgentBlocks, Block, ListName } from './blocks.ts';
import type { Finding, Place } from './finding.ts';
import { finding } from './finding.ts';
import { nearest } from './nearest.ts';
import { own } from './own.ts';
import { atKey, atValue } from './places.ts';
import type { Property } from './properties.ts';

/*
 * Flume's config filters: ${f1['key']}, ${f1["key"]} or ${f1[key]} in the lines of sources,
 * channels, sinks and sink groups is replaced by what the filter f1 knows under the key.
 */

export interface FilterContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Runs a program and gives its standard output. Rejects when it fails. */
  run(program: string, args: readonly string[]): Promise<string>;
}

/** The real world. A program has a minute, and may write 1 MiB. */
export const processFilterContext: FilterContext = {
  environment: process.env,
  run: async (program, args) => {
    const { execFile } = await import('node:child_process');
    const limits = { timeout: 60_000, maxBuffer: 1 << 20 };
    return new Promise((resolve, reject) => {
      execFile(program, args, limits, (error, output) => (error ? reject(error) : resolve(output)));
    });
  },
};

type Lookup = (key: string) => Promise<string | undefined>;

/** The agent with the placeholders of its filters replaced; what a filter doesn't know stays. */
export async function applyConfigFilters(
  agent: AgentBlocks,
  context: FilterContext,
): Promise<{ agent: AgentBlocks; findings: readonly Finding[] }> {
  const list = agent.lists.get('configfilters');
  if (!list) return { agent, findings: [] };
  const filters = new FilterSet(agent, context);
  for (const name of list.value.split(/\s+/)) filters.add(name, list);
  const components = { ...agent.components };
  const filtered: readonly ListName[] = ['sources', 'channels', 'sinks', 'sinkgroups'];
  for (const each of filtered) components[each] = await filters.blocks(agent.components[each]);
  return { agent: { ...agent, components }, findings: filters.findings };
}

class FilterSet {
  readonly findings: Finding[] = [];
  readonly #lookups = new Map<string, Lookup>();
  readonly #agent: AgentBlocks;
  readonly #context: FilterContext;

  constructor(agent: AgentBlocks, context: FilterContext) {
    this.#agent = agent;
    this.#context = context;
  }

  add(name: string, list: Property): void {
    const block = this.#agent.components.configfilters.get(name);
    const type = block?.properties.get('type');
    if (!block || !type) {
      const key = `${this.#agent.name}.configfilters.${name}.type`;
      const place = { ...atValue(list, name), key };
      this.#skip(place, `${key} is missing.`, `Write ${key} = env or external.`);
      return;
    }
    const lookup = this.#lookup(block, type);
    if (lookup) this.#lookups.set(name, lookup);
  }

  async blocks(blocks: ReadonlyMap<string, Block>): Promise<ReadonlyMap<string, Block>> {
    const replaced = new Map<string, Block>();
    for (const [name, block] of blocks) {
      const properties = new Map<string, Property>();
      for (const [key, property] of block.properties) {
        properties.set(key, { ...property, value: await this.#value(property) });
      }
      replaced.set(name, { ...block, properties });
    }
    return replaced;
  }

  async #value(property: Property): Promise<string> {
    const placeholder = /\$\{([^\s[\]{}$]+)\[(['"]?)([-_a-zA-Z0-9]+)\2\]\}/g;
    let result = '';
    let position = 0;
    for (const match of property.value.matchAll(placeholder)) {
      const [all, filter = '', , key = ''] = match;
      const found = await this.#ask(filter, key, property);
      result += property.value.slice(position, match.index) + (found ?? all);
      position = match.index + all.length;
    }
    return result + property.value.slice(position);
  }

  async #ask(filter: string, key: string, property: Property): Promise<string | undefined> {
    const lookup = this.#lookups.get(filter);
    try {
      return await lookup?.(key);
    } catch (error) {
      this.findings.push(
        finding('error', 'config-filter-failed', atValue(property), {
          what: `The config filter ${filter} failed for ${key}: ${firstLine(error)}`,
          consequence: 'The placeholder stays as text, here as in Flume.',
          suggestion: 'Run its command by hand, with the key as its last argument.',
        }),
      );
      return undefined;
    }
  }

  #lookup(block: Block, type: Property): Lookup | undefined {
    switch (filterType(type.value)) {
      case 'env':
        return async (key) => own(this.#context.environment, key);
      case 'external': {
        const [program, ...args] = block.properties.get('command')?.value.split(/\s+/) ?? [];
        if (!program) {
          const key = `${block.prefix}command`;
          const what = `${key} is required: the program that is asked.`;
          this.#skip({ ...atKey(type), key }, what, `Write ${key} = …`);
          return undefined;
        }
        return async (key) => {
          const output = await this.#context.run(program, [...args, key]);
          return output === '' ? undefined : output.split(/\r?\n/, 1)[0];
        };
      }
      case 'hadoop':
        this.#skip(
          atValue(type),
          'Millrace cannot read Hadoop credential stores yet.',
          'Use external, with a command that asks the store.',
        );
        return undefined;
      default: {
        const meant = nearest(type.value, ['env', 'external']);
        const hint = meant ? `Did you mean ${meant}?` : 'Write env or external.';
        this.#skip(atValue(type), `There is no config filter of type "${type.value}".`, hint);
        return undefined;
      }
    }
  }

  #skip(place: Place, what: string, suggestion: string): void {
    const consequence = 'The filter is left out, and its placeholders stay as text.';
    this.findings.push(finding('error', 'config-filter', place, { what, consequence, suggestion }));
  }
}

const filterClasses: Readonly<Record<string, string>> = {
  'org.apache.flume.configfilter.EnvironmentVariableConfigFilter': 'env',
  'org.apache.flume.configfilter.ExternalProcessConfigFilter': 'external',
  'org.apache.flume.configfilter.HadoopCredentialStoreConfigFilter': 'hadoop',
};

function filterType(type: string): string {
  return own(filterClasses, type) ?? type.toLowerCase();
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
