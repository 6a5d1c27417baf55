import type { ConfigOf, Fields } from '../config/field.ts';

/**
 * The configuration of a component for a test: what these properties say, by the keys Flume has
 * for them, and the defaults. Throws where a value is bad or missing, or a key is unknown.
 */
export function configOf<F extends Fields>(
  fields: F,
  properties: Readonly<Record<string, string>> = {},
): ConfigOf<F> {
  const config: Record<string, unknown> = {};
  const unknown = new Set(Object.keys(properties));
  for (const [name, field] of Object.entries(fields)) {
    const key = field.key ?? name;
    if (field.prefix) {
      const entries = Object.entries(properties).filter(([each]) => each.startsWith(key));
      for (const [each] of entries) unknown.delete(each);
      const named = entries.map(([each, text]) => [each.slice(key.length), text] as const);
      config[name] = named.length > 0 ? new Map(named) : field.default;
      continue;
    }
    unknown.delete(key);
    const text = properties[key];
    if (text === undefined && field.required) throw new Error(`${key} is missing`);
    config[name] = text === undefined ? field.default : field.parse(text);
  }
  if (unknown.size > 0) throw new Error(`unknown: ${[...unknown].join(', ')}`);
  // Sound: each value was parsed by the field of its name.
  return config as ConfigOf<F>;
}
