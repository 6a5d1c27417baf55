// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is the syntax under test.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderFinding } from '../../../src/config/finding.ts';
import { guarantees } from '../../../src/config/guarantee.ts';
import { loadConfiguration } from '../../../src/config/load.ts';
import { type LookupContext, resolveLookups } from '../../../src/config/lookups.ts';
import { planAgent } from '../../../src/config/plan.ts';
import { mergeProperties, type Property, parseProperties } from '../../../src/config/properties.ts';
import { FormatError } from '../../../src/core/errors.ts';
import { resolver } from '../../../src/registry.ts';
import { expecting, type FuzzTarget, kindOf } from '../target.ts';

const examples = join(import.meta.dirname, '../../../examples');

function exampleFiles(): Buffer[] {
  const names = readdirSync(examples).filter((name) => name.endsWith('.properties'));
  return names.sort().map((name) => readFileSync(join(examples, name)));
}

const escapes = ['\\', '\\\\', '\\u0041', '\\u00', '\\\n', '=', ':', '#', '!', '\r', '\r\n', '\f'];

export const propertiesTarget: FuzzTarget = {
  name: 'properties',
  tokens: [...escapes, ' = ', '\nkey = value\n', '\\\n  ', 'a1.sources'],
  seeds: () => [...exampleFiles(), Buffer.from('a\\ b\\=c : d\\\n  e\\u00e9\\t\n!x\n\\#y z\r\n')],
  run: (input) => {
    const parsed = expecting([FormatError], () => parseProperties(input, 'x.conf'));
    if ('error' in parsed) return kindOf(parsed.error);
    const { value: properties } = parsed;
    const lines = input.toString('latin1').split(/\r\n|\r|\n/).length;
    for (const { line, column } of properties) assert(line >= 1 && line <= lines && column >= 1);
    const again = parseProperties(Buffer.from(properties.map(written).join('\n')), 'x.conf');
    const pair = ({ key, value }: Property) => [key, value];
    assert.deepEqual(again.map(pair), properties.map(pair));
    const { properties: merged, overridden } = mergeProperties([properties]);
    assert.equal(merged.size + overridden.length, properties.length);
    return `${Math.min(20, properties.length)} ${Math.min(5, overridden.length)}`;
  },
};

