/**
 * A WebAssembly module that computes the CRC-32s of many chunks of the same size at once. A call of
 * native code for each chunk of 512 bytes costs several times what its CRC does (0.5 s of CPU for a
 * GB, and garbage); this takes a third of it.
 *
 * Sixteen chunks are worked on side by side, one in each byte lane of a vector. Their CRCs are held
 * as four vectors, one for each byte of the 32 bits. A step takes one byte of each chunk:
 *
 *   x = state0 ^ data
 *   state[k] = state[k + 1] ^ low[k][x & 15] ^ high[k][x >> 4]
 *
 * where low and high are the byte-wise table of the CRC, divided by nibbles into tables of 16
 * bytes, which is what one shuffle looks up. Before that, 16 bytes of each chunk are transposed, so
 * that bytes at the same place of all chunks lie in one vector.
 */
const lanes = 16;
const tableBytes = 128;
/** Where data is put; at most `inputBytes` of it. */
const inputOffset = 1_024;
const inputBytes = 128 << 10;
const outputOffset: number = inputOffset + inputBytes;
/** Of 64 KiB: input, output, and what the lanes without a chunk read beyond the input. */
const pages = 4;
/** Of the largest chunk. */
export const maxChunkBytes = 4_096;

/** A vector instruction: its prefix, its number as LEB128, what follows. */
const simd = (number: number, ...rest: number[]) => [0xfd, ...leb(number), ...rest];
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const constant = (value: number) => [0x41, ...signedLeb(value)];
const add = [0x6a];
const subtract = [0x6b];
const isLess = [0x49];
const isZero = [0x45];
const xor = simd(0x51);
const and = simd(0x4e);
const not = simd(0x4d);
const shiftRight = simd(0x6d);
/** Indices are below 16 always, so that what it does beyond them does not matter. */
const lookUp = simd(0x100);
const load = (offset: number) => simd(0x00, 0, ...leb(offset));
const store = (offset: number) => simd(0x0b, 0, ...leb(offset));
const splat = (byte: number) => simd(0x0c, ...Array.from({ length: lanes }, () => byte));

/** Locals: the parameters, an offset, an address, then vectors. */
const input = 0;
const size = 1;
const groups = 2;
const output = 3;
const column = 4;
const address = 5;
const table = 6;
const state = 14;
const low = 18;
const high = 19;
const rows = 20;
const vectorCount = 14 + 2 * lanes;

/** The lower or upper halves of two vectors, their parts of so many bytes in turns. */
function interleave(width: number, upper: boolean): number[] {
  const parts = lanes / width / 2;
  const bytes: number[] = [];
  for (let part = 0; part < parts; part++) {
    const from = (part + (upper ? parts : 0)) * width;
    for (let byte = 0; byte < width; byte++) bytes.push(from + byte);
    for (let byte = 0; byte < width; byte++) bytes.push(lanes + from + byte);
  }
  return simd(0x0d, ...bytes);
}

/** Reads 16 bytes of each chunk and transposes them; they end where they began, in `rows`. */
function transposed(): number[] {
  const code = [...get(input), ...get(column), ...add, ...set(address)];
  for (let row = 0; row < lanes; row++) {
    code.push(...get(address), ...load(0), ...set(rows + row));
    code.push(...get(address), ...get(size), ...add, ...set(address));
  }
  // Each round moves one bit of the place from the row to the column; after four they are swapped.
  for (let round = 0; round < 4; round++) {
    const from = rows + (round % 2) * lanes;
    const to = rows + ((round + 1) % 2) * lanes;
    for (let row = 0; row < lanes / 2; row++) {
      for (const upper of [false, true]) {
        code.push(...get(from + row), ...get(from + row + lanes / 2), ...interleave(1, upper));
        code.push(...set(to + 2 * row + (upper ? 1 : 0)));
      }
    }
  }
  return code;
}

/** The next byte of each chunk, which is in the local `data`, joins the CRCs. */
function step(data: number): number[] {
  const code = [...get(state), ...get(data), ...xor, ...set(high)];
  code.push(...get(high), ...splat(15), ...and, ...set(low));
  code.push(...get(high), ...constant(4), ...shiftRight, ...set(high));
  for (let byte = 0; byte < 4; byte++) {
    code.push(...get(table + byte), ...get(low), ...lookUp);
    code.push(...get(table + 4 + byte), ...get(high), ...lookUp, ...xor);
    if (byte < 3) code.push(...get(state + byte + 1), ...xor);
    code.push(...set(state + byte));
  }
  return code;
}

