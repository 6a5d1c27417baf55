import type { Sink } from '../../core/sink.ts';
import type { Source } from '../../core/source.ts';
import {
  type Definition,
  defineChannel,
  defineInterceptor,
  defineSelector,
  defineSink,
  defineSource,
} from '../definition.ts';
import { boolean, choice, integer, list, map, text } from '../field.ts';
import { loadConfiguration } from '../load.ts';
import { type Planned, planAgent, type Resolver } from '../plan.ts';

/*
 * Components that can only be planned, for the tests of planning.
 */
const never = (): never => {
  throw new Error('nothing is created while planning');
};

const definitions: readonly Definition[] = [
  defineSource({
    type: 'tail',
    classes: ['org.apache.flume.source.TailSource'],
    summary: 'A pull source.',
    rereads: true,
    fields: {
      file: text({ doc: 'The file.' }),
      batchSize: integer({ doc: 'Events.', min: 1, default: 100 }),
      backoffSleepIncrement: integer({ doc: 'Sleep.', unit: 'ms', default: 1000 }),
      maxBackoffSleep: integer({ doc: 'Sleep.', unit: 'ms', default: 5000 }),
      headers: map({ key: 'headers.', doc: 'Headers.' }),
    },
    check: ({ file }) =>
      file === '/none' ? [{ key: 'file', problem: 'there is no such file' }] : [],
    claims: ({ file }) => [`file ${file}`],
    batchSize: ({ batchSize }) => batchSize,
    create: (): Source => never(),
  }),
  defineSource({
    type: 'port',
    summary: 'A push source.',
    rereads: false,
    fields: { port: integer({ doc: 'The port.' }), ssl: boolean({ doc: 'TLS.', default: false }) },
    create: (): Source => never(),
  }),
  defineChannel({
    type: 'memory',
    summary: 'A channel.',
    keeps: 'ledger',
    fields: {
      capacity: integer({ doc: 'Events.', lenient: true, min: 1, default: 100 }),
      transactionCapacity: integer({ doc: 'Events.', default: 100 }),
    },
    create: never,
  }),
  defineSink({
    type: 'null',
    summary: 'A sink.',
    settles: false,
    fields: {
      batchSize: integer({ doc: 'Events.', default: 100 }),
      password: text({ doc: 'Secret.', secret: true, default: '' }),
      pin: integer({ doc: 'Secret.', secret: true, default: 0 }),
      mode: choice({ doc: 'Mode.', values: { fast: 'Fast.', slow: 'Slow.' }, default: 'fast' }),
    },
    batchSize: ({ batchSize }) => batchSize,
    create: (): Sink => never(),
  }),
  defineInterceptor({
    type: 'static',
    summary: 'Sets a header.',
    fields: { key: text({ doc: 'Header.', default: 'key' }) },
    create: never,
  }),
  defineSelector({
    type: 'replicating',
    summary: 'To all.',
    fields: { optional: list({ doc: 'Channels.', default: [] }) },
    create: never,
  }),
  defineSelector({
    type: 'multiplexing',
    summary: 'By header.',
    fields: {
      header: text({ doc: 'Header.', default: 'h' }),
      mapping: map({ key: 'mapping.', doc: 'Channels.' }),
    },
    create: never,
  }),
];

const resolver: Resolver = {
  types: (kind) => definitions.filter((each) => each.kind === kind).map((each) => each.type),
  find: async (kind, type) =>
    definitions.find(
      (each) =>
        each.kind === kind &&
        (each.type === type.toLowerCase() || each.classes?.includes(type) === true),
    ),
};

/** A sound configuration of them. */
export const base = `a.sources = r
a.channels = c
a.sinks = k
a.sources.r.type = tail
a.sources.r.file = /x
a.sources.r.channels = c
a.channels.c.type = memory
a.sinks.k.type = null
a.sinks.k.channel = c
`;

export async function plan(lines: string, name = 'a'): Promise<Planned> {
  const files = [{ file: 'x.conf', bytes: Buffer.from(lines, 'latin1') }];
  const context = {
    environment: {},
    systemProperties: new Map<string, string>(),
    now: new Date(0),
  };
  return planAgent(loadConfiguration(files, context), name, resolver);
}

/** The names of what is left, and of each finding its severity, code and line. */
export function outcome({ plan, findings, runnable }: Planned) {
  const names = (list: readonly { name: string }[]) => list.map((each) => each.name).join(' ');
  return {
    left: [plan.sources, plan.channels, plan.sinks].map(names).join('|'),
    runnable,
    findings: findings.map(({ severity, code, line }) => `${severity} ${code} ${line ?? '-'}`),
  };
}
