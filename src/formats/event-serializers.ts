import type { FieldProblem, SerializerDefinition } from '../config/definition.ts';
import type { EventSerializer } from '../core/serializer.ts';
import { avroEventSerializer } from './avro-event.ts';
import { headerAndTextSerializer } from './header-and-text.ts';
import { textSerializer } from './text.ts';

/** Every built-in serializer: what file_roll, hdfs and others accept as their `serializer`. */
export const eventSerializers: readonly SerializerDefinition[] = [
  textSerializer,
  headerAndTextSerializer,
  avroEventSerializer,
];

/** What a sink's serializer option and the properties below it come to. */
export interface ConfiguredSerializer {
  /** Makes the serializer of one file; absent when a problem stands in the way. */
  readonly create?: () => EventSerializer;
  /** With keys relative to the sink. */
  readonly problems: readonly FieldProblem[];
}

/**
 * Finds a serializer by its alias, in any case, or by one of Flume's class names, and reads its
 * options.
 *
 * @param key the sink's option that names the serializer; its options follow below it
 */
export function configureSerializer(
  key: string,
  name: string,
  properties: ReadonlyMap<string, string>,
): ConfiguredSerializer {
  const definition = eventSerializers.find(
    ({ type, classes }) => type === name.toLowerCase() || classes?.includes(name),
  );
  if (!definition) {
    const known = eventSerializers.map(({ type }) => type).join(', ');
    return { problems: [{ key, problem: `no serializer is called ${name}; there are ${known}` }] };
  }
  const keys = new Set(Object.entries(definition.fields).map(([name, field]) => field.key ?? name));
  const config: Record<string, unknown> = {};
  const problems: FieldProblem[] = [];
  for (const [fieldName, field] of Object.entries(definition.fields)) {
    const relative = field.key ?? fieldName;
    const value = properties.get(relative);
    config[fieldName] = field.default;
    try {
      if (value !== undefined) config[fieldName] = field.parse(value.trim());
    } catch (error) {
      const expected = error instanceof Error ? error.message : String(error);
      problems.push({ key: `${key}.${relative}`, problem: `${expected}, found ${value}` });
    }
  }
  for (const unknown of properties.keys()) {
    if (keys.has(unknown)) continue;
    const problem = `the serializer ${definition.type} has no such option; it is ignored`;
    problems.push({ key: `${key}.${unknown}`, problem, severity: 'warning' });
  }
  const broken = problems.some(({ severity }) => severity !== 'warning');
  if (!broken && definition.check) {
    for (const found of definition.check(config)) {
      problems.push({ ...found, key: `${key}.${found.key}` });
    }
  }
  if (problems.some(({ severity }) => severity !== 'warning')) return { problems };
  return { create: () => definition.create(config), problems };
}
