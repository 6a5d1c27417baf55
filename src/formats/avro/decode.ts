import type { DatumInput } from './datum-input.ts';
import type { AvroRecord, AvroType } from './schema.ts';

/** Reads one value. */
export type Decode<T> = (input: DatumInput) => T;

/**
 * What reads values of a type, compiled once: null, booleans, numbers (a long beyond 2^53 as
 * bigint), strings, bytes and fixed as views of the block, enums as their symbol, records and maps
 * as objects, arrays; of a union, the value as it is.
 */
export function compileDecoder(type: AvroType): Decode<unknown> {
  return new Compiler().decoder(type);
}

class Compiler {
  readonly #records = new Map<AvroRecord, Decode<unknown>>();

  decoder(type: AvroType): Decode<unknown> {
    switch (type.kind) {
      case 'null':
        return decodeNull;
      case 'boolean':
        return (input) => input.boolean();
      case 'int':
        return (input) => input.int();
      case 'long':
        return (input) => input.long();
      case 'float':
        return (input) => input.float();
      case 'double':
        return (input) => input.double();
      case 'bytes':
        return (input) => input.bytes();
      case 'string':
        return (input) => input.string();
      case 'fixed':
        return type.bytes === 0 ? decodeNothing : (input) => input.fixed(type.bytes);
      case 'enum':
        return (input) => type.symbols[input.index(type.symbols.length, 'an enum')];
      case 'union':
        return unionOf(type.branches.map((branch) => this.#branch(branch)));
      case 'array':
        return arrayOf(this.decoder(type.items));
      case 'map':
        return mapOf(this.decoder(type.values));
      case 'record':
        return this.#record(type);
    }
  }

  /** Null took the byte of its branch. */
  #branch(type: AvroType): Decode<unknown> {
    return type.kind === 'null' ? () => null : this.decoder(type);
  }

  #record(type: AvroRecord): Decode<unknown> {
    const known = this.#records.get(type);
    if (known) return known;
    const fields: { name: string; decode: Decode<unknown> }[] = [];
    const decode = recordOf(fields);
    this.#records.set(type, decode);
    for (const field of type.fields) {
      fields.push({ name: field.name, decode: this.decoder(field.type) });
    }
    return decode;
  }
}

function decodeNull(input: DatumInput): null {
  input.empty();
  return null;
}

function decodeNothing(input: DatumInput): Buffer {
  input.empty();
  return input.fixed(0);
}

function unionOf(branches: readonly Decode<unknown>[]): Decode<unknown> {
  return (input) => {
    const decode = branches[input.index(branches.length, 'a branch of a union')];
    return (decode as Decode<unknown>)(input);
  };
}

function arrayOf(item: Decode<unknown>): Decode<unknown[]> {
  return (input) => {
    input.enter();
    const items: unknown[] = [];
    for (let count = input.count(); count > 0; count = input.count()) {
      for (let left = count; left > 0; left--) items.push(item(input));
    }
    input.leave();
    return items;
  };
}

function mapOf(value: Decode<unknown>): Decode<object> {
  return (input) => {
    input.enter();
    const members = {};
    for (let count = input.count(); count > 0; count = input.count()) {
      for (let left = count; left > 0; left--) setMember(members, input.string(), value(input));
    }
    input.leave();
    return members;
  };
}

function recordOf(
  fields: readonly { readonly name: string; readonly decode: Decode<unknown> }[],
): Decode<object> {
  return (input) => {
    input.enter();
    if (fields.length === 0) input.empty();
    const members = {};
    for (const { name, decode } of fields) setMember(members, name, decode(input));
    input.leave();
    return members;
  };
}

/** Also one that an assignment would take for the prototype. */
function setMember(members: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') members[name] = value;
  else {
    Object.defineProperty(members, name, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
}
