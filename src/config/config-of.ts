import type { SerializerDefinition } from './definition.ts';
import type { ConfigOf, Fields } from './field.ts';
import { ChosenSerializer, choiceIn } from './serializer-field.ts';

/**
 * The configuration that these properties give, by the keys of the fields, with the defaults: for
 * programs, where nobody reads findings.
 *
 * @param serializerNamed finds what a field for a serializer names
 * @throws Error where a value is bad or missing, or a key is unknown
 */
export function configOf<F extends Fields>(
  fields: F,
  properties: Readonly<Record<string, string>> = {},
  serializerNamed: (name: string) => SerializerDefinition | undefined = () => undefined,
): ConfigOf<F> {
  const config: Record<string, unknown> = {};
  const unknown = new Set(Object.keys(properties));
  const below = (key: string): Record<string, string> => {
    const own = Object.entries(properties).filter(([each]) => each.startsWith(key));
    for (const [each] of own) unknown.delete(each);
    return Object.fromEntries(own.map(([each, text]) => [each.slice(key.length), text]));
  };
  for (const [name, field] of Object.entries(fields)) {
    const key = field.key ?? name;
    if (field.prefix) {
      const named = Object.entries(below(key));
      config[name] = named.length > 0 ? new Map(named) : field.default;
      continue;
    }
    unknown.delete(key);
    const text = properties[key];
    const choice = choiceIn(field);
    if (choice) {
      const type = choice.implied?.((each) => properties[each]) ?? text ?? choice.defaultType;
      const definition = serializerNamed(type);
      if (!definition) throw new Error(`${key}: no serializer is called ${type}`);
      const own = configOf(definition.fields, below(`${key}.`));
      config[name] = new ChosenSerializer(definition, own);
      continue;
    }
    if (text === undefined && field.required) throw new Error(`${key} is missing`);
    try {
      config[name] = text === undefined ? field.default : field.parse(text);
    } catch (error) {
      throw new Error(`${key}: ${(error as Error).message}, found ${text}`);
    }
  }
  if (unknown.size > 0) throw new Error(`unknown: ${[...unknown].join(', ')}`);
  // Sound: each value was parsed by the field of its name.
  return config as ConfigOf<F>;
}