/** A line that means just this key and this value. */
function written({ key, value }: Property): string {
  const escaped = (text: string) =>
    [...Array(text.length).keys()]
      .map((index) => `\\u${text.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join('');
  return `${escaped(key)}=${escaped(value)}`;
}

const context: LookupContext = {
  environment: { HOME: '/home/x', EMPTY: '', DEEP: '${env:HOME}' },
  systemProperties: new Map([['a', 'b']]),
  now: new Date(0),
};
/** No value may grow beyond this, whatever it refers to. */
const maxValueLength = 2 << 20;
/**
 * Substitutions are counted per value: what all of a file take grows with the square of its length.
 */
const maxBytes = 8 << 10;
const maxValues = 4;

const lookups = [
  '${',
  '}',
  '$',
  ':-',
  '${env:HOME}',
  '${sys:a}',
  '${sys:user.dir}',
  '${java:os}',
  '${date:yyyy-MM-dd HH:mm:ss.SSS zzz}',
  '${date:',
  "'",
  '${a}',
  '${b}',
  '${c:-${d}}',
  '$${e}',
  '${${a}}',
  '${env:',
];

export const lookupTarget: FuzzTarget = {
  name: 'lookups',
  tokens: [...lookups, 'a = ', '\nb = ${a}${a}\n', '\n'],
  seeds: () => [
    ...lookups.map((text, index) => Buffer.from(`k${index} = x${text}y\na = 1\nb = ${text}`)),
    Buffer.from('a = ${b}\nb = ${c}${c}\nc = ${d:-e}\nd = ${a}\n'),
    Buffer.from(`a = ${'x'.repeat(5000)}\nb = ${'${a}'.repeat(50)}\nc = ${'${b}'.repeat(50)}\n`),
  ],
  run: (input) => {
    const bytes = input.subarray(0, maxBytes);
    const parsed = expecting([FormatError], () => parseProperties(bytes, 'x.conf'));
    if ('error' in parsed) return 'not properties';
    const { properties } = mergeProperties([parsed.value.slice(0, maxValues)]);
    const { properties: resolved, findings, unresolved } = resolveLookups(properties, context);
    assert.deepEqual([...resolved.keys()], [...properties.keys()]);
    for (const { value } of resolved.values()) assert(value.length <= maxValueLength);
    for (const key of unresolved.keys()) assert(properties.has(key));
    return [...new Set(findings.map(({ what }) => what.replaceAll(/\$\{.*\}|\d+/gs, '')))].join();
  },
};

/** Programs of a config filter are not run. */
const filters = { environment: context.environment, run: async () => 'secret' };

export const planTarget: FuzzTarget = {
  name: 'configuration',
  tokens: [...escapes, ...lookups, '.', ' ', '\n', 'a1.', 'r1', 'c1', 'k1', '__proto__', '-1'],
  seeds: () => [...exampleFiles(), ...moreAgents.map((text) => Buffer.from(text))],
  run: async (input) => {
    const files = [{ file: 'x.conf', bytes: input.subarray(0, maxBytes) }];
    const load = () => loadConfiguration(files, context);
    const loaded = expecting([FormatError], load);
    if ('error' in loaded) return kindOf(loaded.error);
    const codes = new Set<string>();
    const names = [...loaded.value.agents.keys()].slice(0, 5);
    for (const name of [...names, 'nobody']) {
      const { plan, findings } = await planAgent(loaded.value, name, components, filters);
      const channels = new Set(plan.channels.map((each) => each.name));
      for (const source of plan.sources) {
        assert(source.channels.length > 0 && source.channels.every((each) => channels.has(each)));
      }
      for (const sink of plan.sinks) assert(channels.has(sink.channel));
      guarantees(plan);
      for (const found of findings) {
        assert(!/[\n\r]/.test(renderFinding(found)));
        codes.add(found.code);
      }
    }
    return [...codes].sort().join();
  },
};

/** The built-in components alone: what a mutated type names as a file must not be loaded. */
const builtin = resolver('/nowhere');
const components: typeof builtin = {
  types: builtin.types,
  find: async (kind, type) => (/[./\\]/.test(type) ? undefined : builtin.find(kind, type)),
};

const moreAgents = [
  `a1.sources = r1 r2
a1.channels = c1 c2
a1.sinks = k1 k2
a1.sinkgroups = g1
a1.sinkgroups.g1.sinks = k1 k2
a1.sinkgroups.g1.processor.type = failover
a1.sinkgroups.g1.processor.priority.k1 = 5
a1.sources.r1.type = syslogtcp
a1.sources.r1.port = 5140
a1.sources.r1.channels = c1 c2
a1.sources.r1.selector.type = multiplexing
a1.sources.r1.selector.header = state
a1.sources.r1.selector.mapping.CZ = c1
a1.sources.r1.selector.optional = c2
a1.sources.r2.type = TAILDIR
a1.sources.r2.filegroups = g
a1.sources.r2.filegroups.g = /tmp/x(.*
a1.sources.r2.headers.g.k = v
a1.sources.r2.channels = c1
a1.sources.r2.interceptors = i1 i2 i3
a1.sources.r2.interceptors.i1.type = timestamp
a1.sources.r2.interceptors.i2.type = static
a1.sources.r2.interceptors.i2.key = x
a1.sources.r2.interceptors.i3.type = org.example.Mine$Builder
a1.channels.c1.type = memory
a1.channels.c1.capacity = 10
a1.channels.c1.transactionCapacity = 100
a1.channels.c2.type = file
a1.sinks.k1.type = file_roll
a1.sinks.k1.channel = c1
a1.sinks.k1.sink.directory = /tmp/out
a1.sinks.k1.sink.serializer = avro_event
a1.sinks.k1.sink.serializer.compressionCodec = snappy
a1.sinks.k2.type = hdfs
a1.sinks.k2.channel = c2
`,
  `a1.configfilters = f1 f2
a1.configfilters.f1.type = env
a1.configfilters.f2.type = external
a1.configfilters.f2.command = /bin/echo x
a1.sources = r1
a1.channels = c1
a1.sources.r1.type = exec
a1.sources.r1.command = tail -F /x \${f1['HOME']} \${f2["k"]}
a1.sources.r1.channels = c1
a1.channels.c1.type = memory
`,
];
