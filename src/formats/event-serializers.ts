import { configOf } from '../config/config-of.ts';
import type { SerializerDefinition } from '../config/definition.ts';
import { silentLogger } from '../core/log.ts';
import { SinkCounters } from '../core/metrics.ts';
import type { EventSerializer, SerializerContext } from '../core/serializer.ts';
import { avroBodySerializer } from './avro-body.ts';
import { avroEventSerializer } from './avro-event.ts';
import { csvSerializer } from './csv.ts';
import { headerAndTextSerializer } from './header-and-text.ts';
import { jsonLinesSerializer } from './json-lines.ts';
import { parquetSerializer } from './parquet.ts';
import { sequenceFileSerializer } from './sequence-file.ts';
import { textSerializer } from './text.ts';

/** Every built-in serializer, loaded. */
export const eventSerializers: readonly SerializerDefinition[] = [
  textSerializer,
  headerAndTextSerializer,
  jsonLinesSerializer,
  csvSerializer,
  avroEventSerializer,
  avroBodySerializer,
  sequenceFileSerializer,
  parquetSerializer,
];

/** A built-in serializer by its type in any case, or by one of Flume's class names. */
export function serializerNamed(name: string): SerializerDefinition | undefined {
  return eventSerializers.find(
    ({ type, classes }) => type === name.toLowerCase() || classes?.includes(name),
  );
}

/**
 * Makes the serializer of one file, as a configuration would: `createSerializer('parquet', {
 * codec: 'zstd', 'columns.body.type': 'string' })`.
 *
 * @throws Error when there is no such serializer, or an option is unknown or bad
 */
export function createSerializer(
  name: string,
  options: Readonly<Record<string, string>> = {},
  context: Partial<SerializerContext> = {},
): EventSerializer {
  const definition = serializerNamed(name);
  if (!definition) throw new Error(`no serializer is called ${name}`);
  const config = configOf(definition.fields, options);
  const [problem] = definition.check?.(config).filter(({ severity }) => !severity) ?? [];
  if (problem) throw new Error(`${problem.key}: ${problem.problem}`);
  return definition.create(config, { ...alone, ...context });
}

/** For a serializer without a sink. */
const alone: SerializerContext = {
  log: silentLogger,
  counters: new SinkCounters(),
  readUrl: async (url) => {
    throw new Error(`${url} can not be read: the context has no readUrl`);
  },
};
