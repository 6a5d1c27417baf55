import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { releaseSlab, retainSlab, SlabPool } from './slab-pool.ts';

test('a slab is used again once its last owner has released it, and not before', () => {
  const pool = new SlabPool(1024, 2);
  const slab = pool.take();
  retainSlab(slab.subarray(10, 20));
  releaseSlab(slab);
  assert.notEqual(pool.take().buffer, slab.buffer);
  releaseSlab(slab);
  assert.equal(pool.take().buffer, slab.buffer);
});

test('no more slabs are kept than the pool may', () => {
  const pool = new SlabPool(1024, 1);
  const [one, two] = [pool.take(), pool.take()];
  releaseSlab(one);
  releaseSlab(two);
  const again = [pool.take().buffer, pool.take().buffer];
  assert.equal(again.filter((memory) => [one.buffer, two.buffer].includes(memory)).length, 1);
});

test('memory from elsewhere may be retained and released', () => {
  const buffer = Buffer.alloc(10);
  retainSlab(buffer);
  releaseSlab(buffer);
  releaseSlab(buffer);
});
