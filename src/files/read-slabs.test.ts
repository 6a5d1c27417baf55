import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { releaseSlab } from '../core/slab-pool.ts';
import { chunkBytes, ReadSlabs } from './read-slabs.ts';

test('small reads share a slab without overlapping, until it is given away', () => {
  const slabs = new ReadSlabs(1000);
  const parts = Array.from({ length: 20 }, () => slabs.take(50_000));
  const memories = new Set(parts.map((part) => part.buffer));
  assert.equal(memories.size, 2);
  const places = parts.map((part) => `${[...memories].indexOf(part.buffer)} ${part.byteOffset}`);
  assert.equal(new Set(places).size, 20);
  for (const [index, part] of parts.entries()) part.fill(index);
  assert(parts.every((part, index) => part.every((byte) => byte === index)));
});

test('a shared slab is used again only when all who share it have released it', () => {
  const slabs = new ReadSlabs(1000);
  const [first, second] = [slabs.take(100_000), slabs.take(100_000)];
  // Enough for the next one to be begun, and let go, too.
  for (let count = 0; count < 10; count++) releaseSlab(slabs.take(100_000));
  releaseSlab(first);
  const others = Array.from({ length: 20 }, () => slabs.take(chunkBytes));
  assert(others.every((other) => other.buffer !== second.buffer));
  for (const other of others) releaseSlab(other);
  releaseSlab(second);
  const again = Array.from({ length: 80 }, () => slabs.take(chunkBytes));
  assert(again.some((other) => other.buffer === second.buffer));
});

test('what a line that is too long is read into is used again', () => {
  const slabs = new ReadSlabs(2 * chunkBytes);
  assert.equal(slabs.longBytes, 2 * chunkBytes + 1);
  const first = slabs.take(slabs.longBytes);
  releaseSlab(first);
  assert.equal(slabs.take(slabs.longBytes).buffer, first.buffer);
  assert.equal(new ReadSlabs(10).longBytes, chunkBytes);
});
