import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AgentBlocks } from '../../src/config/blocks.ts';
import type { Definition } from '../../src/config/definition.ts';
import type { Field } from '../../src/config/field.ts';
import { type Finding, settleFindings } from '../../src/config/finding.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { type Planned, planAgent } from '../../src/config/plan.ts';
import { parseProperties } from '../../src/config/properties.ts';
import { keyOf } from '../../src/config/read-config.ts';
import { FormatError } from '../../src/core/errors.ts';
import { resolver } from '../../src/registry.ts';
import { Prng, seedFromEnvironment } from '../../src/testing/prng.ts';

/*
 * Good configurations with one token deleted, misspelt or swapped with the next: check names the
 * line, or the configuration still means the same. What it cannot know is that a free text or a
 * number was meant to be another one: such mutations must give a configuration that is as good.
 */

const count = Number(process.env['MILLRACE_MUTATIONS'] ?? 5000);
const folder = join(import.meta.dirname, 'good');
const { find } = resolver('/nowhere');

const context = {
  environment: { KEYSTORE_PASSWORD: 'x' },
  systemProperties: new Map<string, string>(),
  now: new Date(0),
};

interface Checked {
  readonly findings: readonly Finding[];
  /** What would run, and how; the same text for the same meaning. */
  readonly meaning: string;
  readonly agents: ReadonlyMap<string, AgentBlocks>;
}

async function checked(text: string): Promise<Checked> {
  try {
    const bytes = Buffer.from(text, 'latin1');
    const configuration = loadConfiguration([{ file: 'x.conf', bytes }], context);
    const planned: Planned[] = [];
    for (const name of configuration.agents.keys()) {
      // What a mutated type names as a file must not be loaded.
      const types = { types: resolver('/nowhere').types, find: builtin };
      planned.push(await planAgent(configuration, name, types));
    }
    const all = [...configuration.findings, ...planned.flatMap(({ findings }) => findings)];
    return {
      findings: settleFindings([...new Set(all)]),
      meaning: planned.map(meaningOf).sort().join('\n'),
      agents: configuration.agents,
    };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const line = Number(/^x\.conf:(\d+):/.exec(error.message)?.[1]);
    const found = { severity: 'error', code: 'unreadable', line } as const;
    const text = { what: '', consequence: '', suggestion: '' };
    return { findings: [{ ...found, ...text }], meaning: '', agents: new Map() };
  }
}

const builtin: typeof find = async (kind, type) =>
  /[/\\]/.test(type) ? undefined : find(kind, type);

function meaningOf({ plan }: Planned): string {
  const plain = (_key: string, value: unknown) =>
    value instanceof Map ? [...value].sort() : value;
  const described = [...plan.sources, ...plan.channels, ...plan.sinks].map((each) => {
    const { definition, block: _block, ...rest } = each;
    const parts =
      'interceptors' in rest ? rest.interceptors.map(({ definition: { type } }) => type) : [];
    const selector = 'selector' in rest ? rest.selector.definition.type : '';
    const wiring = 'channels' in rest ? { channels: [...rest.channels].sort() } : {};
    const config = { ...rest, ...wiring };
    return JSON.stringify([definition.kind, definition.type, config, parts, selector], plain);
  });
  return JSON.stringify([plan.agent, described.sort()]);
}

interface Mutation {
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** Does the mutated token begin behind the separator? */
  readonly inValue: boolean;
  readonly how: string;
}

