import { atValue } from '../places.ts';
import { channelsOf } from './batches.ts';
import { below } from './read-component.ts';
import type { Component, PlanScope } from './scope.ts';
import { optionOf, wordOf } from './values.ts';

/** Per sink, the keys in whose values the time is filled in, and the switch to the clock's. */
const timed: Readonly<Record<string, { readonly keys: readonly string[]; readonly own: string }>> =
  {
    hdfs: { keys: ['hdfs.path', 'hdfs.filePrefix'], own: 'hdfs.useLocalTimeStamp' },
    hive: { keys: ['hive.partition'], own: 'useLocalTimeStamp' },
  };

/** `%Y` and the like; all of them need the time, even `%%`. */
const timeEscape = /%[\w%]/;

/** Paths with the time in them, where events come without the header that has it. */
export function adviseOnTime(scope: PlanScope): void {
  for (const sink of scope.components.filter((each) => each.kind === 'sink')) {
    const rule = Object.hasOwn(timed, wordOf(sink)) ? timed[wordOf(sink)] : undefined;
    if (!rule || optionOf(sink, rule.own) === true) continue;
    const properties = rule.keys.map((key) => sink.block.properties.get(key));
    const property = properties.find((each) => each && timeEscape.test(each.value));
    const without = property && sourcesWithoutTime(scope, sink);
    if (!property || !without || without.length === 0) continue;
    const [used = ''] = timeEscape.exec(property.value) ?? [];
    const names = without.map(({ name }) => name).join(', ');
    const [first] = without;
    scope.add('error', 'no-timestamp', atValue(property), {
      what: `The path has ${used} in it, but events from ${names} bring no header timestamp.`,
      consequence: 'No such event can be written; the sink tries the first one for ever.',
      suggestion: 'Take the time from the clock, or set the header at the source:',
      lines: [`${sink.block.prefix}${rule.own} = true`, ...(first ? timestampLines(first) : [])],
    });
  }
}

function timestampLines({ block }: Component): string[] {
  const list = block.properties.get('interceptors')?.value;
  return [
    `${block.prefix}interceptors = ${list ? `${list} ` : ''}ts`,
    `${block.prefix}interceptors.ts.type = timestamp`,
  ];
}

function sourcesWithoutTime(scope: PlanScope, sink: Component): Component[] {
  const [channel] = channelsOf(scope, sink);
  return scope.components.filter(
    (each) =>
      each.kind === 'source' &&
      channelsOf(scope, each).some(({ name }) => name === channel?.name) &&
      !mayHaveTime(each),
  );
}

/** Sources whose events have the time, or whose senders may give it to them. */
const timeGivers =
  /^(syslogtcp|syslogudp|multiport_syslogtcp|avro|thrift|http|.*\.(kafka|\w+legacy)\.\w+)$/;
/** Sources that are known to give none. */
const timeless = ['exec', 'taildir', 'spooldir', 'netcat', 'netcatudp', 'seq', 'jms'];

function mayHaveTime(source: Component): boolean {
  const word = wordOf(source);
  if (timeGivers.test(word) || !timeless.includes(word)) return true;
  return interceptorsOf(source).some(({ type, keys }) => {
    switch (
      /^(?:org\.apache\.flume\.interceptor\.)?(\w+?)(?:Interceptor\$Builder)?$/
        .exec(type)?.[1]
        ?.toLowerCase()
    ) {
      case 'timestamp':
        return (keys.get('headerName') ?? keys.get('header') ?? 'timestamp') === 'timestamp';
      case 'static':
        return keys.get('key') === 'timestamp';
      case 'regex_extractor':
      case 'regexextractor':
        return [...keys].some(([key, value]) => key.endsWith('.name') && value === 'timestamp');
      case 'host':
      case 'search_replace':
      case 'searchandreplace':
      case 'regex_filter':
      case 'regexfiltering':
      case 'remove_header':
      case 'removeheader':
        return false;
      default:
        // What a class of the user's own does is not known.
        return true;
    }
  });
}

function interceptorsOf(source: Component) {
  const names = source.block.properties.get('interceptors')?.value.split(/\s+/) ?? [];
  return names.map((name) => {
    const { properties } = below(source.block, `interceptors.${name}.`);
    const keys = new Map([...properties].map(([key, { value }]) => [key, value]));
    return { type: keys.get('type') ?? 'static', keys };
  });
}
