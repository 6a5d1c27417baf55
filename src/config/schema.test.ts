import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { test } from 'node:test';
import { allDefinitions } from '../registry.ts';
import { configurationSchema } from './schema.ts';

const definitions = await allDefinitions();

const schema = configurationSchema(definitions);

type Json = null | string | number | boolean | readonly Json[] | { readonly [key: string]: Json };
type Rules = Readonly<Record<string, unknown>>;

/** The keywords that the schema uses, and no more; the paths of what breaks a rule. */
function broken(value: Json, rules: Rules, path = ''): string[] {
  const found: string[] = [];
  const sub = (each: unknown, at = path, of: Json = value) => broken(of, each as Rules, at);
  for (const [keyword, rule] of Object.entries(rules)) {
    if (!(keyword in keywords)) throw new Error(`${path}: the keyword ${keyword} is not checked`);
    found.push(...(keywords[keyword]?.(value, rule, rules, path, sub) ?? []));
  }
  return found;
}

type Sub = (rules: unknown, path?: string, value?: Json) => string[];
type Keyword = (value: Json, rule: unknown, rules: Rules, path: string, sub: Sub) => string[];

const bad = (is: boolean, path: string) => (is ? [path] : []);
const isObject = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function typeName(value: Json): string {
  if (Array.isArray(value)) return 'array';
  if (Number.isInteger(value)) return 'integer';
  return value === null ? 'null' : typeof value;
}

const keywords: Readonly<Record<string, Keyword | undefined>> = {
  // These say nothing of their own.
  ...Object.fromEntries(
    [
      ...['$schema', '$defs', 'title', 'description', 'default', 'deprecated', 'writeOnly'],
      ...['then', 'patternProperties'],
    ].map((name) => [name, undefined]),
  ),
  $ref: (_value, rule, _rules, _path, sub) => {
    const name = decodeURIComponent(String(rule).replace('#/$defs/', ''));
    const target = (schema['$defs'] as Rules)[name];
    assert.ok(target, String(rule));
    return sub(target);
  },
  type: (value, rule, _rules, path) => {
    const names = [rule].flat();
    const name = typeName(value);
    return bad(!names.includes(name) && !(name === 'integer' && names.includes('number')), path);
  },
  const: (value, rule, _rules, path) => bad(value !== rule, path),
  enum: (value, rule, _rules, path) => bad(!(rule as Json[]).includes(value), path),
  pattern: (value, rule, _rules, path) => bad(!new RegExp(String(rule)).test(String(value)), path),
  minimum: (value, rule, _rules, path) => bad(Number(value) < Number(rule), path),
  maximum: (value, rule, _rules, path) => bad(Number(value) > Number(rule), path),
  minItems: (value, rule, _rules, path) => bad((value as Json[]).length < Number(rule), path),
  not: (_value, rule, _rules, path, sub) => bad(sub(rule).length === 0, path),
  anyOf: (_value, rule, _rules, path, sub) =>
    bad(
      (rule as Rules[]).every((each) => sub(each).length > 0),
      path,
    ),
  oneOf: (_value, rule, _rules, path, sub) =>
    bad((rule as Rules[]).filter((each) => sub(each).length === 0).length !== 1, path),
  allOf: (_value, rule, _rules, _path, sub) => (rule as Rules[]).flatMap((each) => sub(each)),
  if: (_value, rule, rules, _path, sub) => (sub(rule).length === 0 ? sub(rules['then']) : []),
  items: (value, rule, _rules, path, sub) =>
    (value as Json[]).flatMap((each, index) => sub(rule, `${path}/${index}`, each)),
  required: (value, rule, _rules, path) =>
    (rule as string[])
      .filter((key) => isObject(value) && !(key in value))
      .map((key) => `${path}/${key}`),
  properties: (value, rule, _rules, path, sub) =>
    Object.entries(isObject(value) ? value : {}).flatMap(([key, each]) => {
      const own = (rule as Rules)[key];
      return own ? sub(own, `${path}/${key}`, each) : [];
    }),
  additionalProperties: (value, rule, rules, path, sub) => {
    const named = Object.keys((rules['properties'] ?? {}) as Rules);
    const patterns = Object.entries((rules['patternProperties'] ?? {}) as Rules);
    return Object.entries(isObject(value) ? value : {}).flatMap(([key, each]) => {
      if (named.includes(key)) return [];
      const pattern = patterns.find(([text]) => new RegExp(text).test(key));
      if (pattern) return sub(pattern[1], `${path}/${key}`, each);
      return rule === false ? [`${path}/${key}`] : sub(rule, `${path}/${key}`, each);
    });
  },
};

const good = {
  agents: {
    a1: {
      sources: {
        r1: {
          type: 'taildir',
          channels: ['c1'],
          filegroups: ['app'],
          'filegroups.app': '/var/log/app/.*\\.log',
          'headers.app.service': 'shop',
          batchSize: 500,
          interceptors: [{ name: 'i1', type: 'host', useIP: false }],
          selector: { type: 'replicating' },
        },
      },
      channels: { c1: { type: 'memory', capacity: 1000 } },
      sinks: {
        k1: {
          type: 'file_roll',
          channel: 'c1',
          'sink.directory': '/out',
          'sink.compression': 'gzip',
        },
        k2: { type: './my-sink.ts', channel: 'c1', whatever: 1 },
      },
    },
  },
};

test('a good configuration keeps to the schema', () => {
  assert.deepEqual(broken(good, schema), []);
});

const wrong: readonly [path: string, change: (agent: typeof good.agents.a1) => object][] = [
  ['sources/r1/batchsize', ({ sources: { r1 } }) => ({ sources: { r1: { ...r1, batchsize: 5 } } })],
  ['sources/r1/batchSize', ({ sources: { r1 } }) => ({ sources: { r1: { ...r1, batchSize: 0 } } })],
  ['sources/r1/channels', ({ sources: { r1 } }) => ({ sources: { r1: { ...r1, channels: [] } } })],
  ['channels/c1/type', () => ({ channels: { c1: { type: 'memmory' } } })],
  ['channels/c1/capacity', () => ({ channels: { c1: { type: 'memory', capacity: '1k' } } })],
  ['sinks/k1/sink.directory', () => ({ sinks: { k1: { type: 'file_roll', channel: 'c1' } } })],
  ['sinks/k1/channel', () => ({ sinks: { k1: { type: 'null' } } })],
  ['sinkss', () => ({ sinkss: {} })],
];

for (const [path, change] of wrong) {
  test(`what is wrong at ${path} breaks it`, () => {
    const agent = { ...good.agents.a1, ...change(good.agents.a1) };
    const found = broken({ agents: { a1: agent } } as unknown as Json, schema);
    assert.ok(found.includes(`/agents/a1/${path}`), found.join());
  });
}

test('every component of the model, and every option of it, is in the schema', () => {
  const defs = schema['$defs'] as Record<string, Rules>;
  for (const { kind, type, fields } of definitions) {
    if (kind === 'serializer') continue;
    const def = defs[`${kind} ${type}`] ?? assert.fail(`${kind} ${type}`);
    const keys = [
      ...Object.keys(def['properties'] as Rules),
      ...Object.keys((def['patternProperties'] ?? {}) as Rules),
    ];
    assert.ok(keys.length > Object.keys(fields).length, `${kind} ${type}`);
  }
});

test('the schema is the same on every machine', () => {
  const home = homedir();
  assert.ok(home.length < 2 || !JSON.stringify(schema).includes(`"${home}`));
});
