import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { configOf } from '../testing/config-of.ts';
import { RecordingLogger } from '../testing/recording-logger.ts';
import { sinkContract } from '../testing/sink-contract.ts';
import { nullSink } from './null.ts';

const config = configOf(nullSink.fields, { logEveryNEvents: '10' });
const log = new RecordingLogger();
const create = (context: Parameters<typeof nullSink.create>[1]) =>
  nullSink.create(config, { ...context, log });

sinkContract('null', { create, settles: false, break: false });

test('the count is logged once for every so many events', () => {
  // 40 events went through the first test of the contract, in batches of up to 4.
  const counts = log.lines.map(({ fields }) => Number(fields['events']));
  assert.equal(counts.filter((count) => count >= 40).length, 2);
  assert(counts.every((count) => count % 10 < 4));
});
