import { strict as assert } from 'node:assert';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ChannelFullError, FormatError } from '../../core/errors.ts';
import { Prng, seedFromEnvironment } from '../../testing/prng.ts';
import { spools } from './fake-spool.ts';
import { encodeFlumeTracker, parseFlumeTracker } from './flume-tracker.ts';

/** Of Flume 1.11 that was killed after three batches of 100 numbers; another path was put in. */
const golden = Buffer.from(
  [
    'T2JqAQQWYXZyby5zY2hlbWGQAnsidHlwZSI6InJlY29yZCIsIm5hbWUiOiJUcmFuc2ZlclN0YXRlRmlsZU1ldG',
    'EiLCJuYW1lc3BhY2UiOiJvcmcuYXBhY2hlLmZsdW1lLnNlcmlhbGl6YXRpb24iLCJmaWVsZHMiOlt7Im5hbWUi',
    'OiJvZmZzZXQiLCJ0eXBlIjoibG9uZyJ9XX0IZmlsZSwvdmFyL3Nwb29sMS9pbi9hcHAubG9nAK2Alho5uhcu/E',
    'N6xnOTLe8CBMgErYCWGjm6Fy78Q3rGc5Mt7wIE6AqtgJYaOboXLvxDesZzky3vAgSIEa2Alho5uhcu/EN6xnOT',
    'Le8=',
  ].join(''),
  'base64',
);

test('the last record counts', () => {
  assert.deepEqual(parseFlumeTracker(golden), { path: '/var/spool1/in/app.log', offset: 1092 });
});

test('what is written for Flume is read again', () => {
  for (const offset of [0, 63, 64, 1092, 2 ** 31, 2 ** 48]) {
    const position = { path: '/var/spool1/in/é.log', offset };
    assert.deepEqual(parseFlumeTracker(encodeFlumeTracker(position)), position);
  }
  const ours = encodeFlumeTracker({ path: '/var/spool1/in/app.log', offset: 292 });
  const theirs = golden.subarray(0, golden.length - 2 * 20);
  assert.equal(ours.length, theirs.length);
  const header = theirs.length - 16 - 20;
  assert.deepEqual(ours.subarray(0, header), theirs.subarray(0, header));
});

test('a record that breaks off does not count', () => {
  const header = golden.length - 3 * 20;
  for (let length = header; length < golden.length; length++) {
    const { offset } = parseFlumeTracker(golden.subarray(0, length));
    assert.equal(offset, [0, 292, 692][Math.floor((length - header) / 20)], `${length}`);
  }
});

test('what is cut off before the first record, or is none, is an error', () => {
  for (let length = 0; length < golden.length - 60; length++) {
    assert.throws(() => parseFlumeTracker(golden.subarray(0, length)), FormatError, `${length}`);
  }
});

test('any bytes give a position or an error', (context) => {
  const seed = seedFromEnvironment();
  context.diagnostic(`MILLRACE_SEED=${seed}`);
  const random = new Prng(seed);
  for (let round = 0; round < 5_000; round++) {
    const bytes = Buffer.from(golden);
    for (let change = 0; change <= random.integer(4); change++) {
      bytes[random.integer(bytes.length)] = random.integer(256);
    }
    try {
      const { offset } = parseFlumeTracker(bytes);
      assert(Number.isSafeInteger(offset) && offset >= 0, bytes.toString('hex'));
    } catch (error) {
      assert(error instanceof FormatError, bytes.toString('hex'));
    }
  }
});

/** Flume's tracker file for a path of the same length as the golden one's. */
function trackerOf(path: string): Buffer {
  const [before, after] = golden.toString('latin1').split('/var/spool1/in/app.log');
  assert(before && after);
  // The length stands before the path, as a zigzag varint.
  const length = Buffer.byteLength(path) * 2;
  const varint = length < 128 ? [length] : [(length & 127) | 128, length >> 7];
  const start = Buffer.from(before.slice(0, -1), 'latin1');
  return Buffer.concat([
    start,
    Buffer.from(varint),
    Buffer.from(path),
    Buffer.from(after, 'latin1'),
  ]);
}

spools('a file that Flume was reading is gone on with, and the tracker goes with it', async (t) => {
  const lines = Array.from({ length: 400 }, (_, index) => `${index + 1}`);
  t.drop('app.log', `${lines.join('\n')}\n`);
  mkdirSync(t.path('.flumespool'));
  writeFileSync(t.path('.flumespool/.flumespool-main.meta'), trackerOf(t.path('app.log')));
  await t.start();
  await t.poll();
  assert.deepEqual(t.bodies, lines.slice(300));
  assert.deepEqual(t.names('.flumespool'), ['.flumespool-main.meta']);
  t.context.commit(({ body }) => body === '301');
  await t.crash();
  await t.start();
  await t.pass();
  assert.deepEqual(t.bodies, lines.slice(300));
  assert.deepEqual(t.names('.flumespool'), []);
  t.drop('app.log', `${lines.join('\n')}\n`);
  await t.pass();
  assert.equal(t.bodies.length, 500, 'another file of that name is read from its beginning');
});

spools(
  'a tracker of a file that is gone is removed, for another one may get its name',
  async (t) => {
    mkdirSync(t.path('.flumespool'));
    writeFileSync(t.path('.flumespool/.flumespool-main.meta'), trackerOf(t.path('app.log')));
    await t.start();
    await t.poll();
    assert.deepEqual(t.names('.flumespool'), []);
  },
);

spools('a stop within a file tells Flume how far it was read', async (t) => {
  t.properties = { batchSize: '100' };
  const lines = Array.from({ length: 400 }, (_, index) => `${index + 1}`);
  t.drop('app.log', `${lines.join('\n')}\n`);
  await t.start();
  t.context.beforePut = (batch) => {
    if (batch.body(0).toString() === '301') throw new ChannelFullError('c1', 'for a test');
  };
  await assert.rejects(t.poll(), ChannelFullError);
  t.context.commit();
  await t.stop();
  const tracker = readFileSync(t.path('.flumespool/.flumespool-main.meta'));
  assert.deepEqual(parseFlumeTracker(tracker), { path: t.path('app.log'), offset: 1092 });
  t.context.beforePut = undefined;
  await t.start();
  await t.pass();
  assert.deepEqual(t.bodies, lines);
  await t.stop();
  assert.deepEqual(t.names('.flumespool'), []);
});

spools('a tracker that can not be read costs nothing but where Flume was', async (t) => {
  t.drop('app.log', '1\n');
  mkdirSync(t.path('.flumespool'));
  writeFileSync(t.path('.flumespool/.flumespool-main.meta'), 'Obj?');
  await t.start();
  await t.poll();
  assert.deepEqual(t.bodies, ['1']);
  assert.equal(t.said("Flume's tracker file can not be read"), 1);
});
