import type { Prng } from '../../src/testing/prng.ts';

/** Inputs grow no larger. */
export const maxInputBytes = 64 << 10;
const maxChanges = 6;

type Change = (input: Buffer, prng: Prng, material: Material) => Buffer;

interface Material {
  readonly tokens: readonly string[];
  /** Another input. */
  readonly other: Buffer;
}

/** Another input, made from this one by a few changes. */
export function mutate(input: Buffer, prng: Prng, material: Material): Buffer {
  let changed = Buffer.from(input);
  for (let left = 1 + prng.integer(maxChanges); left > 0; left--) {
    changed = Buffer.from(prng.pick(changes)(changed, prng, material).subarray(0, maxInputBytes));
  }
  return changed;
}

const changes: readonly Change[] = [
  flipBit,
  setByte,
  truncate,
  remove,
  repeat,
  insertToken,
  insertToken,
  nest,
  splice,
  copyLine,
  copyLine,
  hugeNumber,
  hugeLength,
];

function flipBit(input: Buffer, prng: Prng): Buffer {
  if (input.length === 0) return input;
  const at = prng.integer(input.length);
  input[at] = (input[at] ?? 0) ^ (1 << prng.integer(8));
  return input;
}

const interestingBytes = [0, 1, 9, 10, 13, 32, 34, 36, 46, 58, 61, 92, 123, 125, 127, 128, 255];

function setByte(input: Buffer, prng: Prng): Buffer {
  if (input.length > 0) input[prng.integer(input.length)] = prng.pick(interestingBytes);
  return input;
}

function truncate(input: Buffer, prng: Prng): Buffer {
  return input.subarray(0, prng.integer(input.length + 1));
}

function remove(input: Buffer, prng: Prng): Buffer {
  const [from, to] = range(input, prng);
  return Buffer.concat([input.subarray(0, from), input.subarray(to)]);
}

function repeat(input: Buffer, prng: Prng): Buffer {
  const [from, to] = range(input, prng);
  const times = prng.chance(0.1) ? 500 : 2;
  const part = input.subarray(from, Math.min(to, from + maxInputBytes / times));
  return insert(input, Buffer.concat(Array.from({ length: times }, () => part)), to);
}

function insertToken(input: Buffer, prng: Prng, { tokens }: Material): Buffer {
  const bytes = prng.chance(0.2) ? prng.bytes(1 + prng.integer(8)) : Buffer.from(prng.pick(tokens));
  return insert(input, bytes, prng.integer(input.length + 1));
}

/** One token some thousand times, and perhaps another one as often behind it: `[[[[…]]]]`. */
function nest(input: Buffer, prng: Prng, { tokens }: Material): Buffer {
  const depth = prng.pick([3, 60, 2_000]);
  const open = prng.pick(tokens).repeat(depth);
  const close = prng.chance(0.7) ? prng.pick(tokens).repeat(depth) : '';
  return insert(input, Buffer.from(open + close), prng.integer(input.length + 1));
}

function splice(input: Buffer, prng: Prng, { other }: Material): Buffer {
  const head = input.subarray(0, prng.integer(input.length + 1));
  return Buffer.concat([head, other.subarray(prng.integer(other.length + 1))]);
}

/** A line of another input becomes one of this. */
function copyLine(input: Buffer, prng: Prng, { other }: Material): Buffer {
  const lines = other.toString('latin1').split('\n');
  const at = input.indexOf('\n', prng.integer(input.length + 1));
  return insert(input, Buffer.from(`${prng.pick(lines)}\n`, 'latin1'), at + 1);
}

const hugeNumbers = ['-1', '0', '1e999', '4294967296', '9007199254740993', '99999999999999999999'];

/** A decimal number of the text becomes another one. */
function hugeNumber(input: Buffer, prng: Prng): Buffer {
  const text = input.toString('latin1');
  const found = [...text.matchAll(/\d+/g)];
  if (found.length === 0) return input;
  const number = prng.pick(found);
  const rest = text.slice(number.index + number[0].length);
  return Buffer.from(text.slice(0, number.index) + prng.pick(hugeNumbers) + rest, 'latin1');
}

/** Four or eight bytes become the number that a length must never be. */
function hugeLength(input: Buffer, prng: Prng): Buffer {
  if (input.length < 8) return input;
  const at = prng.integer(input.length - 7);
  if (prng.chance(0.3)) {
    input.writeDoubleLE(prng.pick([Number.NaN, Number.POSITIVE_INFINITY, -1, 2 ** 53, 0.5]), at);
  } else {
    input.writeUInt32LE(prng.pick([0, 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]), at);
  }
  return input;
}

function range(input: Buffer, prng: Prng): [from: number, to: number] {
  const from = prng.integer(input.length + 1);
  const longest = prng.pick([4, 40, input.length]);
  return [from, Math.min(input.length, from + 1 + prng.integer(longest + 1))];
}

function insert(input: Buffer, bytes: Buffer, at: number): Buffer {
  return Buffer.concat([input.subarray(0, at), bytes, input.subarray(at)]);
}
