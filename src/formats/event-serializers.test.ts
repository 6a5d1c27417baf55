import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { EventBatch } from '../core/event-batch.ts';
import { createSerializer, once, readSequenceFile, writableBytes } from './index.ts';

test('a serializer and a reader can be used without an agent', async () => {
  const serializer = createSerializer('sequence_file', { codec: 'snappy', writeFormat: 'Text' });
  const batch = EventBatch.of([{ body: 'one' }, { body: 'two' }]);
  const file = Buffer.concat([
    ...serializer.begin(),
    ...serializer.write(batch),
    ...(await serializer.flush()),
  ]);
  const { header, records } = await readSequenceFile(once(file));
  const bodies: string[] = [];
  for await (const some of records) {
    for (const { value } of some) bodies.push(String(writableBytes(header.valueClass, value)));
  }
  assert.deepEqual(bodies, ['one', 'two']);
});

test('what can not be made is said', () => {
  assert.throws(() => createSerializer('jason'), /no serializer is called jason/);
  assert.throws(() => createSerializer('json', { body: 'x' }), /^Error: body: expected one of/);
  assert.throws(() => createSerializer('json', { bodies: 'x' }), /^Error: unknown: bodies/);
  assert.throws(() => createSerializer('sequence_file', { codec: 'lzo' }), /^Error: codec: .*lzo/);
});
