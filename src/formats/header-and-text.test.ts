import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { EventBatch } from '../core/event-batch.ts';
import { serializerContext } from '../testing/component-context.ts';
import { type ReadEvent, serializerContract } from '../testing/serializer-contract.ts';
import { headerAndTextSerializer } from './header-and-text.ts';

const create = (appendNewline = true) =>
  headerAndTextSerializer.create({ appendNewline }, serializerContext());

function readEvents(file: Buffer): ReadEvent[] {
  const events: ReadEvent[] = [];
  for (let from = 0; from < file.length; ) {
    const to = file.indexOf(10, from);
    const map = file.indexOf('} ', from);
    assert(file[from] === 123 && map >= 0 && to >= 0);
    const text = file.toString('utf8', from + 1, map);
    const entries = text === '' ? [] : text.split(', ').map((entry) => entry.split('='));
    events.push({ headers: Object.fromEntries(entries), body: file.subarray(map + 2, to) });
    from = to + 1;
  }
  return events;
}

serializerContract('header_and_text', {
  create,
  read: readEvents,
  bodies: 'lines',
  headers: 'words',
});

const written = (headers: Record<string, string>, appendNewline = true) =>
  Buffer.concat(create(appendNewline).write(EventBatch.of([{ headers, body: 'b' }]))).toString();

test('headers stand in the order of a Java hash map', () => {
  const headers = { k: 'v', timestamp: '123', datacenter: 'NY', host: 'h1' };
  assert.equal(written(headers), '{host=h1, datacenter=NY, k=v, timestamp=123} b\n');
});

test('names of one bucket keep the order in which they were set', () => {
  assert.equal(written({ Aa: '1', BB: '2' }), '{Aa=1, BB=2} b\n');
  assert.equal(written({ BB: '2', Aa: '1' }), '{BB=2, Aa=1} b\n');
});

test('without appendNewline events follow each other directly', () => {
  assert.equal(written({}, false), '{} b');
});
