import type { DatumInput } from './datum-input.ts';
import type { Decode } from './decode.ts';
import type { AvroRecord, AvroType } from './schema.ts';

/**
 * What reads values of a type as JSON, as `avro-tools tojson` and `hadoop fs -text` print them: a
 * value of a union stands under the name of its type, unless it is null; bytes are text with one
 * character per byte. To the letter, but for the exponents of floating point numbers, and for
 * characters beyond U+FFFF, which Java escapes.
 * Source: Avro 1.11 specification, "JSON Encoding"; output of Avro 1.11 for Java.
 */
export function compileToJson(type: AvroType): Decode<string> {
  return new Compiler().decoder(type);
}

class Compiler {
  readonly #records = new Map<AvroRecord, Decode<string>>();

  decoder(type: AvroType): Decode<string> {
    switch (type.kind) {
      case 'null':
        return jsonOfNull;
      case 'boolean':
        return (input) => String(input.boolean());
      case 'int':
        return (input) => String(input.int());
      case 'long':
        return (input) => String(input.long());
      case 'float':
        return (input) => doubleText(shortened(input.float()));
      case 'double':
        return (input) => doubleText(input.double());
      case 'bytes':
        return (input) => quoted(input.bytes().toString('latin1'));
      case 'string':
        return (input) => quoted(input.string());
      case 'fixed':
        return jsonOfFixed(type.bytes);
      case 'enum':
        return jsonOfEnum(type.symbols.map(quoted));
      case 'union':
        return jsonOfUnion(type.branches.map((branch) => this.#branch(branch)));
      case 'array':
        return jsonOfArray(this.decoder(type.items));
      case 'map':
        return jsonOfMap(this.decoder(type.values));
      case 'record':
        return this.#record(type);
    }
  }

  #branch(type: AvroType): Decode<string> {
    // Null took the byte of its branch.
    if (type.kind === 'null') return () => 'null';
    const head = `{${quoted('name' in type ? type.name : type.kind)}:`;
    const decode = this.decoder(type);
    return (input) => {
      input.text(head.length);
      return `${head}${decode(input)}}`;
    };
  }

  #record(type: AvroRecord): Decode<string> {
    const known = this.#records.get(type);
    if (known) return known;
    const fields: { head: string; decode: Decode<string> }[] = [];
    const decode = jsonOfRecord(fields);
    this.#records.set(type, decode);
    for (const field of type.fields) {
      const head = `${fields.length === 0 ? '' : ','}${quoted(field.name)}:`;
      fields.push({ head, decode: this.decoder(field.type) });
    }
    return decode;
  }
}

function jsonOfNull(input: DatumInput): string {
  input.empty();
  return 'null';
}

function jsonOfFixed(bytes: number): Decode<string> {
  return (input) => {
    if (bytes === 0) input.empty();
    return quoted(input.fixed(bytes).toString('latin1'));
  };
}

function jsonOfEnum(symbols: readonly string[]): Decode<string> {
  return (input) => {
    const symbol = symbols[input.index(symbols.length, 'an enum')] as string;
    input.text(symbol.length);
    return symbol;
  };
}

function jsonOfUnion(branches: readonly Decode<string>[]): Decode<string> {
  return (input) => {
    const decode = branches[input.index(branches.length, 'a branch of a union')];
    return (decode as Decode<string>)(input);
  };
}

function jsonOfArray(item: Decode<string>): Decode<string> {
  return (input) => {
    input.enter();
    let text = '[';
    for (let count = input.count(); count > 0; count = input.count()) {
      for (let left = count; left > 0; left--) {
        if (text !== '[') text += ',';
        text += item(input);
      }
    }
    input.leave();
    return `${text}]`;
  };
}

function jsonOfMap(value: Decode<string>): Decode<string> {
  return (input) => {
    input.enter();
    let text = '{';
    for (let count = input.count(); count > 0; count = input.count()) {
      for (let left = count; left > 0; left--) {
        if (text !== '{') text += ',';
        text += `${quoted(input.string())}:`;
        text += value(input);
      }
    }
    input.leave();
    return `${text}}`;
  };
}

function jsonOfRecord(
  fields: readonly { readonly head: string; readonly decode: Decode<string> }[],
): Decode<string> {
  return (input) => {
    input.enter();
    if (fields.length === 0) input.empty();
    let text = '{';
    for (const { head, decode } of fields) {
      input.text(head.length);
      text += head;
      text += decode(input);
    }
    input.leave();
    return `${text}}`;
  };
}

/** With upper case where a character is given by its number, as in Java. */
function quoted(text: string): string {
  const json = JSON.stringify(text);
  if (!json.includes('\\u')) return json;
  return json.replace(/\\(u[0-9a-f]{4}|.)/g, (whole, rest: string) =>
    rest.length > 1 ? `\\u${rest.slice(1).toUpperCase()}` : whole,
  );
}

/** The double with the fewest digits that is this float. */
function shortened(float: number): number {
  if (!Number.isFinite(float)) return float;
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(float.toPrecision(digits));
    if (Math.fround(candidate) === float) return candidate;
  }
  return Number(float.toPrecision(9));
}

function doubleText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  if (!Number.isInteger(value) || Math.abs(value) >= 1e7) return String(value);
  return `${Object.is(value, -0) ? '-0' : value}.0`;
}