/** Writes the CRCs of 16 chunks, big-endian. */
function finished(): number[] {
  const code: number[] = [];
  for (const upper of [false, true]) {
    code.push(...get(state + 3), ...get(state + 2), ...interleave(1, upper), ...set(low));
    code.push(...get(state + 1), ...get(state), ...interleave(1, upper), ...set(high));
    for (const [index, half] of [false, true].entries()) {
      code.push(...get(output), ...get(low), ...get(high), ...interleave(2, half), ...not);
      code.push(...store(16 * index + (upper ? 32 : 0)));
    }
  }
  return code;
}

function functionBody(): number[] {
  const code: number[] = [];
  for (let index = 0; index < 8; index++) {
    code.push(...constant(0), ...load(16 * index), ...set(table + index));
  }
  const [block, loop, end, branch, branchIf] = [[2, 0x40], [3, 0x40], [0x0b], 0x0c, 0x0d];
  code.push(...block, ...loop, ...get(groups), ...isZero, branchIf, 1);
  for (let byte = 0; byte < 4; byte++) code.push(...splat(0xff), ...set(state + byte));
  code.push(...constant(0), ...set(column), ...loop, ...transposed());
  for (let byte = 0; byte < lanes; byte++) code.push(...step(rows + byte));
  code.push(...get(column), ...constant(lanes), ...add, ...set(column));
  code.push(...get(column), ...get(size), ...isLess, branchIf, 0, ...end, ...finished());
  const sixteenChunks = [...get(size), ...constant(4), 0x74];
  code.push(...get(input), ...sixteenChunks, ...add, ...set(input));
  code.push(...get(output), ...constant(4 * lanes), ...add, ...set(output));
  code.push(...get(groups), ...constant(1), ...subtract, ...set(groups));
  code.push(branch, 0, ...end, ...end, ...end);
  return [2, 2, 0x7f, vectorCount, 0x7b, ...code];
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const section = (id: number, content: number[]) => [id, ...leb(content.length), ...content];
  const name = (text: string) => [text.length, ...Buffer.from(text)];
  const body = functionBody();
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, pages]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('sums'), 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
}

function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >> 7)];
}

function signedLeb(value: number): number[] {
  return value < 64 ? [value] : [(value & 127) | 128, ...signedLeb(value >> 7)];
}

/** The tables for a reflected polynomial: of the low nibble, then the high one, by bytes. */
function tablesOf(polynomial: number): Uint8Array {
  const tables = new Uint8Array(tableBytes);
  for (let nibble = 0; nibble < 16; nibble++) {
    for (const [half, index] of [nibble, nibble << 4].entries()) {
      let crc = index;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
      for (let byte = 0; byte < 4; byte++) {
        tables[64 * half + 16 * byte + nibble] = (crc >>> (8 * byte)) & 0xff;
      }
    }
  }
  return tables;
}

/** What of WebAssembly is used here; the compiler knows it with the libraries of browsers only. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
  ) => {
    readonly exports: {
      readonly memory: { readonly buffer: ArrayBuffer };
      sums(input: number, size: number, groups: number, output: number): void;
    };
  };
}

/** CRCs of many chunks in one call; big-endian, one behind the other. */
export interface ChunkCrc {
  /** Where data is put before `sums` is called. */
  readonly input: Buffer;
  /**
   * The answer is a view, good until the next call.
   *
   * @param size of a chunk, a multiple of 16, at most `maxChunkBytes`
   */
  sums(size: number, count: number): Uint8Array;
}

let compiled: object | undefined;
const made = new Map<number, ChunkCrc | undefined>();

/** @param polynomial reflected; undefined where this Node has no vector instructions */
export function chunkCrc(polynomial: number): ChunkCrc | undefined {
  if (!made.has(polynomial)) made.set(polynomial, make(polynomial));
  return made.get(polynomial);
}

function make(polynomial: number): ChunkCrc | undefined {
  const api: unknown = Reflect.get(globalThis, 'WebAssembly');
  if (!isWebAssembly(api)) return undefined;
  try {
    compiled ??= new api.Module(moduleBytes());
    const { memory, sums } = new api.Instance(compiled).exports;
    const bytes = new Uint8Array(memory.buffer);
    bytes.set(tablesOf(polynomial));
    return {
      input: Buffer.from(memory.buffer, inputOffset, inputBytes),
      sums: (chunkBytes, count) => {
        sums(inputOffset, chunkBytes, Math.ceil(count / lanes), outputOffset);
        return bytes.subarray(outputOffset, outputOffset + 4 * count);
      },
    };
  } catch {
    return undefined;
  }
}

function isWebAssembly(api: unknown): api is WebAssemblyApi {
  return typeof api === 'object' && api !== null && 'Module' in api && 'Instance' in api;
}
