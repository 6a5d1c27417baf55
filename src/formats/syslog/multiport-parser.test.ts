import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { describe, test } from 'node:test';
import { eventsOf, messagesOf, now } from './fake-messages.ts';
import { keptFields } from './keep-fields.ts';
import { charsetNote, type MessageCharset, MultiportParser } from './multiport-parser.ts';

/* Values marked "seen" are those that Flume 1.11 gave for the same bytes. */

// No value depends on it.
process.env['TZ'] = 'America/New_York';

const utf8: MessageCharset = {
  isUtf8: true,
  decode: (bytes) => (isUtf8(bytes) ? bytes.toString() : undefined),
};
const latin1: MessageCharset = { isUtf8: false, decode: (bytes) => bytes.toString('latin1') };

function parserOf(keepFields = 'none', reportBad: (bad: unknown) => void = () => {}) {
  const kept = keptFields(keepFields);
  return new MultiportParser({ kept, charsets: [utf8, latin1], reportBad });
}

function parse(lines: readonly string[], keepFields = 'none'): Record<string, string>[] {
  const batch = parserOf(keepFields).toBatch(messagesOf(lines.map((bytes) => ({ bytes }))));
  return eventsOf(batch);
}

const of13 = { Priority: '13', Facility: '1', Severity: '5' };
const of34 = { Priority: '34', Facility: '4', Severity: '2' };
const nov20 = '1795169472000';

const vectors: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // Seen, but for the year, which was 2001.
  '<13>Jan  5 10:11:12 myhost app: old': {
    ...of13,
    timestamp: '1767607872000',
    host: 'myhost',
    body: 'app: old',
  },
  // Seen.
  '<34>1 2026-11-20T10:11:12.5+05:00 h5424 - - body': {
    ...of34,
    Version: '1',
    timestamp: '1795151472500',
    host: 'h5424',
    body: '- - body',
  },
  '<13>1 - h nilts': {
    ...of13,
    Version: '1',
    timestamp: String(now),
    host: 'h',
    body: 'nilts',
  },
  '<13>Nov 20 10:11:12 onlyhost ': {
    ...of13,
    timestamp: nov20,
    host: 'onlyhost',
    body: '<13>Nov 20 10:11:12 onlyhost ',
  },
  // As the same rules say.
  '<13>Nov 20 10:11:12 h t\r': { ...of13, timestamp: nov20, host: 'h', body: 't\r' },
  '<13>NOV 20 10:11:12 h t': { ...of13, timestamp: nov20, host: 'h', body: 't' },
  '<13>Nov 20 10:11:12:h t': { ...of13, timestamp: nov20, host: 'h', body: 't' },
  '<13>Nov 20 10:11:12: h t': { ...of13, timestamp: nov20, host: '', body: 'h t' },
  '<13>Feb 30 10:11:12 h t': { ...of13, timestamp: '0', host: 'h', body: 't' },
  '<13>Nov 20 24:11:12 h t': { ...of13, timestamp: '0', host: 'h', body: 't' },
  '<13>Number of words: h t': { ...of13, timestamp: '0', host: '', body: 'h t' },
  '<13>2026-11-20T10:11:12Z h t': { ...of13, timestamp: nov20, host: 'h', body: 't' },
  '<13>1 2026-11-20T10:11:12X - t': {
    ...of13,
    Version: '1',
    timestamp: nov20,
    host: '-',
    body: 't',
  },
  '<13>1 2026-11-20T10:11:12.123987Z fe80::1 t': {
    ...of13,
    Version: '1',
    timestamp: '1795169472123',
    host: 'fe80::1',
    body: 't',
  },
  '<13>1 2026-11-20T10:11:12.05-01:30 häst t': {
    ...of13,
    Version: '1',
    timestamp: '1795174872050',
    host: 'häst',
    body: 't',
  },
  '<00191>- h t': {
    Priority: '00191',
    Facility: '23',
    Severity: '7',
    timestamp: String(now),
    host: 'h',
    body: 't',
  },
  '<99999>- h t': {
    Priority: '99999',
    Facility: '12499',
    Severity: '7',
    timestamp: String(now),
    host: 'h',
    body: 't',
  },
  // Not as in Flume, which takes a byte of the host here.
  '<13>Nov 5 10:11:12 host t': { ...of13, timestamp: '1793873472000', host: 'host', body: 't' },
};

