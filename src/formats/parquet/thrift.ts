import { FormatError } from '../../core/errors.ts';

/**
 * Thrift's compact protocol, as far as Parquet's metadata has it.
 * Source: Apache Thrift, "thrift-compact-protocol.md".
 *
 *   struct => [field] 00
 *   field  => head value          head: id's distance × 16 + type; distance 0: the id follows
 *   value  => varint              i16, i32, i64: zigzag
 *           | nothing             boolean: its type says which
 *           | length bytes        binary
 *           | head [value]        list: count × 16 + type; 15: the count follows
 *           | struct
 */
const types = { true: 1, false: 2, byte: 3, i16: 4, i32: 5, i64: 6, double: 7 } as const;
const moreTypes = { binary: 8, list: 9, set: 10, map: 11, struct: 12, uuid: 13 } as const;

/** Writes one struct; fields in rising order of their ids. */
export class ThriftWriter {
  readonly #bytes: number[] = [];
  #parents: number[] = [];
  #lastId = 0;

  i16(id: number, value: number): void {
    this.#head(id, types.i16);
    this.#zigzag(value);
  }

  i32(id: number, value: number): void {
    this.#head(id, types.i32);
    this.#zigzag(value);
  }

  i64(id: number, value: number): void {
    this.#head(id, types.i64);
    this.#zigzag(value);
  }

  boolean(id: number, value: boolean): void {
    this.#head(id, value ? types.true : types.false);
  }

  binary(id: number, value: Buffer | string): void {
    this.#head(id, moreTypes.binary);
    this.#binary(value);
  }

  struct(id: number, write: () => void): void {
    this.#head(id, moreTypes.struct);
    this.#struct(write);
  }

  structs<T>(id: number, values: readonly T[], write: (value: T) => void): void {
    this.#listHead(id, moreTypes.struct, values.length);
    for (const value of values) this.#struct(() => write(value));
  }

  i32s(id: number, values: readonly number[]): void {
    this.#listHead(id, types.i32, values.length);
    for (const value of values) this.#zigzag(value);
  }

  texts(id: number, values: readonly string[]): void {
    this.#listHead(id, moreTypes.binary, values.length);
    for (const value of values) this.#binary(value);
  }

  /** The struct, ended. */
  end(): Buffer {
    this.#bytes.push(0);
    return Buffer.from(this.#bytes);
  }

  #struct(write: () => void): void {
    this.#parents.push(this.#lastId);
    this.#lastId = 0;
    write();
    this.#bytes.push(0);
    this.#lastId = this.#parents.pop() ?? 0;
  }

  #head(id: number, type: number): void {
    const distance = id - this.#lastId;
    if (distance >= 1 && distance <= 15) this.#bytes.push(distance * 16 + type);
    else {
      this.#bytes.push(type);
      this.#zigzag(id);
    }
    this.#lastId = id;
  }

  #listHead(id: number, type: number, count: number): void {
    this.#head(id, moreTypes.list);
    if (count < 15) this.#bytes.push(count * 16 + type);
    else {
      this.#bytes.push(0xf0 + type);
      this.#varint(count);
    }
  }

  #binary(value: Buffer | string): void {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    this.#varint(bytes.length);
    for (const byte of bytes) this.#bytes.push(byte);
  }

  #zigzag(value: number): void {
    this.#varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  #varint(value: number): void {
    // Not with shifts: those know 32 bits only.
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#bytes.push((rest % 128) + 128);
    this.#bytes.push(rest);
  }
}

/** Nobody's metadata nests deeper. */
const maxDepth = 32;

/**
 * Reads structs field by field. A length or a count that does not fit in what is left, and a field
 * of another type than expected, is a FormatError.
 */
export class ThriftReader {
  readonly #bytes: Buffer;
  readonly #base: number;
  #at = 0;
  #type = 0;
  #depth = 0;

  /** @param base the offset of the bytes, for errors */
  constructor(bytes: Buffer, base: number) {
    this.#bytes = bytes;
    this.#base = base;
  }

  /** Bytes read so far. */
  get length(): number {
    return this.#at;
  }

