import type { Describable } from './reference.ts';

/** The lines around a component that make an agent of it. */
const source = ['a1.sources.r1.type = seq', 'a1.sources.r1.channels = c1'];
const channel = [
  'a1.channels.c1.type = memory',
  'a1.channels.c1.capacity = 10000',
  'a1.channels.c1.transactionCapacity = 1000',
];
const sink = ['a1.sinks.k1.type = logger', 'a1.sinks.k1.channel = c1'];

/** A whole agent around the example of a component; undefined when it has none. */
export function exampleAgent(component: Describable): string | undefined {
  const { kind, type, example } = component;
  const wholeFile = 'wholeFile' in component && component.wholeFile === true;
  if (!example) return undefined;
  // In a .properties file each backslash is written twice.
  const own = example
    .trim()
    .replaceAll(/(?<!\\)\\(?!\\)/g, '\\\\')
    .split('\n');
  const lines = own.some((line) => /^type\b/.test(line)) ? own : [`type = ${type}`, ...own];
  const below = (prefix: string) => lines.map((line) => (line === '' ? '' : prefix + line));
  const lists = ['a1.sources = r1', 'a1.channels = c1', 'a1.sinks = k1', ''];
  switch (kind) {
    case 'source':
      return text(lists, below('a1.sources.r1.'), source.slice(1), channel, sink);
    case 'channel':
      return text(lists, source, below('a1.channels.c1.'), sink);
    case 'sink':
      return text(lists, source, channel, below('a1.sinks.k1.'), sink.slice(1));
    case 'interceptor': {
      const interceptor = [
        'a1.sources.r1.interceptors = i1',
        ...below('a1.sources.r1.interceptors.i1.'),
      ];
      return text(lists, source, interceptor, channel, sink);
    }
    case 'selector': {
      return text(
        ['a1.sources = r1', 'a1.channels = c1 c2', 'a1.sinks = k1 k2', ''],
        [source[0] ?? '', 'a1.sources.r1.channels = c1 c2'],
        below('a1.sources.r1.selector.'),
        ['a1.channels.c1.type = memory', 'a1.channels.c2.type = memory'],
        [...sink, 'a1.sinks.k2.type = logger', 'a1.sinks.k2.channel = c2'],
      );
    }
    case 'serializer': {
      // Its lines are those of a sink that has it.
      const files = ['type = file_roll', 'sink.directory = /var/log/collected', ...own];
      const sinkLines = files.map((line) => `a1.sinks.k1.${line}`);
      // Whole files are no larger than what the channel holds.
      const large = channel.map((line) => line.replace('= 10000', '= 1000000'));
      return text(lists, source, wholeFile ? large : channel, sinkLines, sink.slice(1));
    }
    default:
      return undefined;
  }
}

function text(...parts: readonly (readonly string[])[]): string {
  return parts.flat().join('\n');
}
