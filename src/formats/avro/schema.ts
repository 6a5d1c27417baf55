/*
 * Avro's schemas.
 * Source: Avro 1.11 specification, "Schema Declaration" and "Names".
 */

const primitiveKinds = [
  ...(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const),
];

export type AvroType =
  | { readonly kind: (typeof primitiveKinds)[number] }
  | AvroRecord
  | { readonly kind: 'enum'; readonly name: string; readonly symbols: readonly string[] }
  | { readonly kind: 'fixed'; readonly name: string; readonly bytes: number }
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] };

/** May hold itself, by way of its fields. */
export interface AvroRecord {
  readonly kind: 'record';
  /** With its namespace, like all names here. */
  readonly name: string;
  readonly fields: readonly AvroField[];
}

interface AvroField {
  readonly name: string;
  readonly type: AvroType;
}

/** Schemas within schemas; not how often a type may hold itself. */
const maxDepth = 100;

/**
 * Reads a schema. Documentation, aliases, defaults and logical types are passed over: what they say
 * does not change how a datum is read.
 *
 * @throws Error saying what is wrong with it
 */
export function parseAvroSchema(text: string): AvroType {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error('it is no JSON');
  }
  return new SchemaReader().read(json, '', 0);
}

class SchemaReader {
  readonly #named = new Map<string, AvroType>();

  read(json: unknown, namespace: string, depth: number): AvroType {
    if (depth > maxDepth) throw new Error(`it is nested deeper than ${maxDepth}`);
    if (typeof json === 'string') return this.#byName(json, namespace);
    if (Array.isArray(json)) {
      const branches = json.map((branch) => this.read(branch, namespace, depth + 1));
      if (branches.length === 0) throw new Error('it has an empty union');
      if (branches.some(({ kind }) => kind === 'union'))
        throw new Error('it has a union in a union');
      return { kind: 'union', branches };
    }
    if (typeof json !== 'object' || json === null) throw new Error(`${json} is no type`);
    return this.#complex(new Map(Object.entries(json)), namespace, depth);
  }

  #byName(name: string, namespace: string): AvroType {
    const kind = primitiveKinds.find((each) => each === name);
    if (kind) return { kind };
    const found =
      this.#named.get(fullName(name, namespace)) ??
      // As old writers have it, and Java reads it.
      this.#named.get(name);
    if (!found) throw new Error(`nothing in it is called ${name}`);
    return found;
  }

  #complex(json: ReadonlyMap<string, unknown>, namespace: string, depth: number): AvroType {
    const type = json.get('type');
    switch (type) {
      case 'array':
        return { kind: 'array', items: this.read(json.get('items'), namespace, depth + 1) };
      case 'map':
        return { kind: 'map', values: this.read(json.get('values'), namespace, depth + 1) };
      case 'enum': {
        const symbols = listOf(json, 'symbols');
        if (!symbols.every((symbol) => typeof symbol === 'string')) {
          throw new Error('a symbol of an enum is no text');
        }
        const name = nameOf(json, namespace);
        return this.#define(name, { kind: 'enum', name, symbols });
      }
      case 'fixed': {
        const bytes = json.get('size');
        if (!Number.isSafeInteger(bytes) || (bytes as number) < 0) {
          throw new Error('the size of a fixed is no whole number');
        }
        const name = nameOf(json, namespace);
        return this.#define(name, { kind: 'fixed', name, bytes: bytes as number });
      }
      case 'record':
      case 'error':
        return this.#record(json, namespace, depth);
      default:
        // A primitive with more properties; a type may also stand in another's place.
        return this.read(type, namespace, depth + 1);
    }
  }

  #record(json: ReadonlyMap<string, unknown>, namespace: string, depth: number): AvroRecord {
    const name = nameOf(json, namespace);
    const fields: AvroField[] = [];
    // Known before its fields are read: they may speak of it.
    const record: AvroRecord = { kind: 'record', name, fields };
    this.#define(name, record);
    const inner = name.slice(0, Math.max(0, name.lastIndexOf('.')));
    const seen = new Set<string>();
    for (const each of listOf(json, 'fields')) {
      const field = new Map(Object.entries(each ?? {}));
      const fieldName = field.get('name');
      if (typeof fieldName !== 'string') throw new Error(`a field of ${name} has no name`);
      if (seen.has(fieldName)) throw new Error(`${name} has two fields ${fieldName}`);
      seen.add(fieldName);
      fields.push({ name: fieldName, type: this.read(field.get('type'), inner, depth + 1) });
    }
    return record;
  }

  #define<T extends AvroType>(name: string, type: T): T {
    if (this.#named.has(name)) throw new Error(`two types in it are called ${name}`);
    this.#named.set(name, type);
    return type;
  }
}

function nameOf(json: ReadonlyMap<string, unknown>, outer: string): string {
  const name = json.get('name');
  if (typeof name !== 'string' || name === '') throw new Error('a type in it has no name');
  const own = json.get('namespace');
  return fullName(name, typeof own === 'string' ? own : outer);
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function listOf(json: ReadonlyMap<string, unknown>, key: string): readonly unknown[] {
  const list = json.get(key);
  if (!Array.isArray(list)) throw new Error(`${key} is no list`);
  return list;
}
