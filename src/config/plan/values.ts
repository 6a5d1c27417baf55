import { keyOf } from '../read-config.ts';
import type { Component } from './scope.ts';

/** What a component's line says of a key, or else the default; undefined when there is neither. */
export function optionOf({ block, definition, known }: Component, key: string): unknown {
  const fields = definition?.fields ?? known?.fields ?? {};
  const found = Object.entries(fields).find(([name, field]) => keyOf(name, field) === key);
  const property = block.properties.get(key);
  if (!property) return found?.[1].default;
  try {
    return found ? found[1].parse(property.value) : property.value;
  } catch {
    return found?.[1].default;
  }
}

export function numberOf(component: Component, key: string): number | undefined {
  const value = optionOf(component, key);
  return typeof value === 'number' ? value : undefined;
}

export function textOf(component: Component, key: string): string {
  const value = optionOf(component, key);
  return typeof value === 'string' ? value : '';
}

/** Flume's word for what a component is: `hdfs`, or a class; in small letters. */
export function wordOf({ definition, known, type }: Component): string {
  return (definition?.type ?? known?.type ?? type.value).toLowerCase();
}
