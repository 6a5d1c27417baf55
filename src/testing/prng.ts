import { randomInt } from 'node:crypto';
import type { Random } from '../core/clock.ts';

/**
 * Random numbers that repeat: the same seed gives the same run. The generator is xoshiro128**
 * (Blackman and Vigna), its state filled from the seed by a Weyl sequence through a 32-bit mixer.
 */
export class Prng implements Random {
  readonly seed: number;
  readonly #state = new Uint32Array(4);

  /** @param seed a whole number; its lower 32 bits count */
  constructor(seed: number) {
    this.seed = seed;
    for (let index = 0; index < 4; index++) this.#state[index] = mix(seed + index * 0x9e3779b9);
  }

  /** Uniform in [0, 1), in steps of 2^-53. */
  next(): number {
    return ((this.#word() >>> 5) * 0x4000000 + (this.#word() >>> 6)) / 2 ** 53;
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    for (let index = 0; index < count; index++) bytes[index] = this.#word() >>> 24;
    return bytes;
  }

  /** A whole number in [0, below). */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items, of which there is at least one. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('There is nothing to pick from.');
    return items[this.integer(items.length)] as T;
  }

  /** A copy in random order. */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let index = shuffled.length - 1; index > 0; index--) {
      const other = this.integer(index + 1);
      [shuffled[index], shuffled[other]] = [shuffled[other] as T, shuffled[index] as T];
    }
    return shuffled;
  }

  /** Another generator: what it is asked for doesn't shift the numbers of this one. */
  fork(): Prng {
    return new Prng(this.#word());
  }

  #word(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#state;
    const word = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    this.#state[0] = a ^ d ^ b;
    this.#state[1] = b ^ c ^ a;
    this.#state[2] = c ^ a ^ (b << 9);
    this.#state[3] = rotate(d ^ b, 11);
    return word;
  }
}

/**
 * The seed of a random test: `MILLRACE_SEED` when that is set, else a new one. Print it, so that
 * a failure can be repeated.
 */
export function seedFromEnvironment(): number {
  const text = process.env['MILLRACE_SEED'];
  if (text === undefined || text === '') return randomInt(2 ** 32);
  if (!/^\d+$/.test(text)) throw new Error(`MILLRACE_SEED=${text}: expected a whole number`);
  return Number(text);
}

function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
