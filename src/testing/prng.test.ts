import { strict as assert } from 'node:assert';
import { afterEach, test } from 'node:test';
import { Prng, seedFromEnvironment } from './prng.ts';

const given = process.env['MILLRACE_SEED'];
afterEach(() => {
  if (given === undefined) delete process.env['MILLRACE_SEED'];
  else process.env['MILLRACE_SEED'] = given;
});

test('the same seed gives the same numbers, another seed others', () => {
  const draw = (seed: number) => {
    const prng = new Prng(seed);
    return [prng.next(), prng.integer(1e9), prng.bytes(8).toString('hex'), prng.fork().next()];
  };
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
});

test('numbers are spread evenly', () => {
  const prng = new Prng(1);
  const counts = new Array<number>(10).fill(0);
  const rounds = 20_000;
  for (let round = 0; round < rounds; round++) {
    const index = prng.integer(10);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  assert.equal(counts.length, 10);
  for (const count of counts) assert.ok(Math.abs(count - rounds / 10) < 300, `${counts}`);
  const bytes = prng.bytes(rounds);
  assert.ok(Math.abs(bytes.reduce((sum, byte) => sum + byte, 0) / rounds - 127.5) < 3);
  assert.ok(new Set(bytes).size === 256);
});

test('a chance of 0 never comes, one of 1 always', () => {
  const prng = new Prng(2);
  for (let round = 0; round < 1_000; round++) {
    assert.equal(prng.chance(0), false);
    assert.equal(prng.chance(1), true);
  }
});

test('every item is picked, every order is shuffled to, and the items stay as they were', () => {
  const prng = new Prng(3);
  const items = ['a', 'b', 'c'];
  const picked = new Set<string>();
  const orders = new Set<string>();
  for (let round = 0; round < 200; round++) {
    picked.add(prng.pick(items));
    orders.add(prng.shuffle(items).join(''));
  }
  assert.deepEqual([...picked].sort(), items);
  assert.equal(orders.size, 6);
  assert.deepEqual(items, ['a', 'b', 'c']);
  assert.throws(() => prng.pick([]), RangeError);
});

test('the seed comes from MILLRACE_SEED, or is a new one', () => {
  process.env['MILLRACE_SEED'] = '1234';
  assert.equal(seedFromEnvironment(), 1234);
  process.env['MILLRACE_SEED'] = 'x';
  assert.throws(() => seedFromEnvironment(), /MILLRACE_SEED=x/);
  delete process.env['MILLRACE_SEED'];
  assert.notEqual(seedFromEnvironment(), seedFromEnvironment());
});
