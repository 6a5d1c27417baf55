/**
 * Protocol buffers, version 2, as much as peers need: messages are declared as plain tables, which
 * give the types, the encoder and the decoder. Fields that a table does not name are skipped.
 *
 *   message => *field
 *     field  => key value        key = number << 3 | wire, a varint
 *     value  => varint           wire 0: lowest 7 bits first, negative numbers in ten bytes
 *             | 8 bytes          wire 1, little-endian
 *             | length bytes     wire 2
 *             | 4 bytes          wire 5, little-endian
 *
 * What is sent often is better encoded by hand: a table costs some hundred nanoseconds a field.
 */
import { FormatError } from '../core/errors.ts';

const varintWire = 0;
const fixed64Wire = 1;
const lengthWire = 2;
const fixed32Wire = 5;
const two28 = 2 ** 28;
const two56 = 2 ** 56;

/** How the value of a field is written. */
export interface Kind<T> {
  readonly wire: number;
  write(writer: ProtoWriter, value: T): void;
  /** A view where the value is bytes. */
  read(reader: ProtoReader): T;
}

type Label = 'required' | 'optional' | 'repeated';

interface Field<T, L extends Label> {
  readonly number: number;
  readonly kind: Kind<T>;
  readonly label: L;
}

type Fields = Readonly<Record<string, Field<unknown, Label>>>;

type NamesOf<F extends Fields, L extends Label> = {
  [K in keyof F]: F[K]['label'] extends L ? K : never;
}[keyof F];
type ValueOf<F> = F extends Field<infer T, Label> ? T : never;
type MessageOf<F extends Fields> = {
  readonly [K in NamesOf<F, 'required'>]: ValueOf<F[K]>;
} & { readonly [K in NamesOf<F, 'optional'>]?: ValueOf<F[K]> | undefined } & {
  readonly [K in NamesOf<F, 'repeated'>]: readonly ValueOf<F[K]>[];
};

/** A declared message; also the kind of a field that holds one. */
export interface Message<T> extends Kind<T> {
  readonly name: string;
  encode(value: T): Buffer;
  /** @throws FormatError when the bytes break the grammar or a required field is missing. */
  decode(bytes: Buffer): T;
}

/** The TypeScript type of a declared message. */
export type Decoded<M> = M extends Message<infer T> ? T : never;

export const required = <T>(number: number, kind: Kind<T>): Field<T, 'required'> => ({
  number,
  kind,
  label: 'required',
});
export const optional = <T>(number: number, kind: Kind<T>): Field<T, 'optional'> => ({
  number,
  kind,
  label: 'optional',
});
export const repeated = <T>(number: number, kind: Kind<T>): Field<T, 'repeated'> => ({
  number,
  kind,
  label: 'repeated',
});

/**
 * Any integer of up to 64 bits, signed or not, that fits into a number: what a Java peer calls
 * uint64 is a long, so that its -1 comes out as -1.
 */
export const integer: Kind<number> = {
  wire: varintWire,
  write: (writer, value) => writer.varint(value),
  read: (reader) => reader.varint(),
};

/** All 64 bits, unsigned: for identifiers. */
export const identifier: Kind<bigint> = {
  wire: varintWire,
  write: (writer, value) => writer.bigVarint(value),
  read: (reader) => reader.bigVarint(),
};

/** sint32 and sint64: small negative numbers in few bytes. */
export const zigzag: Kind<number> = {
  wire: varintWire,
  write: (writer, value) => writer.varint(value < 0 ? -2 * value - 1 : 2 * value),
  read: (reader) => unzigzag(reader.varint()),
};

export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

export const bool: Kind<boolean> = {
  wire: varintWire,
  write: (writer, value) => writer.varint(value ? 1 : 0),
  read: (reader) => reader.varint() !== 0,
};

export const string: Kind<string> = {
  wire: lengthWire,
  write: (writer, value) => writer.delimited(Buffer.from(value)),
  read: (reader) => reader.delimited().toString('utf8'),
};

/** Decoded as a view. A message that is only handed on is bytes, too. */
export const bytes: Kind<Buffer> = {
  wire: lengthWire,
  write: (writer, value) => writer.delimited(value),
  read: (reader) => reader.delimited(),
};

interface NamedField {
  readonly name: string;
  readonly field: Field<unknown, Label>;
}

export function message<F extends Fields>(name: string, fields: F): Message<MessageOf<F>> {
  const list = Object.entries(fields).map(([key, field]) => ({ name: key, field }));
  list.sort((a, b) => a.field.number - b.field.number);
  const byNumber: NamedField[] = [];
  for (const each of list) byNumber[each.field.number] = each;
  const declared = {
    name,
    wire: lengthWire,
    encode: (value: MessageOf<F>) => {
      const writer = new ProtoWriter();
      for (const each of list) writeField(writer, each, Reflect.get(value, each.name), name);
      return writer.take();
    },
    decode: (input: Buffer) => decodeFields(new ProtoReader(input), list, byNumber, name),
    write: (writer: ProtoWriter, value: MessageOf<F>) => writer.delimited(declared.encode(value)),
    read: (reader: ProtoReader) => declared.decode(reader.delimited()),
  };
  // What the decoder builds has the table's type; the compiler can't follow that.
  return declared as unknown as Message<MessageOf<F>>;
}