  /**
   * Reads a struct. `read` gets the id of each field and reads its value; false: it knows none of
   * that id, and the value is skipped.
   */
  fields(read: (id: number) => boolean): void {
    if (++this.#depth > maxDepth) this.fail('structs nest too deeply');
    let lastId = 0;
    for (let head = this.#byte(); head !== 0; head = this.#byte()) {
      this.#type = head & 15;
      lastId = head >>> 4 === 0 ? this.#int() : lastId + (head >>> 4);
      const type = this.#type;
      if (!read(lastId)) this.#skip(type, false);
    }
    this.#depth--;
  }

  /** A field that is a struct. */
  struct(read: (id: number) => boolean): void {
    this.#expect(moreTypes.struct);
    this.fields(read);
  }

  /** An i16, i32 or i64; all are the same. */
  int(): number {
    if (this.#type < types.i16 || this.#type > types.i64) this.#unexpected();
    return this.#int();
  }

  /** An int that is a size, an offset or a number of things. */
  count(): number {
    const value = this.int();
    if (value < 0) this.fail(`${value} where a number of things belongs`);
    return value;
  }

  boolean(): boolean {
    if (this.#type !== types.true && this.#type !== types.false) this.#unexpected();
    return this.#type === types.true;
  }

  /** A view. */
  binary(): Buffer {
    this.#expect(moreTypes.binary);
    return this.#binary();
  }

  text(): string {
    return this.binary().toString('utf8');
  }

  ints(): number[] {
    return this.#list(types.i32, () => this.#int());
  }

  texts(): string[] {
    return this.#list(moreTypes.binary, () => this.#binary().toString('utf8'));
  }

  structs<T>(read: () => T): T[] {
    return this.#list(moreTypes.struct, read);
  }

  fail(what: string): never {
    throw new FormatError(`metadata: ${what}`, this.#base + this.#at);
  }

  #list<T>(type: number, read: () => T): T[] {
    this.#expect(moreTypes.list);
    const [found, count] = this.#listHead();
    if (count > 0 && found !== type) this.#unexpected();
    const values: T[] = [];
    for (let index = 0; index < count; index++) values.push(read());
    return values;
  }

  #listHead(): [type: number, count: number] {
    const head = this.#byte();
    const count = head >>> 4 === 15 ? this.#varint() : head >>> 4;
    // Each element takes a byte at least.
    if (count > this.#bytes.length - this.#at) this.fail(`a list of ${count} is cut off`);
    return [head & 15, count];
  }

  /** @param inList there a boolean takes a byte */
  #skip(type: number, inList: boolean): void {
    if (type === types.true || type === types.false) {
      if (inList) this.#byte();
    } else if (type === types.byte) this.#byte();
    else if (type >= types.i16 && type <= types.i64) this.#skipVarint();
    else if (type === types.double) this.#advance(8);
    else if (type === moreTypes.binary) this.#binary();
    else if (type === moreTypes.list || type === moreTypes.set) this.#skipList();
    else if (type === moreTypes.map) this.#skipMap();
    else if (type === moreTypes.struct) this.fields(() => false);
    else if (type === moreTypes.uuid) this.#advance(16);
    else this.fail(`a value of type ${type}`);
  }

  #skipList(): void {
    if (++this.#depth > maxDepth) this.fail('lists nest too deeply');
    const [type, count] = this.#listHead();
    for (let index = 0; index < count; index++) this.#skip(type, true);
    this.#depth--;
  }

  #skipMap(): void {
    if (++this.#depth > maxDepth) this.fail('maps nest too deeply');
    const count = this.#varint();
    if (count > this.#bytes.length - this.#at) this.fail(`a map of ${count} is cut off`);
    const head = count === 0 ? 0 : this.#byte();
    for (let index = 0; index < count; index++) {
      this.#skip(head >>> 4, true);
      this.#skip(head & 15, true);
    }
    this.#depth--;
  }

  #expect(type: number): void {
    if (this.#type !== type) this.#unexpected();
  }

  #unexpected(): never {
    return this.fail(`a value has type ${this.#type}`);
  }

  #binary(): Buffer {
    const length = this.#varint();
    const from = this.#at;
    this.#advance(length);
    return this.#bytes.subarray(from, from + length);
  }

  #int(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Below 2^53: nothing that is counted here is larger. */
  #varint(): number {
    let value = 0;
    for (let unit = 1; unit < 2 ** 56; unit *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * unit;
      if (byte < 128) return value <= Number.MAX_SAFE_INTEGER ? value : this.fail('a huge number');
    }
    return this.fail('a huge number');
  }

  #skipVarint(): void {
    for (let length = 1; this.#byte() >= 128; length++) if (length > 9) this.fail('a huge number');
  }

  #advance(length: number): void {
    if (length > this.#bytes.length - this.#at) this.fail('a value is cut off');
    this.#at += length;
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) this.fail('a value is cut off');
    return this.#bytes[this.#at++] as number;
  }
}