function mutated(text: string, random: Prng): Mutation {
  const lines = text.split('\n');
  const candidates = lines.flatMap((line, index) => (/^\s*(#|$)/.test(line) ? [] : [index]));
  const index = random.pick(candidates);
  const line = lines[index] ?? '';
  const tokens = [...line.matchAll(/[\w%-]+|\S/g)];
  const place = random.integer(tokens.length);
  const token = tokens[place];
  const next = tokens[place + 1];
  const how = random.pick(['delete', 'swap', 'misspell', 'misspell']);
  const [word = ''] = token ?? [];
  const start = token?.index ?? 0;
  let changed = line.slice(0, start) + misspelt(word, random) + line.slice(start + word.length);
  if (how === 'delete') changed = line.slice(0, start) + line.slice(start + word.length);
  else if (how === 'swap' && next) {
    const between = line.slice(start + word.length, next.index);
    changed =
      line.slice(0, start) + next[0] + between + word + line.slice(next.index + next[0].length);
  }
  lines[index] = changed;
  const separator = line.search(/[=:]/);
  const inValue = separator >= 0 ? start > separator : true;
  return { text: lines.join('\n'), line: index + 1, inValue, how: `${how}: ${line} → ${changed}` };
}

function misspelt(word: string, random: Prng): string {
  const at = random.integer(word.length);
  const letter = String.fromCharCode(97 + random.integer(26));
  switch (random.integer(4)) {
    case 0:
      return word.slice(0, at) + word.slice(at + 1);
    case 1:
      return word.slice(0, at) + letter + word.slice(at);
    case 2:
      return word.slice(0, at) + letter + word.slice(at + 1);
    default:
      return word.slice(0, at) + (word[at + 1] ?? '') + (word[at] ?? '') + word.slice(at + 2);
  }
}

/** The lines of the property that a line belongs to. */
function linesAround(line: number, text: string): readonly number[] {
  try {
    const found = parseProperties(Buffer.from(text, 'latin1'), 'x')
      .map(({ parts }) => parts.map((part) => part.line))
      .filter((lines) => lines.includes(line));
    return found.flat();
  } catch {
    return [];
  }
}

/** Does a finding that was not there before name one of these lines? */
function isNamed(lines: readonly number[], before: Checked, after: Checked): boolean {
  const said = new Set(before.findings.map(({ line: at, what }) => `${at} ${what}`));
  return after.findings
    .filter((each) => !said.has(`${each.line} ${each.what}`))
    .some(
      ({ line = 0, what, suggestion }) =>
        lines.includes(line) ||
        lines.some((each) => `${what} ${suggestion}`.includes(`line ${each}`)),
    );
}

/** The option that a line sets, when any text or number will do there. */
async function isFree(original: Checked, { line, inValue, how }: Mutation): Promise<boolean> {
  for (const agent of original.agents.values()) {
    for (const [list, blocks] of Object.entries(agent.components)) {
      for (const block of blocks.values()) {
        for (const [key, property] of block.properties) {
          const lines = property.parts.map((part) => part.line);
          if (!lines.includes(line)) continue;
          const field = await fieldOf(list, block.properties.get('type')?.value ?? '', key, block);
          // Interceptors stand in the order in which they are meant to work.
          if (key === 'interceptors') return inValue && how.startsWith('swap');
          if (!field) return false;
          if (!inValue) return field.prefix === true;
          if (field.kind === 'list' && how.startsWith('swap')) return true;
          return ['text', 'integer', 'map'].includes(field.kind);
        }
      }
    }
  }
  // A property of no agent is there for values to refer to.
  return /: [\w-]+ = /.test(how) && inValue;
}

async function fieldOf(
  list: string,
  type: string,
  key: string,
  { properties }: { properties: ReadonlyMap<string, { value: string }> },
): Promise<Field<unknown> | undefined> {
  const [, name = '', rest] = /^interceptors\.([^.]+)\.(.+)$/.exec(key) ?? [];
  if (rest) {
    const own = properties.get(`interceptors.${name}.type`)?.value ?? '';
    return fieldIn(await find('interceptor', own), rest);
  }
  const kind = ({ sources: 'source', channels: 'channel', sinks: 'sink' } as const)[list];
  return kind && fieldIn(await find(kind, type), key);
}

function fieldIn(definition: Definition | undefined, key: string): Field<unknown> | undefined {
  const fields = Object.entries(definition?.fields ?? {});
  const exact = fields.find(([name, field]) => !field.prefix && keyOf(name, field) === key);
  return (exact ??
    fields.find(([name, field]) => field.prefix && key.startsWith(keyOf(name, field))))?.[1];
}

test(`${count} mutations are named, or change nothing that could be known`, async () => {
  const seed = seedFromEnvironment();
  const random = new Prng(seed);
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  assert.equal(texts.length, 10);
  const originals = await Promise.all(texts.map(checked));
  for (const { findings } of originals) {
    assert.ok(findings.every(({ severity }) => severity === 'note'));
  }
  const counts = { named: 0, same: 0, free: 0 };
  const missed: string[] = [];
  for (let run = 0; run < count; run++) {
    const index = random.integer(texts.length);
    const before = originals[index];
    if (!before) continue;
    const text = texts[index] ?? '';
    const mutation = mutated(text, random);
    const after = await checked(mutation.text);
    const lines = [
      mutation.line,
      ...linesAround(mutation.line, text),
      ...linesAround(mutation.line, mutation.text),
    ];
    if (isNamed(lines, before, after)) counts.named++;
    else if (after.meaning === before.meaning) counts.same++;
    else if (await isFree(before, mutation)) counts.free++;
    else missed.push(mutation.how);
  }
  if (process.env['MILLRACE_REPORT']) console.log(counts, missed.length);
  assert.deepEqual(missed.slice(0, 60), [], `seed ${seed}, ${missed.length} missed`);
  assert.ok(counts.named > count / 2, JSON.stringify(counts));
});