const bad = [
  'not syslog', // Seen.
  '<',
  '<>- h t',
  '<13',
  '<13>',
  '<1x>- h t',
  '<-5>- h t',
  '<123456>- h t',
  '<13>nofmt',
  '<13>-',
  '<13>- ',
  '<13>- h',
  '<13>Nov 20 10:11:1',
  '<13>Nov 20 10:11:12',
  '<13>Nov 20 10:11:12 h',
  '<13> Nov 20 10:11:12 h t',
  '<13>2 2026-11-20T10:11:12Z h t',
  '<13>1 2026-11-20T10:11:12 h t',
  '<13>1 2026-13-20T10:11:12Z h t',
  '<13>1 2026-02-29T10:11:12Z h t',
  '<13>1 2026-11-20T10:11:12. h t',
  '<13>1 2026-11-20T10:11:12.5 h t',
  '<13>1 2026-11-20T10:11:12+0500 h t',
  '<13>1 2026-11-20T10:11:12Z',
];
for (const line of bad) {
  Object.assign(vectors, { [line]: { 'flume.syslog.status': 'Invalid', body: line } });
}

describe('the parser of multiport_syslogtcp', () => {
  for (const [line, expected] of Object.entries(vectors)) {
    test(`takes ${JSON.stringify(line)} as Flume does`, () => {
      assert.deepEqual(parse([line]), [expected]);
    });
  }

  test('gives the same for each message, whichever are beside it', () => {
    const lines = Object.keys(vectors);
    assert.deepEqual(parse(lines), Object.values(vectors));
    assert.deepEqual(parse(lines.toReversed()), Object.values(vectors).reverse());
  });

  test('keeps the fields it is told to, the time as it stood there', () => {
    const lines = ['<13>Nov  5 10:11:12 h t', '<13>1 - - t', '<13>1 2026-11-20T10:11:12Z h t'];
    const keep = (keepFields: string) => parse(lines, keepFields).map(({ body }) => body);
    assert.deepEqual(keep('all'), lines);
    assert.deepEqual(keep('priority version timestamp hostname'), lines);
    assert.deepEqual(keep('timestamp'), ['Nov  5 10:11:12 t', '- t', '2026-11-20T10:11:12Z t']);
    assert.deepEqual(keep('version hostname'), ['h t', '1 - t', '1 h t']);
  });

  test('what is not whole is marked, unless it is Invalid, and bad ones are counted', () => {
    const reports: unknown[] = [];
    const parser = parserOf('none', (report) => reports.push(report));
    const batch = parser.toBatch(
      messagesOf([
        { bytes: '<13>- h cut', isCut: true },
        { bytes: 'the rest', isCut: true },
        { bytes: '<13>- h good' },
      ]),
    );
    assert.deepEqual(
      eventsOf(batch).map((event) => event['flume.syslog.status']),
      ['Incomplete', 'Invalid', undefined],
    );
    assert.deepEqual(reports, [{ invalid: 1, cut: 2 }]);
  });
});

describe('a message that is no text in its charset', () => {
  const good = Buffer.from('<13>- höst t');
  const wrong = Buffer.from('<13>- höst t', 'latin1');

  test('is Invalid, with its bytes as they came, and costs no other', () => {
    const batch = parserOf().toBatch(
      messagesOf([{ bytes: good }, { bytes: wrong }, { bytes: '<13>- h t' }]),
    );
    assert.deepEqual(
      [0, 1, 2].map((row) => batch.header(row, 'host')),
      ['höst', undefined, 'h'],
    );
    assert.equal(batch.header(1, 'flume.syslog.status'), 'Invalid');
    assert.deepEqual(batch.body(1), wrong);
  });

  test('is fine in another', () => {
    const batch = parserOf().toBatch(
      messagesOf([{ bytes: wrong, note: charsetNote(1) }, { bytes: good }]),
    );
    assert.deepEqual(
      [0, 1].map((row) => batch.header(row, 'host')),
      ['höst', 'höst'],
    );
    assert.deepEqual(batch.body(0), Buffer.from('t'));
  });

  test('is Invalid also where a cut puts the rest of its last character behind it', () => {
    const [head, tail] = [Buffer.from('<13>- h tö'), Buffer.from('ö')];
    const batch = parserOf().toBatch(
      messagesOf([{ bytes: head.subarray(0, -1), isCut: true }, { bytes: tail.subarray(1) }]),
    );
    assert.equal(batch.header(0, 'flume.syslog.status'), 'Invalid');
    assert.equal(batch.header(1, 'flume.syslog.status'), 'Invalid');
    assert.deepEqual(batch.body(0), head.subarray(0, -1));
  });
});
