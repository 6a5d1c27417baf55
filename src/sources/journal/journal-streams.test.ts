import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { EventBatch } from '../../core/event-batch.ts';
import { FakeSourceContext } from '../../testing/fake-source-context.ts';
import { entryNumber, entryTraits, JournalStreams } from './journal-streams.ts';

const series = (index: number) => index.toString(16).padStart(32, '0');

function load(context: FakeSourceContext): JournalStreams {
  const streams = new JournalStreams(context, '');
  streams.load(0);
  return streams;
}

/** Hands on one entry. */
async function handOn(
  context: FakeSourceContext,
  streams: JournalStreams,
  of: string,
  number: number,
) {
  assert.equal(streams.place({ series: of, number }), 'new');
  await context.emit(EventBatch.of([{ body: `${number}` }], streams.origin(of, [number])));
}

test('a cursor says who numbered the entry, and how; and what is the same everywhere', () => {
  const of = 'ab'.repeat(16);
  const traits = 'b=00;m=1;t=2;x=3';
  assert.deepEqual(entryNumber(`s=${of};i=1f;${traits}`), { series: of, number: 31 });
  assert.equal(entryTraits(`s=${of};i=1f;${traits}`), traits);
  for (const cursor of ['', 'i=1;s=2', `s=${of};i=;b=`, `s=${of};i=ffffffffffffffff;b=0`]) {
    assert.equal(entryNumber(cursor), undefined, cursor);
  }
});

test('an entry is new once, read again it is known, and no other has its number', async () => {
  const context = new FakeSourceContext();
  const streams = load(context);
  await handOn(context, streams, series(1), 7);
  await handOn(context, streams, series(1), 9);
  assert.equal(streams.place({ series: series(1), number: 9 }), 'none');
  assert.equal(streams.place({ series: series(1), number: 8 }), 'none');
  streams.restart();
  assert.equal(streams.place({ series: series(1), number: 7 }), 'known');
  assert.equal(streams.place({ series: series(1), number: 9 }), 'known');
  assert.equal(streams.place({ series: series(1), number: 10 }), 'new');
  assert.equal(streams.place(undefined), 'none');
});

test('of very many series the one not read for longest is forgotten, if settled', async () => {
  const context = new FakeSourceContext();
  const streams = load(context);
  for (let index = 0; index < 1_000; index++) await handOn(context, streams, series(index), 1);
  await handOn(context, streams, series(0), 2);
  context.commit(({ stream }) => stream !== `r1/${series(1)}`);
  await handOn(context, streams, series(5_000), 1);
  const known = (index: number) => context.streams.get(`r1/${series(index)}`) !== undefined;
  assert.deepEqual([0, 1, 2, 3, 5_000].map(known), [true, true, false, true, true]);
});

test('a position is kept when all before it is settled, at most once a second', async () => {
  const context = new FakeSourceContext();
  const streams = load(context);
  const kept = () => JSON.stringify(context.streams.get('r1/position')?.identity);
  const nothing = kept();
  await handOn(context, streams, series(1), 1);
  streams.handedOn(streams.positionAt('first'));
  streams.keepPosition(0);
  assert.equal(kept(), nothing);
  context.commit();
  streams.keepPosition(1);
  assert.match(kept(), /"cursor":"first"/);
  await handOn(context, streams, series(1), 2);
  context.commit();
  streams.handedOn(streams.positionAt('second'));
  streams.keepPosition(1_000);
  assert.match(kept(), /"cursor":"first"/);
  streams.keepPosition(1_001);
  assert.match(kept(), /"cursor":"second"/);
});
