import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { EventBatch } from '../core/event-batch.ts';
import { configOf } from '../testing/config-of.ts';
import { RecordingLogger } from '../testing/recording-logger.ts';
import { sinkContract } from '../testing/sink-contract.ts';
import { loggerSink } from './logger.ts';

const contexts: RecordingLogger[] = [];
const config = configOf(loggerSink.fields, { maxBytesToLog: '100' });

sinkContract('logger', {
  create: (context) => {
    const log = new RecordingLogger();
    contexts.push(log);
    return loggerSink.create(config, { ...context, log });
  },
  settles: false,
  break: false,
});

test('the contract went through the log', () => {
  assert(contexts.some(({ lines }) => lines.length === 40));
});

async function logged(
  headers: Record<string, string>,
  body: string | Buffer,
  properties: Record<string, string> = {},
): Promise<string | undefined> {
  const log = new RecordingLogger();
  const context = { log } as unknown as Parameters<typeof loggerSink.create>[1];
  const sink = loggerSink.create(configOf(loggerSink.fields, properties), context);
  await sink.write(EventBatch.of([{ headers, body }]), 0);
  return log.lines[0]?.sentence;
}

test('an event reads as in Flume', async () => {
  const blanks = ' '.repeat(34);
  assert.equal(
    await logged({ k: 'v' }, 'hello'),
    `Event: { headers:{k=v} body: 68 65 6C 6C 6F${blanks}hello }`,
  );
});

test('further rows begin with their offset', async () => {
  const body = 'hello world, this is more than 16 bytes, and more';
  assert.equal(
    await logged({ k: 'v' }, body, { maxBytesToLog: '40' }),
    `Event: { headers:{k=v} body: ${[
      '68 65 6C 6C 6F 20 77 6F 72 6C 64 2C 20 74 68 69 hello world, thi',
      '00000010 73 20 69 73 20 6D 6F 72 65 20 74 68 61 6E 20 31 s is more than 1',
      '00000020 36 20 62 79 74 65 73 2C                         6 bytes,',
    ].join('\n')} }`,
  );
});

test('of an empty body nothing is shown, of bytes that are not printable a dot', async () => {
  assert.equal(await logged({}, ''), 'Event: { headers:{} body: }');
  const text = (await logged({}, Buffer.from([0, 0x7e, 0x7f, 0xff])))?.slice(-6, -2);
  assert.equal(text, '.~..');
});

test('16 bytes are shown unless told otherwise', async () => {
  assert.match((await logged({}, 'a'.repeat(50))) ?? '', /(61 ){16}a{16} \}$/);
  assert.equal(await logged({}, 'abc', { maxBytesToLog: '0' }), 'Event: { headers:{} body: }');
});
