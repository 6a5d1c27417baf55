import assert from 'node:assert/strict';
import { FormatError } from '../../../src/core/errors.ts';
import { RareLog } from '../../../src/core/rare-log.ts';
import { ExportParser } from '../../../src/sources/journal/export-parser.ts';
import { JournalEntries } from '../../../src/sources/journal/journal-entries.ts';
import { JournalStreams } from '../../../src/sources/journal/journal-streams.ts';
import { FakeSourceContext } from '../../../src/testing/fake-source-context.ts';
import { exportEntry } from '../../../testbed/journal.ts';
import { expecting, type FuzzTarget, kindOf } from '../target.ts';

const series = 'a'.repeat(32);
const maxBodyBytes = 64;
const cursor = (number: number, of = series) => `s=${of};i=${number.toString(16)};b=0;m=1;t=2;x=3`;
const entry = (number: number, fields: Readonly<Record<string, string | Buffer>>) =>
  exportEntry({ __CURSOR: cursor(number), ...fields }, 1_795_000_000_000_000 + number);

const valid = [
  Buffer.concat([
    entry(1, { MESSAGE: 'hello', _HOSTNAME: 'web', _PID: '1' }),
    entry(2, { MESSAGE: Buffer.from('a\n\nb'), OTHER: Buffer.alloc(20) }),
  ]),
  Buffer.concat([
    entry(9, { MESSAGE: 'x'.repeat(100) }),
    entry(255, {}),
    entry(256, { _PID: '2' }),
  ]),
  Buffer.concat([entry(5, { MESSAGE: 'same' }), entry(5, { MESSAGE: 'number' }), entry(4, {})]),
];

interface Outcome {
  readonly bodies: readonly string[];
  readonly headers: string;
  readonly cursor: string | undefined;
  readonly failure: string | undefined;
}

/** What arrives of an export that comes in pieces of this size. */
async function read(
  input: Buffer,
  pieceBytes: number,
  first: string | undefined,
): Promise<Outcome> {
  const context = new FakeSourceContext();
  const { counters, log, clock } = context;
  const streams = new JournalStreams(context, '');
  streams.load(0);
  const headers = [
    { field: '_HOSTNAME', header: 'host' },
    { field: '_PID', header: '_PID' },
  ];
  const options = { body: 'MESSAGE', headers, maxBodyBytes, maxEvents: 10 };
  const entries = new JournalEntries(options, streams, counters, new RareLog(log, clock));
  entries.begin({ cursor: first, required: first !== undefined, sinceUs: 0 });
  const parser = new ExportParser(entries.wanted, entries);
  const parsed = expecting([FormatError], () => {
    for (let at = 0; at < input.length; at += pieceBytes) {
      parser.push(Buffer.from(input.subarray(at, at + pieceBytes)));
    }
  });
  for (const batch of entries.take()) {
    await context.emit(batch.events);
    entries.done(batch);
  }
  return {
    bodies: context.bodies,
    headers: JSON.stringify(context.events.map((event) => event.headers)),
    cursor: entries.cursor,
    failure: 'error' in parsed ? parsed.error.message : undefined,
  };
}

export const journalTarget: FuzzTarget = {
  name: 'journal',
  tokens: [
    '\n',
    '\n\n',
    '=',
    'MESSAGE',
    'MESSAGE=',
    'MESSAGE\n',
    '__CURSOR=',
    `__CURSOR=${cursor(3)}\n`,
    `__CURSOR=${cursor(7, 'b'.repeat(32))}\n`,
    '__REALTIME_TIMESTAMP=9\n',
    '_PID=',
    '\x01\0\0\0\0\0\0\0',
    '\0\0\0\x10\0\0\0\0',
    '\xff\xff\xff\xff\xff\xff\xff\xff',
  ],
  seeds: () => valid,
  run: async (input) => {
    const first = (input[0] ?? 0) % 8 === 0 ? cursor(1) : undefined;
    const whole = await read(input, Math.max(1, input.length), first);
    const pieces = await read(input, 1 + ((input.at(-1) ?? 0) % 9), first);
    assert.deepEqual(pieces, whole);
    for (const body of whole.bodies) assert(Buffer.byteLength(body) <= maxBodyBytes * 3);
    const kind = whole.failure === undefined ? '' : kindOf(new Error(whole.failure));
    return `${Math.min(9, whole.bodies.length)} ${kind}`;
  },
};
