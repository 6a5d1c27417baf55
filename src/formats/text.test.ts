import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { EventBatch } from '../core/event-batch.ts';
import { serializerContext } from '../testing/component-context.ts';
import { type ReadEvent, serializerContract } from '../testing/serializer-contract.ts';
import { textSerializer } from './text.ts';

const create = (appendNewline = true) =>
  textSerializer.create({ appendNewline }, serializerContext());

function readLines(file: Buffer): ReadEvent[] {
  const events: ReadEvent[] = [];
  for (let from = 0; from < file.length; ) {
    const to = file.indexOf(10, from);
    assert(to >= 0, 'every line ends');
    events.push({ body: file.subarray(from, to) });
    from = to + 1;
  }
  return events;
}

serializerContract('text', { create, read: readLines, bodies: 'lines', headers: 'none' });

function batchOf(slab: Buffer, bounds: readonly [number, number][]): EventBatch {
  const starts = Uint32Array.from(bounds, ([start]) => start);
  const ends = Uint32Array.from(bounds, ([, end]) => end);
  return new EventBatch(slab, starts, ends);
}

test('a run of lines leaves as one view of the slab, the last newline included', () => {
  const slab = Buffer.from('-one\n\nthree\n-');
  const batch = batchOf(slab, [
    [1, 4],
    [5, 5],
    [6, 11],
  ]);
  const written = create().write(batch);
  assert.deepEqual(written, [Buffer.from('one\n\nthree\n')]);
  assert.equal(written[0]?.buffer, slab.buffer);
  assert.equal(written[0]?.byteOffset, slab.byteOffset + 1);
});

test('a byte behind the last body that is no newline is not written', () => {
  const batch = batchOf(Buffer.from('one\ntwoX'), [
    [0, 3],
    [4, 7],
  ]);
  assert.equal(Buffer.concat(create().write(batch)).toString(), 'one\ntwo\n');
});

test('two long runs leave as two views, many short ones as one copy', () => {
  const long = Buffer.from(`${'a'.repeat(9000)}\n--${'b'.repeat(9000)}\n`);
  const two = create().write(
    batchOf(long, [
      [0, 9000],
      [9003, 18003],
    ]),
  );
  assert.deepEqual(
    two.map(({ buffer }) => buffer === long.buffer),
    [true, true],
  );
  const short = Buffer.from('a\r\nb\r\nc\r\n');
  const one = create().write(
    batchOf(short, [
      [0, 1],
      [3, 4],
      [6, 7],
    ]),
  );
  assert.deepEqual(one, [Buffer.from('a\nb\nc\n')]);
});

test('without appendNewline bodies follow each other directly', () => {
  const batch = batchOf(Buffer.from('one\ntwothree'), [
    [0, 3],
    [4, 7],
    [7, 12],
  ]);
  assert.equal(Buffer.concat(create(false).write(batch)).toString(), 'onetwothree');
});

test('the bytes of three events are those of a Flume 1.11', () => {
  const batch = EventBatch.of([{ body: 'one' }, { body: 'two' }, { body: 'three' }]);
  const written = Buffer.concat(create().write(batch)).toString('hex');
  assert.equal(written, '6f6e650a74776f0a74687265650a');
});