function writeField(
  writer: ProtoWriter,
  { name, field }: NamedField,
  value: unknown,
  owner: string,
): void {
  if (value === undefined) {
    if (field.label === 'required') throw new TypeError(`${owner} needs ${name}`);
    return;
  }
  const key = field.number * 8 + field.kind.wire;
  for (const each of field.label === 'repeated' && Array.isArray(value) ? value : [value]) {
    writer.varint(key);
    field.kind.write(writer, each);
  }
}

function decodeFields(
  reader: ProtoReader,
  list: readonly NamedField[],
  byNumber: readonly NamedField[],
  owner: string,
): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const { name, field } of list) if (field.label === 'repeated') value[name] = [];
  while (reader.left > 0) {
    const key = reader.key();
    const known = byNumber[Math.floor(key / 8)];
    if (known === undefined) reader.skip(key % 8);
    else if (known.field.label === 'repeated') readRepeated(reader, known, key % 8, value);
    else if (known.field.kind.wire === key % 8) value[known.name] = known.field.kind.read(reader);
    else throw new FormatError(`${owner}.${known.name} has the wrong type`, reader.offset);
  }
  for (const { name, field } of list) {
    if (field.label === 'required' && value[name] === undefined) {
      throw new FormatError(`${owner} has no ${name}`, reader.offset);
    }
  }
  return value;
}

/** Numbers may come one by one or packed; a reader takes both. */
function readRepeated(
  reader: ProtoReader,
  { name, field }: NamedField,
  wire: number,
  value: Record<string, unknown>,
): void {
  const values = value[name];
  if (!Array.isArray(values)) return;
  if (wire === field.kind.wire) {
    values.push(field.kind.read(reader));
  } else if (wire === lengthWire) {
    const packed = new ProtoReader(reader.delimited());
    while (packed.left > 0) values.push(field.kind.read(packed));
  } else {
    throw new FormatError(`${name} has the wrong type`, reader.offset);
  }
}

export class ProtoWriter {
  #buffer: Buffer = Buffer.allocUnsafe(256);
  #length = 0;

  /** An integer between -2^53 and 2^53; a negative one takes ten bytes. */
  varint(value: number): void {
    if (value < 0) {
      this.bigVarint(BigInt.asUintN(64, BigInt(value)));
      return;
    }
    this.#reserve(10);
    let rest = value;
    while (rest > 127) {
      this.#buffer[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#length++] = rest;
  }

  bigVarint(value: bigint): void {
    this.#reserve(10);
    let rest = value;
    while (rest > 127n) {
      this.#buffer[this.#length++] = Number(rest & 127n) + 128;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  /** Bytes behind their length. */
  delimited(source: Buffer): void {
    this.varint(source.length);
    this.#reserve(source.length);
    this.#length += source.copy(this.#buffer, this.#length);
  }

  /** What was written; the writer is not used again. */
  take(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

export class ProtoReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(input: Buffer) {
    this.#bytes = input;
  }

  get offset(): number {
    return this.#offset;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  /** The key of the next field. */
  key(): number {
    const key = this.varint();
    if (key < 8 || key >= 2 ** 32) throw new FormatError('no field has this number', this.#offset);
    return key;
  }

  /** Of up to 64 bits, read as signed when it has all of them. */
  varint(): number {
    const low = this.#group(4);
    if (low.last) return low.bits;
    const middle = this.#group(4);
    if (middle.last) return this.#safe(low.bits + middle.bits * two28);
    const high = this.#group(2);
    if (!high.last || high.bits > 0xff) this.#fail('a number of more than 64 bits');
    const value =
      high.bits < 0x80
        ? low.bits + middle.bits * two28 + high.bits * two56
        : -(two28 - 1 - low.bits + (two28 - 1 - middle.bits) * two28 + (0xff - high.bits) * two56) -
          1;
    return this.#safe(value);
  }

  bigVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        if (value >= 1n << 64n) this.#fail('a number of more than 64 bits');
        return value;
      }
    }
    return this.#fail('a number of more than 64 bits');
  }

  /** Bytes behind their length: a view. */
  delimited(): Buffer {
    const length = this.varint();
    if (length < 0 || length > this.left) this.#fail(`a field of ${length} bytes is cut off`);
    return this.view(length);
  }

  /** The next bytes: a view. */
  view(length: number): Buffer {
    if (length > this.left) this.#fail(`${length} bytes are cut off`);
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  /** Reads over a value that nobody asked for. */
  skip(wire: number): void {
    if (wire === varintWire) this.#skipVarint();
    else if (wire === fixed64Wire) this.view(8);
    else if (wire === lengthWire) this.delimited();
    else if (wire === fixed32Wire) this.view(4);
    else this.#fail(`a field of the unknown type ${wire}`);
  }

  #safe(value: number): number {
    if (!Number.isSafeInteger(value)) this.#fail('a number of more than 53 bits');
    return value;
  }

  #skipVarint(): void {
    for (let index = 0; index < 10; index++) if (this.#byte() < 128) return;
    this.#fail('a number of more than 64 bits');
  }

  #group(most: number): { readonly bits: number; readonly last: boolean } {
    let bits = 0;
    for (let index = 0; index < most; index++) {
      const byte = this.#byte();
      bits |= (byte & 127) << (7 * index);
      if (byte < 128) return { bits, last: true };
    }
    return { bits, last: false };
  }

  #byte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) return this.#fail('a number is cut off');
    this.#offset++;
    return byte;
  }

  #fail(what: string): never {
    throw new FormatError(what, this.#offset);
  }
}
