import { configOf as configWith } from '../config/config-of.ts';
import type { ConfigOf, Fields } from '../config/field.ts';
import { serializerNamed } from '../formats/event-serializers.ts';

/**
 * The configuration of a component for a test: what these properties say, by the keys Flume has
 * for them, and the defaults. Throws where a value is bad or missing, or a key is unknown.
 */
export function configOf<F extends Fields>(
  fields: F,
  properties: Readonly<Record<string, string>> = {},
): ConfigOf<F> {
  return configWith(fields, properties, serializerNamed);
}
