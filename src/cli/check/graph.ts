import { asWritten } from '../../config/finding.ts';
import type { Planned, PlannedComponent } from '../../config/plan.ts';

/** The agent as text: each source, its channels, and their sinks. */
export function graphText(planned: Planned): string {
  const graph = new Graph(planned);
  const lines = [planned.plan.agent];
  for (const source of graph.sources) {
    lines.push(`  ${labelOf(source)}`);
    const channels = source.channels.map((name) => graph.channel(name));
    for (const [index, channel] of channels.entries()) {
      const isLast = index === channels.length - 1;
      lines.push(
        ...branch(graph, channel, isLast ? '  └─▶ ' : '  ├─▶ ', isLast ? '      ' : '  │   '),
      );
    }
  }
  for (const channel of graph.channelsWithoutSource) {
    lines.push('  (no source)', ...branch(graph, channel, '  └─▶ ', '      '));
  }
  for (const sink of graph.sinksWithoutChannel) {
    lines.push('  (no channel)', `  └─▶ ${labelOf(sink)}`);
  }
  return `${lines.join('\n')}\n`;
}

function branch(graph: Graph, channel: PlannedComponent, first: string, next: string): string[] {
  const sinks = graph.sinksOf(channel.name);
  if (graph.wasDrawn(channel.name)) {
    return [`${first}${channel.name}, as above`];
  }
  const lines = [`${first}${labelOf(channel)}`];
  if (sinks.length === 0) lines.push(`${next}└─▶ (no sink)`);
  for (const [index, sink] of sinks.entries()) {
    lines.push(`${next}${index === sinks.length - 1 ? '└' : '├'}─▶ ${labelOf(sink)}`);
  }
  return lines;
}

function labelOf({ name, type, interceptors, runs, kind }: PlannedComponent): string {
  const through = interceptors.length === 0 ? '' : ` [${interceptors.map(shortType).join(', ')}]`;
  const out = runs ? '' : `  ✗ this ${kind} is left out`;
  return `${asWritten(name)} (${shortType(type)})${through}${out}`;
}

/** A class of Java without its packages, `KafkaSource`. */
function shortType(type: string): string {
  const [word = ''] = asWritten(type).split(/\s/, 1);
  return /^\w+(\.\w+)+(\$Builder)?$/.test(word) ? word.replace(/^.*\.|\$Builder$/g, '') : word;
}

class Graph {
  readonly sources: readonly PlannedComponent[];
  readonly #components: readonly PlannedComponent[];
  readonly #drawn = new Set<string>();

  constructor({ components }: Planned) {
    this.#components = components;
    this.sources = components.filter(({ kind }) => kind === 'source');
  }

  /** One that is not defined is drawn all the same. */
  channel(name: string): PlannedComponent {
    const found = this.#components.find((each) => each.kind === 'channel' && each.name === name);
    const missing = { kind: 'channel', name, type: 'undefined', channels: [], interceptors: [] };
    return found ?? { ...missing, kind: 'channel', runs: false };
  }

  sinksOf(channel: string): readonly PlannedComponent[] {
    return this.#components.filter(
      ({ kind, channels }) => kind === 'sink' && channels.includes(channel),
    );
  }

  wasDrawn(channel: string): boolean {
    const was = this.#drawn.has(channel);
    this.#drawn.add(channel);
    return was;
  }

  get channelsWithoutSource(): readonly PlannedComponent[] {
    const named = this.sources.flatMap(({ channels }) => channels);
    const defined = this.#components.filter(({ kind }) => kind === 'channel');
    return defined.filter(({ name }) => !named.includes(name));
  }

  get sinksWithoutChannel(): readonly PlannedComponent[] {
    const isDefined = (name: string) =>
      this.#components.some((each) => each.kind === 'channel' && each.name === name);
    const named = this.sources.flatMap(({ channels }) => channels);
    return this.#components.filter(
      ({ kind, channels }) =>
        kind === 'sink' && !channels.some((name) => isDefined(name) || named.includes(name)),
    );
  }
}

const shapes = { source: ['[/', '/]'], channel: ['[(', ')]'], sink: ['[', ']'] } as const;

/** All agents as one Mermaid flowchart. */
export function graphMermaid(planned: readonly Planned[]): string {
  const lines = ['flowchart LR'];
  let isOut = false;
  for (const [index, { plan, components }] of planned.entries()) {
    const idOf = (kind: string, name: string) => `a${index}_${kind}_${name.replaceAll(/\W/g, '_')}`;
    lines.push(`  subgraph a${index}["${escaped(plan.agent)}"]`);
    for (const { kind, name, type, runs } of components) {
      const [open, close] = shapes[kind];
      const out = runs ? '' : ':::out';
      const label = `${escaped(asWritten(name))}<br>${escaped(shortType(type))}`;
      isOut ||= !runs;
      lines.push(`    ${idOf(kind, name)}${open}"${label}"${close}${out}`);
    }
    for (const { kind, name, channels } of components) {
      for (const channel of channels) {
        const ends = [idOf(kind, name), idOf('channel', channel)];
        if (kind === 'sink') ends.reverse();
        lines.push(`    ${ends.join(' --> ')}`);
      }
    }
    lines.push('  end');
  }
  if (isOut) lines.push('  classDef out stroke-dasharray: 4 4,opacity: 0.5');
  return `${lines.join('\n')}\n`;
}

function escaped(text: string): string {
  return text.replaceAll(/[^\w .,:/$-]/g, (character) => `#${character.codePointAt(0)};`);
}
