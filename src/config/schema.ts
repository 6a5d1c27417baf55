import type { ComponentKind, Definition } from './definition.ts';
import type { Field } from './field.ts';
import { keyOf } from './read-config.ts';

/*
 * The model of a configuration as a JSON Schema, for editors: agents by name, each with its
 * components by name; keys within a component are those of the .properties files, with their dots.
 * Interceptors are a list, since their order counts.
 *
 *   agents:
 *     a1:
 *       sources:
 *         r1:
 *           type: taildir
 *           channels: [c1]
 *           filegroups: [app]
 *           filegroups.app: /var/log/app/.*\.log
 */

type Schema = Readonly<Record<string, unknown>>;

const words: Schema = { type: 'array', items: { type: 'string' } };

/** Values are read as text, so that a number may stand where a text is meant. */
const text: Schema = { type: ['string', 'number', 'boolean'] };

/** What a component of a kind has, whatever its type. */
const common: Readonly<Partial<Record<ComponentKind, Readonly<Record<string, Schema>>>>> = {
  source: {
    channels: { ...words, minItems: 1, description: 'The channels that it writes to.' },
    interceptors: {
      type: 'array',
      items: { $ref: '#/$defs/interceptor' },
      description: 'What changes its events, in this order.',
    },
    selector: { $ref: '#/$defs/selector', description: 'What chooses the channels of an event.' },
  },
  sink: { channel: { type: 'string', description: 'The channel that it reads from.' } },
  interceptor: { name: { type: 'string', description: 'Its name, in findings and in the log.' } },
};

const required: Readonly<Partial<Record<ComponentKind, readonly string[]>>> = {
  source: ['channels'],
  sink: ['channel'],
};

/** The kinds that the model names by a type of their own. */
const modelled: readonly ComponentKind[] = ['source', 'interceptor', 'selector', 'channel', 'sink'];

/** What has no definitions of its own. */
const parts: Readonly<Record<string, Schema>> = {
  sinkgroup: {
    type: 'object',
    required: ['sinks', 'processor.type'],
    properties: {
      sinks: { ...words, description: 'The sinks of the group.' },
      'processor.type': { enum: ['failover', 'load_balance'] },
    },
    patternProperties: { '^processor\\.': text },
    additionalProperties: false,
  },
  configfilter: {
    type: 'object',
    required: ['type'],
    properties: {
      type: { enum: ['env', 'external'] },
      command: { type: 'string', description: 'external: the program that is asked for a value.' },
    },
    additionalProperties: false,
  },
};

/** The schema of a whole configuration. */
export function configurationSchema(definitions: readonly Definition[]): Schema {
  const defs: Record<string, Schema> = { agent: agentSchema(), ...parts };
  for (const kind of modelled) {
    const own = definitions.filter((each) => each.kind === kind);
    defs[kind] = kindSchema(kind, own);
    for (const each of own) defs[nameOf(each)] = componentSchema(each);
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A configuration of Millrace',
    type: 'object',
    required: ['agents'],
    properties: { agents: byName('#/$defs/agent') },
    additionalProperties: false,
    $defs: defs,
  };
}

function byName(ref: string): Schema {
  return { type: 'object', additionalProperties: { $ref: ref } };
}

function agentSchema(): Schema {
  return {
    type: 'object',
    required: ['channels'],
    properties: {
      sources: byName('#/$defs/source'),
      channels: byName('#/$defs/channel'),
      sinks: byName('#/$defs/sink'),
      sinkgroups: byName('#/$defs/sinkgroup'),
      configfilters: byName('#/$defs/configfilter'),
    },
    additionalProperties: false,
  };
}

function nameOf({ kind, type }: Definition): string {
  return `${kind} ${type}`;
}

/** One of the types, or a component of the user's own, of which nothing is known. */
function kindSchema(kind: ComponentKind, definitions: readonly Definition[]): Schema {
  const types = definitions.map(({ type }) => type);
  const custom = { type: 'string', pattern: '[./]', description: 'A file or class.' };
  return {
    type: 'object',
    required: ['type', ...(required[kind] ?? [])],
    properties: {
      type: {
        anyOf: [
          {
            oneOf: definitions.map(({ type, summary }) => ({ const: type, description: summary })),
          },
          { ...custom, not: { enum: types } },
        ],
      },
    },
    allOf: definitions.map((each) => ({
      if: { properties: { type: { const: each.type } } },
      // biome-ignore lint/suspicious/noThenProperty: that is the keyword of JSON Schema.
      then: { $ref: `#/$defs/${pointer(nameOf(each))}` },
    })),
  };
}

/** As a part of a reference. */
function pointer(name: string): string {
  return encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));
}

function componentSchema({ kind, type, summary, fields }: Definition): Schema {
  const properties: Record<string, Schema> = { type: { const: type }, ...common[kind] };
  const patternProperties: Record<string, Schema> = {};
  const needed: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const key = keyOf(name, field);
    if (field.prefix) patternProperties[`^${key.replaceAll(/\W/g, '\\$&')}.`] = fieldSchema(field);
    else properties[key] = fieldSchema(field);
    if (field.required && !field.prefix) needed.push(key);
  }
  return {
    type: 'object',
    description: summary,
    ...(needed.length > 0 ? { required: needed } : {}),
    properties,
    ...(Object.keys(patternProperties).length > 0 ? { patternProperties } : {}),
    additionalProperties: false,
  };
}

function fieldSchema(field: Field<unknown>): Schema {
  const { doc, unit, secret, deprecated, ignored, defaultText } = field;
  const description = [
    unit === undefined ? doc : `${doc} In ${unit}.`,
    // It is told in words where the value is not telling, or differs between machines.
    ...(defaultText ? [`Default: ${defaultText}.`] : []),
    ...(ignored ? [`No effect here: ${ignored}`] : []),
    ...(deprecated ? [deprecated] : []),
  ];
  const isPlain = field.default !== undefined && !(field.default instanceof Map) && !defaultText;
  return {
    ...typeOf(field),
    description: description.filter(Boolean).join(' '),
    ...(isPlain ? { default: field.default } : {}),
    ...(secret ? { writeOnly: true } : {}),
    ...(deprecated || ignored ? { deprecated: true } : {}),
  };
}

function typeOf({ kind, values, min, max }: Field<unknown>): Schema {
  switch (kind) {
    case 'integer':
      return {
        type: 'integer',
        ...(min === undefined ? {} : { minimum: min }),
        ...(max === undefined ? {} : { maximum: max }),
      };
    case 'boolean':
      return { type: 'boolean' };
    case 'choice':
      return { enum: Object.keys(values ?? {}) };
    case 'list':
      return words;
    case 'map':
    case 'text':
      return text;
  }
}
